//! The links that the system follows on the way to a path, in its order: each of them decides where the path leads.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Links that the kernel follows before it gives up (`path_resolution(7)`).
const MOST: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Each link, by the real folder that it lies in and its own name.
    pub links: Vec<PathBuf>,
    /// What is found at the end: a path without links, whose last parts may not be there yet.
    pub end: PathBuf,
}

/// Follows a path as the kernel does: `..` leads to the real folder's parent.
///
/// # Errors
/// The system's reason for what cannot be looked at; [`io::ErrorKind::NotFound`] for a `..` behind what is not there, which would lead elsewhere once
/// somebody has made it; [`io::ErrorKind::Other`] for more links than the kernel follows.
pub fn way(path: &Path) -> io::Result<Way> {
    let mut left: VecDeque<OsString> = parts(&std::env::current_dir()?.join(path)).collect();
    let mut way = Way {
        links: Vec::new(),
        end: PathBuf::from("/"),
    };
    let mut is_there = true;
    while let Some(part) = left.pop_front() {
        if part == ".." {
            if !is_there {
                let problem = format!("{} is not there, and `..` behind it leads wherever it will", way.end.display());
                return Err(io::Error::new(io::ErrorKind::NotFound, problem));
            }
            way.end.pop();
            continue;
        }
        let next = way.end.join(&part);
        match next.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                if way.links.len() >= MOST {
                    return Err(io::Error::other(format!("{} leads through too many links", path.display())));
                }
                let target = next.read_link()?;
                way.links.push(next);
                if target.is_absolute() {
                    way.end = PathBuf::from("/");
                }
                for part in parts(&target).rev() {
                    left.push_front(part);
                }
                continue;
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => is_there = false,
            Err(error) => return Err(error),
        }
        way.end = next;
    }
    Ok(way)
}

/// The parts of a path, without its root and `.`.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_way_is_the_kernels_with_each_link_on_it() {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path().canonicalize().expect("there");
        fs::create_dir_all(root.join("a/b/c")).expect("folders");
        fs::create_dir(root.join("d")).expect("folder");
        symlink("a/b", root.join("one")).expect("link");
        symlink(root.join("one/c"), root.join("d/two")).expect("link");
        symlink("round", root.join("round")).expect("link");
        for (path, links, end) in [
            ("a/b", &[][..], "a/b"),
            ("one/c", &["one"], "a/b/c"),
            // The text says `d`, the kernel `a/b`.
            ("d/two/../x/y", &["d/two", "one"], "a/b/x/y"),
            ("d/../one", &["one"], "a/b"),
        ] {
            let found = way(&root.join(path)).expect(path);
            let links: Vec<PathBuf> = links.iter().map(|link| root.join(link)).collect();
            assert_eq!(
                found,
                Way {
                    links,
                    end: root.join(end)
                },
                "{path}"
            );
            if found.end.exists() {
                assert_eq!(root.join(path).canonicalize().expect(path), found.end);
            }
        }
        assert_eq!(way(&root.join("x/../d")).expect_err("not there").kind(), io::ErrorKind::NotFound);
        assert!(way(&root.join("round/x")).is_err());
    }
}
