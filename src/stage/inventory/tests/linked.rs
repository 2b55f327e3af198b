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
    assert_eq!(error.exit_kind(), ExitKind::Undecidable);
    assert!(error.to_string().contains("var/lib/dpkg"), "{error}");
}

#[test]
fn an_upper_layer_that_writes_through_a_linked_folder_hides_nothing_below_it() {
    let merged = Tar::new()
        .file("etc/os-release", OS)
        .symlink("lib", "usr/lib")
        .file("var/lib/dpkg/status", status(&["base"]))
        .file("usr/lib/tool", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0");
    let through = Tar::new().file("lib/tool", "a script");
    let unowned = (GapKind::UnownedExecutable, "/usr/lib/tool");
    assert!(gaps(&of(std::slice::from_ref(&merged))).contains(&unowned));
    assert_eq!(
        gaps(&of(&[merged.clone(), through])),
        [unowned],
        "an overlay makes a folder of `lib`"
    );
    let straight = Tar::new().file("usr/lib/tool", "a script");
    assert_eq!(gaps(&of(&[merged, straight])), []);
}

/// An image whose dpkg database is written by `tar`, above an innocent one.
fn written(tar: Tar) -> Vec<String> {
    names_of(&[base().symlink("v", "var/lib/dpkg").append(tar)])
}

fn names_of(tars: &[Tar]) -> Vec<String> {
    names(&of(tars)).into_iter().map(str::to_owned).collect()
}

fn evil() -> String {
    status(&["evil"])
}

#[test]
fn what_is_written_through_a_link_lands_where_the_link_leads() {
    assert_eq!(written(Tar::new().file("v/status", evil())), ["evil"]);
    assert_eq!(
        written(Tar::new().symlink("w", "/v/../dpkg").file("w/status", evil())),
        ["evil"],
        "a link behind a link"
    );
    assert_eq!(
        written(Tar::new().symlink("w", "../../var/lib").file("w/dpkg/status", evil())),
        ["evil"],
        "above the root"
    );
    assert_eq!(
        written(Tar::new().dir("v").file("v/status", evil())),
        ["base"],
        "a folder took the link's place"
    );
    assert_eq!(
        written(Tar::new().dir("v").symlink("v", "/var/lib/dpkg").file("v/status", evil())),
        ["evil"],
        "and the link the folder's"
    );
}

#[test]
fn what_an_upper_layer_writes_through_a_lower_link_is_read_both_ways() {
    let lower = || base().symlink("v", "var/lib/dpkg");
    assert_eq!(names_of(&[lower(), Tar::new().file("v/status", evil())]), ["base", "evil"]);
    assert_eq!(
        names_of(&[lower(), Tar::new().dir("v").file("v/status", evil())]),
        ["base"],
        "both make a folder"
    );
    let twice = lower().symlink("x", "y").dir("y").symlink("y/z", "/v");
    assert_eq!(names_of(&[twice, Tar::new().file("x/z/status", evil())]), ["base", "evil"]);
    let link = Tar::new().symlink("v/status", "/opt/list").file("opt/list", evil());
    let said = of(&[lower(), link]);
    assert!(
        said.gaps
            .iter()
            .any(|gap| gap.detail.contains("below `v`, a link of a lower layer")),
        "{:?}",
        said.gaps
    );
}

#[test]
fn a_whiteout_through_a_lower_link_deletes_for_some_and_hides_for_nobody() {
    let lower = || base().symlink("v", "var/lib/dpkg");
    assert_eq!(names_of(&[lower(), Tar::new().file("v/.wh.status", "")]), ["base"]);
    assert_eq!(names_of(&[lower(), Tar::new().file("v/.wh..wh..opq", "")]), ["base"]);
    let own = Tar::new().symlink("w", "var/lib/dpkg").file("w/.wh.status", "");
    assert_eq!(names_of(&[lower(), own]), [] as [&str; 0], "through a link of its own it deletes");
}

#[test]
fn a_folder_that_is_deleted_and_made_again_in_one_layer_hides_nothing() {
    let again = Tar::new().file("var/lib/.wh.dpkg", "").dir("var/lib/dpkg");
    assert_eq!(names_of(&[base(), again]), ["base"]);
    let replaced = Tar::new()
        .dir("var/lib/dpkg")
        .file("var/lib/dpkg/status", "")
        .symlink("var/lib/dpkg", "/x")
        .dir("var/lib/dpkg");
    assert_eq!(names_of(&[base(), replaced]), ["base"]);
    assert_eq!(names_of(&[base(), Tar::new().file("var/lib/.wh.dpkg", "")]), [] as [&str; 0]);
}

#[test]
fn a_hard_link_names_what_stood_there_when_it_was_made() {
    let linked = || base().file("opt/list", evil()).file("var/lib/dpkg/.keep", "");
    let made = |tar: Tar| names_of(&[linked().append(tar)]);
    let link = || Tar::new().hard_link("var/lib/dpkg/status", "opt/list");
    assert_eq!(made(link()), ["evil"]);
    assert_eq!(made(link().file("opt/list", "")), ["evil"], "its other name was replaced");
    assert_eq!(made(Tar::new().file("opt/list", status(&["second"])).append(link())), ["second"]);
    assert_eq!(made(link().file("var/lib/dpkg/status", status(&["third"]))), ["third"]);
    assert_eq!(
        made(Tar::new().symlink("w", "opt").hard_link("var/lib/dpkg/status", "w/list")),
        ["evil"],
        "through a link"
    );
    let chain = (0..60).fold(Tar::new().hard_link("c/0", "opt/list"), |tar, at| {
        tar.hard_link(&format!("c/{}", at + 1), &format!("c/{at}"))
    });
    assert_eq!(made(chain.hard_link("var/lib/dpkg/status", "c/60")), ["evil"], "a chain of sixty");
    let symlink = Tar::new().symlink("l", "/opt/list").hard_link("var/lib/dpkg/status", "l");
    assert_eq!(made(symlink), ["evil"], "a hard link to a symbolic link is one");
}

#[test]
fn a_hard_link_to_a_lower_file_keeps_it_whatever_becomes_of_its_other_name() {
    let lower = base().file("opt/list", evil());
    let link = Tar::new().hard_link("var/lib/dpkg/status", "opt/list");
    assert_eq!(names_of(&[lower.clone(), link.clone()]), ["evil"]);
    for later in [
        Tar::new().file("opt/.wh.list", ""),
        Tar::new().file(".wh.opt", ""),
        Tar::new().file("opt/list", ""),
        Tar::new().file("opt/.wh..wh..opq", ""),
    ] {
        assert_eq!(names_of(&[lower.clone(), link.clone(), later]), ["evil"]);
    }
    let chain = [
        lower.clone(),
        Tar::new().hard_link("a", "opt/list"),
        Tar::new().file("opt/.wh.list", "").hard_link("b", "a"),
        Tar::new().file(".wh.a", "").hard_link("var/lib/dpkg/status", "b"),
    ];
    assert_eq!(names_of(&chain), ["evil"]);
    let gone = [lower.clone(), link, Tar::new().file("var/lib/dpkg/.wh.status", "")];
    assert_eq!(names_of(&gone), [] as [&str; 0], "and goes with its own name");
    let nowhere = of(&[lower, Tar::new().hard_link("x", "opt/missing")]);
    assert!(
        nowhere.gaps.iter().any(|gap| gap.detail.contains("`x` names no file")),
        "{:?}",
        nowhere.gaps
    );
}

#[test]
fn folders_that_are_called_node_modules_by_a_link_are_read() {
    let package = |name: &str| format!(r#"{{"name":"{name}","version":"1.0.0"}}"#);
    let found = |tar: Tar| names_of(&[tar]);
    let plain = Tar::new().file("opt/nm/evil/package.json", package("evil"));
    assert_eq!(found(plain.clone()), [] as [&str; 0], "the folder's name tells nothing");
    assert_eq!(found(plain.clone().symlink("app/node_modules", "../opt/nm")), ["evil"]);
    let two = Tar::new()
        .file("srv/e/package.json", package("evil"))
        .symlink("opt/nm/evil", "/srv/e")
        .symlink("app/node_modules", "/opt/nm");
    assert_eq!(found(two), ["evil"], "a link in a linked folder");
    assert_eq!(
        found(
            Tar::new()
                .file("srv/e/package.json", package("evil"))
                .symlink("app/node_modules/evil", "/srv/e")
        ),
        ["evil"]
    );
    let hard = Tar::new()
        .file("blob", package("evil"))
        .hard_link("opt/nm/evil/package.json", "blob")
        .symlink("app/node_modules", "/opt/nm");
    assert_eq!(found(hard), ["evil"]);
    assert_eq!(
        names_of(&[
            plain.symlink("app/node_modules", "../opt/nm"),
            Tar::new().file("app/.wh.node_modules", "")
        ]),
        [] as [&str; 0]
    );
}

#[test]
fn links_in_a_circle_and_too_many_links_are_gaps() {
    let circle = base().symlink("a", "b").symlink("b", "a").file("a/status", evil());
    let told = of(&[circle]);
    assert!(told.gaps.iter().any(|gap| gap.kind == GapKind::LimitReached), "{:?}", told.gaps);
    let many = (0..9).fold(base(), |tar, at| tar.symlink(&format!("l/{at}"), "/x"));
    let within = Sample::new(&[many]).within(&Limits {
        links: 5,
        ..Limits::default()
    });
    assert!(
        within.gaps.iter().any(|gap| gap.detail.contains("more than 5 links")),
        "{:?}",
        within.gaps
    );
}

#[test]
fn a_hundred_thousand_hard_links_cost_a_look_each() {
    let package = br#"{"name":"evil","version":"1.0.0"}"#;
    let mut tar = Tar::new().file("blob", package);
    // A tenth of what the benchmark has: this must end, not be fast, where nothing is optimised.
    for at in 0..10_000 {
        tar = tar.hard_link(&format!("a/{at}/node_modules/evil/package.json"), "blob");
    }
    for at in 0..40_000 {
        tar = tar.file(&format!("f/{}/{at}", at % 100), "");
    }
    let inventory = of(&[tar]);
    assert_eq!(names(&inventory), ["evil"]);
    assert!(
        inventory.gaps.iter().all(|gap| gap.kind != GapKind::LimitReached),
        "{:?}",
        inventory.gaps
    );
}
