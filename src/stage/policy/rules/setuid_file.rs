//! `setuid-file`: programs that run with more rights than whoever starts them, and files that everybody may write.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::model::inventory::FactKind;
use crate::stage::policy::Evidence;
use crate::stage::policy::pattern::TextPattern;

/// What distributions install with the setuid or setgid bit in their smallest images.
const DISTRIBUTION: [&str; 14] = [
    "chage",
    "chfn",
    "chsh",
    "expiry",
    "gpasswd",
    "mount",
    "newgrp",
    "passwd",
    "su",
    "sudo",
    "umount",
    "unix_chkpwd",
    "wall",
    "bbsuid",
];

/// What distributions install with capabilities instead, and which.
const CAPABLE: [(&str, &[&str]); 6] = [
    ("arping", &["cap_net_raw"]),
    ("clockdiff", &["cap_net_raw"]),
    ("mtr-packet", &["cap_net_raw"]),
    ("newgidmap", &["cap_setgid"]),
    ("newuidmap", &["cap_setuid"]),
    ("ping", &["cap_net_raw", "cap_net_admin"]),
];

/// Settings of `setuid-file`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SetuidFile {
    /// How hard a file with the setuid or setgid bit, or with capabilities, weighs.
    pub level: Level,
    /// How hard a file that everybody may write weighs.
    pub world_writable: Level,
    /// Paths that are fine; `*` stands for any characters but `/`, `**` for any.
    pub allow: Vec<TextPattern>,
    /// Leaves out what distributions install in their smallest images (`su`, `passwd`, `mount` and their like, `ping` with `cap_net_raw`; in `/bin`,
    /// `/sbin` and below `/usr`).
    pub allow_distribution: bool,
}

impl Default for SetuidFile {
    fn default() -> Self {
        Self {
            level: Level::Warn,
            world_writable: Level::Warn,
            allow: Vec::new(),
            allow_distribution: true,
        }
    }
}

impl Settings for SetuidFile {
    const ABOUT: RuleText = RuleText {
        code: "setuid-file",
        summary: "A file runs with its owner's rights (setuid, setgid) or with rights of root (capabilities), or everybody may write it.",
        why: "Such files are how a process that was taken over becomes root in the container. A service needs none.",
        fix: "Remove the bit (`chmod a-s`, `chmod o-w`, `setcap -r`) in the layer that adds the file, or allow its path in the policy.",
    };
}

impl Rule for SetuidFile {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        for fact in evidence.inventory.facts.iter().filter(|fact| !fact.deleted) {
            let path = fact.location.path.as_str();
            let (level, what) = match fact.kind {
                FactKind::SetuidFile if self.allow_distribution && is_of_distribution(path) => continue,
                FactKind::SetuidFile => (self.level, "runs with its owner's rights".to_owned()),
                FactKind::CapableFile if self.allow_distribution && is_capable_by_distribution(path, &fact.detail) => continue,
                FactKind::CapableFile => (self.level, format!("runs with rights of root's: {}", fact.detail)),
                FactKind::WorldWritableFile => (self.world_writable, "may be written by everybody".to_owned()),
                FactKind::Secret | FactKind::RootAccount => continue,
            };
            if level == Level::Off || self.allow.iter().any(|pattern| pattern.matches(path)) {
                continue;
            }
            let mut finding = Self::ABOUT.finding(level, format!("{path} {what}"));
            finding.subject = Some(path.to_owned());
            finding.help = Some("remove the bit where the file is added, or allow the path in [rules.setuid-file]".to_owned());
            finding.locations = vec![fact.location.clone()];
            objections.findings.push(finding);
        }
    }
}

fn is_of_distribution(path: &str) -> bool {
    name_below_usr(path).is_some_and(|name| DISTRIBUTION.contains(&name))
}

fn is_capable_by_distribution(path: &str, detail: &str) -> bool {
    let given = detail.rsplit(' ').next().unwrap_or_default();
    let known = CAPABLE.iter().find(|(name, _)| name_below_usr(path) == Some(*name));
    known.is_some_and(|(_, allowed)| given.split(',').all(|given| allowed.contains(&given)))
}

fn name_below_usr(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    matches!(folder, "/bin" | "/sbin" | "/usr/bin" | "/usr/sbin").then_some(name)
}
