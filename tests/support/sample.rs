//! A folder with an image of one small Debian layer, a configuration that judges it, and a feed that knows no advisory: the program from end
//! to end without a build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::images;

/// `portcullis.toml` of the folder.
pub(crate) const CONFIG: &str = r#"
[service]
name = "sample"
[build]
using = "image"
image = "oci:built"
[image]
repository = "oci:published"
[feeds]
osv = "feed"
max_age = "36500d"
[policy]
document = "policy.toml"
"#;

/// Everything that is about the repository and the image's user is another test's business.
pub(crate) const POLICY: &str = r#"
[rules.root-user]
level = "off"
[rules.untraceable-tag]
level = "off"
"#;

/// The package database of the layer.
pub(crate) const STATUS: &str = "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2.15-2\n\n";

/// The folder. Ends with the test.
pub(crate) struct Sample {
    dir: tempfile::TempDir,
}

impl Sample {
    pub(crate) fn new() -> Self {
        let sample = Self {
            dir: tempfile::tempdir().expect("folder"),
        };
        images::image(&sample.path("built"), &[layer(STATUS)]);
        sample.write("portcullis.toml", CONFIG);
        sample.write("policy.toml", POLICY);
        sample.write("feed/Debian/modified_id.csv", "2026-01-01T00:00:00Z,DEBIAN-CVE-2000-1\n");
        sample.advise("DEBIAN-CVE-2000-1", "zsh", "2026-01-01T00:00:00Z");
        sample
    }

    /// Adds an advisory of critical severity for every version of a Debian package.
    pub(crate) fn advise(&self, id: &str, package: &str, published: &str) {
        let record = format!(
            r#"{{"id":"{id}","summary":"a bug in {package}","published":"{published}","modified":"{published}","severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],"affected":[{{"package":{{"ecosystem":"Debian:12","name":"{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}]}}]}}]}}"#
        );
        self.write(&format!("feed/Debian/{id}.json"), &record);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, text).expect("written");
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        run(self.dir.path(), args)
    }

    /// The program in this folder, for who sets more variables.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        command(self.dir.path(), args)
    }

    /// Runs, and gives stdout and stderr of a run that ends with this code.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32, args: &[&str]) -> (String, String) {
        let output = self.run(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}\nstdout:\n{out}\nstderr:\n{err}");
        (out, err)
    }
}

/// Runs the program in a folder, with caches and state of its own.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().expect("the program runs")
}

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = crate::support::portcullis();
    command
        .current_dir(dir)
        .env("HOME", dir)
        .env("XDG_CACHE_HOME", dir.join(".cache"))
        .env("XDG_STATE_HOME", dir.join(".state"))
        .env("COLUMNS", "200")
        .args(args);
    command
}

/// A layer with the package database of Debian 12.
pub(crate) fn layer(status: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let os_release = "ID=debian\nVERSION_ID=\"12\"\n";
    for (path, text) in [("etc/os-release", os_release), ("var/lib/dpkg/status", status)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).expect("appended");
    }
    tar.into_inner().expect("a tar")
}
