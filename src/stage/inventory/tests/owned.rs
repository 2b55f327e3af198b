//! What packages own, say of their licences, and need.

use super::*;

/// A file that the loader would take.
fn shared_object() -> Vec<u8> {
    [&b"\x7fELF\x02\x01\x01"[..], &[0; 9], &[3, 0, 62, 0], &[0; 60]].concat()
}

#[test]
fn native_parts_of_language_packages_are_accounted_for_by_their_package() {
    let site = "usr/lib/python3/dist-packages";
    let metadata = "Metadata-Version: 2.1\nName: Fast_Math\nVersion: 1.0\n";
    let inventory = of(&[Tar::new()
        .file(&format!("{site}/fast_math-1.0.dist-info/METADATA"), metadata)
        .file(
            &format!("{site}/fast_math-1.0.dist-info/RECORD"),
            "fast_math/_c.so,sha256=AA,1\n../../../bin/fast,,\n",
        )
        .file(&format!("{site}/fast_math/_c.so"), shared_object())
        .file(&format!("{site}/fast_math/_dropped.so"), shared_object())
        .file("usr/bin/fast", shared_object())
        .file("srv/node_modules/bcrypt/package.json", r#"{"name":"bcrypt","version":"5.1.0"}"#)
        .file("srv/node_modules/bcrypt/lib/binding/bcrypt.node", shared_object())
        .file("srv/bcrypt.node", shared_object())]);
    assert_eq!(
        gaps(&inventory),
        [
            (GapKind::UnownedExecutable, "/srv/bcrypt.node"),
            (GapKind::UnownedExecutable, "/usr/lib/python3/dist-packages/fast_math/_dropped.so"),
        ]
    );
}

#[test]
fn a_record_of_a_package_that_is_not_there_accounts_for_nothing() {
    let inventory = of(&[base()
        .file("opt/a-1.dist-info/RECORD", "a/x.so,,\n")
        .file("opt/a/x.so", shared_object())]);
    assert_eq!(gaps(&inventory), [(GapKind::UnownedExecutable, "/opt/a/x.so")]);
}

#[test]
fn a_python_package_whose_metadata_were_removed_is_listed_by_what_is_left() {
    let metadata = "Metadata-Version: 2.1\nName: zope.interface\nVersion: 5.0\n";
    let purls = |inventory: &Inventory| {
        let pypi = inventory.components.iter().filter(|c| c.purl.kind == "pypi");
        pypi.map(|c| c.purl.to_string()).collect::<Vec<_>>()
    };
    let folder = "opt/site/zope_interface-5.0.dist-info";
    for left in ["RECORD", "WHEEL", "INSTALLER"] {
        let with = base().file(&format!("{folder}/{left}"), "zope/interface/__init__.py,,\n");
        assert_eq!(purls(&of(std::slice::from_ref(&with))), ["pkg:pypi/zope-interface@5.0"], "{left}");
        let whole = with.file(&format!("{folder}/METADATA"), metadata);
        assert_eq!(purls(&of(&[whole])), ["pkg:pypi/zope.interface@5.0"], "the control: {left}");
    }
}

#[test]
fn licences_of_debian_packages_are_found_through_links() {
    let text = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n";
    let inventory = of(&[
        Tar::new()
            .file("etc/os-release", OS)
            .file("var/lib/dpkg/status", status(&["gcc-12-base", "libgcc-s1", "other"]))
            .symlink("usr/share/doc/libgcc-s1", "gcc-12-base"),
        Tar::new().file("usr/share/doc/gcc-12-base/copyright", text),
    ]);
    let licenses: Vec<_> = inventory
        .components
        .iter()
        .map(|c| (c.name.as_str(), c.licenses.join(", ")))
        .collect();
    let gpl = || "GPL-2.0-or-later".to_owned();
    assert_eq!(licenses, [("gcc-12-base", gpl()), ("libgcc-s1", gpl()), ("other", String::new())]);
}

#[test]
fn packages_with_a_record_each_know_what_they_need() {
    let record = |name: &str, needs: &str| format!("Package: {name}\nVersion: 1\nArchitecture: amd64\n{needs}");
    let inventory = of(&[Tar::new()
        .file("etc/os-release", OS)
        .file("var/lib/dpkg/status.d/libc6", record("libc6", ""))
        .file(
            "var/lib/dpkg/status.d/libssl3",
            record("libssl3", "Depends: libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0\n"),
        )]);
    let needs: Vec<String> = inventory.components[1].dependencies.iter().map(ToString::to_string).collect();
    assert_eq!(needs, ["pkg:deb/debian/libc6@1?arch=amd64&distro=debian-12"]);
}
