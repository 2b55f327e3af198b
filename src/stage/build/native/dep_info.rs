//! Which files went into a program, as cargo writes it beside it, and into each unit of it, as rustc does.
//!
//! Source: the Cargo book, "Build cache" (dep-info files); rustc's `--emit dep-info`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::io::limits::Limits;
use crate::io::{files, folder};
use crate::model::excused::Excused as _;

/// The files that went into a program, by what cargo wrote beside it: every source of every package with a path, and what their build scripts say that
/// they read. `None` where it wrote nothing that can be read.
pub(super) fn read_for(executable: &Path, limits: &Limits) -> Option<Vec<PathBuf>> {
    let text = files::read_text(&executable.with_extension("d"), limits.document).or_none("the caller tells it");
    let (_, named) = text.as_ref()?.split_once(": ").or_else(|| text.as_ref()?.split_once(':'))?;
    // What lies in the folder of the build is written as a path below it.
    let whole = words(named.lines().next().unwrap_or_default()).filter(|path| path.is_absolute());
    Some(whole.collect())
}

/// The files that rustc read for one unit of a package, by the files that it `made`, relative to the folder that it worked in. `None` where it wrote nothing
/// that can be read.
pub(super) fn of_unit(made: &[PathBuf], limits: &Limits) -> Option<Vec<PathBuf>> {
    let beside = made.iter().flat_map(|made| places(made));
    let text = beside
        .into_iter()
        .find_map(|place| files::read_text(&place, limits.document).or_none("another one, or the caller tells it"))?;
    // One line for each file that was made, with all that it was made of, and an empty one for each of those.
    let rules = text.lines().filter(|line| !line.starts_with('#'));
    let named = rules.filter_map(|line| Some(line.split_once(": ")?.1));
    Some(named.flat_map(words).collect())
}

/// Where rustc tells it of a file: `deps/a-0123.d` of `deps/liba-0123.rlib`. A build script is given another name afterwards, and has its folder for itself.
fn places(made: &Path) -> Vec<PathBuf> {
    let stem = made.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = files::folder_of(made);
    let is_told = |path: &PathBuf| path.extension() == Some(OsStr::new("d"));
    if stem.starts_with("build-script-") {
        let listed = folder::listed(folder).or_none("the caller tells it");
        return listed.into_iter().flatten().map(|entry| entry.path()).filter(is_told).collect();
    }
    let names = [stem.strip_prefix("lib").unwrap_or(&stem), &stem].map(|name| folder.join(format!("{name}.d")));
    names.into()
}

/// The paths of a rule.
fn words(named: &str) -> impl Iterator<Item = PathBuf> {
    let mut paths = Vec::new();
    let mut path = String::new();
    let mut chars = named.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next_if_eq(&' ').is_some() => path.push(' '),
            ' ' => paths.push(std::mem::take(&mut path)),
            c => path.push(c),
        }
    }
    paths.push(path);
    paths.into_iter().filter(|path| !path.is_empty()).map(PathBuf::from)
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
    #[test]
    fn what_rustc_wrote_of_a_unit_is_found_by_what_it_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let deps = folder.path().join("deps");
        let script = folder.path().join("build/a-02");
        for folder in [&deps, &script] {
            fs::create_dir_all(folder).expect("made");
        }
        let rule = |made: &str, from: &str| {
            format!("/t/{made}.d: {from}\n\n/t/lib{made}.rlib: {from}\n\nsrc/lib.rs:\n/a/b\\ c.txt:\n\n# env-dep:X=: y\n")
        };
        fs::write(deps.join("a-01.d"), rule("a-01", "src/lib.rs /a/b\\ c.txt")).expect("written");
        fs::write(script.join("build_script_build-02.d"), rule("x", "build.rs")).expect("written");
        let read = |made: &[PathBuf]| {
            let mut read = of_unit(made, &Limits::default())?;
            read.sort();
            read.dedup();
            Some(read)
        };
        let expected = Some(["/a/b c.txt", "src/lib.rs"].map(PathBuf::from).to_vec());
        assert_eq!(read(&[deps.join("liba-01.rlib"), deps.join("liba-01.rmeta")]), expected);
        assert_eq!(read(&[deps.join("liba-01.so")]), expected);
        assert_eq!(read(&[script.join("build-script-build")]), Some(vec![PathBuf::from("build.rs")]));
        assert_eq!(read(&[deps.join("libb-01.rlib")]), None);
    }
}
