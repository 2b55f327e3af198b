//! `etc/passwd`: accounts that are root under another name.
//!
//! Read as the engines read it (`moby/sys/user`, which docker, containerd, podman and Kubernetes' runtimes use): fields are parted by colons, the
//! third is the uid, and one that is missing or no number is 0. A name that is a number is looked for here before it counts as one.

use crate::model::inventory::FactKind;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads the list of accounts.
pub struct Accounts;

const PASSWD: &str = "etc/passwd";

impl Cataloger for Accounts {
    fn id(&self) -> &'static str {
        "accounts"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn anchors(&self) -> &'static [&'static str] {
        &[PASSWD]
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if head.path == PASSWD { Want::Whole } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let text = String::from_utf8_lossy(file.content);
        for (line, number) in text.lines().zip(1u32..) {
            // One that begins with a plus or a minus is for directory services.
            let line = line.trim();
            let mut fields = line.split(':');
            let name = fields.next().unwrap_or(line).trim();
            let uid = fields.nth(1).map(|field| field.trim().parse::<i64>());
            let is_zero = !matches!(uid, Some(Ok(uid)) if uid != 0);
            if !name.is_empty() && !name.starts_with('#') && name != "root" && is_zero {
                sink.fact_at(FactKind::RootAccount, name.to_owned(), number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    #[test]
    fn every_account_whose_uid_comes_to_nought_is_root() {
        let text = "root:x:0:0::/:\napp:x:0:0\nplus:x:+0:0\nzeros:x:000:1\nword:x:abc:1\nshort:x\n1000:x:0:0\nfine:x:1001:0\n\n# a note\n";
        let seen = Recorder::of(&Accounts, PASSWD, text.as_bytes());
        let names: Vec<&str> = seen.facts.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["app", "plus", "zeros", "word", "short", "1000"]);
        assert!(Recorder::of(&Accounts, "srv/etc/passwd", text.as_bytes()).facts.is_empty());
    }
}
