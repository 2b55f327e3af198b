//! Paths inside a root, as if the root were `/`.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Links that are followed on the way to one place.
const MAX_LINKS: usize = 40;

/// The place that a path inside a root leads to when every link is followed as if the root were `/`. Nothing need be there.
pub(super) fn resolve(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut found = root.to_owned();
    let mut depth = 0usize;
    let mut links = 0usize;
    let mut rest: Vec<std::ffi::OsString> = names(path);
    rest.reverse();
    while let Some(name) = rest.pop() {
        if name == ".." {
            if depth > 0 {
                found.pop();
                depth -= 1;
            }
            continue;
        }
        let next = found.join(&name);
        match fs::read_link(&next) {
            Ok(to) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::other("its links go in circles"));
                }
                if to.is_absolute() {
                    root.clone_into(&mut found);
                    depth = 0;
                }
                rest.extend(names(&to).into_iter().rev());
            }
            Err(_) => {
                found = next;
                depth += 1;
            }
        }
    }
    Ok(found)
}

fn names(path: &Path) -> Vec<std::ffi::OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}
