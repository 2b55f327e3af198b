//! A place to publish from: an image, a key, a plan.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use portcullis::io::Effects;
use portcullis::io::clock::Clock;
use portcullis::model::image::BuiltImage;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::outcome::Publication;
use portcullis::model::plan::{Destination, KeySource, PublishPlan};
use portcullis::stage::publish::{self, Attested, Expectation, Predicate, PublishError, predicate_type};
use serde_json::json;

use super::images::{COMMIT, EVALUATED, cleared, image, policy};

/// A clock that stands still.
pub(crate) struct Fixed(pub(crate) Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn evaluation(&self) -> Timestamp {
        self.0
    }
}

/// A folder with an image, a key and whatever else a test needs.
pub(crate) struct Workplace {
    dir: tempfile::TempDir,
    pub(crate) effects: Effects,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let effects = Effects {
            clock: Arc::new(Fixed(EVALUATED.parse().unwrap())),
            ..Effects::plain(dir.path().join("cache"))
        };
        Self { dir, effects }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn image(&self) -> BuiltImage {
        image(&self.path("image"), &[b"one layer".to_vec(), vec![7; 300_000]])
    }

    pub(crate) fn key(&self) -> KeySource {
        KeySource::Local(self.path("state/portcullis.key"))
    }

    pub(crate) fn plan(&self, destination: Destination) -> PublishPlan {
        PublishPlan {
            destination,
            also: Vec::new(),
            tags: vec![COMMIT.to_owned()],
            branch_tags: Vec::new(),
            without_tag: Vec::new(),
            mount_from: Vec::new(),
            legacy: false,
            key: Some(self.key()),
            service: "payments".to_owned(),
            envelopes: Some(self.path("out")),
            dry_run: false,
        }
    }

    pub(crate) async fn publish(&self, image: &BuiltImage, plan: &PublishPlan) -> Result<(Attested, Publication), PublishError> {
        let predicates = [Predicate::new(
            predicate_type::CYCLONEDX,
            json!({"bomFormat": "CycloneDX", "specVersion": "1.5"}),
        )];
        publish::publish(cleared(image), &predicates, plan, &self.effects).await
    }

    pub(crate) async fn verify(&self, image: &ImageRef) -> Result<Attested, PublishError> {
        let key = self.key();
        publish::verify(image, &expectation(&key), &self.effects).await
    }
}

pub(crate) fn expectation(key: &KeySource) -> Expectation<'_> {
    Expectation {
        key,
        service: Some("payments"),
        policy: Some(policy()),
        max_age: Some(Duration::from_secs(3600)),
        plain_http: false,
    }
}

pub(crate) fn registry(repository: String) -> Destination {
    Destination::Registry {
        repository,
        plain_http: false,
    }
}
