//! What a visitor sees of a layer, as lines, and a layer to see.

use super::*;

/// Keeps what it sees as lines.
#[derive(Default)]
pub(super) struct Seen(pub(super) Vec<String>);

impl Visitor for Seen {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match entry.kind {
            Kind::File => return Ok(Need::Content),
            Kind::Directory => self.0.push(format!("{}/", entry.path)),
            Kind::Symlink(target) => self.0.push(format!("{} -> {}", entry.path, text(target))),
            Kind::HardLink(target) => self.0.push(format!("{} = {}", entry.path, text(target))),
            Kind::Special => self.0.push(format!("{} !", entry.path)),
        }
        Ok(Need::Nothing)
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        let text = if bytes.len() > 40 {
            format!("{} bytes", bytes.len())
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        };
        self.0.push(format!("{}: {text}", entry.path));
    }
}

pub(super) fn seen_with(bytes: &[u8], stated: &Stated, limits: &Limits) -> Result<(Vec<String>, Totals), LayerError> {
    let mut seen = Seen::default();
    let totals = read(bytes, stated, limits, &mut seen)?;
    Ok((seen.0, totals))
}

pub(super) fn seen(bytes: &[u8]) -> Vec<String> {
    seen_with(bytes, &Stated::default(), &Limits::default()).expect("a sound layer").0
}

pub(super) fn problem(bytes: &[u8]) -> String {
    seen_with(bytes, &Stated::default(), &Limits::default())
        .expect_err("a broken layer")
        .to_string()
}

pub(super) fn sample() -> Vec<u8> {
    Tar::new()
        .dir("etc")
        .file("etc/a", "one")
        .symlink("etc/b", "../a")
        .hard_link("c", "./etc/a")
        .file("big", vec![7; 700_000])
        .finish()
}

pub(super) const SAMPLE: [&str; 5] = ["etc/", "etc/a: one", "etc/b -> ../a", "c = etc/a", "big: 700000 bytes"];
