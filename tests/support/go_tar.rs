//! Whether our reader of tars and Go's see the same in one: Go's reads the same bytes in a process of its own.

use std::path::Path;
use std::process::Command;

use portcullis::io::layers::{Doubt, Entry, Kind, LayerProblem, Need, Visitor, plain};
use portcullis::io::limits::Limits;

use super::mutated_tars::{Dice, tar};
use super::peer::{Peer, behind_length};

const PROGRAM: &str = include_str!("go_reader.go");
/// Contents larger than this are not looked at.
const MOST: u64 = 1 << 20;
/// Tars that are on their way to Go at a time: what it answers must fit the pipes.
const BATCH: u64 = 256;

/// What came of many tars.
#[derive(Debug, Default)]
pub struct Compared {
    pub tars: u64,
    /// Read without a doubt, and as Go reads them.
    pub same: u64,
    /// Of which at least one entry could be read in two ways.
    pub doubted: u64,
    pub refused: u64,
    /// Of those that were doubted or refused, the ones that Go reads to the end.
    pub read_by_go: u64,
    /// The seeds of those that are read differently, without a doubt; with both lists.
    pub different: Vec<String>,
}

/// Go's reader.
pub struct Go(Peer);

impl Go {
    /// Builds it in a folder. `None` where Go is not installed.
    pub fn build(folder: &Path) -> Option<Self> {
        std::fs::write(folder.join("reader.go"), PROGRAM).expect("written");
        let built = Command::new("go")
            .args(["build", "-o", "reader", "reader.go"])
            .current_dir(folder)
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "")
            .status();
        if !built.ok()?.success() {
            return None;
        }
        Some(Self(Peer::start(&folder.join("reader"))))
    }

    /// Compares so many tars from a seed on.
    pub fn compare(&mut self, seed: u64, tars: u64) -> Compared {
        let mut compared = Compared::default();
        while compared.tars < tars {
            let seeds: Vec<u64> = (0..BATCH).map(|at| seed.wrapping_add(compared.tars + at)).collect();
            let batch: Vec<Vec<u8>> = seeds
                .iter()
                .map(|seed| tar(&mut Dice::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))))
                .collect();
            let mut message = Vec::new();
            batch.iter().for_each(|tar| behind_length(&mut message, tar));
            let lists = self.0.ask(message, batch.len()).expect("Go's reader answers");
            for ((tar, (go, ended)), seed) in batch.iter().zip(lists).zip(seeds) {
                compared.add(seed, tar, &go, ended);
            }
        }
        compared
    }
}

impl Compared {
    fn add(&mut self, seed: u64, tar: &[u8], go: &str, ended: bool) {
        self.tars += 1;
        let mut list = List::default();
        let ours = plain(tar, "mutated", &Limits::default(), &mut list);
        match ours {
            Err(_) => self.refused += 1,
            Ok(_) if list.doubted => self.doubted += 1,
            Ok(_) if ended && list.lines == go => {
                self.same += 1;
                return;
            }
            Ok(_) => {
                if self.different.len() < 20 {
                    let ours = &list.lines;
                    self.different.push(format!(
                        "seed {seed}: ours\n{ours}Go's ({})\n{go}",
                        if ended { "end" } else { "error" }
                    ));
                }
                return;
            }
        }
        self.read_by_go += u64::from(ended);
    }
}

/// Our list, in the form of Go's.
#[derive(Default)]
struct List {
    lines: String,
    doubted: bool,
}

impl List {
    fn file(&mut self, entry: &Entry<'_>, content: &[u8]) {
        let hash = content.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        self.lines += &format!("f {} {} {hash:x}\n", hex(entry.raw), entry.size);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Visitor for List {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
        let name = hex(entry.raw);
        match entry.kind {
            Kind::File if entry.size <= MOST => return Ok(Need::Content),
            Kind::File => self.file(entry, b""),
            Kind::Directory => self.lines += &format!("d {name}\n"),
            Kind::Symlink(target) => self.lines += &format!("s {name} {}\n", hex(target)),
            Kind::HardLink(target) => self.lines += &format!("h {name} {}\n", hex(target)),
            Kind::Special => self.lines += &format!("n {name}\n"),
        }
        Ok(Need::Nothing)
    }

    fn ambiguous(&mut self, _doubt: &Doubt<'_>) -> Result<(), LayerProblem> {
        self.doubted = true;
        Ok(())
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        self.file(entry, bytes);
    }
}
