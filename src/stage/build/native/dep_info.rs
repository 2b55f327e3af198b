//! Which files went into a program, as cargo writes it beside it.
//!
//! Source: the Cargo book, "Build cache" (dep-info files).

use std::path::{Path, PathBuf};

use crate::io::files;
use crate::io::limits::Limits;
use crate::model::excused::Excused as _;

/// The files that went into a program, by what cargo wrote beside it: every source of every package with a path, and what their build scripts say that
/// they read. `None` where it wrote nothing that can be read.
pub(super) fn read_for(executable: &Path, limits: &Limits) -> Option<Vec<PathBuf>> {
    let text = files::read_text(&executable.with_extension("d"), limits.document).or_none("the caller tells it");
    let (_, named) = text.as_ref()?.split_once(": ").or_else(|| text.as_ref()?.split_once(':'))?;
    let mut paths = Vec::new();
    let mut path = String::new();
    let mut chars = named.lines().next().unwrap_or_default().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next_if_eq(&' ').is_some() => path.push(' '),
            ' ' => paths.push(std::mem::take(&mut path)),
            c => path.push(c),
        }
    }
    paths.push(path);
    // What lies in the folder of the build is written as a path below it.
    let whole = paths.into_iter().map(PathBuf::from).filter(|path| path.is_absolute());
    Some(whole.collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_cargo_wrote_beside_a_program_is_read_with_its_blanks() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("pay");
        assert_eq!(read_for(&program, &Limits::default()), None);
        fs::write(
            program.with_extension("d"),
            "/t/pay: /a/src/main.rs /a/with\\ blank.txt release/build/out.rs\n",
        )
        .expect("written");
        let read = read_for(&program, &Limits::default()).expect("read");
        assert_eq!(read, ["/a/src/main.rs", "/a/with blank.txt"].map(PathBuf::from));
    }
}
