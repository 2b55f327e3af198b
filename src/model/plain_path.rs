//! Relative paths, as people write them.

use std::path::{Component, Path, PathBuf};

/// A path without its dots, if it names something below the place where it is written; `None` for `.`, for one with `..`, and for one from the root.
#[must_use]
pub fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => plain.push(name),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!plain.as_os_str().is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_thing_below() {
        assert_eq!(plain(Path::new("./fixtures/old/")), Some(PathBuf::from("fixtures/old")));
        for text in ["", ".", "./", "..", "a/../..", "a/../b", "/etc"] {
            assert_eq!(plain(Path::new(text)), None, "{text}");
        }
    }
}
