//! `yarn.lock`: the format of yarn 1, or the YAML of later ones.

use super::lock::NpmLock;
use super::{yarn_berry, yarn_classic};
use crate::model::excused::Excused as _;

/// The entry that files of yarn 2 and later begin with.
const METADATA: &str = "__metadata:";

/// The cataloger of components in a `yarn.lock` whose yarn has no command that moves what only other packages need.
pub const YARN_BY_HAND: &str = "yarn-lock-by-hand";
/// The first version of the format that is of a yarn with `yarn up --recursive`: yarn 3's.
const WITH_UP: u32 = 5;

/// True where yarn itself can bring a package of the file to the newest version that is allowed, whoever needs it. Yarn 1's `upgrade` says that it
/// has done so, and leaves alone what only other packages need.
#[must_use]
pub fn is_moved_by_yarn(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(METADATA)).skip(1);
    let version = lines.find_map(|line| line.trim().strip_prefix("version:"));
    let number = version.and_then(|version| {
        version
            .trim()
            .parse::<u32>()
            .or_none("a version of which nothing is known: by hand")
    });
    number.is_some_and(|number| number >= WITH_UP)
}

/// Reads a file of either format.
#[must_use]
pub fn read(text: &str) -> NpmLock {
    if text.lines().any(|line| line.starts_with(METADATA)) {
        yarn_berry::read(text)
    } else {
        yarn_classic::read(text)
    }
}
