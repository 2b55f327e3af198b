//! One byte, changed anywhere between build and rollout.

use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::{folder, portcullis, stderr};
use crate::support::checkout::committed;

const CRATE: [(&str, &str); 4] = [
    ("Cargo.toml", "[package]\nname = \"pay\"\nversion = \"1.0.0\"\nedition = \"2021\"\n"),
    ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"pay\"\nversion = \"1.0.0\"\n"),
    ("src/main.rs", "fn main() {}\n"),
    (".gitignore", "/target\n/.cache\n/.state\n"),
];

const CONFIGURATION: &str = "[service]\nname = \"pay\"\n[build]\nusing = \"native\"\npackage = \"pay\"\n[image]\nrepository = \"oci:target/registry\"\n\
[feeds]\nmax_age = \"36500d\"\n[sign]\nkey = \"local:target/keys/k.key\"\n\
[rollout]\ntarget = \"process\"\nstate = \"target/state\"\n[rollout.health]\nurl = \"http://127.0.0.1:9/readyz\"\n";

/// Says nothing that is not known: the marker of a layout, and the empty configuration of an attestation.
const WITHOUT_MEANING: [&[u8]; 2] = [b"{\"imageLayoutVersion\":\"1.0.0\"}", b"{}"];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect();
    found.sort();
    found
}

#[test]
fn a_byte_that_changes_between_build_and_publication_or_before_the_rollout_is_caught() {
    let dir = folder(&CRATE);
    let dir = dir.path();
    fs::write(dir.join("portcullis.toml"), CONFIGURATION).unwrap();
    committed(dir);
    let demo = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/advisories/demo")
        .display()
        .to_string();
    let gate = portcullis(dir, &["gate", "--until", "publish", "--osv", &demo]);
    assert_eq!(gate.status.code(), Some(0), "{}", stderr(&gate));

    let publish = ["publish", "--dry-run", "--osv", demo.as_str()];
    for (place, order) in [
        ("target/portcullis/image", &publish[..]),
        ("target/registry", &["rollout", "--plan"]),
    ] {
        let code = || portcullis(dir, order).status.code();
        assert_eq!(code(), Some(0), "the control: {order:?} of what was not changed");
        let mut changed = 0;
        for path in files(&dir.join(place)) {
            let bytes = fs::read(&path).unwrap();
            if WITHOUT_MEANING.contains(&bytes.as_slice()) {
                continue;
            }
            let name = path.display();
            for at in [0, bytes.len() / 2, bytes.len() - 1] {
                let mut other = bytes.clone();
                other[at] ^= 1;
                fs::write(&path, other).unwrap();
                let ended = portcullis(dir, order);
                assert!(
                    matches!(ended.status.code(), Some(2 | 12 | 64)),
                    "{order:?} took byte {at} of {name}: {:?}\n{}",
                    ended.status,
                    stderr(&ended)
                );
            }
            fs::write(&path, bytes).unwrap();
            changed += 1;
        }
        assert!(changed >= 5, "{place} has {changed} files");
        assert_eq!(code(), Some(0), "{place} is as it was");
    }
}
