//! Traefik that is not set up for it, and one that does not take what is written.

use std::fs;

use portcullis::model::exit_kind::ExitKind;
use portcullis::model::outcome::RolloutResult;
use portcullis::stage::rollout;

use super::rig::{Door, Rig};

/// Why a rollout is refused before anything is touched.
async fn refused(rig: &Rig, letter: char) -> String {
    let report = rig.rollout(&rig.good(letter)).await;
    assert_eq!(report.result, RolloutResult::Refused, "{:?}", report.reason);
    assert_eq!(rig.containers("api"), Vec::<String>::new());
    report.reason.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_somebody_elses_or_an_api_that_is_not_there_is_refused_before_anything_is_touched() {
    let Some(mut rig) = Rig::new(Door::Traefik, 1) else { return };
    let shop = rig.path().join("door/dynamic/shop.yml");
    fs::write(&shop, "http:\n  routers:\n    other: {rule: 'Path(`/x`)', service: shop}\n").unwrap();
    let reason = refused(&rig, 'b').await;
    assert!(reason.contains("written from here alone"), "{reason}");
    fs::remove_file(&shop).unwrap();
    rig.lead_by_traefik(|traefik| traefik.file.set_extension("conf"));
    let reason = refused(&rig, 'c').await;
    assert!(reason.contains("must end in .yml"), "{reason}");
    rig.lead_by_traefik(|traefik| {
        traefik.file.set_extension("yml");
        traefik.api = "127.0.0.1:9".parse().unwrap();
        true
    });
    let error = rollout::rollout(&rig.good('d'), &rig.plan, &rig.effects()).await.unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Refused, "{error}");
    let reason = portcullis::model::error_chain::chain(&error);
    assert!(reason.contains("[rollout.front] admin"), "{reason}");
    assert_eq!(rig.containers("api"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_traefik_does_not_watch_is_taken_back_and_the_old_version_stays() {
    let Some(mut rig) = Rig::new(Door::Traefik, 1) else { return };
    let a = rig.opened('a');
    let report = rig.rollout(&a).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let before = fs::read(rig.path().join("door/dynamic/shop.yml")).unwrap();
    let elsewhere = rig.path().join("door/shop.yml");
    fs::write(&elsewhere, &before).unwrap();
    rig.lead_by_traefik(|traefik| {
        traefik.file.clone_from(&elsewhere);
        true
    });
    let b = rig.good('b');
    let report = rig.rollout(&b).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert!(report.reason.as_ref().unwrap().contains("does not take"), "{:?}", report.reason);
    rig.runs_alone(&a, 1);
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_the_same_name_in_another_file_is_refused_before_anything_is_touched() {
    let Some(rig) = Rig::new(Door::Traefik, 1) else { return };
    let own = rig.path().join("door/dynamic/a-own.yml");
    let elsewhere = "{http: {services: {shop: {weighted: {services: [{name: other, weight: 1}]}}, \
                     other: {loadBalancer: {servers: [{url: 'http://127.0.0.1:9'}]}}}}}";
    fs::write(&own, elsewhere).unwrap();
    rig.until_traefik_has("other", true).await;
    let reason = refused(&rig, 'b').await;
    assert!(
        reason.contains("another file has one of that name") && reason.contains("weighted"),
        "{reason}"
    );
    fs::write(
        &own,
        "{http: {services: {shop: {loadBalancer: {servers: [{url: 'http://127.0.0.1:9'}]}}}}}",
    )
    .unwrap();
    rig.until_traefik_has("other", false).await;
    rig.until_traefik_has("shop", true).await;
    let reason = refused(&rig, 'c').await;
    assert!(reason.contains("another file has one of that name"), "{reason}");
    // The control: without it, and then with it beside what is ours already.
    fs::remove_file(&own).unwrap();
    let d = rig.good('d');
    let report = rig.rollout(&d).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    fs::write(&own, elsewhere).unwrap();
    rig.until_traefik_has("other", true).await;
    let report = rig.rollout(&rig.good('e')).await;
    assert_eq!(report.result, RolloutResult::Refused, "{:?}", report.reason);
    rig.runs_alone(&d, 1);
}
