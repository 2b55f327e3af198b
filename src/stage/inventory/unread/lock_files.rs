//! Lock files that pin packages and that no cataloger reads.

use crate::io::encoding;
use crate::model::coverage::GapKind;

use super::pattern::Pattern;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Says of each known lock file that it is not read.
pub(in super::super) struct UnreadLockFiles;

/// A kind of lock file.
struct Row {
    path: Pattern,
    /// Whose it is, for the reader of the gap.
    what: &'static str,
    /// Texts of which it holds one when it pins something at all; none where it always does.
    marks: &'static [&'static str],
    /// Who says that the file is called so.
    #[cfg_attr(not(test), expect(dead_code, reason = "for who edits the table, and a test that asks for it"))]
    source: &'static str,
}

const fn row(path: &'static str, what: &'static str, marks: &'static [&'static str], source: &'static str) -> Row {
    Row {
        path: Pattern(path),
        what,
        marks,
        source,
    }
}

/// Nix's `flake.lock`, Terraform's and Helm's locks pin sources of builds and deployments, no packages of a service: they are left out.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("**/paket.lock", "Paket (NuGet)", &["\n    "], "fsprojects.github.io/Paket/lock-file"),
    row("**/conda-lock.yml", "conda-lock", &["name:"], "conda.github.io/conda-lock"),
    row("**/pixi.lock", "pixi (conda)", &["conda:", "pypi:"], "pixi.sh/latest/workspace/lockfile"),
    row("**/Gopkg.lock", "dep (Go)", &["[[projects]]"], "golang.github.io/dep/docs/Gopkg.lock"),
    row("**/glide.lock", "Glide (Go)", &["name:"], "glide.readthedocs.io/en/latest/glide.lock"),
    row("**/bun.lockb", "Bun (npm)", &[], "bun.com/docs/install/lockfile"),
    row("**/Podfile.lock", "CocoaPods", &["PODS:"], "guides.cocoapods.org/using/using-cocoapods"),
    row("**/Cartfile.resolved", "Carthage", &["git"], "github.com/Carthage/Carthage Artifacts.md"),
    row("**/vcpkg.json", "vcpkg", &["\"dependencies\""], "learn.microsoft.com/vcpkg vcpkg.json"),
    row("**/ivy.xml", "Ivy (Maven)", &["<dependency "], "ant.apache.org/ivy ivyfile"),
    row("**/build.sbt.lock", "sbt (Maven)", &["version"], "github.com/stringbean/sbt-dependency-lock"),
    row("**/maven_install.json", "rules_jvm_external (Maven)", &["artifacts", "dependencies"], "github.com/bazel-contrib/rules_jvm_external"),
    row("**/stack.yaml.lock", "Stack (Hackage)", &["hackage:"], "docs.haskellstack.org lock_files"),
    row("**/packrat.lock", "packrat (CRAN)", &["Package:"], "rstudio.github.io/packrat"),
    row("**/Manifest.toml", "Pkg (Julia)", &["git-tree-sha1"], "pkgdocs.julialang.org toml-files"),
    row("**/cpanfile.snapshot", "Carton (CPAN)", &["pathname:"], "metacpan.org/pod/Carton"),
    row("**/shard.lock", "Shards (Crystal)", &["version:"], "crystal-lang.org/reference the_shards_command"),
    row("**/dub.selections.json", "DUB (D)", &["\"versions\""], "dub.pm/dub-reference/selections"),
    row("**/spago.lock", "Spago (PureScript)", &["packages:", "\"packages\""], "github.com/purescript/spago"),
    row("**/*.opam.locked", "opam", &["depends"], "opam.ocaml.org/doc/man/opam-lock"),
];

impl Cataloger for UnreadLockFiles {
    fn id(&self) -> &'static str {
        "unread-lock-files"
    }

    fn version(&self) -> u32 {
        1
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
        if pins(row, &text) {
            let detail = format!("a lock file of {}, which is not read: what it pins was not looked up", row.what);
            sink.gap(GapKind::UnreadLockFile, detail);
        }
    }
}

fn find(path: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.path.fits(path))
}

/// An empty lock file hides nothing. One of pip is read line by line: its comments may hold anything.
fn pins(row: &Row, text: &str) -> bool {
    let is_said = |line: &str| !line.is_empty() && !line.starts_with('#');
    match row.marks {
        [] => text.lines().map(str::trim).any(is_said),
        marks => marks.iter().any(|mark| text.contains(mark)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::recorder::{Recorder, readers};
    use super::*;

    #[test]
    fn a_lock_file_that_nobody_reads_is_a_gap_by_name() {
        for row in ROWS {
            let path = row.path.example();
            let text = row
                .marks
                .first()
                .map_or_else(|| "evil==1.0\n".to_owned(), |mark| format!("x\n{mark} x\n"));
            let seen = Recorder::of(&UnreadLockFiles, &path, text.as_bytes());
            assert!(
                matches!(&*seen.gaps, [(GapKind::UnreadLockFile, detail)] if detail.contains(row.what)),
                "{path}"
            );
            assert!(!row.source.is_empty());
        }
    }

    #[test]
    fn a_lock_file_that_pins_nothing_hides_nothing() {
        for (path, text) in [("paket.lock", "NUGET\n"), ("vcpkg.json", "{}"), ("bun.lockb", "")] {
            assert!(Recorder::of(&UnreadLockFiles, path, text.as_bytes()).gaps.is_empty(), "{path}");
        }
    }

    #[test]
    fn what_a_cataloger_reads_is_not_called_unread() {
        for row in ROWS {
            let path = row.path.example();
            let readers = readers(&path, Domain::Source, &UnreadLockFiles);
            assert!(
                readers.iter().all(|id| *id == "secrets"),
                "{path} is read by {readers:?}: delete its row"
            );
        }
    }
}
