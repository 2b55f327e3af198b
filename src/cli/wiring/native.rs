//! What is asked of the native builder: the keys of `[build]` that it alone has, resolved.

use std::collections::BTreeMap;
use std::path::Path;

use super::Workspace;
use super::native_container::container;
use crate::cli::config::{Build, Cargo, Files, Link, Linker};
use crate::cli::error::CliError;
use crate::io::limits::Limits;
use crate::io::{environment, files};
use crate::model::excused::Excused as _;
use crate::model::plan::{self, Builder, CargoCommand, NativeBuild, PlacedFiles, ProgramName};
use crate::model::secret_name::{holds_secret, logs_in, sounds_secret};

/// Variables that decide what is compiled, and are the builder's to set: by name, or by their beginning.
const SET_BY_THE_BUILDER: [&str; 5] = ["PATH", "HOME", "RUSTFLAGS", "SOURCE_DATE_EPOCH", "PORTCULLIS_COMMIT"];
/// The toolchain is told and recorded: cargo, rustc and rustup take no other word on it.
const BEGINNINGS_OF_THE_BUILDER: [&str; 5] = ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_", "LD_"];
/// Long enough to be a secret: names are asked about where nobody knows the value.
const SOME_VALUE: &str = "0123456789";

impl Workspace {
    /// # Errors
    /// [`CliError::Setting`].
    pub(super) fn native(&self) -> Result<Builder, CliError> {
        let build = &self.config.build;
        self.variables(build)?;
        let (entrypoint, image) = container(build)?;
        Ok(Builder::Native(Box::new(NativeBuild {
            package: build
                .package
                .clone()
                .or_else(|| self.only_package())
                .unwrap_or_else(|| self.service()),
            programs: programs(build)?,
            entrypoint,
            base: match build.base.as_deref() {
                None | Some("scratch") => None,
                Some(base) => Some(self.image_ref("build.base", base)?),
            },
            features: build.features.clone(),
            no_default_features: build.no_default_features,
            targets: build.targets.clone(),
            link: match build.link {
                Some(Link::Dynamic) => plan::Link::Dynamic,
                Some(Link::Static) | None => plan::Link::Static,
            },
            cargo: match build.cargo {
                Some(Cargo::Zigbuild) => CargoCommand::Zigbuild,
                Some(Cargo::Build) | None => CargoCommand::Build,
            },
            linkers: self.linkers(build)?,
            profile: build.profile.clone(),
            keep_symbols: build.strip == Some(false),
            env: build.env.clone(),
            pass_env: build.pass_env.clone(),
            files: build.files.iter().map(|files| self.files(files)).collect::<Result<_, _>>()?,
            image,
        })))
    }

    /// The name of the package here, where it is no workspace: there is no other that could be meant.
    fn only_package(&self) -> Option<String> {
        let path = self.root.join("Cargo.toml");
        let text = files::read_document(&path, Limits::default().document).or_none("cargo says what is wrong with it")?;
        let manifest: toml::Table = toml::from_str(&text).or_none("cargo says what is wrong with it")?;
        let name = manifest
            .get("package")
            .filter(|_| !manifest.contains_key("workspace"))?
            .get("name")?;
        name.as_str().map(str::to_owned)
    }

    /// What is judged may not see what the gate signs and logs in with, and its own variables are in the provenance.
    fn variables(&self, build: &Build) -> Result<(), CliError> {
        let given = build.env.iter().map(|(name, value)| ("build.env", name, value.as_str()));
        let passed: Vec<(&str, &String, String)> = build
            .pass_env
            .iter()
            .map(|name| {
                let value = environment::variable(name).map(|value| value.to_string_lossy().into_owned());
                ("build.pass_env", name, value.unwrap_or_default())
            })
            .collect();
        let passed = passed.iter().map(|(key, name, value)| (*key, *name, value.as_str()));
        for (key, name, value) in given.chain(passed) {
            let refused = |problem: String| Err(CliError::setting(key, problem));
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return refused(format!("`{name}` is no name of a variable"));
            }
            if self.own_secrets().any(|own| own == name) {
                return refused(format!("`{name}` is a secret of the gate's own, and what is judged may not see it"));
            }
            let is_passed = key == "build.pass_env";
            if logs_in(value) {
                return refused(format!(
                    "the value of `{name}` is an address that logs somebody in: build scripts of what is judged would see it"
                ));
            }
            if holds_secret(name, value) || is_passed && (holds_secret(name, SOME_VALUE) || sounds_secret(name)) {
                return refused(format!(
                    "by its name `{name}` is a secret: build scripts of what is judged would see it. Fetch what needs it before the gate runs"
                ));
            }
            if SET_BY_THE_BUILDER.contains(&name.as_str()) || BEGINNINGS_OF_THE_BUILDER.iter().any(|begin| name.starts_with(begin)) {
                return refused(format!(
                    "`{name}` is set by the builder, or chooses the toolchain: `targets`, `linker`, `profile` and `strip` say what it may be, rust-toolchain.toml which compiler"
                ));
            }
        }
        match build.pass_env.iter().find(|name| build.env.contains_key(*name)) {
            Some(name) => Err(CliError::setting(
                "build.pass_env",
                format!("`{name}` is in `env` too: which one is it?"),
            )),
            None => Ok(()),
        }
    }

    fn linkers(&self, build: &Build) -> Result<BTreeMap<String, String>, CliError> {
        let given = match &build.linker {
            None => BTreeMap::new(),
            Some(Linker::Every(linker)) => BTreeMap::from([(String::new(), linker.clone())]),
            Some(Linker::Each(each)) => each.clone(),
        };
        if build.cargo == Some(Cargo::Zigbuild) && !given.is_empty() {
            return Err(CliError::setting(
                "build.linker",
                "`cargo = \"zigbuild\"` links with zig: one of the two",
            ));
        }
        for linker in given.values() {
            if linker.is_empty() {
                return Err(CliError::setting("build.linker", "an empty text names no program"));
            }
            if Path::new(linker).is_relative() && linker.contains('/') {
                self.within("build.linker", Path::new(linker))?;
            }
        }
        Ok(given)
    }

    fn files(&self, files: &Files) -> Result<PlacedFiles, CliError> {
        let from = files.from.trim_end_matches('/');
        let (from, to) = match (
            clean(from),
            files.to.strip_prefix('/').map(|to| (to, clean(to.trim_end_matches('/')))),
        ) {
            (None, _) => {
                let problem = format!("from = \"{}\" is no path within the project", files.from);
                return Err(CliError::setting(
                    "build.files",
                    format!("{problem}: relative, without `..` and `.`"),
                ));
            }
            (Some(from), Some(("", _))) => (from, String::new()),
            (Some(from), Some((_, Some(to)))) => (from, to),
            (Some(_), _) => {
                let problem = format!("to = \"{}\" is no place in the image", files.to);
                return Err(CliError::setting(
                    "build.files",
                    format!("{problem}: absolute, without `..` and `.`"),
                ));
            }
        };
        self.within("build.files", Path::new(&from))?;
        Ok(PlacedFiles {
            from,
            to: format!("/{to}"),
            mode: files.mode.as_deref().map(mode).transpose()?,
            ignored: files.ignored,
        })
    }
}

/// `bins`, or `bin`.
fn programs(build: &Build) -> Result<Vec<ProgramName>, CliError> {
    if build.bin.is_some() && !build.bins.is_empty() {
        return Err(CliError::setting(
            "build.bin",
            "`bins` names every program, the one that starts first: one of the two",
        ));
    }
    let named = |name: &String| {
        let (package, bin) = match name.split_once('/') {
            Some((package, bin)) => (Some(package.to_owned()), bin.to_owned()),
            None => (None, name.clone()),
        };
        let is_odd = bin.is_empty() || bin.contains('/') || package.as_deref() == Some("");
        match is_odd {
            true => Err(CliError::setting(
                "build.bins",
                format!("`{name}` is neither `NAME` nor `MEMBER/NAME`"),
            )),
            false => Ok(ProgramName { package, bin }),
        }
    };
    match &build.bin {
        Some(bin) => Ok(vec![ProgramName {
            package: None,
            bin: bin.clone(),
        }]),
        None => build.bins.iter().map(named).collect(),
    }
}

/// A relative path in its one form; none for every other.
fn clean(path: &str) -> Option<String> {
    let is_clean = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
    path.split('/').all(is_clean).then(|| path.to_owned())
}

fn mode(text: &str) -> Result<u32, CliError> {
    let is_octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let mode = text.bytes().fold(0, |mode, digit| mode << 3 | u32::from(digit.wrapping_sub(b'0')));
    match is_octal && mode <= 0o777 {
        true => Ok(mode),
        false => {
            let problem = format!("mode = \"{text}\" is no mode of a file: three octal digits, such as \"0644\" or \"755\"");
            Err(CliError::setting("build.files", problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_has_no_special_bits_and_a_path_has_one_form() {
        assert!(matches!((mode("0644"), mode("755")), (Ok(0o644), Ok(0o755))));
        for odd in ["", "4755", "rw-r--r--", "0o644", "99", "888", "00644", "-644"] {
            assert!(mode(odd).is_err(), "{odd}");
        }
        assert_eq!(clean("a/b.c").as_deref(), Some("a/b.c"));
        for odd in ["", "/a", "a//b", "a/", "./a", "a/../b", "..", "a\nb"] {
            assert_eq!(clean(odd), None, "{odd:?}");
        }
    }
}
