//! Files that run with their owner's rights, and files that everybody may write.

use crate::model::inventory::FactKind;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const EXECUTABLE: u32 = 0o111;
const WRITABLE_BY_ALL: u32 = 0o002;

/// Looks at mode bits alone.
pub struct Setuid;

impl Cataloger for Setuid {
    fn id(&self) -> &'static str {
        "setuid"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if runs_as_owner(head.mode) || head.mode & WRITABLE_BY_ALL != 0 {
            Want::Path
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let mode = file.head.mode;
        if runs_as_owner(mode) {
            let who = match (mode & SET_UID != 0, mode & SET_GID != 0) {
                (true, true) => "setuid and setgid",
                (true, false) => "setuid",
                _ => "setgid",
            };
            sink.fact(FactKind::SetuidFile, format!("{who}, mode {mode:04o}"));
        }
        if mode & WRITABLE_BY_ALL != 0 {
            sink.fact(FactKind::WorldWritableFile, format!("mode {mode:04o}"));
        }
    }
}

/// A setgid bit without the right to execute is an old lock mark, not a right.
fn runs_as_owner(mode: u32) -> bool {
    mode & (SET_UID | SET_GID) != 0 && mode & EXECUTABLE != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(mode: u32) -> Want {
        Setuid.wants(&EntryHead {
            path: "usr/bin/x",
            mode,
            size: 1,
        })
    }

    #[test]
    fn mode_bits_decide() {
        assert_eq!([0o4755, 0o2755, 0o666, 0o777].map(want), [Want::Path; 4]);
        assert_eq!([0o755, 0o644, 0o2644, 0o1755].map(want), [Want::No; 4]);
    }
}
