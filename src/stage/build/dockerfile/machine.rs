//! An image that is for another machine than it says: what an engine makes of `--platform` and a base of one other platform.

use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
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
        if let Some((path, machine)) = of_another(&below, &of, wanted) {
            return Err(DockerfileError::OtherMachine {
                path: format!("/{path}"),
                machine: Architecture::of_elf(machine).map_or_else(|| format!("machine {machine}"), |known| known.go.to_owned()),
                platform: platform.to_string(),
            }
            .into());
        }
    }
    Ok(())
}

/// Architectures of 32 bits, which start no program of 64.
const NARROW: [&str; 2] = ["arm", "386"];

/// A program that shows it, and what it is for: one that starts (the entry point, and what it starts: `tini -- node`, `sh -c node`); where there is
/// none (a script), any that can be started, where none is for the wanted machine. What emulates starts what is for others.
fn of_another(below: &Below, image: &PlatformImage, wanted: Option<u16>) -> Option<(String, u16)> {
    let config = &image.config;
    let words = config.entrypoint.iter().chain(&config.cmd).flat_map(|word| word.split_whitespace());
    let starts: Vec<(String, u16)> = words.filter_map(|word| program_at(below, word, image)).collect();
    let odd = |(_, machine): &(String, u16)| Some(*machine) != wanted;
    match starts.first() {
        Some(first) if odd(first) => return Some(first.clone()),
        Some((path, _)) if path.rsplit('/').next().is_some_and(|name| name.starts_with("qemu-")) => return None,
        Some(_) => return starts.into_iter().find(odd),
        None => {}
    }
    let mut all = below.programs().filter(|(_, machine)| Architecture::of_elf(*machine).is_some());
    match all.clone().any(|(_, machine)| Some(machine) == wanted) {
        true => None,
        false => all.next().map(|(path, machine)| (path.to_owned(), machine)),
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
        // What the entry point starts.
        assert_eq!(
            odd(&[("tini", ARM64), ("usr/bin/node", AMD64)], &["/tini", "--", "node"]),
            amd64("usr/bin/node")
        );
        assert_eq!(
            odd(&[("bin/sh", ARM64), ("app/x", AMD64)], &["/bin/sh", "-c", "exec /app/x --fast"]),
            amd64("app/x")
        );
        assert_eq!(
            odd(&[("bin/qemu-x86_64", ARM64), ("app/x", AMD64)], &["/bin/qemu-x86_64", "/app/x"]),
            None
        );
        // Data for another processor: a program of the kernel's own machine.
        assert_eq!(odd(&[("run", SCRIPT), ("lib/probe.o", Sort::File(Some(247)))], &["/run"]), None);
        // Nothing is known: no program, or none of 64 bits.
        assert_eq!(odd(&[("a", SCRIPT)], &["/a"]), None);
        assert_eq!(odd(&[], &["/absent"]), None);
    }
}
