//! Databases and folders behind links.

use super::*;

#[test]
fn a_database_behind_symbolic_links_is_found() {
    let folder = Tar::new()
        .file("etc/os-release", OS)
        .symlink("var/lib/dpkg", "../../opt/db")
        .file("opt/db/status", status(&["linked"]));
    let inventory = of(std::slice::from_ref(&folder));
    assert_eq!(names(&inventory), ["linked"]);
    assert_eq!(inventory.components[0].locations[0].path, "/opt/db/status");
    let file = Tar::new()
        .file("etc/os-release", OS)
        .file("opt/list", status(&["linked"]))
        .symlink("var/lib/dpkg/status", "/opt/list");
    assert_eq!(names(&of(&[file])), ["linked"]);
    let later = Tar::new().file("opt/db/status", status(&["linked", "second"]));
    let expected = [("linked", "step 0"), ("second", "step 1")];
    assert_eq!(brought(&of(&[folder, later])), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn a_database_that_is_a_hard_link_is_found() {
    let linked = Tar::new()
        .file("etc/os-release", OS)
        .file("opt/list", status(&["linked"]))
        .hard_link("opt/second", "opt/list")
        .hard_link("var/lib/dpkg/status", "opt/second");
    assert_eq!(names(&of(std::slice::from_ref(&linked))), ["linked"]);
    let removed = Tar::new().file("opt/.wh.list", "").file("opt/.wh.second", "");
    assert_eq!(names(&of(&[linked, removed])), ["linked"], "the other name is still there");
}

#[test]
fn a_circle_of_links_where_a_database_should_be_is_undecidable() {
    let circle = Tar::new()
        .file("etc/os-release", OS)
        .symlink("var/lib/dpkg", "dpkg2")
        .symlink("var/lib/dpkg2", "dpkg");
    let sample = Sample::new(&[circle]);
    let error = sample.result(vec![sample.platform("amd64")]).expect_err("a circle");
    assert_eq!(error.fault(), Fault::Undecidable);
    assert!(error.to_string().contains("var/lib/dpkg"), "{error}");
}

#[test]
fn an_upper_layer_that_writes_through_a_linked_folder_replaces_what_lies_below() {
    let merged = Tar::new()
        .file("etc/os-release", OS)
        .symlink("lib", "usr/lib")
        .file("var/lib/dpkg/status", status(&["base"]))
        .file("usr/lib/tool", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0");
    let over = Tar::new().file("lib/tool", "a script");
    assert!(gaps(&of(std::slice::from_ref(&merged))).contains(&(GapKind::UnownedExecutable, "/usr/lib/tool")));
    assert_eq!(gaps(&of(&[merged, over])), []);
}
