//! One target: what rustc, cargo, Go and ELF call it, and what links for it.

use crate::model::image::Platform;
use crate::model::plan::NativeBuild;
use crate::stage::build::assembly::Architecture;

/// One target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// rustc's name: `x86_64-unknown-linux-gnu`.
    pub(super) triple: String,
    /// As cargo is told: with a version of glibc behind it for `cargo zigbuild`, `x86_64-unknown-linux-gnu.2.17`.
    pub(super) asked: String,
}

impl Target {
    pub(super) fn of(asked: &str) -> Self {
        let triple = asked.split_once('.').map_or(asked, |(triple, _)| triple);
        Self {
            triple: triple.to_owned(),
            asked: asked.to_owned(),
        }
    }

    /// The platform that its binaries run on.
    pub(super) fn platform(&self) -> Platform {
        let architecture = self.triple.split('-').next().unwrap_or_default();
        let known = Architecture::of_rustc(architecture);
        Platform {
            os: "linux".to_owned(),
            architecture: known.map_or(architecture, |known| known.go).to_owned(),
            variant: None,
        }
    }

    /// The machine that an ELF header of its programs names; none for one that nobody has looked up.
    pub(super) fn machine(&self) -> Option<u16> {
        let architecture = self.triple.split('-').next()?;
        Some(Architecture::of_rustc(architecture)?.elf)
    }

    /// The program that links for it, where one is named.
    pub(super) fn linker<'b>(&self, build: &'b NativeBuild) -> Option<&'b str> {
        let linkers = &build.linkers;
        let found = linkers.get(&self.asked).or_else(|| linkers.get(""));
        found.map(String::as_str)
    }

    /// The variable by which cargo is told the linker.
    pub(super) fn linker_variable(&self) -> String {
        let name = self.triple.to_ascii_uppercase().replace(['-', '.'], "_");
        format!("CARGO_TARGET_{name}_LINKER")
    }
}
