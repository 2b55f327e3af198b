//! What a verdict says of its registry's list of referrers: who hides the list, or a part of it, hides no newer verdict.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use portcullis::io::registry::{Access, Options, Registry};
use portcullis::model::digest::Digest;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::image::media_type;
use portcullis::model::image_ref::ImageRef;
use portcullis::stage::publish::{self, Attested, PublishError};
use serde_json::{Value, json};

use crate::support::images::{COMMIT, image};
use crate::support::publishing::{Workplace, registry};
use crate::support::quirks::{Quirks, QuirkyRegistry};
use crate::support::registry::RunningRegistry;

fn list(entries: &[Value]) -> String {
    json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries}).to_string()
}

/// A registry with a list of what refers to an image.
fn with_list() -> Quirks {
    Quirks {
        lists: true,
        ..Quirks::default()
    }
}

/// One that answers each question for a list so.
fn answering(answer: (u16, Option<String>, String)) -> Quirks {
    Quirks {
        referrers: vec![answer],
        ..Quirks::default()
    }
}

async fn published(place: &Workplace, quirks: Quirks) -> (QuirkyRegistry, Attested) {
    let stand_in = QuirkyRegistry::start(quirks).await;
    let plan = place.plan(registry(stand_in.repository("a")));
    let (attested, _) = place.publish(&place.image(), &plan).await.unwrap();
    (stand_in, attested)
}

fn at(repository: String, digest: &Digest) -> ImageRef {
    ImageRef::Registry {
        repository,
        digest: *digest,
    }
}

/// What whoever may push writes under the tag of referrers: what was there on some day.
fn list_by_tag(stand_in: &QuirkyRegistry, digest: &Digest) {
    let tag = portcullis::io::registry::referrers_tag(digest);
    stand_in.put_manifest(&tag, media_type::OCI_INDEX, stand_in.list(&digest.to_string()).as_bytes());
}

/// The same registry: by the name that it was published under, by another one of the host, and as another repository.
fn names(stand_in: &QuirkyRegistry) -> [String; 3] {
    let port = stand_in.address.port();
    [
        stand_in.repository("a"),
        format!("localhost:{port}/a"),
        stand_in.repository("mirror/of/a"),
    ]
}

#[tokio::test]
async fn a_verdict_that_a_list_had_is_undecidable_without_the_list_by_whatever_name() {
    let html = || (200, None, "<html>down for maintenance</html>".to_owned());
    let place = Workplace::new();
    let (stand_in, attested) = published(&place, with_list()).await;
    list_by_tag(&stand_in, attested.digest());
    for name in names(&stand_in) {
        place.verify(&at(name, attested.digest())).await.unwrap();
    }
    for answer in [
        (404, None, String::new()),
        (400, None, String::new()),
        (501, None, String::new()),
        html(),
        (303, Some("/no/such/page".to_owned()), String::new()),
    ] {
        stand_in.change(|quirks| *quirks = answering(answer.clone()));
        for name in names(&stand_in) {
            let error = place.verify(&at(name.clone(), attested.digest())).await.unwrap_err();
            assert!(matches!(error, PublishError::ListGone { .. }), "{name} {answer:?}: {error}");
            assert_eq!(error.exit_kind(), ExitKind::Undecidable);
        }
        // The control: where none was served at publishing, there is none. Nothing is published to a registry that sends elsewhere.
        if answer.0 == 303 {
            continue;
        }
        let (without, attested) = published(&place, answering(answer)).await;
        for name in names(&without) {
            place.verify(&at(name, attested.digest())).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_list_without_the_verdict_that_it_had_is_undecidable() {
    let place = Workplace::new();
    let (stand_in, attested) = published(&place, with_list()).await;
    let digest = attested.digest();
    list_by_tag(&stand_in, digest);
    let whole: Value = serde_json::from_str(&stand_in.list(&digest.to_string())).unwrap();
    let entries = whole["manifests"].as_array().unwrap();
    assert!(entries.len() > 1, "{whole}");
    let is_verdict = |entry: &Value| {
        let (_, manifest) = stand_in.manifest(entry["digest"].as_str().unwrap()).unwrap();
        String::from_utf8_lossy(&manifest).contains("verification_summary")
    };
    let without: Vec<Value> = entries.iter().filter(|entry| !is_verdict(entry)).cloned().collect();
    assert_eq!(without.len() + 1, entries.len());
    for (what, shown) in [("nothing", Vec::new()), ("all but the verdict", without)] {
        stand_in.change(|quirks| *quirks = answering((200, None, list(&shown))));
        for name in names(&stand_in) {
            let error = place.verify(&at(name.clone(), digest)).await.unwrap_err();
            assert!(matches!(error, PublishError::ListShort { .. }), "{what} by {name}: {error}");
            assert_eq!(error.exit_kind(), ExitKind::Undecidable);
        }
    }
    // The control: the whole list, in whatever order.
    let turned: Vec<Value> = entries.iter().rev().cloned().collect();
    stand_in.change(|quirks| *quirks = answering((200, None, list(&turned))));
    place.verify(attested.image()).await.unwrap();
}

#[tokio::test]
async fn a_registry_whose_list_never_had_the_verdict_or_came_later_is_believed_by_its_tag() {
    let place = Workplace::new();
    let empty = || (200, None, list(&[]));
    let (_always_empty, attested) = published(&place, answering(empty())).await;
    place.verify(attested.image()).await.unwrap();
    let (stand_in, attested) = published(&place, Quirks::default()).await;
    stand_in.change(|quirks| *quirks = answering(empty()));
    place.verify(attested.image()).await.unwrap();
    stand_in.change(|quirks| *quirks = with_list());
    place.verify(attested.image()).await.unwrap();
}

#[tokio::test]
async fn a_verdict_is_published_anew_where_its_registry_got_a_list_or_lost_it() {
    let place = Workplace::new();
    let image = place.image();
    let (stand_in, first) = published(&place, with_list()).await;
    let plan = place.plan(registry(stand_in.repository("a")));
    let publish = async || place.publish(&image, &plan).await.unwrap().0;
    let was_sent = || stand_in.asked().iter().any(|asked| asked.method == Method::PUT);
    assert!(was_sent());
    assert_eq!(publish().await.digest(), first.digest());
    assert!(!was_sent(), "it says the same already");
    list_by_tag(&stand_in, first.digest());
    stand_in.change(|quirks| *quirks = Quirks::default());
    assert!(place.verify(first.image()).await.is_err());
    // Both stand under the tag then, of one time: that which says that there is no list holds.
    publish().await;
    assert!(was_sent());
    place.verify(first.image()).await.unwrap();
    stand_in.change(|quirks| *quirks = with_list());
    place.verify(first.image()).await.unwrap();
    publish().await;
    place.verify(first.image()).await.unwrap();
}

#[tokio::test]
async fn what_is_known_of_a_content_is_asked_for_where_the_list_is() {
    let place = Workplace::new();
    let (stand_in, attested) = published(&place, with_list()).await;
    list_by_tag(&stand_in, attested.digest());
    let content = async || publish::content(attested.image(), &place.key(), false, &place.effects).await;
    content().await.unwrap();
    stand_in.change(|quirks| *quirks = Quirks::default());
    let error = content().await.unwrap_err();
    assert!(matches!(error, PublishError::ListGone { .. }), "{error}");
}

#[tokio::test]
async fn a_copy_is_believed_where_a_list_has_it_or_where_it_was_published_itself() {
    let place = Workplace::new();
    let (stand_in, attested) = published(&place, with_list()).await;
    list_by_tag(&stand_in, attested.digest());
    for (quirks, is_believed) in [(with_list(), true), (Quirks::default(), false)] {
        let copy = QuirkyRegistry::start(quirks).await;
        copy.copy_of(&stand_in);
        let there = at(copy.repository("copy"), attested.digest());
        assert_eq!(place.verify(&there).await.is_ok(), is_believed);
        let plan = place.plan(registry(copy.repository("copy")));
        place.publish(&place.image(), &plan).await.unwrap();
        place.verify(&there).await.unwrap();
    }
}

/// What the verdicts on an image say of the list of the registry where they lie, by its own list of referrers, each with the types of its inputs.
async fn said_of_lists(place: &Workplace, repository: &str, digest: &Digest) -> Vec<(Value, usize)> {
    let client = Registry::open(repository, Options::new(Access::Read, false), &place.effects).unwrap();
    let mut said = Vec::new();
    for found in client.referrers(digest).await.unwrap().list {
        let manifest: Value = serde_json::from_slice(&client.manifest(&found.digest).await.unwrap().bytes).unwrap();
        let layer = &manifest["layers"][0];
        let (size, layer) = (layer["size"].as_u64().unwrap(), layer["digest"].as_str().unwrap().parse().unwrap());
        let bundle: Value = serde_json::from_slice(&client.blob(&layer, size, size).await.unwrap()).unwrap();
        let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        let statement: Value = serde_json::from_slice(&payload).unwrap();
        if statement["predicateType"].as_str().unwrap().contains("verification_summary") {
            let predicate = &statement["predicate"];
            let inputs = predicate["inputAttestations"].as_array().unwrap().len();
            said.push((predicate["https://portcullis.dev/referrers-list/v1"]["servedBy"].clone(), inputs));
        }
    }
    said
}

#[tokio::test]
async fn the_verdict_of_every_place_says_whether_that_place_lists() {
    let (Some(with), Some(other), Some(without)) = (
        RunningRegistry::with_referrers(),
        RunningRegistry::with_referrers(),
        RunningRegistry::docker(),
    ) else {
        return;
    };
    let places = [
        (with.repository("team/a"), true),
        (without.repository("team/a"), false),
        (with.repository("mirror/a"), true),
        (other.repository("team/a"), true),
    ];
    for turn in 0..places.len() {
        let place = Workplace::new();
        let image = image(&place.path("image"), &[vec![turn as u8; 1000]]);
        let mut all: Vec<&(String, bool)> = places.iter().collect();
        all.rotate_left(turn);
        let mut plan = place.plan(registry(all[0].0.clone()));
        plan.tags = vec![format!("{turn}{}", &COMMIT[1..])];
        plan.also = all[1..].iter().map(|(repository, _)| registry(repository.clone())).collect();
        for _ in 0..2 {
            let (attested, _) = place.publish(&image, &plan).await.unwrap();
            for (repository, lists) in &all {
                let name = if *lists { json!(repository) } else { Value::Null };
                let said = said_of_lists(&place, repository, attested.digest()).await;
                assert_eq!(said, [(name, 2)], "{repository} of {all:?}");
                place.verify(&at(repository.clone(), attested.digest())).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn real_registries_with_and_without_a_list_are_told_apart_by_the_verdict() {
    let (Some(with), Some(without)) = (RunningRegistry::with_referrers(), RunningRegistry::docker()) else {
        return;
    };
    let place = Workplace::new();
    let image = place.image();
    for (running, has_a_list) in [(&with, true), (&without, false)] {
        let plan = place.plan(registry(running.repository("team/a")));
        let (attested, _) = place.publish(&image, &plan).await.unwrap();
        for host in ["127.0.0.1", "localhost"] {
            let name = format!("{host}:{}/team/a", running.address.port());
            place.verify(&at(name, attested.digest())).await.unwrap();
        }
        let envelope: Value = serde_json::from_slice(&std::fs::read(place.path("out/verdict.dsse.json")).unwrap()).unwrap();
        let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        let statement: Value = serde_json::from_slice(&payload).unwrap();
        let said = &statement["predicate"]["https://portcullis.dev/referrers-list/v1"]["servedBy"];
        assert_eq!(said.is_string(), has_a_list, "{statement}");
    }
}
