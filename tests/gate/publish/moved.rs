//! A registry that sends whoever reads to where it is called something else, with 307: what holds there holds.

use portcullis::io::registry::{Access, Options, Registry};
use portcullis::model::digest::Digest;
use portcullis::model::image::media_type;
use portcullis::model::image_ref::ImageRef;
use serde_json::{Value, json};

use crate::support::publishing::{Workplace, registry};
use crate::support::quirks::{Quirks, QuirkyRegistry};

fn with_list(lists: bool) -> Quirks {
    Quirks {
        lists,
        ..Quirks::default()
    }
}

/// A name for a registry that sends there whoever asks for the kinds of things; for all where none is given.
async fn front(behind: &QuirkyRegistry, moved: &[&'static str]) -> QuirkyRegistry {
    QuirkyRegistry::start(Quirks {
        moved_to: Some(format!("{}/v2/behind/it", behind.address)),
        moved: moved.to_vec(),
        ..Quirks::default()
    })
    .await
}

#[tokio::test]
async fn a_verdict_behind_a_name_that_redirects_everything_is_read() {
    for lists in [false, true] {
        let place = Workplace::new();
        let behind = QuirkyRegistry::start(with_list(lists)).await;
        let plan = place.plan(registry(behind.repository("a")));
        let (attested, _) = place.publish(&place.image(), &plan).await.unwrap();
        let front = front(&behind, &[]).await;
        let named = |name: &str| ImageRef::Registry {
            repository: front.repository(name),
            digest: *attested.digest(),
        };
        place
            .verify(&named("a"))
            .await
            .unwrap_or_else(|error| panic!("lists: {lists}: {error}"));
        // The control: an image that nobody published there.
        let mut other = named("a");
        if let ImageRef::Registry { digest, .. } = &mut other {
            *digest = Digest::from_bytes([9; 32]);
        }
        assert!(place.verify(&other).await.is_err());
        // The list is taken away where it led to: as undecidable as without redirects.
        behind.change(|quirks| quirks.lists = false);
        assert_eq!(place.verify(&named("a")).await.is_ok(), !lists);
    }
}

#[tokio::test]
async fn what_is_said_not_to_be_there_where_the_image_is_not_is_not_taken_for_absent() {
    let place = Workplace::new();
    let behind = QuirkyRegistry::start(with_list(false)).await;
    let plan = place.plan(registry(behind.repository("a")));
    let (attested, _) = place.publish(&place.image(), &plan).await.unwrap();
    let elsewhere = QuirkyRegistry::start(Quirks::default()).await;
    for (what, moved) in [("lists", &["referrers"][..]), ("everything", &[])] {
        let front = front(&elsewhere, moved).await;
        front.copy_of(&behind);
        let there = ImageRef::Registry {
            repository: front.repository("a"),
            digest: *attested.digest(),
        };
        assert!(place.verify(&there).await.is_err(), "{what}");
        // The control: the same without redirects.
        front.change(|quirks| quirks.moved_to = None);
        place.verify(&there).await.unwrap();
    }
}

#[tokio::test]
async fn every_page_of_a_list_is_read_where_redirects_led_to_and_none_elsewhere() {
    let place = Workplace::new();
    let image = Digest::from_bytes([1; 32]);
    let entry = |number: u8| json!({"mediaType": media_type::OCI_MANIFEST, "digest": Digest::from_bytes([number; 32]), "size": 9});
    let list = |entries: &[Value]| json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries}).to_string();
    for (next, is_read) in [
        ("/v2/behind/it/referrers/page2", true),
        ("/v2/a/referrers/page2", true),
        ("?page=2", true),
        ("/v2/of/others/referrers/page2", false),
        ("/page2", false),
        ("http://127.0.0.1:9/v2/behind/it/referrers/page2", false),
    ] {
        let behind = QuirkyRegistry::start(Quirks {
            referrers: vec![
                (200, Some(format!("<{next}>; rel=\"next\"")), list(&[entry(2)])),
                (200, None, list(&[entry(3)])),
            ],
            ..Quirks::default()
        })
        .await;
        let front = front(&behind, &["referrers"]).await;
        let client = Registry::open(&front.repository("a"), Options::new(Access::Read, false), &place.effects).unwrap();
        let found = client.referrers(&image).await;
        assert_eq!(found.is_ok_and(|found| found.list.len() == 2), is_read, "{next}");
    }
}
