//! The command line, parsed and nothing else.

mod command_line;
mod form;
mod github;
mod judging;
mod questions;
mod rollout;
mod value_parsers;

pub use command_line::{Cli, ColorChoice, Format, Global, Verb};
pub use github::{GitHubArgs, GitHubVerb};
pub use judging::{BuildArgs, CheckArgs, GateArgs, Judging, PublishArgs, SbomArgs, SbomForm, ScanArgs};
pub use questions::{DiffArgs, ExplainArgs, FeedsArgs, FeedsVerb, InitArgs, RecheckArgs, ReplayArgs, ReportArgs, WaiveArgs, WaiversVerb};
pub use rollout::{HookVerb, RolloutArgs, RolloutVerb, SwitchArgs, VerifyArgs, WhoseSignature};
pub use value_parsers::image_ref;
