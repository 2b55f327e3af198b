//! Whose the lines are: the packages of the build, by the folders that their sources lie in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, Package, TargetKind};

use super::file_names::OWN;
use super::instance::better;
use super::reading;
use super::touched::{File, Touched};
use crate::model::linked::{LinkedCrate, LinkedFunction, LinkedProgram};
use crate::stage::build::native::toolchain::Remap;

/// Where files lie that build scripts write, in the paths that are given out.
const GENERATED: &str = "OUT_DIR";

/// A package, and where it lies.
struct Owner {
    name: String,
    version: String,
    sources: PathBuf,
    /// Its library has its first file elsewhere.
    is_scattered: bool,
    /// The first files of its programs, as line tables spell them, by the programs' names.
    mains: BTreeMap<String, String>,
}

/// The packages of a lock file, by the folders of their sources as line tables spell them.
pub(in crate::stage::build::native) struct Crates {
    owners: BTreeMap<String, Owner>,
}

/// A package's name and version.
pub(in crate::stage::build::native) type Release = (String, String);

/// What cargo said of the packages of a program.
pub(in crate::stage::build::native) struct Contents {
    /// Those that something was compiled of for the program itself.
    pub(in crate::stage::build::native) compiled: BTreeSet<Release>,
    /// Those whose build script had a library linked.
    pub(in crate::stage::build::native) foreign: BTreeSet<Release>,
}

impl Crates {
    /// What cargo's metadata says.
    pub(in crate::stage::build::native) fn of(metadata: &Metadata, remap: &Remap) -> Self {
        let owner = |package: &Package| {
            let folder = package.manifest_path.parent()?.as_std_path();
            let libraries = package
                .targets
                .iter()
                .filter(|target| !target.kind.contains(&TargetKind::CustomBuild));
            let programs = package.targets.iter().filter(|target| target.kind.contains(&TargetKind::Bin));
            let main = |target: &cargo_metadata::Target| (target.name.clone(), remap.path(target.src_path.as_std_path()));
            let owner = Owner {
                name: package.name.to_string(),
                version: package.version.to_string(),
                sources: folder.to_owned(),
                is_scattered: libraries
                    .into_iter()
                    .any(|target| !target.src_path.as_std_path().starts_with(folder)),
                mains: programs.map(main).collect(),
            };
            Some((remap.path(folder), owner))
        };
        Self {
            owners: metadata.packages.iter().filter_map(owner).collect(),
        }
    }

    /// What was linked into an executable: nothing is known of one whose line tables cannot be read, or lack what must be in them.
    pub(in crate::stage::build::native) fn linked(&self, executable: &[u8], name: &str, contents: &Contents) -> LinkedProgram {
        let mut program = LinkedProgram {
            path: format!("/app/{name}"),
            ..LinkedProgram::default()
        };
        match reading::read(executable) {
            Err(unread) => program.unread = Some(format!("line tables {}", unread.0)),
            Ok(touched) => {
                program.unread = self.missed(&touched, name);
                program.functions = touched.functions;
                program.crates = self.by_crate(&touched, contents);
            }
        }
        program
    }

    /// The controls: what is in every program, and was not seen. Then nothing that was not seen is believed to be absent.
    fn missed(&self, touched: &Touched, name: &str) -> Option<String> {
        let mains: Vec<&String> = self.owners.values().filter_map(|owner| owner.mains.get(name)).collect();
        if !mains
            .iter()
            .any(|main| touched.files.get(*main).is_some_and(|file| !file.lines.is_empty()))
        {
            return Some("line tables have no line of its own main function".to_owned());
        }
        (!touched.has_std).then(|| "line tables have no line of the standard library".to_owned())
    }

    fn by_crate(&self, touched: &Touched, contents: &Contents) -> BTreeMap<Release, LinkedCrate> {
        let mut crates: BTreeMap<Release, LinkedCrate> = BTreeMap::new();
        for owner in self.owners.values() {
            let release = (owner.name.clone(), owner.version.clone());
            if !contents.compiled.contains(&release) {
                continue;
            }
            let blind = match crates.contains_key(&release) {
                true => Some("is there from two places"),
                false if contents.foreign.contains(&release) => Some("links code that is not Rust's"),
                false => owner.is_scattered.then_some("has sources outside of its folder"),
            };
            let known = crates.entry(release).or_default();
            known.sources.clone_from(&owner.sources);
            known.blind = known.blind.take().or_else(|| blind.map(str::to_owned));
        }
        for (path, file) in &touched.files {
            for (release, name) in self.owners_of(path) {
                if let Some(known) = crates.get_mut(&release) {
                    self.add(known, name, file);
                }
            }
        }
        crates
    }

    fn add(&self, known: &mut LinkedCrate, name: String, file: &File) {
        known.lines.entry(name).or_default().extend(&file.lines);
        for (name, function) in &file.functions {
            let function = LinkedFunction {
                symbol: function.symbol.clone(),
                inlined_at: function.inlined_at.as_ref().map(|place| self.shown(place)),
            };
            match known.functions.get_mut(name) {
                Some(known) => better(known, function),
                None => drop(known.functions.insert(name.clone(), function)),
            }
        }
    }

    /// Whose a file is, and what it is called there. One that a build script wrote is of every version of that name.
    fn owners_of(&self, path: &str) -> Vec<(Release, String)> {
        if let Some((package, rest)) = generated(path) {
            let all = self.owners.values().filter(|owner| package == owner.name);
            let name = format!("{GENERATED}/{rest}");
            return all
                .map(|owner| ((owner.name.clone(), owner.version.clone()), name.clone()))
                .collect();
        }
        let found = self.owner_of(path);
        found
            .map(|(owner, rest)| ((owner.name.clone(), owner.version.clone()), rest.to_owned()))
            .into_iter()
            .collect()
    }

    fn owner_of<'p>(&self, path: &'p str) -> Option<(&Owner, &'p str)> {
        Path::new(path).ancestors().skip(1).find_map(|folder| {
            let owner = self.owners.get(folder.to_str()?)?;
            Some((owner, path.strip_prefix(folder.to_str()?)?.trim_start_matches('/')))
        })
    }

    /// A place for people: relative to the checkout, or below `smallvec-1.6.0`.
    fn shown(&self, place: &str) -> String {
        if let Some(own) = place.strip_prefix(OWN) {
            return own.to_owned();
        }
        match self.owner_of(place) {
            Some((owner, rest)) => format!("{}-{}/{rest}", owner.name, owner.version),
            None => place.to_owned(),
        }
    }
}

/// The package whose build script wrote a file, and the file's path below `OUT_DIR`: `/target/<triple>/release/build/NAME-HASH/out/…`, or with the
/// hash in a folder of its own. Source: the Cargo book, "Build cache".
fn generated(path: &str) -> Option<(&str, &str)> {
    let (_, below) = path.strip_prefix("/target/")?.split_once("/build/")?;
    let (folder, rest) = below.split_once("/out/")?;
    let package = match folder.split_once('/') {
        Some((name, _)) => name,
        None => folder.rsplit_once('-')?.0,
    };
    Some((package, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str, version: &str) -> Owner {
        Owner {
            name: name.to_owned(),
            version: version.to_owned(),
            sources: PathBuf::from("/x"),
            is_scattered: false,
            mains: BTreeMap::new(),
        }
    }

    fn crates() -> Crates {
        let folders = [
            ("/src", owner("svc", "0.1.0")),
            ("/src/tiny", owner("tiny", "0.2.0")),
            ("/cargo/registry/src/i/a-1.0.0", owner("a", "1.0.0")),
            ("/cargo/registry/src/i/a-2.0.0", owner("a", "2.0.0")),
        ];
        Crates {
            owners: folders.map(|(folder, owner)| (folder.to_owned(), owner)).into(),
        }
    }

    #[test]
    fn a_file_is_of_the_innermost_package_that_holds_it() {
        let crates = crates();
        let of = |path: &str| crates.owner_of(path).map(|(owner, rest)| format!("{} {rest}", owner.name));
        assert_eq!(of("/src/src/main.rs").as_deref(), Some("svc src/main.rs"));
        assert_eq!(of("/src/tiny/src/lib.rs").as_deref(), Some("tiny src/lib.rs"));
        assert_eq!(of("/cargo/registry/src/i/a-1.0.0/lib.rs").as_deref(), Some("a lib.rs"));
        assert_eq!(of("/cargo/registry/src/i/a-1.0.01/lib.rs"), None, "another package's folder");
    }

    #[test]
    fn what_a_build_script_wrote_is_of_every_version_of_its_package() {
        let wrote = crates().owners_of("/target/x86_64-unknown-linux-gnu/release/build/a-0123456789abcdef/out/sub/x.rs");
        let all: Vec<String> = wrote
            .iter()
            .map(|((name, version), file)| format!("{name} {version} {file}"))
            .collect();
        assert_eq!(all, ["a 1.0.0 OUT_DIR/sub/x.rs", "a 2.0.0 OUT_DIR/sub/x.rs"]);
        assert_eq!(generated("/target/t/release/build/a/0123/out/x.rs"), Some(("a", "x.rs")));
    }

    #[test]
    fn a_program_without_line_tables_is_not_known_and_not_empty() {
        let contents = Contents {
            compiled: BTreeSet::new(),
            foreign: BTreeSet::new(),
        };
        let linked = crates().linked(b"no program", "svc", &contents);
        assert!(linked.unread.is_some_and(|why| why.starts_with("line tables")));
    }
}
