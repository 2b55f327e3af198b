//! What registries have been seen to do, each with a stand-in that does it; and what they may never get out of us.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use portcullis::io::registry::{Access, Content, Login, Logins, OnBytes, Options, Patience, Pushed, Registry, RegistryError, Repository};
use portcullis::io::secret::Secret;
use portcullis::io::{Effects, hash};
use portcullis::model::digest::Digest;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::image::media_type;
use portcullis::model::image_ref::ImageRef;
use portcullis::stage::publish::PublishError;
use portcullis::stage::publish::sign::SigningKey;
use serde_json::{Value, json};

use crate::support::images::{COMMIT, image};
use crate::support::publishing::{Workplace, registry};
use crate::support::quirks::{Chunks, Quirks, QuirkyRegistry};

const QUICK: Options = Options {
    access: Access::Write,
    plain_http: false,
    patience: Patience {
        attempts: 2,
        first: Duration::from_millis(5),
        longest: Duration::from_millis(20),
        in_all: Duration::from_secs(20),
    },
};

fn quiet() -> OnBytes {
    Arc::new(|_| {})
}

fn client(stand_in: &QuirkyRegistry, effects: &Effects) -> Registry {
    Registry::open(&stand_in.repository("a"), QUICK, effects).unwrap()
}

#[tokio::test]
async fn an_upload_that_broke_goes_on_whatever_a_registry_makes_of_chunks() {
    let place = Workplace::new();
    let blob: Vec<u8> = (0..7_000_001_u32).map(|at| (at % 251) as u8).collect();
    let digest = hash::sha256(&blob);
    for chunks in [Chunks::Plain, Chunks::Small, Chunks::Created, Chunks::WrongOnce, Chunks::Refused] {
        let stand_in = QuirkyRegistry::start(Quirks {
            chunks,
            break_first: true,
            ..Quirks::default()
        })
        .await;
        let content = Content::Bytes(Bytes::from(blob.clone()));
        let pushed = client(&stand_in, &place.effects)
            .push_blob(&digest, blob.len() as u64, &content, None, &quiet())
            .await;
        assert_eq!(pushed.unwrap(), Pushed::Sent, "{chunks:?}");
        assert_eq!(stand_in.blob(&digest.to_string()).as_deref(), Some(&blob[..]), "{chunks:?}");
        let patches: Vec<usize> = stand_in
            .asked()
            .iter()
            .filter(|a| a.method == Method::PATCH)
            .map(|a| a.bytes)
            .collect();
        assert!(
            !patches.is_empty() && patches.iter().all(|bytes| *bytes <= 3 << 20),
            "{chunks:?}: {patches:?}"
        );
    }
}

#[tokio::test]
async fn a_mount_that_is_refused_is_an_upload() {
    let place = Workplace::new();
    let content = Content::Bytes(Bytes::from_static(b"layer"));
    let digest = hash::sha256(b"layer");
    for (mount, expected) in [
        (202, Pushed::Sent),
        (401, Pushed::Sent),
        (403, Pushed::Sent),
        (404, Pushed::Sent),
        (201, Pushed::Mounted),
    ] {
        let stand_in = QuirkyRegistry::start(Quirks {
            mount,
            ..Quirks::default()
        })
        .await;
        let from = Repository::parse(&stand_in.repository("base")).unwrap();
        let pushed = client(&stand_in, &place.effects)
            .push_blob(&digest, 5, &content, Some(&from), &quiet())
            .await;
        assert_eq!(pushed.unwrap(), expected, "{mount}");
    }
}

#[tokio::test]
async fn an_immutable_tag_that_names_our_digest_already_is_a_success() {
    for status in [400, 412] {
        let (place, stand_in) = (Workplace::new(), QuirkyRegistry::start(Quirks::default()).await);
        let (ours, plan) = (place.image(), place.plan(registry(stand_in.repository("a"))));
        place.publish(&ours, &plan).await.unwrap();
        // Somebody else published the same between our question and our push.
        stand_in.change(|quirks| (quirks.immutable, quirks.hidden) = (Some(status), 2));
        place.publish(&ours, &plan).await.unwrap();
        let other = image(&place.path("other"), &[b"another".to_vec()]);
        stand_in.change(|quirks| quirks.hidden = 2);
        let error = place.publish(&other, &plan).await.unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, PublishError::TagTaken { .. }), "{said}");
        assert!(
            said.contains(&ours.digest.to_string()) && said.contains(&other.digest.to_string()),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_tag_that_somebody_moved_while_we_set_it_names_both_digests() {
    let (place, stolen) = (Workplace::new(), Bytes::from_static(b"{\"schemaVersion\":2}"));
    let stand_in = QuirkyRegistry::start(Quirks {
        stolen: Some(stolen.clone()),
        ..Quirks::default()
    })
    .await;
    let ours = place.image();
    let error = place
        .publish(&ours, &place.plan(registry(stand_in.repository("a"))))
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains(COMMIT) && said.contains(&ours.digest.to_string()) && said.contains(&hash::sha256(&stolen).to_string()),
        "{said}"
    );
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
}

#[tokio::test]
async fn every_attestation_is_there_before_the_tag_is_set() {
    let (place, stand_in) = (Workplace::new(), QuirkyRegistry::start(Quirks::default()).await);
    place
        .publish(&place.image(), &place.plan(registry(stand_in.repository("a"))))
        .await
        .unwrap();
    let puts: Vec<String> = stand_in
        .asked()
        .into_iter()
        .filter(|asked| asked.method == Method::PUT && asked.path.contains("/manifests/"))
        .map(|asked| asked.path)
        .collect();
    assert!(puts.len() > 3 && puts.last().unwrap().ends_with(COMMIT), "{puts:#?}");
    assert!(
        puts[..puts.len() - 1].iter().all(|path| path.contains("/manifests/sha256")),
        "{puts:#?}"
    );
}

#[tokio::test]
async fn an_attestation_that_the_registry_does_not_list_leaves_no_tag() {
    for kept in [&[][..], &[3]] {
        let place = Workplace::new();
        let others: Vec<Value> = kept
            .iter()
            .map(|number| {
                let mut other = entry(*number);
                other["artifactType"] = json!("application/vnd.example.other");
                other
            })
            .collect();
        let stand_in = QuirkyRegistry::start(Quirks {
            referrers: vec![(200, None, list(&others))],
            unlisted: true,
            ..Quirks::default()
        })
        .await;
        let plan = place.plan(registry(stand_in.repository("a")));
        let error = place.publish(&place.image(), &plan).await.unwrap_err();
        assert!(
            matches!(&error, PublishError::NotKept { what, .. } if what.starts_with("attestation sha256:")),
            "{error}"
        );
        assert!(!stand_in.asked().iter().any(|a| a.method == Method::PUT && a.path.ends_with(COMMIT)));
    }
}

fn entry(number: u8) -> Value {
    json!({"mediaType": media_type::OCI_MANIFEST, "digest": Digest::from_bytes([number; 32]), "size": 9})
}

fn list(entries: &[Value]) -> String {
    json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries}).to_string()
}

#[tokio::test]
async fn referrers_are_found_under_the_tag_when_the_api_fails_or_gives_nothing() {
    let place = Workplace::new();
    let image = Digest::from_bytes([1; 32]);
    let empty = list(&[]);
    for (answers, known_without_tag, known_with_tag) in [
        (vec![], true, true),
        (vec![(404, None, String::new())], true, true),
        (vec![(303, Some("/limited".to_owned()), String::new())], false, true),
        (vec![(200, None, empty)], true, true),
        // It has a list, and does not give it: what only that list has could say no.
        (vec![(429, None, String::new())], false, false),
        (vec![(503, None, String::new())], false, false),
        (vec![(418, None, String::new())], false, false),
    ] {
        let stand_in = QuirkyRegistry::start(Quirks {
            referrers: answers.clone(),
            ..Quirks::default()
        })
        .await;
        let nothing = client(&stand_in, &place.effects).referrers(&image).await;
        assert_eq!(nothing.is_ok_and(|found| found.list.is_empty()), known_without_tag, "{answers:?}");
        let tag = portcullis::io::registry::referrers_tag(&image);
        stand_in.put_manifest(&tag, media_type::OCI_INDEX, list(&[entry(2)]).as_bytes());
        match client(&stand_in, &place.effects).referrers(&image).await {
            Ok(found) => assert_eq!((found.list.len(), found.by_tag, known_with_tag), (1, 1, true), "{answers:?}"),
            Err(error) => assert!(!known_with_tag, "{answers:?}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_list_of_referrers_that_fails_once_is_not_taken_for_a_registry_that_has_none() {
    let place = Workplace::new();
    let image = Digest::from_bytes([1; 32]);
    let ours = (200, None, list(&[entry(3)]));
    let nobodys = || (200, None, list(&[]));
    let moved = |to: &str| (303, Some(to.to_owned()), String::new());
    let absent = |status: u16| (status, None, String::new());
    for (answers, known) in [
        (vec![absent(404), nobodys(), ours.clone()], true),
        (vec![absent(400), nobodys(), ours.clone()], true),
        (vec![moved("/page"), nobodys(), ours], true),
        (vec![absent(404), nobodys(), absent(404)], false),
        (vec![moved("/page"), nobodys(), moved("/page")], false),
        // Sent on to the API of another name, which says to strangers that it has nothing.
        (vec![moved("/v2/moved/referrers/x"), absent(404)], false),
    ] {
        let stand_in = QuirkyRegistry::start(Quirks {
            referrers: answers.clone(),
            ..Quirks::default()
        })
        .await;
        let tag = portcullis::io::registry::referrers_tag(&image);
        stand_in.put_manifest(&tag, media_type::OCI_INDEX, list(&[entry(2)]).as_bytes());
        match client(&stand_in, &place.effects).referrers(&image).await {
            Ok(found) => assert_eq!(
                (found.by_api.map(|listed| listed.len()), found.by_tag, known),
                (Some(1), 1, true),
                "{answers:?}"
            ),
            Err(error) => assert!(!known, "{answers:?}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_tag_of_referrers_that_leads_to_a_page_that_is_not_there_is_no_tag_that_is_not_there() {
    let place = Workplace::new();
    let image = Digest::from_bytes([1; 32]);
    for (tags_lead_to_no_page, known) in [(false, true), (true, false)] {
        let stand_in = QuirkyRegistry::start(Quirks {
            referrers: vec![(200, None, list(&[entry(3)]))],
            tags_lead_to_no_page,
            ..Quirks::default()
        })
        .await;
        assert_eq!(client(&stand_in, &place.effects).referrers(&image).await.is_ok(), known);
    }
}

#[tokio::test]
async fn every_page_of_referrers_and_the_tag_beside_them_are_read() {
    let place = Workplace::new();
    let image = Digest::from_bytes([1; 32]);
    let next = |to: &str| Some(format!("<{to}>; rel=\"next\""));
    let pages = |second: Option<String>| {
        vec![
            (200, next("/v2/a/referrers/page2"), list(&[entry(2)])),
            (200, second, list(&[entry(3)])),
        ]
    };
    let stand_in = QuirkyRegistry::start(Quirks {
        referrers: pages(None),
        ..Quirks::default()
    })
    .await;
    let tag = portcullis::io::registry::referrers_tag(&image);
    stand_in.put_manifest(&tag, media_type::OCI_INDEX, list(&[entry(3), entry(4)]).as_bytes());
    let found = client(&stand_in, &place.effects).referrers(&image).await.unwrap();
    let listed = found.by_api.map(|listed| listed.len());
    assert_eq!((found.list.len(), listed, found.by_tag), (3, Some(2), 2));
    // A page that is not of this repository would be left out.
    for elsewhere in ["http://192.0.2.1/v2/a/referrers/x", "/v2/ab/referrers/x", "no link"] {
        let link = if elsewhere == "no link" {
            Some(elsewhere.to_owned())
        } else {
            next(elsewhere)
        };
        let stand_in = QuirkyRegistry::start(Quirks {
            referrers: pages(link),
            ..Quirks::default()
        })
        .await;
        let error = client(&stand_in, &place.effects).referrers(&image).await.unwrap_err();
        assert!(matches!(error, RegistryError::Answer { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_referrer_that_is_listed_and_not_there_leaves_the_answer_open() {
    let place = Workplace::new();
    let stand_in = QuirkyRegistry::start(Quirks {
        referrers: vec![(200, None, list(&[entry(2)]))],
        ..Quirks::default()
    })
    .await;
    // Made on first use: a public half must be there.
    SigningKey::load(&place.key(), &place.effects).unwrap();
    let image = ImageRef::Registry {
        repository: stand_in.repository("a"),
        digest: Digest::from_bytes([1; 32]),
    };
    let error = place.verify(&image).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Undecidable, "{error}");
    assert!(error.is_distrust() && error.to_string().contains("cannot be had"), "{error}");
    // The control: nothing is listed.
    stand_in.change(|quirks| quirks.referrers = vec![(200, None, list(&[]))]);
    let error = place.verify(&image).await.unwrap_err();
    assert!(matches!(error, PublishError::NoVerdict { .. }), "{error}");
}

#[tokio::test]
async fn a_list_of_referrers_that_can_be_read_in_two_ways_is_refused() {
    let place = Workplace::new();
    let text = list(&[entry(2)]).replacen("\"manifests\"", "\"Manifests\":[],\"manifests\"", 1);
    let stand_in = QuirkyRegistry::start(Quirks {
        referrers: vec![(200, None, text)],
        ..Quirks::default()
    })
    .await;
    let error = client(&stand_in, &place.effects)
        .referrers(&Digest::from_bytes([1; 32]))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("would be read as `manifests`"), "{error}");
}

#[tokio::test]
async fn a_password_is_not_given_to_the_realm_that_a_redirects_target_names() {
    let place = Workplace::new();
    let elsewhere = QuirkyRegistry::start(Quirks::default()).await;
    elsewhere.change(|quirks| quirks.realm = Some(elsewhere.address));
    let ours = QuirkyRegistry::start(Quirks {
        blobs_at: Some(elsewhere.address),
        ..Quirks::default()
    })
    .await;
    let login = || Login::Password {
        user: "robot".to_owned(),
        password: Secret::new("sesame"),
    };
    let effects = Effects {
        logins: Arc::new(Logins::anonymous().with(ours.address.to_string(), login())),
        ..place.effects.clone()
    };
    let digest = hash::sha256(b"layer");
    let error = client(&ours, &effects).blob(&digest, 5, 100).await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
    let asked = elsewhere.asked();
    assert!(!asked.is_empty(), "the redirect itself was followed");
    assert!(
        asked.iter().all(|a| a.authorization.is_none() && !a.path.starts_with("/token")),
        "{asked:?}"
    );

    // The same challenge from the registry itself is answered, also at a token service of another port.
    let tokens = QuirkyRegistry::start(Quirks::default()).await;
    let ours = QuirkyRegistry::start(Quirks {
        realm: Some(tokens.address),
        ..Quirks::default()
    })
    .await;
    ours.put_blob(b"layer");
    let effects = Effects {
        logins: Arc::new(Logins::anonymous().with(ours.address.to_string(), login())),
        ..place.effects.clone()
    };
    assert_eq!(client(&ours, &effects).blob(&digest, 5, 100).await.unwrap(), b"layer");
    let asked = tokens.asked();
    assert!(
        asked.iter().any(|a| a.path.starts_with("/token") && a.authorization.is_some()),
        "{asked:?}"
    );
}
