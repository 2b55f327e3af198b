//! Without `observe`: what the front door itself names is what is seen.

use crate::io::Effects;
use crate::model::excused::Excused as _;
use crate::model::plan::{HealthPlan, VersionAssertion};
use crate::stage::rollout::release::{Deployed, Release};
use crate::stage::rollout::verifier::{Identity, Verifier, names};

/// Which of the releases that are known answers at the front door; `None` where nothing answers, or something that is not known here.
pub(super) async fn named(health: &HealthPlan, base: &str, known: &[Deployed], effects: &Effects) -> Option<Deployed> {
    let first = known.first()?;
    let verifier = Verifier {
        plan: health,
        new: Identity::from(&first.release),
        old: None,
        base: base.to_owned(),
        restoring: false,
        by_observation: false,
        effects,
    };
    let text = verifier
        .named()
        .await
        .or_none("nothing that is known answers: what that means is the caller's to say")?;
    let answers = |release: &Release| names(&text, release);
    known.iter().find(|known| answers(&known.release)).cloned()
}

/// True where the front door can be asked for a version.
pub(super) fn can_name(health: &HealthPlan, base: Option<&String>) -> bool {
    match &health.version {
        None => false,
        Some(VersionAssertion::Path(_)) => base.is_some(),
        Some(VersionAssertion::Header(_)) => matches!(health.probe, crate::model::plan::ProbePlan::Http { .. }),
    }
}
