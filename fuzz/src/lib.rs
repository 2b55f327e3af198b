//! What the targets share: asking catalogers about any bytes.

use portcullis::io::layers::Spilled;
use portcullis::model::coverage::GapKind;
use portcullis::model::inventory::{Component, FactKind, OsRelease};
use portcullis::model::purl::Purl;
use portcullis::stage::inventory::{Cataloger, EntryHead, LayerFile, Sink, Want};

/// Counts what a cataloger says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recorder {
    pub components: Vec<String>,
    pub owned: usize,
    pub accounted: bool,
    pub executable: bool,
    pub facts: usize,
    pub gaps: usize,
}

impl Sink for Recorder {
    fn component(&mut self, component: Component) {
        // What does not read back becomes a gap, as in the gate's own sink.
        match component.purl.reads_back() {
            true => self.components.push(component.purl.to_string()),
            false => self.gaps += 1,
        }
    }

    fn owns(&mut self, _path: &str, _owner: &Purl) {
        self.owned += 1;
    }

    fn accounted(&mut self) {
        self.accounted = true;
    }

    fn executable(&mut self) {
        self.executable = true;
    }

    fn os_release(&mut self, _release: OsRelease) {}

    fn fact(&mut self, _kind: FactKind, _detail: String) {
        self.facts += 1;
    }

    fn gap(&mut self, _kind: GapKind, _detail: String) {
        self.gaps += 1;
    }
}

fn head<'a>(path: &'a str, bytes: &[u8]) -> EntryHead<'a> {
    EntryHead {
        path,
        mode: 0o755,
        size: bytes.len() as u64,
    }
}

/// Asks a cataloger about bytes as the content of a path that it wants.
pub fn ask(cataloger: &dyn Cataloger, path: &str, bytes: &[u8]) -> Option<Recorder> {
    let head = head(path, bytes);
    let wanted = match cataloger.wants(&head) {
        Want::Whole => true,
        Want::IfMagic(magics) => magics.iter().any(|magic| bytes.starts_with(magic)),
        _ => false,
    };
    let mut said = Recorder::default();
    wanted.then(|| cataloger.catalog(&LayerFile { head, content: bytes }, &mut said))?;
    Some(said)
}

/// The same where the file was too large for memory.
pub fn ask_on_disk(cataloger: &dyn Cataloger, path: &str, bytes: &[u8]) -> Recorder {
    use std::io::Write;
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("written");
    let mut said = Recorder::default();
    cataloger.catalog_large(&head(path, bytes), &Spilled::of(file, bytes.len() as u64), &mut said);
    said
}
