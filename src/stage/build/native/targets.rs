//! What is built for: the targets that were asked for, or the one of this machine that gives a static binary.

use std::path::Path;

use super::target::Target;
use super::toolchain::Toolchain;
use crate::io::document::nearest;
use crate::io::process::Program;
use crate::model::plan::{CargoCommand, Link, NativeBuild};
use crate::stage::build::{BuildError, NativeError};

/// Every target of a build, in the order of their platforms, so that an index does not depend on the order in which they are written.
///
/// # Errors
/// [`NativeError`], [`BuildError::NoStaticLibc`].
pub(super) fn choose(build: &NativeBuild, toolchain: &Toolchain, root: &Path) -> Result<Vec<Target>, BuildError> {
    let here = Here {
        host: &toolchain.host,
        has: &|target| toolchain.has(target),
        known: &|| toolchain.known(root),
        has_static_libc: &has_static_libc,
    };
    here.choose(build)
}

/// What the machine can do.
struct Here<'h> {
    host: &'h str,
    /// Whether the standard library of a target is installed.
    has: &'h dyn Fn(&str) -> bool,
    known: &'h dyn Fn() -> Vec<String>,
    has_static_libc: &'h dyn Fn() -> bool,
}

impl Here<'_> {
    fn choose(&self, build: &NativeBuild) -> Result<Vec<Target>, BuildError> {
        let host = || NativeError::Host {
            host: self.host.to_owned(),
        };
        let is_linux = self.host.contains("-linux-");
        if !is_linux && build.targets.is_empty() {
            return Err(host().into());
        }
        let mut targets = match build.targets.is_empty() {
            true => vec![self.own(build)?],
            false => build
                .targets
                .iter()
                .map(|asked| self.asked(asked, build))
                .collect::<Result<_, _>>()?,
        };
        let links = |target: &Target| build.cargo == CargoCommand::Zigbuild || target.linker(build).is_some();
        if !is_linux && !targets.iter().all(links) {
            return Err(host().into());
        }
        targets.sort_by_key(Target::platform);
        if let Some(pair) = targets.windows(2).find(|pair| pair[0].platform() == pair[1].platform()) {
            return Err(NativeError::SamePlatform {
                first: pair[0].asked.clone(),
                second: pair[1].asked.clone(),
                platform: pair[0].platform().to_string(),
            }
            .into());
        }
        if let Some(name) = build
            .linkers
            .keys()
            .find(|name| !name.is_empty() && !targets.iter().any(|target| target.asked == **name))
        {
            let names: Vec<&str> = targets.iter().map(|target| target.asked.as_str()).collect();
            let help = format!("`[build] linker` names a linker for it; what is built for: {}", names.join(", "));
            return Err(refused(name, "it is none of the targets of this build", help));
        }
        Ok(targets)
    }

    /// Without a word: what runs on this machine.
    fn own(&self, build: &NativeBuild) -> Result<Target, BuildError> {
        let musl = self.host.replace("-gnu", "-musl");
        if build.link == Link::Dynamic {
            return Ok(Target::of(self.host));
        }
        if build.cargo == CargoCommand::Zigbuild {
            // zig has no static glibc.
            return self.asked(&musl, build);
        }
        // The host's own target where glibc's static library is there, else the musl target where it is.
        if self.host.contains("-musl") || (self.has_static_libc)() {
            return Ok(Target::of(self.host));
        }
        if (self.has)(&musl) {
            return Ok(Target::of(&musl));
        }
        Err(BuildError::NoStaticLibc { musl })
    }

    fn asked(&self, asked: &str, build: &NativeBuild) -> Result<Target, BuildError> {
        let target = Target::of(asked);
        let by_zig = build.cargo == CargoCommand::Zigbuild;
        if target.asked != target.triple && !by_zig {
            let help = format!("write `{}`, or set `[build] cargo = \"zigbuild\"`", target.triple);
            return Err(refused(
                asked,
                "a version of glibc behind the name is for `cargo zigbuild` alone",
                help,
            ));
        }
        if !(self.has)(&target.triple) {
            return Err(self.unknown(&target.triple));
        }
        if !target.triple.contains("-linux-") || target.machine().is_none() {
            let help = "targets are rustc's names of 64-bit Linux platforms, such as `aarch64-unknown-linux-musl`".to_owned();
            return Err(refused(asked, "an image of it would not be read", help));
        }
        if by_zig && build.link == Link::Static && target.triple.contains("-gnu") {
            let musl = target.triple.replace("-gnu", "-musl");
            let help = format!("build for `{musl}`, or set `link = \"dynamic\"` and a base that has glibc");
            return Err(refused(asked, "zig has no static glibc", help));
        }
        Ok(target)
    }

    fn unknown(&self, triple: &str) -> BuildError {
        let known = (self.known)();
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        if known.is_empty() || names.contains(&triple) {
            let help = format!("`rustup target add {triple}` (without rustup: the standard library of your distribution for it)");
            return refused(triple, "its standard library is not installed", help);
        }
        let help = match nearest(triple, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`rustc --print target-list` lists what there is".to_owned(),
        };
        refused(triple, "rustc knows no such target", help)
    }
}

fn refused(target: &str, reason: &str, help: String) -> BuildError {
    NativeError::Target {
        target: target.to_owned(),
        reason: reason.to_owned(),
        help,
    }
    .into()
}

/// The C compiler answers with the bare name when it does not know where the library is.
fn has_static_libc() -> bool {
    let answer = Program::new("cc").args(["-print-file-name=libc.a"]).stdout();
    answer.is_ok_and(|path| Path::new(String::from_utf8_lossy(&path).trim()).is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ARM: &str = "aarch64-unknown-linux-musl";
    const MUSL: &str = "x86_64-unknown-linux-musl";
    const GNU: &str = "x86_64-unknown-linux-gnu";

    fn on(host: &str, build: &NativeBuild) -> Result<Vec<String>, String> {
        let known = || {
            [ARM, MUSL, GNU, "s390x-unknown-linux-gnu", "wasm32-wasip1"]
                .map(str::to_owned)
                .to_vec()
        };
        let here = Here {
            host,
            has: &|target| target != "aarch64-unknown-linux-gnu" && known().iter().any(|known| known == target),
            known: &|| [known(), vec!["aarch64-unknown-linux-gnu".to_owned()]].concat(),
            has_static_libc: &|| false,
        };
        let chosen = here.choose(build).map_err(|error| {
            use miette::Diagnostic as _;
            format!("{error}: {}", error.help().expect("a help"))
        });
        chosen.map(|targets| targets.into_iter().map(|target| target.asked).collect())
    }

    fn for_targets(targets: &[&str]) -> NativeBuild {
        NativeBuild {
            targets: targets.iter().map(|&target| target.to_owned()).collect(),
            ..NativeBuild::default()
        }
    }

    #[test]
    fn a_machine_that_is_not_linux_is_told_what_it_can_do() {
        let mac = "aarch64-apple-darwin";
        for build in [for_targets(&[]), for_targets(&[ARM])] {
            let said = on(mac, &build).expect_err("nothing links here");
            assert!(
                said.contains(mac) && said.contains("zigbuild") && said.contains("using = \"image\""),
                "{said}"
            );
        }
        let zig = NativeBuild {
            cargo: CargoCommand::Zigbuild,
            ..for_targets(&[ARM, MUSL])
        };
        assert_eq!(on(mac, &zig), Ok(vec![MUSL.to_owned(), ARM.to_owned()]));
        let linker = NativeBuild {
            linkers: BTreeMap::from([(ARM.to_owned(), "rust-lld".to_owned())]),
            ..for_targets(&[ARM])
        };
        assert_eq!(on(mac, &linker), Ok(vec![ARM.to_owned()]));
    }

    #[test]
    fn without_a_word_a_static_target_of_this_machine_is_built_for() {
        assert_eq!(
            on(ARM, &for_targets(&[])),
            Ok(vec![ARM.to_owned()]),
            "a musl host links statically by itself"
        );
        assert_eq!(on(GNU, &for_targets(&[])), Ok(vec![MUSL.to_owned()]), "no static glibc here");
        let dynamic = NativeBuild {
            link: Link::Dynamic,
            ..for_targets(&[])
        };
        assert_eq!(on(GNU, &dynamic), Ok(vec![GNU.to_owned()]));
        let zig = NativeBuild {
            cargo: CargoCommand::Zigbuild,
            ..for_targets(&[])
        };
        assert_eq!(on(GNU, &zig), Ok(vec![MUSL.to_owned()]), "zig has no static glibc");
    }

    #[test]
    fn a_target_that_cannot_be_built_for_says_what_to_do() {
        let said = |build: &NativeBuild| on(GNU, build).expect_err("refused");
        assert!(said(&for_targets(&["aarch64-unknown-linux-gnu"])).contains("rustup target add aarch64-unknown-linux-gnu"));
        assert!(said(&for_targets(&["aarch64-unknown-linux-msul"])).contains("did you mean `aarch64-unknown-linux-musl`?"));
        assert!(said(&for_targets(&["s390x-unknown-linux-gnu"])).contains("64-bit Linux"));
        assert!(said(&for_targets(&["wasm32-wasip1"])).contains("64-bit Linux"));
        assert!(said(&for_targets(&[MUSL, GNU])).contains("are both linux/amd64"));
        assert!(said(&for_targets(&["x86_64-unknown-linux-gnu.2.17"])).contains("zigbuild"));
        let zig = NativeBuild {
            cargo: CargoCommand::Zigbuild,
            ..for_targets(&["x86_64-unknown-linux-gnu.2.17"])
        };
        assert!(said(&zig).contains("static glibc"));
        let dynamic = NativeBuild {
            link: Link::Dynamic,
            ..zig
        };
        assert_eq!(on(GNU, &dynamic), Ok(vec!["x86_64-unknown-linux-gnu.2.17".to_owned()]));
        let linker = NativeBuild {
            linkers: BTreeMap::from([(ARM.to_owned(), "x".to_owned())]),
            ..for_targets(&[MUSL])
        };
        assert!(said(&linker).contains("none of the targets"));
    }
}
