//! Takes a `BuildPlan`. Gives a `BuiltImage` in an OCI layout of the gate's own. Never gives a digest that it did not compute itself.

mod acquire;
mod assembly;
mod canonical;
mod cause;
mod dockerfile;
mod dockerfile_error;
mod error;
mod image;
mod image_source;
mod native;
mod native_error;
mod nearest_help;
mod note;
mod staging_folder;
mod twice;
mod waiting;

pub use acquire::build;
pub use cause::Cause;
pub use dockerfile::{ignored, named_by};
pub use dockerfile_error::DockerfileError;
pub use error::BuildError;
pub use image_source::ImageSource;
pub use native_error::NativeError;
pub use note::{NOTE_FILE, Note};
