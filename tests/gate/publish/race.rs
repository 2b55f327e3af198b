//! Two publishers at once: one tag, and both are told what became of it.

use std::sync::Arc;

use portcullis::io::registry::{Access, Options, Registry};
use portcullis::model::image::BuiltImage;
use portcullis::model::plan::{Destination, PublishPlan};
use portcullis::stage::publish::PublishError;

use crate::support::images::{COMMIT, image};
use crate::support::publishing::{Workplace, registry};
use crate::support::quirks::{Quirks, QuirkyRegistry};
use crate::support::registry::RunningRegistry;

/// Two images that both want the commit's tag.
fn rivals(place: &Workplace, round: usize) -> (BuiltImage, BuiltImage) {
    let build = |name: &str| image(&place.path(&format!("{name}{round}")), &[format!("{name} {round}").into_bytes()]);
    (build("first"), build("second"))
}

/// Publishes both at once. Gives the winner, after checking that the other was told both digests.
async fn contend(place: &Workplace, plan: &PublishPlan, (first, second): (&BuiltImage, &BuiltImage)) -> BuiltImage {
    let (a, b) = tokio::join!(place.publish(first, plan), place.publish(second, plan));
    let (winner, error) = match (a, b) {
        (Ok(_), Err(error)) => (first, error),
        (Err(error), Ok(_)) => (second, error),
        (a, b) => panic!("{:?} and {:?}", a.map(|(_, p)| p), b.map(|(_, p)| p)),
    };
    let said = error.to_string();
    assert!(matches!(error, PublishError::TagTaken { .. }), "{said}");
    assert!(
        said.contains(&first.digest.to_string()) && said.contains(&second.digest.to_string()),
        "{said}"
    );
    winner.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_saw_the_tag_free_one_has_it_and_the_other_is_told() {
    // Each question for a tag is answered when both have asked it: nobody can be sooner.
    let stand_in = QuirkyRegistry::start(Quirks {
        meet: Some(Arc::new(tokio::sync::Barrier::new(2))),
        ..Quirks::default()
    })
    .await;
    let place = Workplace::new();
    let (first, second) = rivals(&place, 0);
    let plan = place.plan(registry(stand_in.repository("a")));
    let winner = contend(&place, &plan, (&first, &second)).await;
    stand_in.change(|quirks| quirks.meet = None);
    let options = Options::new(Access::Read, false);
    let client = Registry::open(&stand_in.repository("a"), options, &place.effects).unwrap();
    assert_eq!(client.tag(COMMIT).await.unwrap(), Some(winner.digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_real_registry_and_in_a_layout_there_is_one_winner_each_time() {
    let place = Workplace::new();
    let running = RunningRegistry::docker();
    for round in 0..4 {
        let (first, second) = rivals(&place, round);
        let layout = place.path(&format!("layout{round}"));
        let winner = contend(&place, &place.plan(Destination::OciLayout(layout.clone())), (&first, &second)).await;
        let layout = portcullis::io::oci_layout::OciLayout::open(layout).unwrap();
        assert_eq!(layout.find(Some(COMMIT)).unwrap().digest, winner.digest);
        let Some(running) = &running else { continue };
        let repository = running.repository(&format!("round{round}"));
        let winner = contend(&place, &place.plan(registry(repository.clone())), (&first, &second)).await;
        let client = Registry::open(&repository, Options::new(Access::Read, false), &place.effects).unwrap();
        assert_eq!(client.tag(COMMIT).await.unwrap(), Some(winner.digest));
    }
}

#[tokio::test]
async fn a_tag_is_not_set_again_after_an_answer_that_was_lost() {
    // The first attempt is answered with 503, and meanwhile somebody else sets the tag.
    let (place, stand_in) = (Workplace::new(), QuirkyRegistry::start(Quirks::default()).await);
    let (first, second) = rivals(&place, 0);
    let plan = place.plan(registry(stand_in.repository("a")));
    place.publish(&first, &plan).await.unwrap();
    let puts = |asked: Vec<crate::support::quirks::Asked>| {
        asked
            .iter()
            .filter(|a| a.method == hyper::Method::PUT && a.path.ends_with(COMMIT))
            .count()
    };
    stand_in.asked();
    // Hidden for the first look and for the one before the tag is set; then it is seen.
    stand_in.change(|quirks| (quirks.hidden, quirks.unwell) = (2, 1));
    let error = place.publish(&second, &plan).await.unwrap_err();
    assert!(matches!(error, PublishError::TagTaken { .. }), "{error}");
    assert_eq!(puts(stand_in.asked()), 1);
    let client = Registry::open(&stand_in.repository("a"), Options::new(Access::Read, false), &place.effects).unwrap();
    assert_eq!(client.tag(COMMIT).await.unwrap(), Some(first.digest), "the tag did not move");
}

#[tokio::test]
async fn a_blob_that_somebody_else_stores_at_the_same_time_is_waited_for_and_not_for_ever() {
    // While another publisher writes the same blob, a registry may not see it for a moment.
    let (place, stand_in) = (Workplace::new(), QuirkyRegistry::start(Quirks::default()).await);
    let (first, second) = rivals(&place, 0);
    let plan = place.plan(registry(stand_in.repository("a")));
    stand_in.change(|quirks| quirks.blobs_come_late = 1);
    place.publish(&first, &plan).await.unwrap();
    let stand_in = QuirkyRegistry::start(Quirks {
        blobs_come_late: usize::MAX,
        ..Quirks::default()
    })
    .await;
    let plan = place.plan(registry(stand_in.repository("b")));
    let error = place.publish(&second, &plan).await.unwrap_err().to_string();
    assert!(error.contains("blob unknown to registry"), "{error}");
}
