//! What others write is read without a doubt, and what we read without a doubt others read alike.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use portcullis::io::layers::{Entry, Kind, LayerProblem, Need, Visitor, plain};
use portcullis::io::limits::Limits;

use crate::support::go_tar::Go;
use crate::support::tools::program;

/// Refuses what could be read in two ways, and reads all the rest.
#[derive(Default)]
struct Sure(Vec<(String, usize)>);

impl Visitor for Sure {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        Ok(if entry.kind == Kind::File { Need::Content } else { Need::Nothing })
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.0.push((entry.path.to_owned(), bytes.len()));
    }
}

/// A folder with what is hard to write: long and foreign names, links, holes.
fn folder(at: &Path, long: bool) {
    let deep = at.join("x".repeat(if long { 120 } else { 60 })).join("y".repeat(90));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file"), "one").unwrap();
    fs::write(at.join("äü"), "two").unwrap();
    fs::hard_link(at.join("äü"), at.join("hard")).unwrap();
    symlink("z".repeat(if long { 150 } else { 50 }), at.join("link")).unwrap();
    let sparse = fs::File::create(at.join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"x", 3_000_000).unwrap();
    sparse.set_len(5_000_000).unwrap();
}

#[test]
fn what_the_usual_writers_write_is_read_without_a_doubt() {
    let place = tempfile::tempdir().unwrap();
    for long in [true, false] {
        folder(&place.path().join(format!("long-{long}")), long);
    }
    let python =
        "import sys, tarfile\nt = tarfile.open('out.tar', 'w', format=getattr(tarfile, sys.argv[1]))\nt.add(sys.argv[2], '.')\nt.close()";
    let gnu = |format: &'static str| ("tar", true, vec![format, "-cf", "out.tar", "-C"]);
    let mut writers = vec![
        gnu("--format=oldgnu"),
        gnu("--format=gnu"),
        gnu("--format=posix"),
        ("tar", false, vec!["--format=ustar", "-cf", "out.tar", "-C"]),
        ("tar", true, vec!["--format=gnu", "--sparse", "-cf", "out.tar", "-C"]),
        ("tar", true, vec!["--format=oldgnu", "--sparse", "-cf", "out.tar", "-C"]),
        ("bsdtar", true, vec!["--format=pax", "-cf", "out.tar", "-C"]),
        ("bsdtar", true, vec!["--format=gnutar", "-cf", "out.tar", "-C"]),
        ("bsdtar", true, vec!["--read-sparse", "--format=pax", "-cf", "out.tar", "-C"]),
        ("bsdtar", false, vec!["--format=ustar", "-cf", "out.tar", "-C"]),
        ("busybox", true, vec!["tar", "-cf", "out.tar", "-C"]),
        ("python3", true, vec!["-c", python, "PAX_FORMAT"]),
        ("python3", true, vec!["-c", python, "GNU_FORMAT"]),
        ("python3", false, vec!["-c", python, "USTAR_FORMAT"]),
    ];
    for version in ["--sparse-version=0.0", "--sparse-version=0.1", "--sparse-version=1.0"] {
        writers.push(("tar", true, vec!["--format=posix", "--sparse", version, "-cf", "out.tar", "-C"]));
    }
    for (writer, long, arguments) in writers {
        if program(writer).is_none() {
            continue;
        }
        let mut command = Command::new(writer);
        command.args(&arguments).arg(format!("long-{long}")).current_dir(place.path());
        if writer != "python3" {
            command.arg(".");
        }
        assert!(command.status().unwrap().success(), "{writer} {arguments:?}");
        let tar = fs::File::open(place.path().join("out.tar")).unwrap();
        let mut sure = Sure::default();
        let read = plain(tar, writer, &Limits::default(), &mut sure);
        read.unwrap_or_else(|error| panic!("{writer} {arguments:?}: {error}"));
        assert!(
            sure.0.contains(&("sparse".to_owned(), 5_000_000)),
            "{writer} {arguments:?}: {:?}",
            sure.0
        );
        assert!(
            sure.0.iter().any(|(path, size)| path.ends_with("/file") && *size == 3),
            "{writer} {arguments:?}"
        );
    }
}

/// `fuzz/` compares more of them.
#[test]
fn what_is_read_without_a_doubt_is_read_alike_by_go() {
    let place = tempfile::tempdir().unwrap();
    if program("go").is_none() {
        return;
    }
    let mut go = Go::build(place.path()).expect("Go's compiler builds the reader");
    let compared = go.compare(1, 20_480);
    println!("{compared:?}");
    assert!(compared.different.is_empty(), "{}", compared.different.join("\n"));
    assert!(compared.same > 5_000, "most must be sound for this to say something: {compared:?}");
}
