//! The files that a package owns: `info/*.list` and `*.md5sums`.

use std::io::{self, BufRead};

use crate::model::purl::Purl;
use crate::stage::inventory::cataloger::Sink;
use crate::stage::inventory::formats::paragraphs;

/// The package that a file of `info/` is about: `name` or `name:architecture`. Its version is in the database, not here.
fn owner(stem: &str) -> Purl {
    match stem.split_once(':') {
        Some((name, architecture)) => Purl::new("deb", name, "").with_qualifier("arch", architecture),
        None => Purl::new("deb", stem, ""),
    }
}

pub(super) fn listed_files(stem: &str, content: impl BufRead, sink: &mut dyn Sink) -> io::Result<()> {
    let owner = owner(stem);
    paragraphs::each_line(content, |line| owns(line, &owner, sink))
}

/// Lines of `md5  path`.
pub(super) fn checksummed_files(stem: &str, content: impl BufRead, sink: &mut dyn Sink) -> io::Result<()> {
    let owner = owner(stem);
    paragraphs::each_line(content, |line| {
        if let Some(at) = line.iter().position(|b| *b == b' ') {
            owns(line[at..].trim_ascii_start(), &owner, sink);
        }
    })
}

fn owns(path: &[u8], owner: &Purl, sink: &mut dyn Sink) {
    // A path that is not UTF-8 is left unowned: that is reported where it matters, as an executable without an owner.
    let Ok(path) = std::str::from_utf8(path) else { return };
    let path = path.trim_start_matches("./").trim_start_matches('/');
    if !path.is_empty() && path != "." {
        sink.owns(path, owner);
    }
}
