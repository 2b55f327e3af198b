//! What a rollout to a real cluster does, sees and leaves behind. One cluster for all: it takes longer to start than each of them.

use std::time::{Duration, Instant};

use portcullis::model::error_chain::chain;
use portcullis::model::outcome::RolloutResult;
use portcullis::stage::rollout;

use super::cluster::Cluster;
use super::shop::Shop;
use crate::rollout::contained;
use crate::rollout::heavy;
use crate::rollout::roles::{self, Death};
use crate::rollout::says;
use crate::rollout::world::{LONG, until};
use crate::support::registry::RunningRegistry;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_cluster_is_deployed_to_rolled_back_resumed_and_left_alone_where_others_deploy() {
    if !heavy() {
        println!("skipped: a cluster is started with PORTCULLIS_HEAVY=1");
        return;
    }
    let (Some(registry), Some(cluster)) = (RunningRegistry::docker(), Cluster::start()) else {
        return;
    };
    let begun = Instant::now();
    let told = |what: &str| println!("{:6.1} s {what}", begun.elapsed().as_secs_f64());
    let mut shop = Shop::new(&cluster, &registry, "deployment", 32081);
    told("the first version runs");
    a_release_is_committed_and_a_bad_one_leaves_the_old_template_exactly(&shop).await;
    told("committed, and rolled back");
    an_image_that_cannot_be_pulled_is_rolled_back_long_before_the_deadline(&shop).await;
    told("unpullable");
    a_container_that_ends_in_the_soak_is_rolled_back(&mut shop).await;
    told("ended in the soak");
    a_foreign_deploy_in_the_soak_is_left_alone(&mut shop).await;
    told("foreign");
    killed_on_the_way_resume_ends_it(&shop).await;
    told("killed and resumed");
    Box::pin(another_machine_goes_back_and_goes_on_where_one_vanished(&shop)).await;
    told("vanished machines");
    a_lease_that_ran_out_is_taken_from_one_who_is_quiet_and_not_from_one_who_renews_it(&shop).await;
    told("lease");
    of_two_deployers_with_states_of_their_own_one_is_told_who_has_the_lease(&shop).await;
    told("two deployers");
    the_role_is_enough_and_without_one_verb_it_is_refused_by_its_name(&mut shop).await;
    told("role");
    what_cannot_work_is_refused_and_nothing_is_changed(&mut shop).await;
    told("refused");
    drop(shop);
    let set = Shop::new(&cluster, &registry, "statefulset", 32082);
    a_release_is_committed_and_a_bad_one_leaves_the_old_template_exactly(&set).await;
    told("stateful set");
}

async fn a_release_is_committed_and_a_bad_one_leaves_the_old_template_exactly(shop: &Shop<'_>) {
    let new = shop.image('b', false);
    let found = shop.cluster.template(&shop.workload());
    // The first one fails: the way back is what was found.
    let bad = shop.image('c', true);
    let report = shop.rollout(&bad).await;
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::RolledBack, 10),
        "{:?}",
        report.reason
    );
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("CrashLoopBackOff") && reason.contains("cannot read the configuration"),
        "{reason}"
    );
    assert_eq!(shop.cluster.template(&shop.workload()), found);
    let report = shop.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(report.previous, Some(*shop.opened('a').digest()));
    assert_eq!(shop.live().await, (Some(*new.digest()), 2));
    // The control: the same again is verified, and nothing is changed.
    assert_eq!(shop.rollout(&new).await.result, RolloutResult::AlreadyDeployed);
    let again = shop.rollout(&shop.opened('c')).await;
    assert_eq!(again.result, RolloutResult::Refused, "it was rolled back here");
}

async fn an_image_that_cannot_be_pulled_is_rolled_back_long_before_the_deadline(shop: &Shop<'_>) {
    let lost = shop.image('d', false);
    contained::spoil(shop, &shop.repository(), 'd', &[]);
    let before = shop.cluster.template(&shop.workload());
    let begun = Instant::now();
    let report = shop.rollout(&lost).await;
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let reason = report.reason.unwrap();
    assert!(reason.contains("ErrImagePull") || reason.contains("ImagePullBackOff"), "{reason}");
    assert_eq!(shop.cluster.template(&shop.workload()), before);
}

async fn a_foreign_deploy_in_the_soak_is_left_alone(shop: &mut Shop<'_>) {
    let new = shop.image('e', false);
    let soak = std::mem::replace(&mut shop.plan.health.soak, Duration::from_secs(30));
    let (plan, effects) = (shop.plan.clone(), shop.effects());
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::soaking(shop, &running).await;
    // The image stays as it is, and so do our annotations: the template alone tells.
    shop.cluster.kubectl(&["set", "env", &shop.workload(), "COLOUR=green"]);
    let theirs = shop.cluster.template(&shop.workload());
    let report = running.await.unwrap();
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::Superseded, 13),
        "{:?}",
        report.reason
    );
    assert_eq!(shop.cluster.template(&shop.workload()), theirs);
    shop.plan.health.soak = soak;
    shop.cluster.kubectl(&["rollout", "status", &shop.workload(), "--timeout=180s"]);
}

async fn a_container_that_ends_in_the_soak_is_rolled_back(shop: &mut Shop<'_>) {
    let new = shop.image('l', false);
    let before = shop.cluster.template(&shop.workload());
    let soak = std::mem::replace(&mut shop.plan.health.soak, Duration::from_secs(30));
    // The other pod answers well enough: it is the cluster that tells.
    let rate = std::mem::replace(&mut shop.plan.health.max_error_rate, 1.0);
    let (plan, effects) = (shop.plan.clone(), shop.effects());
    let running = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    roles::soaking(shop, &running).await;
    shop.await_old_pods_gone().await;
    shop.end_one_pod();
    let report = running.await.unwrap();
    (shop.plan.health.soak, shop.plan.health.max_error_rate) = (soak, rate);
    assert_eq!(report.result, RolloutResult::RolledBack, "{:?}", report.reason);
    let reason = report.reason.unwrap();
    assert!(
        reason.contains("was started again") || reason.contains("CrashLoopBackOff"),
        "{reason}"
    );
    assert_eq!(shop.cluster.template(&shop.workload()), before);
}

async fn a_lease_that_ran_out_is_taken_from_one_who_is_quiet_and_not_from_one_who_renews_it(shop: &Shop<'_>) {
    let lease = format!("portcullis-{}-{}", shop.kind, shop.name);
    let times = ["2026-01-01T00:00:01.000000Z", "2026-01-01T00:00:02.000000Z"];
    let write = |turn: usize| {
        let spec = serde_json::json!({"spec": {"holderIdentity": "4711 run theirs elsewhere boot:1:2", "renewTime": times[turn % 2]}});
        shop.cluster
            .kubectl(&["patch", "lease", &lease, "--type=merge", "-p", &spec.to_string()]);
    };
    let new = shop.image('m', false);
    write(0);
    // Its clock is months behind, and it lives.
    let (plan, effects) = (shop.plan.clone(), shop.effects());
    let tried = tokio::spawn(async move { rollout::rollout(&new, &plan, &effects).await.unwrap() });
    let mut turn = 1;
    while !tried.is_finished() {
        write(turn);
        turn += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(turn < 40, "it is waited for without an end");
    }
    let report = tried.await.unwrap();
    assert_eq!(
        (report.result, report.result.code()),
        (RolloutResult::Locked, 13),
        "{:?}",
        report.reason
    );
    // The control: it is quiet.
    let begun = Instant::now();
    let report = shop.rollout(&shop.opened('m')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert!(begun.elapsed() > Duration::from_secs(11), "{:?}", begun.elapsed());
}

async fn killed_on_the_way_resume_ends_it(shop: &Shop<'_>) {
    // After every line it was run too; after every second one it takes half the time.
    for line in (1..).step_by(2) {
        let letter = if line % 4 == 1 { 'f' } else { 'g' };
        let new = shop.image(letter, false);
        let after = roles::killed_and_resumed(shop, letter, Death::Soon(line), RolloutResult::Committed).await;
        if after.resumed {
            assert_eq!(shop.live().await, (Some(*new.digest()), 2), "{line}");
        }
        if !after.reached {
            assert!(line > 10, "it wrote {line} lines");
            break;
        }
    }
}

/// A state folder is gone with the machine that it was on: what the cluster keeps is enough.
async fn another_machine_goes_back_and_goes_on_where_one_vanished(shop: &Shop<'_>) {
    let (before, _) = shop.live().await;
    let new = shop.image('n', false);
    let report = shop.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    roles::another_machine_goes_back(shop, &new).await;
    assert_eq!(shop.live().await.0, before);
    let other = shop.image('o', false);
    roles::another_machine_goes_on(shop, 'o').await;
    assert_eq!(shop.live().await, (Some(*other.digest()), 2));
    // Damage is told, with what forgets it.
    let annotation = |value: &str| shop.cluster.kubectl(&["annotate", "--overwrite", &shop.workload(), value]);
    annotation("portcullis.dev/rollout-state=H4sI");
    let refused = rollout::rollback(&shop.plan, &shop.effects()).await.unwrap_err();
    assert!(chain(&refused).contains("portcullis.dev/rollout-state-"), "{}", chain(&refused));
    // The control: what this machine remembers is left. The controller is behind: that is no reason to replace pods that run what is wanted.
    shop.cluster.signal("kube-controller-manager", "-STOP");
    annotation("portcullis.dev/rollout-state-");
    let (again, ()) = tokio::join!(shop.rollout(&other), async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        shop.cluster.signal("kube-controller-manager", "-CONT");
    });
    assert_eq!(again.result, RolloutResult::AlreadyDeployed);
}

async fn of_two_deployers_with_states_of_their_own_one_is_told_who_has_the_lease(shop: &Shop<'_>) {
    let new = shop.image('h', false);
    let mut other = shop.plan.clone();
    if let portcullis::model::plan::TargetPlan::Kubernetes(plan) = &mut other.target {
        plan.state = shop.path().join("another-state");
    }
    let effects = shop.effects();
    let (one, two) = tokio::join!(shop.rollout(&new), rollout::rollout(&new, &other, &effects));
    let told = roles::of_two_one_is_locked_out(one, two.unwrap());
    assert!(told.contains("kubectl delete lease"), "{told}");
}

async fn the_role_is_enough_and_without_one_verb_it_is_refused_by_its_name(shop: &mut Shop<'_>) {
    let role = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/examples/kubernetes/rollout-role.yaml");
    let cluster = shop.cluster;
    cluster.kubectl(&["apply", "-f", role]);
    cluster.kubectl(&["create", "serviceaccount", "deployer"]);
    cluster.kubectl(&[
        "create",
        "rolebinding",
        "deployer",
        "--role=portcullis-rollout",
        "--serviceaccount=default:deployer",
    ]);
    let token = cluster.kubectl(&["create", "token", "deployer"]);
    let admin = std::fs::read_to_string(cluster.kubeconfig()).unwrap();
    let mine = admin
        .lines()
        .map(|line| {
            if line.starts_with("users:") {
                format!("users: [{{name: user, user: {{token: {}}}}}]\n", token.trim())
            } else {
                format!("{line}\n")
            }
        })
        .collect::<String>();
    let kubeconfig = shop.path().join("deployer.kubeconfig");
    std::fs::write(&kubeconfig, mine).unwrap();
    let before = shop.target().kubeconfig.replace(kubeconfig);
    let new = shop.image('i', false);
    let report = shop.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    // Each rule by itself: without its last verb it is refused, and the verb is named.
    for (rule, verb) in [
        (0, "patch deployments.apps"),
        (2, "get pods/log"),
        (3, "list events"),
        (4, "update leases.coordination.k8s.io"),
    ] {
        let text = cluster.kubectl(&["get", "role", "portcullis-rollout", "-o", "json"]);
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut less = whole.clone();
        less["rules"][rule]["verbs"].as_array_mut().unwrap().pop();
        if less["rules"][rule]["verbs"].as_array().unwrap().is_empty() {
            less["rules"].as_array_mut().unwrap().remove(rule);
        }
        let put = |role: &serde_json::Value| {
            cluster.kubectl(&[
                "patch",
                "role",
                "portcullis-rollout",
                "--type=merge",
                "-p",
                &serde_json::json!({"rules": role["rules"]}).to_string(),
            ])
        };
        put(&less);
        let found = cluster.template(&shop.workload());
        let image = shop.image('j', false);
        // The server's own view of its rules is a moment behind.
        until(&format!("`{verb}` is refused by its name"), async || {
            let planned = rollout::plan(&image, &shop.plan, &shop.effects()).await.unwrap();
            let refusal = planned.refusal().unwrap_or_default();
            println!("without `{verb}`: {refusal}");
            refusal.contains(&format!("may not `{verb}`"))
        })
        .await;
        assert_eq!(cluster.template(&shop.workload()), found);
        put(&whole);
    }
    shop.target().kubeconfig = before;
}

async fn what_cannot_work_is_refused_and_nothing_is_changed(shop: &mut Shop<'_>) {
    let new = shop.image('k', false);
    let found = shop.cluster.template(&shop.workload());
    shop.cluster.kubectl(&["rollout", "pause", &shop.workload()]);
    let report = shop.rollout(&new).await;
    assert_eq!(report.result.code(), 12, "{:?}", report.reason);
    says(report.reason, "is paused");
    shop.cluster.kubectl(&["rollout", "resume", &shop.workload()]);
    shop.target().container = Some("nobody".to_owned());
    let refused = rollout::plan(&new, &shop.plan, &shop.effects()).await.unwrap_err();
    assert!(
        refused.exit_kind().code() == 12 && chain(&refused).contains("no container `nobody`"),
        "{refused}"
    );
    shop.target().container = None;
    let name = std::mem::replace(&mut shop.target().workload, "nothing".to_owned());
    let refused = rollout::plan(&new, &shop.plan, &shop.effects()).await.unwrap_err();
    assert!(
        refused.exit_kind().code() == 12 && chain(&refused).contains("and this is kubernetes"),
        "{refused}"
    );
    let elsewhere = shop.path().join("state-of-nothing");
    let state = std::mem::replace(&mut shop.target().state, elsewhere);
    let refused = rollout::plan(&new, &shop.plan, &shop.effects()).await.unwrap_err();
    assert!(
        refused.exit_kind().code() == 12 && chain(&refused).contains("there is no deployment/nothing"),
        "{refused}"
    );
    shop.target().state = state;
    shop.target().workload = name;
    assert_eq!(shop.cluster.template(&shop.workload()), found);
    assert_eq!(rollout::stop(&shop.plan, &shop.effects()).await.unwrap_err().exit_kind().code(), 12);
}
