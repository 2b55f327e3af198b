//! What is seen of layers that lie over each other.

use super::*;

#[test]
fn os_packages_get_the_release_that_the_image_ends_with() {
    let inventory = of(&[base()]);
    assert_eq!(
        inventory.components[0].purl.to_string(),
        "pkg:deb/debian/base@1.0-1?arch=amd64&distro=debian-12"
    );
    assert_eq!(inventory.components[0].ecosystem.as_ref().map(|e| e.as_str()), Some("Debian:12"));
    assert_eq!(inventory.components[0].locations[0].path, "/var/lib/dpkg/status");
    assert_eq!(inventory.platforms[0].os.as_ref().map(|os| os.id.as_str()), Some("debian"));
    assert_eq!(gaps(&inventory), []);
    let upgraded = of(&[base(), Tar::new().file("etc/os-release", "ID=debian\nVERSION_ID=13\n")]);
    assert_eq!(upgraded.components[0].ecosystem.as_ref().map(|e| e.as_str()), Some("Debian:13"));
}

#[test]
fn etc_os_release_counts_before_the_one_in_usr_lib() {
    let usr = Tar::new().file("usr/lib/os-release", "ID=debian\nVERSION_ID=11\n");
    assert_eq!(
        of(&[base(), usr]).platforms[0].os.as_ref().map(|os| os.version_id.as_str()),
        Some("12")
    );
    let linked = Tar::new()
        .file("usr/lib/os-release", OS)
        .symlink("etc/os-release", "../usr/lib/os-release")
        .file("var/lib/dpkg/status", status(&["base"]));
    assert_eq!(gaps(&of(&[linked])), []);
}

#[test]
fn a_package_is_attributed_to_the_layer_that_first_brought_it() {
    let second = Tar::new().file("var/lib/dpkg/status", status(&["added", "base"]));
    let third = Tar::new().file("var/lib/dpkg/status", status(&["added", "base", "late"]));
    let inventory = of(&[base(), second, third]);
    let expected = [("added", "step 1"), ("base", "step 0"), ("late", "step 2")];
    assert_eq!(brought(&inventory), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn a_package_that_was_removed_later_is_not_reported() {
    let second = Tar::new().file("var/lib/dpkg/status", status(&["base", "gone"]));
    let third = Tar::new().file("var/lib/dpkg/status", status(&["base"]));
    assert_eq!(names(&of(&[base(), second.clone(), third])), ["base"]);
    let back = Tar::new().file("var/lib/dpkg/status", status(&["base", "gone"]));
    let without = Tar::new().file("var/lib/dpkg/status", status(&["base"]));
    assert_eq!(brought(&of(&[base(), second, without, back]))[1].1, "step 3");
}

#[test]
fn whiteouts_and_opaque_folders_hide_databases() {
    for hiding in [
        Tar::new().file("var/lib/dpkg/.wh.status", ""),
        Tar::new().file("var/lib/.wh.dpkg", ""),
        Tar::new().file("var/lib/.wh..wh..opq", ""),
        Tar::new().file("var", "a file now"),
        Tar::new().symlink("var/lib", "/nowhere"),
        Tar::new().dir("var/lib/dpkg/status"),
        Tar::new().file(".wh..wh..opq", ""),
    ] {
        let inventory = of(&[base(), hiding]);
        assert_eq!(names(&inventory), [] as [&str; 0]);
        assert!(gaps(&inventory).contains(&(GapKind::EmptyInventory, "linux/amd64")));
    }
}

#[test]
fn a_whiteout_in_one_layer_does_not_hide_files_of_the_same_layer() {
    let both = base().file("var/lib/dpkg/.wh.status", "").file("var/lib/.wh..wh..opq", "");
    assert_eq!(names(&of(&[base(), both])), ["base"]);
    let beside = Tar::new().file("var/lib/dpkg/.wh.stat", "").dir("var/lib/dpkg").dir("var");
    assert_eq!(names(&of(&[base(), beside])), ["base"]);
}

#[test]
fn a_folder_replaced_by_a_file_and_back_shows_what_is_new_only() {
    let file = Tar::new().file("var/lib/dpkg", "");
    let again = Tar::new().file("var/lib/dpkg/status", status(&["new"]));
    assert_eq!(names(&of(&[base(), file, again])), ["new"]);
}

#[test]
fn the_last_of_two_entries_of_one_path_counts() {
    let twice = base().file("var/lib/dpkg/status", status(&["second"]));
    assert_eq!(names(&of(&[twice])), ["second"]);
    let dotted = base().file("./var/lib//dpkg/status", status(&["second"]));
    assert_eq!(names(&of(&[dotted])), ["second"]);
    let replaced = base().symlink("var/lib/dpkg/status", "/nowhere");
    assert_eq!(names(&of(&[replaced])), [] as [&str; 0]);
}

#[test]
fn only_installed_packages_own_executables() {
    let elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0";
    let owned = base()
        .file("var/lib/dpkg/info/base.list", "/bin/tool\n")
        .symlink("bin", "usr/bin")
        .file("usr/bin/tool", elf);
    assert_eq!(gaps(&of(&[owned])), [], "owned under its other name");
    let pretended = base()
        .file("var/lib/dpkg/info/ghost.list", "/usr/bin/tool\n")
        .file("usr/bin/tool", elf);
    assert_eq!(gaps(&of(&[pretended])), [(GapKind::UnownedExecutable, "/usr/bin/tool")]);
}

#[test]
fn packages_without_a_release_are_a_gap() {
    let inventory = of(&[Tar::new().file("var/lib/dpkg/status", status(&["base"]))]);
    assert_eq!(gaps(&inventory), [(GapKind::UnknownDistro, "linux/amd64")]);
    let unheard = Tar::new()
        .file("etc/os-release", "ID=unheard\nVERSION_ID=1\n")
        .file("var/lib/dpkg/status", status(&["base"]));
    assert_eq!(gaps(&of(&[unheard])), [(GapKind::UnknownDistro, "linux/amd64")]);
}

#[test]
fn every_platform_of_an_index_is_inventoried() {
    let sample = Sample::new(&[base()]);
    let inventory = sample
        .result(vec![sample.platform("amd64"), sample.platform("arm64")])
        .expect("an inventory");
    let platforms: Vec<String> = inventory
        .components
        .iter()
        .filter_map(|c| Some(c.platform.as_ref()?.to_string()))
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert_eq!(inventory.platforms.len(), 2);
}

#[test]
fn equal_images_give_equal_bytes() {
    let tars = [base(), Tar::new().file("var/lib/dpkg/status", status(&["added", "base"]))];
    let sample = Sample::new(&tars);
    let text = |inventory: Inventory| serde_json::to_string(&inventory).expect("JSON");
    assert_eq!(text(sample.inventory()), text(sample.inventory()));
}
