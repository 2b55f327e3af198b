//! buildah of a user who is not root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::dockerfiles::{BASE, Builder, Project};
use crate::support::engines::{is_root, output, text};
use crate::support::tools;

/// A number that is nobody's.
const USER: u32 = 65_533;

/// What the user does in `PLACE`: brings the base into a store of its own, builds, and names the digest.
const AS_A_USER: &str = "set -eu
export HOME=PLACE/home XDG_RUNTIME_DIR=PLACE/run CONTAINERS_STORAGE_CONF=PLACE/storage.conf BUILDAH_ISOLATION=chroot COLUMNS=200
buildah tag $(buildah pull --quiet oci-archive:PLACE/base.tar) BASE
cd PLACE/service
test $(id -u) != 0
PLACE/portcullis build
";

/// `/etc` with this user in it, for the commands below it alone.
const WITH_A_USER: &str = "mount -t overlay overlay -o lowerdir=PLACE/etc:/etc /etc
exec setpriv --reuid=USER --regid=USER --clear-groups sh PLACE/script";

#[test]
fn a_user_who_is_not_root_builds_the_digest_that_root_builds() {
    let (true, Some(builder)) = (is_root(), Builder::buildah()) else {
        return;
    };
    for needed in ["unshare", "setpriv", "newuidmap"] {
        if tools::program(needed).is_none() {
            return;
        }
    }
    let file = format!("FROM {BASE}\nCOPY a /a\nRUN echo b > /b && chmod 700 /b\nUSER 1000\n");
    let project = Project::new(
        builder.name(),
        "",
        &[("Dockerfile", &file), ("a", "a\n"), (".gitignore", "target\n")],
    );
    project.ends(0, &builder.env(), &["build"]);

    let place = tempfile::tempdir().unwrap();
    let at = text(place.path());
    output(&mut builder.command("buildah", &["push", "--quiet", BASE, &format!("oci-archive:{at}/base.tar")]));
    output(Command::new("git").args(["clone", "--quiet", &text(&project.root()), &format!("{at}/service")]));
    // Where a clone came from would be in the image's labels.
    output(Command::new("git").args(["-C", &format!("{at}/service"), "remote", "remove", "origin"]));
    fs::copy(env!("CARGO_BIN_EXE_portcullis"), place.path().join("portcullis")).unwrap();
    for folder in ["home", "run", "etc"] {
        fs::create_dir(place.path().join(folder)).unwrap();
    }
    let write = |name: &str, text: String| fs::write(place.path().join(name), text).unwrap();
    let users = fs::read_to_string("/etc/passwd").unwrap();
    write("etc/passwd", format!("{users}builder:x:{USER}:{USER}::{at}/home:/bin/sh\n"));
    write("etc/subuid", "builder:200000:65536\n".to_owned());
    write("etc/subgid", "builder:200000:65536\n".to_owned());
    let storage = format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{at}/home/store\"\nrunroot = \"{at}/run/containers\"\n");
    write("storage.conf", storage);
    write("script", AS_A_USER.replace("PLACE", &at).replace("BASE", BASE));
    output(Command::new("chown").args(["-R", &format!("{USER}:{USER}"), &at]));
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();

    let within = WITH_A_USER.replace("PLACE", &at).replace("USER", &USER.to_string());
    let done = Command::new("unshare")
        .args(["--mount", "sh", "-ec", &within])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    assert_eq!(digest(&place.path().join("service")), project.digest(), "{said}");
}

fn digest(service: &Path) -> String {
    let index = fs::read(service.join("target/portcullis/image/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    index["manifests"][0]["digest"].as_str().unwrap().to_owned()
}

/// Says for the first build, and the first that is saved, what the kernel's `EBUSY` makes of it; then it is the real one.
const BUSY: &str = r#"#!/bin/sh
first=DIR/$1.busy
if [ "$1" = build ] || [ "$1" = push ]; then
    if [ ! -e "$first" ]; then
        : > "$first"
        [ "$1" = build ] && echo "STEP 1/2: FROM localhost/busybox:1" && echo "STEP 2/2: RUN echo b > /b"
        echo "Close_Fd sealing memfd copy: Device or resource busy" >&2
        echo "Error: building at STEP \"RUN echo b > /b\": exit status 1" >&2
        exit 1
    fi
fi
exec REAL "$@"
"#;

#[test]
fn a_kernel_that_is_busy_when_buildah_starts_itself_fails_no_build() {
    let (Some(builder), Some(real)) = (Builder::buildah(), tools::program("buildah")) else {
        return;
    };
    let bin = tempfile::tempdir().unwrap();
    let stand_in = BUSY.replace("DIR", &text(bin.path())).replace("REAL", &text(&real));
    fs::write(bin.path().join("buildah"), stand_in).unwrap();
    tools::executable(&bin.path().join("buildah"));
    let file = format!("FROM {BASE}\nRUN echo b > /b\n");
    let project = Project::new(builder.name(), "", &[("Dockerfile", &file)]);
    let mut env = builder.env();
    let path = std::env::var_os("PATH").unwrap();
    let first = [bin.path().to_owned()].into_iter().chain(std::env::split_paths(&path));
    env.insert("PATH", std::env::join_paths(first).unwrap().into_string().unwrap());
    let said = project.ends(0, &env, &["build"]);
    assert!(said.contains("building again"), "{said}");
    for first in ["build.busy", "push.busy"] {
        assert!(bin.path().join(first).exists(), "{said}");
    }
    project.ends(0, &builder.env(), &["build", "--twice"]);
}
