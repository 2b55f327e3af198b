//! Which files of git's own say at which commit a checkout is. No commit can hold another one below a `.git`.
//!
//! Crates that tell a program its version read those (`vergen` and `shadow-rs` name them as read, `git-version` compiles them in). Whoever can write into a
//! `.git` can put anything there under such a name: what counts is that it has git's own form.
//!
//! Source: gitrepository-layout(5); gitformat-index(5); git-reflog(1).

use std::path::Path;

use crate::io::files;
use crate::model::excused::Excused as _;

/// More is in no such file but an index or a list of references.
const LIMIT: u64 = 1 << 28;

/// True for a file of those, by its whole path and what is in it: of the checkout, of a submodule, or of the repository that it is one of several working
/// trees of, which lies elsewhere.
pub(super) fn says_which_commit(path: &Path) -> bool {
    let mut names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
    let Some(at) = names.iter().rposition(|name| name == ".git") else {
        return false;
    };
    names.drain(..=at);
    let is_in = |folder: &str| names.iter().any(|name| name == folder);
    let has_form: fn(&str) -> bool = match names.last().map(AsRef::as_ref) {
        // Of a working tree beside another one, or of a submodule.
        None => |text| text.starts_with("gitdir: ") && text.lines().count() == 1,
        Some("index") => {
            return files::read(path, LIMIT)
                .or_none("it is told")
                .is_some_and(|bytes| bytes.starts_with(b"DIRC"));
        }
        Some(_) if is_in("logs") => |text| text.lines().all(is_of_a_log),
        Some("packed-refs") => |text| text.lines().all(is_of_a_list),
        Some("HEAD" | "ORIG_HEAD") => is_a_reference,
        Some(_) if is_in("refs") => is_a_reference,
        Some(_) => return false,
    };
    let text = files::read_text(path, LIMIT).or_none("what cannot be read is told");
    text.is_some_and(|text| has_form(&text))
}

fn is_a_commit(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Nothing that Rust could take for more than one word.
fn is_a_name(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "\"'`(){}[];!\\^~:?*".contains(c);
    text.starts_with("refs/") && text.len() < 1000 && !text.contains(is_odd)
}

fn is_a_reference(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text);
    is_a_commit(text) || text.strip_prefix("ref: ").is_some_and(is_a_name)
}

/// `# pack-refs with: peeled`, `COMMIT refs/tags/x`, `^COMMIT`.
fn is_of_a_list(line: &str) -> bool {
    let named = || {
        line.split_once(' ')
            .is_some_and(|(commit, name)| is_a_commit(commit) && is_a_name(name))
    };
    line.starts_with("# pack-refs with:") || line.strip_prefix('^').is_some_and(is_a_commit) || named()
}

/// `OLD NEW Somebody <somebody@example.org> 1700000000 +0100<TAB>what was done`.
fn is_of_a_log(line: &str) -> bool {
    let mut words = line.splitn(3, ' ');
    let are_commits = words.by_ref().take(2).filter(|word| is_a_commit(word)).count() == 2;
    let rest = words.next().unwrap_or_default();
    let who = rest.split('\t').next().unwrap_or_default();
    let when: Vec<&str> = who.rsplit_once('>').map_or("", |(_, when)| when).split_whitespace().collect();
    let is_a_time = |time: &str| !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
    are_commits && matches!(when.as_slice(), [time, zone] if is_a_time(time) && is_a_time(zone.trim_start_matches(['+', '-'])))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_of_gits_are_known_by_their_place_and_their_form() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path();
        let says = |path: &str, text: &str| {
            let path = top.join(path);
            fs::create_dir_all(files::folder_of(&path)).expect("made");
            fs::write(&path, text).expect("written");
            says_which_commit(&path)
        };
        let commit = "0a".repeat(20);
        let log = format!("{commit} {commit} A B <a@example.org> 1700000000 +0100\tcommit: fn main() {{}}\n");
        let list = format!("# pack-refs with: peeled fully-peeled sorted \n{commit} refs/tags/v1\n^{commit}\n");
        for (path, text) in [
            (".git/HEAD", "ref: refs/heads/feature/a-1.0\n"),
            (".git/HEAD", commit.as_str()),
            (".git/ORIG_HEAD", &format!("{commit}\n")),
            (".git/refs/heads/main", &format!("{commit}\n")),
            (".git/worktrees/a/HEAD", &commit),
            ("part/.git", "gitdir: ../.git/modules/a\n"),
            (".git/modules/a/refs/heads/x", &commit),
            (".git/packed-refs", &list),
            (".git/logs/HEAD", &log),
            (".git/logs/refs/heads/main", &log),
            (".git/index", "DIRC\0\0\0\u{2}"),
        ] {
            assert!(says(path, text), "{path} {text:?}");
            // The same under another name, or outside of git's folder.
            assert!(!says(&format!("{path}.rs"), "fn main() {}\n"), "{path}");
            assert!(!says(&path.replace(".git", "git/x"), text), "{path}");
        }
        for (path, text) in [
            (".git/HEAD", "fn main() {}\n"),
            (".git/HEAD", "ref: refs/heads/a\nfn main() {}\n"),
            (".git/HEAD", "ref: refs/heads/a!(b)\n"),
            (".git/refs/heads/main", "pub const KEY: &str = \"x\";\n"),
            (".git/refs/pay/src/lib.rs", "pub fn pay() {}\n"),
            (".git/packed-refs", &format!("{list}fn main() {{}}\n")),
            (".git/logs/HEAD", &format!("{log}fn main() {{}}\n")),
            (".git/index", "fn main() {}\n"),
            (".git/config", "[core]\n"),
        ] {
            assert!(!says(path, text), "{path} {text:?}");
        }
    }
}
