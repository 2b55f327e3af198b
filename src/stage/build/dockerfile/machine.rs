//! An image that is for another machine than it says: what an engine makes of `--platform` and a base of one other platform.

use crate::io::Effects;
use crate::io::oci_layout::OciLayout;
use crate::model::image::{Descriptor, Platform, PlatformImage};
use crate::model::program_place::{path_of, places_of};
use crate::stage::build::assembly::{Architecture, Below, Node, Sort};
use crate::stage::build::{BuildError, DockerfileError};

/// Refuses an image whose program could not be started on the platform that was asked for. A builder takes a base of one platform for any other,
/// and says so at most in a warning; an engine says it at the start of the container. What is not known (32 bits, other processors) is not judged.
///
/// # Errors
/// [`DockerfileError::OtherMachine`]; [`BuildError::Layout`], [`BuildError::Layer`] for what does not hold together.
pub(super) fn starts_on(platform: &Platform, image: &Descriptor, layout: &OciLayout, effects: &Effects) -> Result<(), BuildError> {
    let Some(wanted) = Architecture::of_go(&platform.architecture) else {
        return Ok(());
    };
    for of in layout.platforms(image, &effects.limits)? {
        let below = Below::of(layout, &of.layers, effects)?;
        if let Some((path, machine)) = of_another(&below, &of, wanted.elf) {
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

/// A program that shows it, and what it is for: the one that starts; where that is no program (a script), any where none is for the wanted machine.
fn of_another(below: &Below, image: &PlatformImage, wanted: u16) -> Option<(String, u16)> {
    let config = &image.config;
    let first = config.entrypoint.iter().chain(&config.cmd).next();
    if let Some((path, Some(machine))) = first.and_then(|program| program_at(below, program, image)) {
        return (machine != wanted).then_some((path, machine));
    }
    let mut all = below.programs();
    match all.clone().any(|(_, machine)| machine == wanted) {
        true => None,
        false => all.next().map(|(path, machine)| (path.to_owned(), machine)),
    }
}

/// Where a program lies, and the machine that it is for, if it is an ELF file.
fn program_at(below: &Below, program: &str, image: &PlatformImage) -> Option<(String, Option<u16>)> {
    let config = &image.config;
    let places = places_of(program, config.working_dir.as_deref(), path_of(&config.env));
    places.iter().find_map(|place| match below.resolve(place)? {
        (
            at,
            Node {
                sort: Sort::File(machine), ..
            },
        ) => Some((at, *machine)),
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
        of_another(&below, &image, 183)
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
        // Nothing is known: no program, or none of 64 bits.
        assert_eq!(odd(&[("a", SCRIPT)], &["/a"]), None);
        assert_eq!(odd(&[], &["/absent"]), None);
    }
}
