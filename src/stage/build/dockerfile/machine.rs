//! An image that is for another machine than it says: what an engine makes of `--platform` and a base of one other platform.

use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
use crate::model::event::Stage;
use crate::model::image::{Descriptor, Platform, PlatformImage};
use crate::model::program_place::{path_of, places_of};
use crate::stage::build::assembly::{Architecture, Below, Sort};
use crate::stage::build::{BuildError, DockerfileError};

/// Refuses an image whose programs could not be started on the platform that was asked for. A builder takes a base of one platform for any other,
/// and says so at most in a warning; an engine says it at the start of the container. Other processors than those of 64 bits are not told apart.
///
/// # Errors
/// [`DockerfileError::OtherMachine`]; [`BuildError::Layout`], [`BuildError::Layer`] for what does not hold together.
pub(super) fn starts_on(platform: &Platform, image: &Descriptor, layout: &OciLayout, effects: &Effects) -> Result<(), BuildError> {
    let wanted = Architecture::of_go(&platform.architecture).map(|known| known.elf);
    if wanted.is_none() && !NARROW.contains(&platform.architecture.as_str()) {
        return Ok(());
    }
    for of in layout.platforms(image, &effects.limits)? {
        let below = Below::of(layout, &of.layers, effects)?;
        let Some(Odd { path, machine, is_started }) = of_another(&below, &of, wanted) else {
            continue;
        };
        let machine = Architecture::of_elf(machine).map_or_else(|| format!("machine {machine}"), |known| known.go.to_owned());
        if is_started {
            return Err(DockerfileError::OtherMachine {
                path: format!("/{path}"),
                machine,
                platform: platform.to_string(),
            }
            .into());
        }
        let what = format!("/{path} is for {machine}, and the image for {platform}: whoever is started with it must be an emulator");
        effects.warn(Stage::Build, what);
    }
    Ok(())
}

/// A program that is for another machine than the image.
#[derive(Debug, PartialEq, Eq)]
struct Odd {
    path: String,
    /// As ELF says it.
    machine: u16,
    /// The engine starts it, or a program that can start no other machine's.
    is_started: bool,
}

/// Programs that start the one that is named to them, as it is. Others may be emulators, or take it for data.
const STARTERS: [&str; 19] = [
    "sh",
    "bash",
    "dash",
    "ash",
    "busybox",
    "env",
    "exec",
    "tini",
    "tini-static",
    "dumb-init",
    "catatonit",
    "docker-init",
    "gosu",
    "su-exec",
    "setpriv",
    "nice",
    "timeout",
    "nohup",
    "stdbuf",
];

/// Architectures of 32 bits, which start no program of 64.
const NARROW: [&str; 2] = ["arm", "386"];

/// A program that shows it: one that starts (the entry point, and what it starts: `tini -- node`, `sh -c node`); where that is a script, any that can be
/// started, where none is for the wanted machine.
fn of_another(below: &Below, image: &PlatformImage, wanted: Option<u16>) -> Option<Odd> {
    let config = &image.config;
    let found = |(path, machine): (String, u16), is_started| Odd { path, machine, is_started };
    let words = config.entrypoint.iter().chain(&config.cmd).flat_map(|word| word.split_whitespace());
    let starts: Vec<(String, u16)> = words.filter_map(|word| program_at(below, word, image)).collect();
    let odd = |(_, machine): &(String, u16)| Some(*machine) != wanted;
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    if let Some(first) = starts.first() {
        if odd(first) {
            return Some(found(first.clone(), true));
        }
        let is_started = STARTERS.contains(&name(&first.0).as_str());
        return starts.into_iter().find(odd).map(|other| found(other, is_started));
    }
    let is_program = |(path, machine): &(&str, u16)| Architecture::of_elf(*machine).is_some() && !name(path).contains(".so");
    let mut all = below.programs().filter(is_program);
    match all.clone().any(|(_, machine)| Some(machine) == wanted) {
        true => None,
        false => all.next().map(|(path, machine)| found((path.to_owned(), machine), true)),
    }
}

/// Where a program lies, and the machine that it is for, where it is one that can be started, of 64 bits.
fn program_at(below: &Below, program: &str, image: &PlatformImage) -> Option<(String, u16)> {
    let config = &image.config;
    let places = places_of(program, config.working_dir.as_deref(), path_of(&config.env));
    places.iter().find_map(|place| match below.resolve(place)? {
        (at, node) if node.mode & 0o111 != 0 => match node.sort {
            Sort::File(Some(machine)) => Some((at, machine)),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::ImageConfig;

    const AMD64: Sort = Sort::File(Some(62));
    const ARM64: Sort = Sort::File(Some(183));
    const SCRIPT: Sort = Sort::File(None);

    fn odd(files: &[(&str, Sort)], entrypoint: &[&str]) -> Option<(String, u16)> {
        found(files, entrypoint)
            .filter(|odd| odd.is_started)
            .map(|odd| (odd.path, odd.machine))
    }

    fn found(files: &[(&str, Sort)], entrypoint: &[&str]) -> Option<Odd> {
        let mut below = Below::default();
        for (path, sort) in files {
            below.put(path, sort.clone(), 0o755);
        }
        let image = PlatformImage {
            platform: Platform {
                os: "linux".to_owned(),
                architecture: "arm64".to_owned(),
                variant: None,
            },
            manifest: crate::io::hash::sha256(b""),
            config: ImageConfig {
                entrypoint: entrypoint.iter().map(|&word| word.to_owned()).collect(),
                ..ImageConfig::default()
            },
            layers: Vec::new(),
        };
        of_another(&below, &image, Some(183))
    }

    #[test]
    fn the_program_that_starts_decides_and_without_one_all_of_them() {
        let amd64 = |path: &str| Some((path.to_owned(), 62));
        assert_eq!(odd(&[("app/x", AMD64)], &["/app/x"]), amd64("app/x"));
        assert_eq!(odd(&[("app/x", ARM64), ("bin/sh", AMD64)], &["/app/x"]), None);
        assert_eq!(odd(&[("app/x", AMD64), ("bin/sh", ARM64)], &["/app/x"]), amd64("app/x"));
        // By the search path, and a script upon a base of another platform.
        assert_eq!(odd(&[("usr/bin/node", AMD64)], &["node", "x.js"]), amd64("usr/bin/node"));
        assert_eq!(odd(&[("run", SCRIPT), ("bin/sh", AMD64)], &["/run"]), amd64("bin/sh"));
        assert_eq!(odd(&[("run", SCRIPT), ("bin/sh", ARM64), ("bin/qemu", AMD64)], &["/run"]), None);
        assert_eq!(odd(&[("bin/sh", AMD64)], &[]), amd64("bin/sh"));
        // Data: a library that somebody could start.
        assert_eq!(odd(&[("lib/x.so", AMD64)], &[]), None);
        assert_eq!(odd(&[("run", SCRIPT), ("lib/x.so.1", AMD64)], &["/run"]), None);
        // What the entry point starts.
        assert_eq!(
            odd(&[("tini", ARM64), ("usr/bin/node", AMD64)], &["/tini", "--", "node"]),
            amd64("usr/bin/node")
        );
        assert_eq!(
            odd(&[("bin/sh", ARM64), ("app/x", AMD64)], &["/bin/sh", "-c", "exec /app/x --fast"]),
            amd64("app/x")
        );
        // What is no starter may emulate it, or load it as data: that is told.
        for emulator in ["bin/qemu-x86_64", "box64", "fl"] {
            let told = found(&[(emulator, ARM64), ("app/x", AMD64)], &[&format!("/{emulator}"), "/app/x"]);
            assert_eq!(told.map(|odd| odd.is_started), Some(false), "{emulator}");
        }
        // Data for another processor: a program of the kernel's own machine.
        assert_eq!(odd(&[("run", SCRIPT), ("lib/probe.o", Sort::File(Some(247)))], &["/run"]), None);
        // Nothing is known: no program, or none of 64 bits.
        assert_eq!(odd(&[("a", SCRIPT)], &["/a"]), None);
        assert_eq!(odd(&[], &["/absent"]), None);
    }
}
