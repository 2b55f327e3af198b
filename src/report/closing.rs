//! What a gap means, and what closes it.

use std::collections::HashSet;

use super::text::prose;
use crate::model::coverage::{GapKind, STANDS_IN};
use crate::model::finding::Disposition;
use crate::model::verdict::Verdict;

/// What to do about each gap that the policy does not accept, and what it is about; the same thing once.
pub(super) fn closing(verdict: &Verdict) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut known = HashSet::new();
    for judged in verdict.gaps.iter().filter(|gap| gap.disposition == Disposition::Denied) {
        let source = verdict.inputs.feeds.iter().find(|feed| feed.name == judged.subject);
        let own = source.map(|feed| feed.source.as_str()).filter(|source| !source.contains("://"));
        let help = match (judged.kind, own) {
            (GapKind::StaleFeed, Some(folder)) => bring_up_to_date(folder),
            (GapKind::PartialDatabase, _) if judged.detail.contains(STANDS_IN) => of_a_stand_in(&judged.subject),
            (GapKind::EmptyInventory, _) if verdict.subject.digest.is_some() => OF_AN_IMAGE.to_owned(),
            _ => closes(judged.kind, &judged.subject),
        };
        if known.insert(help.clone()) {
            out.push((format!("{} {}", judged.kind.as_str(), prose(&judged.subject)), help));
        }
    }
    out
}

/// An image in which nothing says what it was built of.
const OF_AN_IMAGE: &str = "build what is in the image with a list of its packages in it (cargo auditable; Go does by itself), or copy its lock file in; where \
     it holds none, accept `empty-inventory` in the policy under [rules.incomplete-inventory]";

/// What helps where a lock file does not tell the version of a folder: its tool writes the same again.
fn of_a_stand_in(lock: &str) -> String {
    let packed = "pack the copy and name the archive (`file:NAME-VERSION.tgz`), whose version the lock file has";
    let other = match lock.rsplit('/').next().unwrap_or(lock) {
        "yarn.lock" => "name the folder by `file:`, of which yarn writes the version down (of `portal:` and `link:` it does not)",
        "package-lock.json" | "npm-shrinkwrap.json" => {
            "give the folder's package.json a `version` and run `npm install --package-lock-only --lockfile-version 3`"
        }
        "pnpm-lock.yaml" | "bun.lock" => packed,
        "uv.lock" => "give the folder's pyproject.toml a `version` that is not dynamic, and lock again",
        // A file that never has it.
        _ => "give the folder's package a name that no published one has",
    };
    format!("take the published package again, or {other}")
}

/// What helps with advisory data in a folder or a file of the user's own that is too old: no update of ours makes it newer.
#[must_use]
pub fn bring_up_to_date(place: &str) -> String {
    format!("bring {} up to date, or allow older data with [feeds] max_age", prose(place))
}

/// One sentence or command.
fn closes(kind: GapKind, subject: &str) -> String {
    let subject = prose(subject);
    match kind {
        GapKind::UncoveredEcosystem => {
            format!("point --osv at data that covers {subject}, or accept it by name in the policy under [rules.incomplete-inventory]")
        }
        GapKind::PartialDatabase => format!("repair {subject}, or have it written anew by what wrote it"),
        _ => help(kind).closes.to_owned(),
    }
}

/// A kind of gap, for whoever asks about it.
pub struct GapHelp {
    /// What is not known.
    pub means: &'static str,
    /// What helps.
    pub closes: &'static str,
    /// Where the policy says what it is to mean: a table, and the key in it where there is one.
    pub weighed: &'static str,
}

/// What there is to know of a kind.
#[must_use]
pub const fn help(kind: GapKind) -> GapHelp {
    let (means, closes, weighed) = match kind {
        GapKind::EmptyInventory => (
            "It holds no package at all, and nothing explains it: what is in it is not known.",
            "name a folder with a lock file, or an image: `portcullis help scan`",
            "[rules.incomplete-inventory] empty-inventory",
        ),
        GapKind::PartialDatabase => (
            "A package database, a lock file or a binary's list of packages could not be read whole: some of its packages were not looked up.",
            "repair it, or have it written anew by what wrote it",
            "[rules.incomplete-inventory] partial-database",
        ),
        GapKind::UnreadablePath => (
            "A file or a folder could not be read: nobody knows what it holds.",
            "give whoever runs the gate the right to read it, or leave it out with a reason ([[inventory.exclude]])",
            "[rules.incomplete-inventory] unreadable-path",
        ),
        GapKind::UnknownDistro => (
            "There are packages of an operating system, and its release is not known: advisories are for releases.",
            "put an /etc/os-release with ID and VERSION_ID into the image",
            "[rules.incomplete-inventory] unknown-distro",
        ),
        GapKind::UncoveredEcosystem => (
            "No feed has advisories for the ecosystem of some components: they were not looked up.",
            "point --osv at data that covers it, or accept it by name in the policy under [rules.incomplete-inventory]",
            "[rules.incomplete-inventory] uncovered-ecosystem",
        ),
        GapKind::UnreadLockFile => (
            "A lock file that is known and not read, or a manifest that needs packages and has no lock file: what it installs was not looked up.",
            "have its tool write a lock file and commit it, or leave it out with a reason ([[inventory.exclude]])",
            "[rules.incomplete-inventory] unread-lock-file",
        ),
        GapKind::UnreadPackageStore => (
            "A place where a package manager keeps what it installed, which is known and not read: what is in it was not looked up.",
            "scan an SBOM that its own tool writes (`portcullis scan sbom:FILE`) and accept the store by name under [rules.incomplete-inventory]",
            "[rules.incomplete-inventory] unread-package-store",
        ),
        GapKind::UnownedExecutable => (
            "An executable that no package accounts for: what it was built of is not known.",
            "install it as a package, or build it with a list of its packages in it (cargo auditable; Go does by itself)",
            "[rules.incomplete-inventory] unowned-executable",
        ),
        GapKind::LimitReached => (
            "Something was passed over because it went past a limit of the gate: it may hold anything.",
            "make it smaller, or accept it by name in the policy under [rules.incomplete-inventory]",
            "[rules.incomplete-inventory] limit-reached",
        ),
        GapKind::AmbiguousLayer => (
            "An entry of a layer that two unpackers can take for different files: what was looked at need not be what runs.",
            "build the layer anew with an ordinary tool; the gap names entry and offset",
            "[rules.incomplete-inventory] ambiguous-layer",
        ),
        GapKind::UnorderedVersion => (
            "A version that its ecosystem's order does not know: whether an advisory is about it could not be decided.",
            "correct the version, or accept it by name under [rules.incomplete-inventory]",
            "[rules.incomplete-inventory] unordered-version",
        ),
        GapKind::ErrataOnly => (
            "A distribution whose advisories tell only what has been fixed: what is known and has no fix yet is in none of them.",
            "nothing closes it: it says how far the data goes",
            "[rules.incomplete-inventory] errata-only",
        ),
        GapKind::MissingFeed => (
            "An advisory feed is not there or cannot be read: nothing was looked up in it.",
            "run again where the advisory data can be fetched (`portcullis feeds update`), or point --osv at newer data",
            "[rules.stale-feed] missing-feed",
        ),
        GapKind::StaleFeed => (
            "An advisory feed is older than is allowed: what was published since is not in it.",
            "run again where the advisory data can be fetched (`portcullis feeds update`), or point --osv at newer data",
            "[rules.stale-feed] stale-feed",
        ),
        GapKind::MalformedAdvisory => (
            "An advisory that names a component of this image could not be read: whether it is about this version is not known.",
            "fetch the feed anew (`portcullis feeds update`); where the record is wrong at its source, report it there",
            "[rules.stale-feed] malformed-advisory",
        ),
        GapKind::UnknownYank => (
            "Whether some crates were yanked is not known: the crates index could not be asked.",
            "run again where the crates index can be fetched",
            "[rules.yanked-crate]",
        ),
        GapKind::UnknownAge => (
            "When some releases were published is not known, and the policy asks for it: they may be of today.",
            "let the registry be asked ([feeds] crates_index, npm_registry, pypi_index), or lower `unknown` of the rule",
            "[rules.too-new-component]",
        ),
        GapKind::UnreadableDockerfile => (
            "A Dockerfile could not be read as BuildKit reads it: nobody knows what it builds upon.",
            "correct the line that the gap names",
            "[rules.unpinned-base]",
        ),
        GapKind::UnreadableWorkflow => (
            "A workflow or an action could not be read: nobody knows which actions it uses.",
            "correct the line that the gap names",
            "[rules.unpinned-action]",
        ),
        GapKind::UncheckedAction => (
            "An action that a workflow uses was not looked up: the advisory data has nothing on actions, or nobody knows the action's version.",
            "pin the action to a commit with its version in a comment; where no data on GitHub Actions was there, point --osv at data that has it",
            "[rules.unpinned-action]",
        ),
        GapKind::UndecidedRule => (
            "A rule of the policy could not be evaluated: it denies.",
            "correct the rule that the gap names",
            "the policy itself; it cannot be accepted",
        ),
    };
    GapHelp { means, closes, weighed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_version_is_helped_with_what_its_own_tool_can_do() {
        for (lock, words) in [
            ("web/pnpm-lock.yaml", "file:NAME-VERSION.tgz"),
            ("yarn.lock", "`file:`"),
            ("package-lock.json", "--lockfile-version 3"),
        ] {
            let help = of_a_stand_in(lock);
            assert!(help.contains(words) && help.contains("published package"), "{help}");
            assert!(!help.contains("written anew by what wrote it"), "{help}");
        }
    }

    #[test]
    fn every_kind_says_what_is_not_known_and_where_it_is_weighed() {
        for kind in GapKind::ALL {
            let help = help(*kind);
            assert!(help.means.ends_with('.') && help.means.len() > 40, "{}", kind.as_str());
            assert!(!help.closes.is_empty() && !help.closes.ends_with('.'), "{}", kind.as_str());
            let key = help.weighed.split_once("] ").map(|(_, key)| key);
            assert!(key.is_none_or(|key| key == kind.as_str()), "{}", kind.as_str());
        }
    }
}
