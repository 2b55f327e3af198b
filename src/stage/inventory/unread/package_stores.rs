//! Places where package managers keep what they installed, and that no cataloger reads.

use std::collections::BTreeMap;

use crate::model::coverage::{Gap, GapKind};

use super::loose_classes;
use super::pattern::Pattern;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Says of each known package store that it is not read.
pub(in super::super) struct UnreadPackageStores;

/// A kind of package store.
struct Row {
    path: Pattern,
    /// Whose it is, for the reader of the gap.
    what: &'static str,
    /// Who says that it lies there.
    #[cfg_attr(not(test), expect(dead_code, reason = "for who edits the table, and a test that asks for it"))]
    source: &'static str,
}

const fn row(path: &'static str, what: &'static str, source: &'static str) -> Row {
    Row {
        path: Pattern(path),
        what,
        source,
    }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("**/bundler/gems/*/*.gemspec", "gems that Bundler took from git (RubyGems)", "bundler.io/guides/git"),
    row("**/conda-meta/*.json", "an environment of conda", "docs.conda.io conda environments"),
    row("usr/lib/opkg/status", "packages of opkg", "openwrt.org/docs/guide-user/additional-software/opkg"),
    row("var/lib/opkg/status", "packages of opkg", "git.yoctoproject.org/opkg"),
    row("usr/lib/ipkg/status", "packages of ipkg", "git.yoctoproject.org/opkg"),
    row("var/lib/pacman/local/*/desc", "packages of pacman", "man.archlinux.org/man/alpm-db.7"),
    row("var/db/pkg/*/*/PF", "packages of Portage", "wiki.gentoo.org/wiki//var/db/pkg"),
    row("var/db/xbps/pkgdb-*.plist", "packages of XBPS", "man.voidlinux.org/xbps-pkgdb.1"),
    row("var/lib/pkgtools/packages/*", "packages of Slackware", "docs.slackware.com slackware:package_management"),
    row("var/log/packages/*", "packages of Slackware", "docs.slackware.com slackware:package_management"),
    row("var/lib/eopkg/package/*/metadata.xml", "packages of eopkg", "help.getsol.us/docs/user/package-management"),
    row("usr/share/clear/bundles/*", "bundles of swupd", "docs.01.org/clearlinux swupd"),
    row("var/lib/chisel/manifest.wall", "slices of Chisel (Ubuntu)", "documentation.ubuntu.com/chisel manifest"),
    row("var/lib/rpmmanifest/container-manifest-*", "packages of a distroless rpm image", "github.com/microsoft/azurelinux"),
    row("**/.spdx-*.spdx", "components of Bitnami", "github.com/bitnami/containers"),
    row("**/.yarn/cache/*.zip", "the zip files of Yarn (npm)", "yarnpkg.com/features/caching"),
    row("**/.pnp.cjs", "packages of Yarn's Plug'n'Play (npm)", "yarnpkg.com/advanced/pnp-spec"),
    row("**/.pnp.js", "packages of Yarn's Plug'n'Play (npm)", "yarnpkg.com/advanced/pnp-spec"),
    row("**/.pnp.data.json", "packages of Yarn's Plug'n'Play (npm)", "yarnpkg.com/advanced/pnp-spec"),
    row("**/node_modules/.store/*/package/package.json", "the store of Yarn's pnpm linker (npm)", "yarnpkg.com/features/linkers"),
    row("**/ebin/*.app", "applications of Erlang/OTP (Hex)", "erlang.org/doc/man/app"),
    row("**/rocks-5.*/*/*/rock_manifest", "rocks of LuaRocks", "github.com/luarocks/luarocks/wiki"),
    row("**/.meta/*/install.json", "distributions of cpanm (CPAN)", "metacpan.org/pod/App::cpanminus"),
    row("**/wp-includes/version.php", "WordPress and its plugins", "developer.wordpress.org wp_version"),
    row("nix/store/*/bin/*", "the store of Nix", "nix.dev/manual/nix store"),
    row("nix/store/*/lib/*", "the store of Nix", "nix.dev/manual/nix store"),
    row("nix/var/nix/db/db.sqlite", "the store of Nix", "nix.dev/manual/nix store"),
    row("gnu/store/*/bin/*", "the store of Guix", "guix.gnu.org/manual The-Store"),
    row("gnu/store/*/lib/*", "the store of Guix", "guix.gnu.org/manual The-Store"),
    row("**/Cellar/*/*/INSTALL_RECEIPT.json", "formulae of Homebrew", "docs.brew.sh"),
    row("var/lib/flatpak/repo/config", "applications of Flatpak", "docs.flatpak.org"),
    row("var/lib/snapd/snaps/*.snap", "snaps", "snapcraft.io/docs"),
];

/// Databases of distributions, where they lie below a folder that is no root of this image: `opt/rootfs/var/lib/dpkg/status`.
#[rustfmt::skip]
const OTHER_ROOTS: &[Row] = &[
    row("**/var/lib/dpkg/status", "packages of dpkg in another root", "manpages.debian.org dpkg(1)"),
    row("**/lib/apk/db/installed", "packages of apk in another root", "wiki.alpinelinux.org Apk_spec"),
    row("**/var/lib/rpm/Packages", "packages of rpm in another root", "rpm.org/docs"),
    row("**/var/lib/rpm/Packages.db", "packages of rpm in another root", "rpm.org/docs"),
    row("**/var/lib/rpm/rpmdb.sqlite", "packages of rpm in another root", "rpm.org/docs"),
    row("**/usr/lib/sysimage/rpm/rpmdb.sqlite", "packages of rpm in another root", "rpm.org/docs"),
];

impl Cataloger for UnreadPackageStores {
    fn id(&self) -> &'static str {
        "unread-package-stores"
    }

    fn version(&self) -> u32 {
        3
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        match find(head.path) {
            Some(_) => Want::Path,
            None => Want::No,
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        if let Some(row) = find(file.head.path) {
            sink.gap(GapKind::UnreadPackageStore, detail(row));
        }
    }
}

fn find(path: &str) -> Option<&'static Row> {
    let other_root = || {
        OTHER_ROOTS
            .iter()
            .find(|row| row.path.fits(path) && is_below_another_root(row, path))
    };
    ROWS.iter().find(|row| row.path.fits(path)).or_else(other_root)
}

/// Not the image's own root, where catalogers read it (`lib` may be `usr/lib`), and no example in a documentation.
fn is_below_another_root(row: &Row, path: &str) -> bool {
    let fixed = row.path.0.trim_start_matches("**/");
    let root = path.strip_suffix(fixed).unwrap_or_default().trim_end_matches('/');
    let own = root.is_empty() || (root == "usr" && fixed.starts_with("lib/"));
    !own && !root.starts_with("usr/share/doc/")
}

fn detail(row: &Row) -> String {
    format!("{}: this package store is not read, and what is in it was not looked up", row.what)
}

/// One gap for each store, whatever number of files it has: the file that comes first stands for the others.
pub(in super::super) fn by_store(gaps: Vec<Gap>) -> Vec<Gap> {
    let mut stores: BTreeMap<(String, String), (Gap, usize)> = BTreeMap::new();
    let mut others = Vec::new();
    for gap in gaps {
        let path = gap.subject.trim_start_matches('/');
        let store = (gap.kind == GapKind::UnreadPackageStore)
            .then(|| loose_classes::folder(path).or_else(|| find(path)?.path.store(path)))
            .flatten();
        match store {
            Some(store) => stores.entry((format!("/{store}"), gap.detail.clone())).or_insert((gap, 0)).1 += 1,
            None => others.push(gap),
        }
    }
    others.extend(stores.into_iter().map(|((store, _), (mut gap, files))| {
        if files > 1 {
            gap.detail.push_str(&format!(" ({files} files)"));
        }
        gap.subject = store;
        gap
    }));
    others
}

#[cfg(test)]
mod tests {
    use super::super::super::recorder::{Recorder, readers};
    use super::*;

    fn gap(kind: GapKind, path: &str) -> Gap {
        let detail = find(path.trim_start_matches('/')).map_or_else(String::new, detail);
        Gap {
            kind,
            subject: path.to_owned(),
            detail,
            location: None,
        }
    }

    #[test]
    fn a_package_store_that_nobody_reads_is_a_gap_by_name() {
        for row in ROWS {
            let path = row.path.example();
            let seen = Recorder::of(&UnreadPackageStores, &path, b"x");
            assert!(
                matches!(&*seen.gaps, [(GapKind::UnreadPackageStore, detail)] if detail.contains(row.what)),
                "{path}"
            );
            assert!(!row.source.is_empty());
        }
    }

    #[test]
    fn a_distribution_database_below_another_root_is_a_gap() {
        let gaps = |path: &str| Recorder::of(&UnreadPackageStores, path, b"x").gaps.len();
        for path in [
            "opt/rootfs/var/lib/dpkg/status",
            "root/opt/r/lib/apk/db/installed",
            "srv/usr/lib/apk/db/installed",
            "opt/r/var/lib/rpm/rpmdb.sqlite",
            "usr/var/lib/dpkg/status",
        ] {
            assert_eq!(gaps(path), 1, "{path}");
        }
        for path in [
            "var/lib/dpkg/status",
            "lib/apk/db/installed",
            "usr/lib/apk/db/installed",
            "usr/share/doc/x/var/lib/dpkg/status",
            "opt/var/lib/dpkg/status-old",
        ] {
            assert_eq!(gaps(path), 0, "{path}");
        }
    }

    #[test]
    fn a_store_of_many_files_is_one_gap() {
        let store = GapKind::UnreadPackageStore;
        let given = vec![
            gap(store, "/opt/conda/conda-meta/a-1.json"),
            gap(store, "/opt/conda/conda-meta/b-1.json"),
            gap(store, "/srv/conda-meta/c-1.json"),
            gap(GapKind::LimitReached, "/srv/conda-meta/c-1.json"),
        ];
        let found = by_store(given);
        let subjects: Vec<&str> = found.iter().map(|gap| gap.subject.as_str()).collect();
        assert_eq!(subjects, ["/srv/conda-meta/c-1.json", "/opt/conda/conda-meta", "/srv/conda-meta"]);
        assert!(found[1].detail.ends_with("(2 files)"), "{}", found[1].detail);
    }

    #[test]
    fn what_a_cataloger_reads_is_not_called_unread() {
        for row in ROWS {
            let path = row.path.example();
            let readers = readers(&path, Domain::Image, &UnreadPackageStores);
            assert!(
                readers.iter().all(|id| *id == "secrets"),
                "{path} is read by {readers:?}: delete its row"
            );
        }
    }
}
