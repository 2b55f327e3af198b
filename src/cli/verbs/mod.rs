//! One file a verb: plans from the workspace, a call into the gate or a stage, an answer.

mod check;
mod diff;
mod dispatch;
mod doctor;
mod explain;
mod feeds;
mod fleet_answer;
mod gate;
mod github;
mod help;
mod hook;
mod init;
mod judged;
mod man;
mod recheck;
mod replay;
mod report;
mod rollout;
mod sbom;
mod scan;
mod subject;
mod verify;
mod waiver_flags;
mod waiver_list;
mod waivers;

pub(super) use dispatch::{judges_here, run};
