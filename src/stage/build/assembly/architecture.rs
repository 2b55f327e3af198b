//! What processors are called.

/// A processor: what rustc, Go and ELF call it. 64 bits, the low byte first: the builder reads no other executables.
pub(in crate::stage::build) struct Architecture {
    pub(in crate::stage::build) rustc: &'static str,
    /// As images name it.
    pub(in crate::stage::build) go: &'static str,
    /// Source: the System V ABI, `e_machine`.
    pub(in crate::stage::build) elf: u16,
}

const ARCHITECTURES: [Architecture; 5] = [
    known("x86_64", "amd64", 62),
    known("aarch64", "arm64", 183),
    known("powerpc64le", "ppc64le", 21),
    known("riscv64gc", "riscv64", 243),
    known("loongarch64", "loong64", 258),
];

const fn known(rustc: &'static str, go: &'static str, elf: u16) -> Architecture {
    Architecture { rustc, go, elf }
}

impl Architecture {
    pub(in crate::stage::build) fn of_rustc(name: &str) -> Option<&'static Self> {
        ARCHITECTURES.iter().find(|known| known.rustc == name)
    }

    pub(in crate::stage::build) fn of_elf(machine: u16) -> Option<&'static Self> {
        ARCHITECTURES.iter().find(|known| known.elf == machine)
    }
}
