//! Manifests that name what a project needs, where no lock file says what of it is installed.
//!
//! A manifest is covered by a lock file of its kind beside it, or in a folder above (a workspace's). One above counts where it knows the
//! manifest: by the names that are needed, or by the name of the package, so that a lock file of another project hides nothing.

use std::collections::HashSet;

use crate::io::encoding;
use crate::model::coverage::{Gap, GapKind};
use crate::model::inventory::Scope;

use super::manifest_needs::{
    below_heading, cargo_toml, composer_json, conda, gradle, has_line, own_name, package_json, package_reference, pubspec, pyproject,
};
use super::pattern::Pattern;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};
use crate::stage::inventory::image::facts::{FileFacts, LayerFacts};

/// Says of each known manifest with needs that no lock file covers it, until [`drop_locked`] finds one.
pub(in super::super) struct UnlockedManifests;

/// A kind of manifest.
struct Row {
    path: Pattern,
    what: &'static str,
    /// Whether the text names something that is fetched from elsewhere.
    needs: fn(&str) -> bool,
    /// The lock files that cover it, by name.
    locks: &'static [&'static str],
    /// How one in a folder above is told to be its workspace's.
    above: Above,
}

/// Whether a lock file above covers a manifest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    /// No: each project has its own.
    No,
    /// Yes, whatever it says: what it holds is not read, so that it is a gap itself.
    Yes,
    /// Where it knows every name that the manifest needs.
    ByNeeds,
    /// Where it knows the package of the manifest.
    ByName,
}

const fn row(path: &'static str, what: &'static str, needs: fn(&str) -> bool, locks: &'static [&'static str], above: Above) -> Row {
    Row {
        path: Pattern(path),
        what,
        needs,
        locks,
        above,
    }
}

const NPM: &[&str] = &[
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
];
const PYTHON: &[&str] = &[
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile.lock",
    "requirements.txt",
    "pixi.lock",
];

const CONDA: &[&str] = &["conda-lock.yml", "pixi.lock"];
const NUGET: &[&str] = &["packages.lock.json", "obj/project.assets.json", "packages.config"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("**/package.json", "npm", package_json, NPM, Above::ByNeeds),
    row("**/Cargo.toml", "Cargo", cargo_toml, &["Cargo.lock"], Above::ByName),
    row("**/pyproject.toml", "Python", pyproject, PYTHON, Above::ByName),
    row("**/setup.py", "Python", |text| text.contains("install_requires"), PYTHON, Above::No),
    row("**/setup.cfg", "Python", |text| text.contains("install_requires"), PYTHON, Above::No),
    row("**/Pipfile", "Pipenv", |text| below_heading(text, "[packages]"), &["Pipfile.lock"], Above::No),
    row("**/Gemfile", "Bundler", |text| has_line(text, "gem "), &["Gemfile.lock"], Above::No),
    row("**/gems.rb", "Bundler", |text| has_line(text, "gem "), &["gems.locked"], Above::No),
    row("**/composer.json", "Composer", composer_json, &["composer.lock"], Above::No),
    row("**/mix.exs", "Mix", |text| text.contains("{:") && text.contains("deps"), &["mix.lock"], Above::Yes),
    row("**/pubspec.yaml", "Pub", pubspec, &["pubspec.lock"], Above::Yes),
    row("**/Package.swift", "Swift Package Manager", |text| text.contains(".package("), &["Package.resolved"], Above::No),
    row("**/Podfile", "CocoaPods", |text| has_line(text, "pod "), &["Podfile.lock"], Above::No),
    row("**/Cartfile", "Carthage", |text| has_line(text, "github ") || has_line(text, "git "), &["Cartfile.resolved"], Above::No),
    row("**/conanfile.txt", "Conan", |text| below_heading(text, "[requires]"), &["conan.lock"], Above::No),
    row("**/conanfile.py", "Conan", |text| text.contains("requires"), &["conan.lock"], Above::No),
    row("**/build.gradle", "Gradle", gradle, &["gradle.lockfile"], Above::No),
    row("**/build.gradle.kts", "Gradle", gradle, &["gradle.lockfile"], Above::No),
    row("**/*.csproj", "NuGet", package_reference, NUGET, Above::No),
    row("**/*.fsproj", "NuGet", package_reference, NUGET, Above::No),
    row("**/*.vbproj", "NuGet", package_reference, NUGET, Above::No),
    row("**/build.sbt", "sbt", |text| text.contains("libraryDependencies"), &["build.sbt.lock"], Above::No),
    row("**/project.clj", "Leiningen (Maven)", |text| text.contains(":dependencies [["), &["pom.xml"], Above::No),
    row("**/deps.edn", "Clojure (Maven)", |text| text.contains(":mvn/version"), &["pom.xml"], Above::No),
    row("**/rebar.config", "rebar3 (Hex)", |text| text.contains("{deps, [{"), &["rebar.lock"], Above::No),
    row("**/deno.json", "Deno (npm)", |text| text.contains("\"npm:"), &["deno.lock"], Above::Yes),
    row("**/deno.jsonc", "Deno (npm)", |text| text.contains("\"npm:"), &["deno.lock"], Above::Yes),
    row("**/environment.yml", "conda", conda, CONDA, Above::No),
    row("**/environment.yaml", "conda", conda, CONDA, Above::No),
    row("**/shard.yml", "Shards (Crystal)", pubspec, &["shard.lock"], Above::No),
    row("**/Project.toml", "Pkg (Julia)", |text| below_heading(text, "[deps]"), &["Manifest.toml"], Above::No),
    row("**/cpanfile", "CPAN", |text| has_line(text, "requires "), &["cpanfile.snapshot"], Above::No),
    row("**/stack.yaml", "Stack (Hackage)", |text| has_line(text, "extra-deps:") && !text.contains("extra-deps: []"), &["stack.yaml.lock"], Above::No),
];

impl Cataloger for UnlockedManifests {
    fn id(&self) -> &'static str {
        "unlocked-manifests"
    }

    fn version(&self) -> u32 {
        2
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        match find(head.path) {
            Some(_) if head.size > 0 => Want::Whole,
            _ => Want::No,
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let Some(row) = find(file.head.path) else { return };
        let text = encoding::decode(file.content).unwrap_or_else(|_| String::from_utf8_lossy(file.content));
        if row.above == Above::ByName {
            sink.needs(own_name(&text).map(|name| (name, Scope::Runtime)).into_iter().collect());
        }
        if (row.needs)(&text) {
            // The one that everybody has forgotten once.
            let make = if row.locks == ["Cargo.lock"] {
                ": run `cargo generate-lockfile` and commit it"
            } else {
                ""
            };
            let detail = format!(
                "it names packages of {}, and no lock file ({}) says which versions are installed{make}",
                row.what,
                row.locks.join(", ")
            );
            sink.gap(GapKind::UnreadLockFile, detail);
        }
    }
}

fn find(path: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.path.fits(path))
}

/// Takes back what was said of manifests that a lock file of the tree covers. Subjects are paths from the tree's root.
pub(in super::super) fn drop_locked(facts: &LayerFacts, gaps: &mut Vec<Gap>) {
    gaps.retain(|gap| gap.kind != GapKind::UnreadLockFile || find(&gap.subject).is_none_or(|row| !is_covered(row, &gap.subject, facts)));
}

fn is_covered(row: &Row, manifest: &str, facts: &LayerFacts) -> bool {
    let beside = folder_of(manifest);
    let mut folder = Some(beside);
    while let Some(at) = folder {
        for name in row.locks {
            let lock = if at.is_empty() {
                (*name).to_owned()
            } else {
                format!("{at}/{name}")
            };
            if facts.paths.at(lock.as_bytes()).no_folder() && (at == beside || knows(row, &lock, manifest, facts)) {
                return true;
            }
        }
        folder = (row.above != Above::No && !at.is_empty()).then(|| folder_of(at));
    }
    false
}

/// Whether a lock file above is of the manifest's workspace. One that says nothing is not read, and is a gap of its own.
fn knows(row: &Row, lock: &str, manifest: &str, facts: &LayerFacts) -> bool {
    let of = |path: &str| facts.files.iter().find(|file| file.path == path);
    let Some(locked) = of(lock).filter(|file| !file.components.is_empty()) else {
        return row.above == Above::Yes || of(lock).is_some_and(|file| !file.gaps.is_empty());
    };
    let names: HashSet<&str> = locked.components.iter().map(|component| component.name.as_str()).collect();
    match row.above {
        Above::No => false,
        Above::Yes => true,
        Above::ByNeeds => needed(of(manifest)).next().is_some() && needed(of(manifest)).all(|name| names.contains(name)),
        Above::ByName => of(manifest).is_some_and(|file| needed(Some(file)).next().is_some_and(|name| names.contains(name))),
    }
}

fn needed(file: Option<&FileFacts>) -> impl Iterator<Item = &str> {
    file.into_iter().flat_map(|file| &file.needs).map(|(name, _)| name.as_str())
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::super::super::recorder::Recorder;
    use super::*;

    #[test]
    fn a_manifest_with_needs_and_no_lock_file_is_a_gap() {
        for (path, text) in [
            ("web/package.json", r#"{"dependencies": {"a": "^1"}}"#),
            ("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\n"),
            (
                "Cargo.toml",
                "[package]\nname = \"a\"\n[target.'cfg(unix)'.dependencies]\nnix = { version = \"1\" }\n",
            ),
            ("pyproject.toml", "[project]\nname = \"a\"\ndependencies = [\"flask\"]\n"),
            ("pyproject.toml", "[tool.poetry.dependencies]\npython = \"^3\"\nflask = \"^3\"\n"),
            ("Gemfile", "source 'x'\ngem 'rails'\n"),
            ("composer.json", r#"{"require": {"php": "^8", "acme/a": "^1"}}"#),
            ("build.gradle", "dependencies {\n    implementation 'org.acme:a:1.0'\n}\n"),
            ("build.gradle.kts", "dependencies {\n  testImplementation(libs.junit)\n}\n"),
            ("a.csproj", "<PackageReference Include=\"A\" Version=\"1\" />"),
            ("pubspec.yaml", "name: a\ndependencies:\n  http: ^1.0.0\n"),
            ("Pipfile", "[packages]\nflask = \"*\"\n"),
            ("build.sbt", "libraryDependencies += \"org.acme\" % \"a\" % \"1.0\"\n"),
            ("project.clj", "(defproject a \"1\"\n  :dependencies [[org.acme/a \"1.0\"]])\n"),
            ("deps.edn", "{:deps {org.acme/a {:mvn/version \"1.0\"}}}\n"),
            ("rebar.config", "{deps, [{cowboy, \"2.9.0\"}]}.\n"),
            ("deno.json", "{\"imports\": {\"a\": \"npm:a@^1\"}}\n"),
            (
                "environment.yml",
                "name: a\nchannels:\n  - conda-forge\ndependencies:\n  - numpy=1.0\n",
            ),
            ("environment.yml", "dependencies:\n- pip:\n  - flask\n"),
            ("shard.yml", "name: a\ndependencies:\n  kemal:\n    github: kemalcr/kemal\n"),
            ("Project.toml", "[deps]\nHTTP = \"cd3eb016\"\n"),
            ("cpanfile", "requires 'Mojolicious', '9.0';\n"),
            ("stack.yaml", "resolver: lts-21\nextra-deps:\n  - acme-1.0\n"),
        ] {
            let seen = Recorder::of(&UnlockedManifests, path, text.as_bytes());
            assert!(matches!(&*seen.gaps, [(GapKind::UnreadLockFile, _)]), "{path}: {:?}", seen.gaps);
        }
    }

    #[test]
    fn a_manifest_that_needs_nothing_from_elsewhere_needs_no_lock_file() {
        for (path, text) in [
            (
                "package.json",
                r#"{"type": "module", "peerDependencies": {"a": "1"}, "dependencies": {"b": "workspace:*"}}"#,
            ),
            ("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nb = { path = \"../b\" }\n"),
            ("Cargo.toml", "[workspace]\nmembers = []\n[workspace.dependencies]\nserde = \"1\"\n"),
            ("pyproject.toml", "[tool.ruff]\nline-length = 100\n"),
            ("composer.json", r#"{"require": {"php": "^8", "ext-json": "*"}}"#),
            (
                "build.gradle",
                "plugins { id 'java' }\ndependencies { implementation project(':b') }\n",
            ),
            ("pubspec.yaml", "name: a\ndependencies:\n\ndev_dependencies:\n  test: 1\n"),
            ("Gemfile", "# gem 'rails'\n"),
            ("environment.yml", "environment:\n  - name: a\n    dependencies: 3\n"),
            ("Project.toml", "name = \"a\"\n[deps]\n[compat]\njulia = \"1\"\n"),
            ("deno.json", "{\"imports\": {\"a\": \"./a.ts\"}}\n"),
            ("stack.yaml", "resolver: lts-21\nextra-deps: []\n"),
        ] {
            assert!(Recorder::of(&UnlockedManifests, path, text.as_bytes()).gaps.is_empty(), "{path}");
        }
    }
}
