//! Files of the checkout in native images.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use portcullis::model::exit_kind::ExitKind;
use portcullis::model::plan::{NativeBuild, PlacedFiles};
use portcullis::stage::build::{BuildError, NativeError};

use crate::build::crates::{attempt, pay, placed, workspace};
use crate::build::native::files;
use crate::build::targets::{base_with, of_base};
use crate::support::sample::{CONFIG, Sample};

fn with(files: Vec<PlacedFiles>) -> NativeBuild {
    NativeBuild { files, ..pay() }
}

#[test]
fn files_lie_where_they_are_wanted_with_the_modes_that_git_knows_and_the_time_of_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    fs::set_permissions(root.join("assets/css/site.css"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(root.join("assets/empty")).unwrap();
    let asked = with(vec![
        placed("assets", "/srv/assets"),
        PlacedFiles {
            mode: Some(0o400),
            ..placed("assets/run.sh", "/etc/pay/run")
        },
        placed("tools/src", "/"),
    ]);
    let image = attempt(&root, folder.path(), &asked).unwrap();
    let found = files(&image);
    let modes: Vec<(&str, u32)> = found.iter().map(|(path, (mode, ..))| (path.as_str(), *mode)).collect();
    for wanted in [
        ("srv/", 0o755),
        ("srv/assets/css/site.css", 0o644),
        ("srv/assets/run.sh", 0o755),
        ("srv/assets/site.css", 0o777),
        ("etc/pay/run", 0o400),
        ("main.rs", 0o644),
        ("etc/", 0o755),
    ] {
        assert!(modes.contains(&wanted), "{wanted:?} in {modes:?}");
    }
    assert!(!found.contains_key("srv/assets/empty/"), "git knows no empty folder");
    assert_eq!(found["srv/assets/css/site.css"].1, 1_767_323_045);
    let layers = &image.platforms[0].layers;
    assert_eq!(
        layers[1].created_by.as_deref(),
        Some("portcullis: files assets to /srv/assets, assets/run.sh to /etc/pay/run, tools/src to /")
    );
    assert_eq!(layers.len(), 3, "a layer of their own");
    assert_eq!(
        image.provenance.unwrap().parameters["files"],
        "assets:/srv/assets,assets/run.sh:/etc/pay/run:0400,tools/src:/"
    );
}

#[test]
fn what_git_ignores_stays_out_unless_it_is_asked_for_and_is_then_not_called_reproducible() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let refused = attempt(&root, folder.path(), &with(vec![placed("dist", "/app/dist")])).unwrap_err();
    assert!(refused.to_string().contains("git ignores all of it"), "{refused}");
    let ignored = PlacedFiles {
        ignored: true,
        ..placed("dist", "/app/dist")
    };
    let image = attempt(&root, folder.path(), &with(vec![ignored])).unwrap();
    assert!(files(&image).contains_key("app/dist/app.js"));
    assert!(!image.provenance.unwrap().reproducible);
    // Beside what is committed, what is ignored is passed over; what is new is put in, and the tree is not clean.
    fs::create_dir(root.join("assets/dist")).unwrap();
    fs::write(root.join("assets/dist/made.js"), "x").unwrap();
    // A repository within it has its own word on what is ignored.
    let inner = root.join("assets/inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join(".gitignore"), "made\n").unwrap();
    fs::write(inner.join("made"), "x").unwrap();
    crate::support::checkout::git(&inner, &["init", "-q"]);
    let image = attempt(&root, folder.path(), &with(vec![placed("assets", "/a")])).unwrap();
    let found = files(&image);
    assert!(
        !found
            .keys()
            .any(|path| path.ends_with("made.js") || path.ends_with("/made") || path.contains(".git/")),
        "{:?}",
        found.keys()
    );
    assert!(found.contains_key("a/inner/.gitignore"));
    assert!(image.commit.unwrap().dirty && !image.provenance.unwrap().reproducible);
}

#[test]
fn a_project_in_a_folder_that_is_ignored_has_no_file_that_git_knows() {
    let folder = tempfile::tempdir().unwrap();
    let inner = workspace(&folder.path().join("outer/made"));
    fs::remove_dir_all(inner.join(".git")).unwrap();
    let outer = folder.path().join("outer");
    fs::write(outer.join(".gitignore"), "made/\n").unwrap();
    crate::support::checkout::committed(&outer);
    let error = attempt(&inner, folder.path(), &with(vec![placed("assets", "/a")])).unwrap_err();
    assert!(error.to_string().contains("git ignores all of it"), "{error}");
}

#[test]
fn what_does_not_belong_into_an_image_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let says = |files: Vec<PlacedFiles>| {
        let error = attempt(&root, folder.path(), &with(files)).unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Usage, "{error}");
        assert!(!folder.path().join("work").exists(), "nothing was compiled");
        error.to_string()
    };
    assert!(says(vec![placed("asstes", "/a")]).contains("`asstes` cannot be put into the image: it is not there"));
    for odd in ["../pay/assets", "/etc/passwd", "assets/../../x"] {
        assert!(says(vec![placed(odd, "/a")]).contains("no path within the project"), "{odd}");
    }
    assert!(says(vec![placed("assets", "/a/.wh.b")]).contains(".wh."));
    assert!(says(vec![placed("Cargo.toml", "/")]).contains("cannot lie at /"));
    assert!(says(vec![placed("assets", "/app"), placed("Cargo.toml", "/app/run.sh")]).contains("/app/run.sh"));
    assert!(says(vec![placed("Cargo.toml", "/a/b"), placed("Cargo.lock", "/a/b/c")]).contains("two things would lie at /a/b"));
    assert!(says(vec![placed("Cargo.toml", "/app/pay")]).contains("the program /app/pay"));
    assert!(says(vec![placed("Cargo.toml", "/app")]).contains("two things would lie at /app"));

    let bad = root.join("bad");
    let each = |make: &dyn Fn(&Path)| {
        fs::create_dir(&bad).unwrap();
        fs::write(bad.join("good"), "x").unwrap();
        make(&bad.join("odd"));
        let said = says(vec![placed("bad", "/a")]);
        fs::remove_dir_all(&bad).unwrap();
        said
    };
    for target in ["/etc/passwd", "../Cargo.toml", "good/../../x"] {
        let said = each(&|odd| symlink(target, odd).unwrap());
        assert!(said.contains("the link odd in it leads out of it"), "{target}: {said}");
    }
    let said = each(&|odd| rustix::fs::mknodat(rustix::fs::CWD, odd, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap());
    assert!(said.contains("bad/odd is a device, a pipe or a socket"), "{said}");
    let said = each(&|odd| fs::write(odd.with_file_name(".wh.good"), "").unwrap());
    assert!(said.contains("deletes something"), "{said}");
    symlink("assets", root.join("link")).unwrap();
    assert!(says(vec![placed("link/css", "/a")]).contains("link is a link"));
    fs::create_dir(root.join("hollow")).unwrap();
    assert!(says(vec![placed("hollow", "/a")]).contains("no file in it"));
}

#[test]
fn folders_of_a_base_keep_their_mode_and_owner_and_its_links_are_not_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let base = base_with(folder.path(), &["amd64"], |tar| {
        of_base(tar, "srv/", tar::EntryType::Directory, 0o2750, "", b"");
        of_base(tar, "lib", tar::EntryType::Symlink, 0o777, "usr/lib", b"");
    });
    let upon = |to: &str| NativeBuild {
        base: Some(base.clone()),
        ..with(vec![placed("assets", to)])
    };
    let image = attempt(&root, folder.path(), &upon("/srv/assets")).unwrap();
    assert_eq!(crate::build::targets::raw(&image, 0, "srv/"), (0o2750, 7, 8), "as in the base");
    let error = attempt(&root, folder.path(), &upon("/lib/assets")).unwrap_err();
    assert!(matches!(&error, BuildError::Native(NativeError::Files { .. })), "{error:?}");
    assert!(error.to_string().contains("/lib is no folder in what is built upon"), "{error}");
}

#[test]
fn a_vulnerable_package_among_the_files_blocks_the_image() {
    let place = Sample::new();
    let root = workspace(&place.path("."));
    let build = "[build]\nusing = \"native\"\nfiles = [{ from = \"web\", to = \"/srv/web\" }]\nbin = \"pay\"\n";
    let feed = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/advisories/node");
    let config = CONFIG
        .replace("[build]\nusing = \"image\"\nimage = \"oci:built\"\n", build)
        .replace("name = \"sample\"", "name = \"pay\"")
        .replace("osv = \"feed\"", &format!("osv = {feed:?}"));
    fs::write(root.join("portcullis.toml"), config).unwrap();
    fs::copy(place.path("policy.toml"), root.join("policy.toml")).unwrap();
    let gate = |version: &str, code: i32| {
        let package = root.join("web/node_modules/cookie-signature");
        fs::create_dir_all(&package).unwrap();
        let text = format!(r#"{{"name": "cookie-signature", "version": "{version}"}}"#);
        fs::write(package.join("package.json"), text).unwrap();
        let output = crate::support::portcullis()
            .args(["gate", "--until", "policy"])
            .current_dir(&root)
            .env("XDG_CACHE_HOME", place.path(".cache"))
            .env("XDG_STATE_HOME", place.path(".state"))
            .output()
            .unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    let said = gate("1.0.6", 1);
    assert!(
        said.contains("DEMO-2026-0001") && said.contains("srv/web/node_modules/cookie-signature"),
        "{said}"
    );
    // The control.
    gate("1.0.7", 0);
}
