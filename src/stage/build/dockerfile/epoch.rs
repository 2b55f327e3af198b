//! The one time of a build.

use crate::model::plan::BuildPlan;

/// The commit's time in seconds since 1970, so that equal commits give equal bytes.
pub(super) fn epoch(plan: &BuildPlan) -> i64 {
    plan.commit.as_ref().map_or(0, |commit| commit.time.as_second().max(0))
}
