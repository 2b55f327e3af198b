//! A real RPM database, made by rpm itself, lists as rpm lists it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::io::Effects;
use portcullis::model::image_ref::ImageRef;
use portcullis::model::inventory::Inventory;
use portcullis::stage::inventory;

use crate::support::engines::output;
use crate::support::tools;

const SPEC: &str = "Name: acme-tool
Epoch: 2
Version: 1.4
Release: 3.el9
Summary: x
License: MIT and ASL 2.0
BuildArch: noarch
%description
x
%package lib
Summary: y
%description lib
y
%install
mkdir -p %{buildroot}/opt/acme
echo x >%{buildroot}/opt/acme/tool
printf '\\177ELF\\2\\1\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\3\\0\\76\\0' >%{buildroot}/opt/acme/lib.so
%files
/opt/acme/tool
%files lib
/opt/acme/lib.so
";

fn packages(folder: &Path, rpmbuild: &Path) -> Vec<std::path::PathBuf> {
    let spec = folder.join("acme.spec");
    fs::write(&spec, SPEC).unwrap();
    let define = |name: &str, path: &str| format!("{name} {}", folder.join(path).display());
    let mut build = Command::new(rpmbuild);
    build.args([
        "-bb",
        "--quiet",
        "--define",
        &define("_topdir", "top"),
        "--define",
        &define("_rpmdir", "out"),
    ]);
    // What is packed here is no program of this machine's processor that a build would strip.
    build.args([
        "--define",
        "__os_install_post %{nil}",
        "--define",
        "__arch_install_post %{nil}",
        "--define",
        "_binaries_in_noarch_packages_terminate_build 0",
    ]);
    output(build.arg(&spec));
    let built = fs::read_dir(folder.join("out/noarch")).unwrap();
    built.map(|entry| entry.unwrap().path()).collect()
}

fn inventory_of(root: &Path, cache: &Path) -> Inventory {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let effects = Effects::plain(cache.to_owned());
    runtime
        .block_on(inventory::image_ref(&ImageRef::RootFs(root.to_owned()), &effects))
        .unwrap()
}

#[test]
fn a_database_that_rpm_makes_lists_as_rpm_lists_it() {
    let (Some(rpm), Some(rpmbuild)) = (tools::program("rpm"), tools::program("rpmbuild")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let packages = packages(folder.path(), &rpmbuild);
    for backend in ["sqlite", "ndb"] {
        let root = folder.path().join(backend);
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/os-release"), "ID=\"rocky\"\nVERSION_ID=\"9.3\"\n").unwrap();
        let rpm = || {
            let mut command = Command::new(&rpm);
            command
                .arg("--root")
                .arg(&root)
                .args(["--dbpath", "/var/lib/rpm", "--define", &format!("_db_backend {backend}")]);
            command
        };
        let initialized = rpm().arg("--initdb").output().unwrap();
        let said = String::from_utf8_lossy(&initialized.stderr).into_owned();
        if said.contains("invalid %_db_backend") {
            println!("skipped: a database of the form {backend} (this rpm does not write it)");
            continue;
        }
        if !initialized.status.success() {
            println!("skipped: rpm's database ({})", said.lines().last().unwrap_or_default());
            return;
        }
        output(rpm().args(["-i", "--nodeps", "--noscripts"]).args(&packages));
        let listed = output(rpm().args([
            "-qa",
            "--qf",
            "%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM} %{LICENSE}\n",
        ]));
        let inventory = inventory_of(&root, &folder.path().join("cache"));
        let ours: BTreeSet<String> = inventory
            .components
            .iter()
            .map(|c| {
                let source = c.source.as_ref().unwrap();
                let source_version = source.version.rsplit(':').next().unwrap();
                let arch = &c.purl.qualifiers["arch"];
                format!(
                    "{} {} {arch} {}-{source_version}.src.rpm {}",
                    c.name,
                    c.version,
                    source.name,
                    c.licenses.join(", ")
                )
            })
            .collect();
        assert_eq!(
            ours.iter().map(String::as_str).collect::<BTreeSet<_>>(),
            listed.lines().collect(),
            "{backend}"
        );
        let of_source = |c: &portcullis::model::inventory::Component| c.source.as_ref().unwrap().version.clone();
        assert!(
            inventory.components.iter().all(|c| of_source(c) == "2:1.4-3.el9"),
            "{backend}: a source package has the epoch of what is built from it"
        );
        assert_eq!(inventory.gaps, [], "{backend}: the library is owned by its package");
    }
}
