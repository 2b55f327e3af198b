//! The time that a built image states.

use jiff::Timestamp;

use crate::model::plan::BuildPlan;

/// The commit's time; 1970 where there is no commit, because the clock would make the digest differ at every build.
pub(super) fn created(plan: &BuildPlan) -> Timestamp {
    plan.commit.as_ref().map_or(Timestamp::UNIX_EPOCH, |commit| commit.time)
}
