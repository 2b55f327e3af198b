//! The way of a foreign platform from its target to the verdict, where nothing for it is installed: a stand-in for rustc says that it is, and one
//! for cargo builds for this machine and writes the other machine into the program's header.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::build::crates::workspace;
use crate::support::sample::{CONFIG, Sample};

const HERE: &str = "x86_64-unknown-linux-gnu";

/// `rustc --print sysroot` names a folder in which both targets lie; everything else is the real one's to say.
const RUSTC: &str = "#!/bin/sh\n[ \"$*\" = \"--print sysroot\" ] && exec echo SYSROOT\nexec REAL \"$@\"\n";
const CARGO: &str = r#"#!/bin/bash
there=aarch64-unknown-linux-gnu here=x86_64-unknown-linux-gnu
[[ " $* " == *" $there "* ]] || exec REAL "$@"
arguments=() folder=
for word; do
    [ "$folder" = next ] && folder=$word
    [ "$word" = --target-dir ] && folder=next
    arguments+=("${word/$there/$here}")
done
set -o pipefail
REAL "${arguments[@]}" | sed "s/$here/$there/g" || exit
[ -n "$folder" ] || exit 0
mkdir -p "$folder/$there/release"
cp "$folder/$here/release/pay" "$folder/$there/release/pay"
printf '\267' | dd of="$folder/$there/release/pay" bs=1 seek=18 conv=notrunc status=none
"#;

/// Where a program of the PATH is.
fn real(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
    found.find(|file| file.is_file()).unwrap()
}

/// Puts the stand-ins into a folder, which is then the first of the PATH.
fn stand_ins(folder: &Path) -> std::ffi::OsString {
    let sysroot = folder.join("sysroot");
    for target in ["aarch64-unknown-linux-gnu", HERE] {
        fs::create_dir_all(sysroot.join("lib/rustlib").join(target).join("lib")).unwrap();
    }
    for (name, text) in [("rustc", RUSTC), ("cargo", CARGO)] {
        let text = text
            .replace("REAL", real(name).to_str().unwrap())
            .replace("SYSROOT", sysroot.to_str().unwrap());
        fs::write(folder.join(name), text).unwrap();
        crate::support::tools::executable(&folder.join(name));
    }
    let path = std::env::var_os("PATH").unwrap();
    std::env::join_paths([folder.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap()
}

#[test]
fn every_platform_of_an_index_is_inventoried_and_judged() {
    if cfg!(not(target_arch = "x86_64")) {
        println!("skipped: the stand-ins are for x86_64");
        return;
    }
    let place = Sample::new();
    let root = workspace(&place.path("."));
    let stand_ins_first = {
        fs::create_dir(place.path("bin")).unwrap();
        stand_ins(&place.path("bin"))
    };
    let feed = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/advisories/node");
    let build = format!(
        "[build]\nusing = \"native\"\npackage = \"pay\"\nbin = \"pay\"\ntargets = [\"aarch64-unknown-linux-gnu\", \"{HERE}\"]\nlinker = {{ aarch64-unknown-linux-gnu = \"cc\" }}\nfiles = [{{ from = \"web\", to = \"/web\" }}]\n"
    );
    let config = CONFIG
        .replace("[build]\nusing = \"image\"\nimage = \"oci:built\"\n", &build)
        .replace("osv = \"feed\"", &format!("osv = {feed:?}"));
    fs::write(root.join("portcullis.toml"), config).unwrap();
    let package = root.join("web/node_modules/cookie-signature");
    fs::create_dir_all(&package).unwrap();
    let gate = |version: &str, policy: &str| -> Output {
        fs::write(root.join("policy.toml"), policy).unwrap();
        let text = format!(r#"{{"name": "cookie-signature", "version": "{version}"}}"#);
        fs::write(package.join("package.json"), text).unwrap();
        crate::support::portcullis()
            .args(["gate", "--until", "policy", "--offline"])
            .current_dir(&root)
            .env("PATH", &stand_ins_first)
            .env_remove("RUSTC")
            .env("XDG_CACHE_HOME", place.path(".cache"))
            .env("XDG_STATE_HOME", place.path(".state"))
            .output()
            .unwrap()
    };
    let off = "[rules.untraceable-tag]\nlevel = \"off\"\n";
    let cleared = gate("1.0.7", off);
    assert_eq!(cleared.status.code(), Some(0), "{}", String::from_utf8_lossy(&cleared.stderr));
    let sbom = fs::read_to_string(root.join("target/portcullis/evidence.json")).unwrap();
    assert!(sbom.contains("linux/amd64") && sbom.contains("linux/arm64"));
    let blocked = gate("1.0.6", off);
    let said = String::from_utf8_lossy(&blocked.stdout).into_owned();
    assert_eq!(blocked.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&blocked.stderr));
    assert!(said.contains("DEMO-2026-0001"), "{said}");
    // What is weighed by platform is found on each of them.
    let strict = format!("{off}[rules.missing-healthcheck]\nlevel = \"deny\"\n");
    let said = String::from_utf8_lossy(&gate("1.0.7", &strict).stdout).into_owned();
    assert!(
        said.contains("missing-healthcheck linux/amd64") && said.contains("missing-healthcheck linux/arm64"),
        "{said}"
    );
}
