//! Tag templates resolved.

use crate::cli::error::CliError;
use crate::model::commit::Commit;

/// The fields that a template may have.
const FIELDS: [&str; 5] = ["{sha}", "{short}", "{semver}", "{git-tag}", "{branch}"];

/// The longest branch name in a tag: with a full commit id it stays below the 128 characters of a tag.
const BRANCH: usize = 60;

/// The tags of a publication.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tags {
    /// All of them, each once, in the templates' order.
    pub(super) all: Vec<String>,
    /// Those that name a branch.
    pub(super) of_branch: Vec<String>,
    /// Templates that give none.
    pub(super) without: Vec<String>,
}

impl Tags {
    /// Resolves templates for a commit; without one there is nothing to name. A template of a git tag, a version or a branch gives nothing where
    /// the commit has none.
    ///
    /// # Errors
    /// [`CliError::Setting`] for an unknown field, and for a branch without the commit beside it.
    pub(super) fn of(setting: &'static str, templates: &[String], commit: Option<&Commit>) -> Result<Self, CliError> {
        let mut tags = Self::default();
        for template in templates {
            check(template).map_err(|problem| CliError::setting(setting, problem))?;
            let Some(commit) = commit else { continue };
            let plain = template
                .replace("{sha}", commit.sha.as_str())
                .replace("{short}", commit.sha.short());
            let resolved = if plain.contains("{git-tag}") {
                commit.tags.iter().map(|tag| plain.replace("{git-tag}", tag)).collect()
            } else if plain.contains("{semver}") {
                versions(commit).map(|version| plain.replace("{semver}", &version)).collect()
            } else if plain.contains("{branch}") {
                let tag = commit.branch.as_deref().map(|branch| plain.replace("{branch}", &as_tag(branch)));
                tags.of_branch.extend(tag.clone());
                Vec::from_iter(tag)
            } else {
                vec![plain]
            };
            if resolved.is_empty() {
                tags.without.push(template.clone());
            }
            for tag in resolved {
                if !tags.all.contains(&tag) {
                    tags.all.push(tag);
                }
            }
        }
        Ok(tags)
    }
}

fn check(template: &str) -> Result<(), String> {
    let rest = FIELDS.iter().fold(template.to_owned(), |rest, field| rest.replace(field, ""));
    let sources = FIELDS[2..].iter().filter(|field| template.contains(*field)).count();
    if rest.contains(['{', '}']) {
        Err(format!("`{template}` has an unknown field: known are {}", FIELDS.join(", ")))
    } else if sources > 1 {
        Err(format!("`{template}` has two of {}: one is enough", FIELDS[2..].join(", ")))
    } else if let Some(bad) = rest.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))) {
        Err(format!(
            "`{template}` has `{}` in it, and a tag has letters, digits, `_`, `.` and `-`",
            bad.escape_default()
        ))
    } else if template.is_empty() || (template == rest && template.starts_with(['.', '-'])) || rest.len() > 80 {
        Err(format!(
            "`{template}` is no tag: expected letters, digits, `_`, `.` and `-`, at most 128 of them"
        ))
    } else if template.contains("{branch}") && !template.contains("{sha}") && !template.contains("{short}") {
        Err(format!("`{template}` would move with the branch: write `{{branch}}-{{sha}}`"))
    } else {
        Ok(())
    }
}

/// The versions that annotated tags at the commit name, with or without a `v`. A `+` cannot stand in a tag.
fn versions(commit: &Commit) -> impl Iterator<Item = String> {
    let plain = |tag: &String| tag.strip_prefix('v').unwrap_or(tag).to_owned();
    let names = commit.tags.iter().map(plain);
    names
        .filter(|name| semver::Version::parse(name).is_ok())
        .map(|name| name.replace('+', "_"))
}

/// A branch's name with what cannot stand in a tag replaced.
fn as_tag(branch: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let text: String = branch.chars().map(|c| if allowed(c) { c } else { '-' }).take(BRANCH).collect();
    text.trim_start_matches(['.', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::commit::CommitSha;

    fn commit(tags: &[&str], branch: Option<&str>) -> Commit {
        Commit {
            sha: CommitSha::parse(&"a".repeat(40)).expect("sha"),
            time: jiff::Timestamp::UNIX_EPOCH,
            dirty: false,
            source: None,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            branch: branch.map(str::to_owned),
            unreachable: false,
        }
    }

    fn of(templates: &[&str], commit: &Commit) -> Result<Tags, CliError> {
        let templates: Vec<String> = templates.iter().map(|template| (*template).to_owned()).collect();
        Tags::of("image.tags", &templates, Some(commit))
    }

    #[test]
    fn versions_come_from_annotated_tags_at_the_commit_only() {
        let tagged = commit(&["v1.2.3", "release", "2.0.0-rc.1+b5"], None);
        let tags = of(&["{sha}", "sha-{short}", "{semver}", "v{semver}"], &tagged).expect("tags");
        let (sha, short) = ("a".repeat(40), format!("sha-{}", "a".repeat(12)));
        assert_eq!(
            tags.all,
            [sha.as_str(), &short, "1.2.3", "2.0.0-rc.1_b5", "v1.2.3", "v2.0.0-rc.1_b5"]
        );
        assert_eq!(of(&["{semver}", "{git-tag}"], &commit(&[], None)).expect("none").all, [""; 0]);
    }

    #[test]
    fn a_branch_stands_beside_the_commit_and_is_told_apart() {
        let tags = of(&["{branch}-{short}"], &commit(&[], Some("feature/ü x"))).expect("tags");
        assert_eq!(tags.all, [format!("feature---x-{}", "a".repeat(12))]);
        assert_eq!(tags.of_branch, tags.all);
        let detached = of(&["{branch}-{sha}"], &commit(&[], None)).expect("detached");
        assert_eq!((detached.all, detached.without), (vec![], vec!["{branch}-{sha}".to_owned()]));
        for moving in [
            "{sha}/x",
            "a b",
            "",
            "-x",
            "ü{sha}",
            "{branch}",
            "x-{branch}",
            "{branch}-{semver}",
            "{Sha}",
            "{sha",
        ] {
            assert!(of(&[moving], &commit(&[], Some("main"))).is_err(), "{moving}");
        }
    }
}
