//! Several repositories at once, and layers that are mounted instead of sent.

use std::sync::Arc;

use hyper::Method;
use portcullis::io::Effects;
use portcullis::io::oci_layout::OciLayout;
use portcullis::io::registry::{Access, Login, Logins, Options, Registry};
use portcullis::io::secret::Secret;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::plan::Destination;
use portcullis::stage::publish::PublishError;

use crate::support::images::{COMMIT, image};
use crate::support::publishing::{Workplace, registry};
use crate::support::quirks::{Asked, Quirks, QuirkyRegistry};
use crate::support::registry::RunningRegistry;

#[tokio::test]
async fn every_place_gets_image_and_verdict_and_the_second_gets_no_bytes() {
    let Some(running) = RunningRegistry::docker() else { return };
    let place = Workplace::new();
    let image = place.image();
    let mut plan = place.plan(registry(running.repository("team/payments")));
    let layout = place.path("mirror");
    plan.also = vec![
        registry(running.repository("mirror/payments")),
        Destination::OciLayout(layout.clone()),
    ];
    let (attested, publication) = place.publish(&image, &plan).await.unwrap();
    let blobs: u64 = 300_000;
    assert!(
        (2 * blobs..3 * blobs).contains(&publication.bytes_sent),
        "once to the registry, once to the layout: {}",
        publication.bytes_sent
    );
    assert_eq!(publication.also.len(), 2);
    assert!(
        attested.image().to_string().contains("team/payments"),
        "the first is what is rolled out"
    );
    let options = Options::new(Access::Read, false);
    for repository in ["team/payments", "mirror/payments"] {
        let repository = running.repository(repository);
        let client = Registry::open(&repository, options, &place.effects).unwrap();
        assert_eq!(client.tag(COMMIT).await.unwrap(), Some(image.digest));
        let digest = image.digest;
        place.verify(&ImageRef::Registry { repository, digest }).await.unwrap();
    }
    assert_eq!(OciLayout::open(layout).unwrap().find(Some(COMMIT)).unwrap().digest, image.digest);
}

#[tokio::test]
async fn no_place_gets_the_tag_when_it_is_taken_in_one_of_them() {
    let (first, second) = (
        QuirkyRegistry::start(Quirks::default()).await,
        QuirkyRegistry::start(Quirks::default()).await,
    );
    let place = Workplace::new();
    let other = image(&place.path("other"), &[b"another".to_vec()]);
    place.publish(&other, &place.plan(registry(second.repository("a")))).await.unwrap();
    let mut plan = place.plan(registry(first.repository("a")));
    plan.also = vec![registry(second.repository("a"))];
    let error = place.publish(&place.image(), &plan).await.unwrap_err();
    assert!(matches!(error, PublishError::TagTaken { .. }), "{error}");
    let written = |asked: Vec<Asked>| asked.iter().filter(|a| a.method != Method::HEAD && a.method != Method::GET).count();
    assert_eq!(written(first.asked()), 0, "nothing was sent to the first either");
}

fn with_login(place: &Workplace, stand_in: &QuirkyRegistry) -> Effects {
    let login = Login::Password {
        user: "robot".to_owned(),
        password: Secret::new("sesame"),
    };
    Effects {
        logins: Arc::new(Logins::anonymous().with(stand_in.address.to_string(), login)),
        ..place.effects.clone()
    }
}

#[tokio::test]
async fn a_mount_asks_for_a_token_of_both_repositories_and_does_without_where_none_is_given() {
    for one_scope in [false, true] {
        let tokens = QuirkyRegistry::start(Quirks {
            one_scope,
            ..Quirks::default()
        })
        .await;
        let stand_in = QuirkyRegistry::start(Quirks {
            realm: Some(tokens.address),
            mount: 201,
            ..Quirks::default()
        })
        .await;
        let mut place = Workplace::new();
        place.effects = with_login(&place, &stand_in);
        let mut plan = place.plan(registry(stand_in.repository("a")));
        plan.mount_from = vec![stand_in.repository("base"), "elsewhere.example/base".to_owned()];
        // The stand-in says that it mounted and has nothing: the publication finds that out.
        let error = place.publish(&place.image(), &plan).await.unwrap_err();
        assert!(matches!(error, PublishError::NotKept { .. }), "{error}");
        let asked = tokens.asked();
        let scopes: Vec<usize> = asked.iter().map(|a| a.path.matches("scope=").count()).collect();
        assert_eq!(scopes, if one_scope { vec![2, 1] } else { vec![2] }, "{asked:?}");
        assert!(
            asked[0].path.contains("repository%3Abase%3Apull") && !asked[0].path.contains("elsewhere"),
            "{asked:?}"
        );
        let mounts = stand_in.asked();
        assert!(
            mounts
                .iter()
                .any(|a| a.path.contains("?mount=sha256:") && a.path.ends_with("&from=base")),
            "{mounts:?}"
        );
    }
}
