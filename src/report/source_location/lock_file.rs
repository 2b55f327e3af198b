//! The line of a package's version in the lock files of the tree.

use super::SourceLocation;
use crate::model::excused::Excused as _;
use crate::model::finding::Finding;
use crate::model::outcome::SourceFile;

/// Finds the line of the entry for a name and a version.
type Find = fn(&str, &str, &str) -> Option<u32>;

/// Which file lists packages of a type, and how to look into it.
const LOCK_FILES: &[(&str, &str, Find)] = &[
    ("cargo", "Cargo.lock", cargo_lock_line),
    ("npm", "package-lock.json", npm_lock_line),
    ("npm", "npm-shrinkwrap.json", npm_lock_line),
    ("npm", "pnpm-lock.yaml", pnpm_lock_line),
    ("npm", "yarn.lock", yarn_lock_line),
];

/// The names of the lock files that findings are shown in.
pub fn names() -> impl Iterator<Item = &'static str> {
    LOCK_FILES.iter().map(|(_, name, _)| *name)
}

pub(super) fn place(finding: &Finding, sources: &[SourceFile]) -> Option<SourceLocation> {
    let purl = finding.purl.as_ref()?;
    let version = purl.version.as_deref().unwrap_or_default();
    let of_kind = LOCK_FILES.iter().filter(|(kind, ..)| *kind == purl.kind);
    of_kind
        .flat_map(|(_, name, find)| sources.iter().map(move |source| (*name, *find, source)))
        .filter(|(name, _, source)| source.path.rsplit('/').next() == Some(name))
        .find_map(|(_, find, source)| {
            Some(SourceLocation {
                file: source.path.clone(),
                line: find(&source.text, &purl.full_name(), version)?,
            })
        })
}

/// The `name = "…"` line of the entry of a crate's version.
#[must_use]
pub fn cargo_lock_line(text: &str, name: &str, version: &str) -> Option<u32> {
    let name = format!("name = \"{name}\"");
    let version = format!("version = \"{version}\"");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.windows(2).position(|pair| pair[0] == name && pair[1] == version)?;
    u32::try_from(at + 1).or_none("more lines than fit: the file is named without one")
}

/// The line of the entry of a package's version in npm's lock file.
fn npm_lock_line(text: &str, name: &str, version: &str) -> Option<u32> {
    let entry = format!("node_modules/{name}\": {{");
    let version = format!("\"version\": \"{version}\"");
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().enumerate().position(|(at, line)| {
        let next = lines[at + 1..].iter().take(3);
        line.trim_end().ends_with(&entry) && next.into_iter().any(|line| line.contains(&version))
    })?;
    u32::try_from(at + 1).or_none("more lines than fit: the file is named without one")
}

/// The line of the key of a package's version in pnpm's lock file: `a@1.0.0:`, `'@b/a@1.0.0(peer@2.0.0)':`, before version 6 `/a/1.0.0:`.
fn pnpm_lock_line(text: &str, name: &str, version: &str) -> Option<u32> {
    let key = |line: &str| {
        let key = line.trim().strip_suffix(':')?.trim_matches(['\'', '"']).trim_start_matches('/');
        let rest = key.strip_prefix(name)?.strip_prefix(['@', '/'])?;
        let rest = rest.strip_prefix(version)?;
        (rest.is_empty() || rest.starts_with(['(', '_'])).then_some(())
    };
    line_of(text, |line| line.starts_with(' ') && key(line).is_some())
}

/// The line of the entry of a package's version in yarn's lock file: `a@^1.0.0, a@~1:` or `"a@npm:^1.0.0":`, with the version below it.
fn yarn_lock_line(text: &str, name: &str, version: &str) -> Option<u32> {
    let lines: Vec<&str> = text.lines().collect();
    let versions = [
        format!("version \"{version}\""),
        format!("version: {version}"),
        format!("version: \"{version}\""),
    ];
    let at = lines.iter().enumerate().position(|(at, line)| {
        let is_named = !line.starts_with([' ', '#']) && line.ends_with(':') && line.split(", ").any(|pattern| names_package(pattern, name));
        let below = lines[at + 1..].iter().take_while(|line| line.starts_with(' '));
        is_named && below.into_iter().any(|line| versions.iter().any(|version| line.trim() == version))
    })?;
    u32::try_from(at + 1).or_none("more lines than fit: the file is named without one")
}

fn names_package(pattern: &str, name: &str) -> bool {
    let rest = pattern.trim_matches(['"', ':']).strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with('@'))
}

fn line_of(text: &str, wanted: impl Fn(&str) -> bool) -> Option<u32> {
    let at = text.lines().position(wanted)?;
    u32::try_from(at + 1).or_none("more lines than fit: the file is named without one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_every_form_of_lock_file() {
        let npm = "{\n  \"packages\": {\n    \"node_modules/@b/a\": {\n      \"version\": \"1.0.0\"\n    },\n    \"node_modules/x/node_modules/@b/a\": {\n      \"version\": \"2.0.0\"\n";
        assert_eq!(npm_lock_line(npm, "@b/a", "2.0.0"), Some(6));
        let pnpm = "packages:\n  /c/1.0.0:\n    dev: true\n  c@1.0.10:\n    x: y\n  '@b/a@1.0.0(c@1.0.0)':\n    x: y\n";
        assert_eq!(pnpm_lock_line(pnpm, "c", "1.0.0"), Some(2));
        assert_eq!(pnpm_lock_line(pnpm, "c", "1.0.10"), Some(4));
        assert_eq!(pnpm_lock_line(pnpm, "@b/a", "1.0.0"), Some(6));
        assert_eq!(pnpm_lock_line(pnpm, "a", "1.0.0"), None);
        let yarn = "# yarn lockfile v1\n\n\"@b/a@^1\", \"@b/a@~1.0\":\n  version \"1.0.0\"\n\nc@^1.0.0:\n  version \"1.2.0\"\n\nc@^2:\n  version \"2.0.0\"\n";
        assert_eq!(yarn_lock_line(yarn, "@b/a", "1.0.0"), Some(3));
        assert_eq!(yarn_lock_line(yarn, "c", "2.0.0"), Some(9));
        assert_eq!(yarn_lock_line(yarn, "c", "3.0.0"), None);
        let berry = "\"c@npm:^1.0.0, c@npm:~1\":\n  version: 1.2.0\n  resolution: \"c@npm:1.2.0\"\n";
        assert_eq!(yarn_lock_line(berry, "c", "1.2.0"), Some(1));
    }
}
