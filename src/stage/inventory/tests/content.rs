//! Secrets and file modes.

use super::*;

#[test]
fn a_secret_that_a_later_layer_deletes_is_still_reported() {
    let leak = Tar::new().file("app/key.pem", secret());
    let inventory = of(&[base(), leak, Tar::new().file("app/.wh.key.pem", "")]);
    let fact = &inventory.facts[0];
    assert_eq!(
        (fact.kind, fact.deleted, fact.location.path.as_str()),
        (FactKind::Secret, true, "/app/key.pem")
    );
    assert_eq!((fact.location.created_by.as_deref(), fact.location.line), (Some("step 1"), Some(1)));
}

#[test]
fn setuid_files_count_while_they_are_there() {
    let tool = Tar::new()
        .file_mode("usr/bin/tool", 0o4755, "#!/bin/sh\n")
        .hard_link("usr/bin/link", "usr/bin/tool");
    let kinds = |inventory: &Inventory| {
        inventory
            .facts
            .iter()
            .map(|f| (f.kind, f.location.path.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(&of(&[base(), tool.clone()])),
        [(FactKind::SetuidFile, "/usr/bin/tool".to_owned())]
    );
    let removed = Tar::new().file("usr/bin/.wh.tool", "");
    assert_eq!(
        kinds(&of(&[base(), tool, removed])),
        [(FactKind::SetuidFile, "/usr/bin/link".to_owned())]
    );
}

#[test]
fn capabilities_of_files_are_facts_as_the_setuid_bit_is() {
    let net_raw = "\u{1}\0\0\u{2}\0\u{20}\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let with = |tar: Tar| tar.pax(&[("SCHILY.xattr.security.capability", net_raw)]);
    let facts = |inventory: &Inventory| {
        let facts = inventory.facts.iter();
        facts
            .map(|f| (f.kind, f.location.path.clone(), f.detail.clone()))
            .collect::<Vec<_>>()
    };
    let capable = |path: &str| (FactKind::CapableFile, path.to_owned(), "capabilities cap_net_raw".to_owned());
    let tool = with(Tar::new()).file_mode("usr/bin/tool", 0o755, "#!/bin/sh\n");
    assert_eq!(facts(&of(&[base(), tool.clone()])), [capable("/usr/bin/tool")]);
    let linked = tool.clone().hard_link("usr/bin/link", "usr/bin/tool");
    let gone = Tar::new().file("usr/bin/.wh.tool", "");
    assert_eq!(facts(&of(&[base(), linked, gone.clone()])), [capable("/usr/bin/link")]);
    // An unpacker sets what stands beside a link on the file that it names.
    let by_link = with(Tar::new().file_mode("usr/bin/tool", 0o755, "x")).hard_link("usr/bin/link", "usr/bin/tool");
    assert_eq!(facts(&of(&[base(), by_link])).len(), 1);
    // The controls: it went, its file is another one now, another attribute, an empty set.
    assert_eq!(facts(&of(&[base(), tool.clone(), gone])), []);
    assert_eq!(facts(&of(&[base(), tool, Tar::new().file_mode("usr/bin/tool", 0o755, "x")])), []);
    for (name, value) in [
        ("user.x", net_raw),
        ("security.capability", "\u{1}\0\0\u{2}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ] {
        let other = Tar::new()
            .pax(&[(&format!("SCHILY.xattr.{name}"), value)])
            .file_mode("usr/bin/tool", 0o755, "x");
        assert_eq!(facts(&of(&[base(), other])), [], "{name}");
    }
}

#[test]
fn unpacked_classes_alone_are_a_gap_and_those_of_packages_are_none() {
    let class = |path: &str| Tar::new().file(path, "\u{ca}");
    let found = |tars: &[Tar]| of(tars).gaps.iter().map(|g| (g.kind, g.subject.clone())).collect::<Vec<_>>();
    let loose = class("opt/lib/org/acme/A.class").append(class("opt/lib/org/acme/b/B.class"));
    assert_eq!(
        found(&[base(), loose.clone()]),
        [(GapKind::UnreadPackageStore, "/opt/lib".to_owned())]
    );
    // The controls: shipped by the distribution, unpacked with its coordinates, the application's own.
    let shipped = base().file("var/lib/dpkg/info/base.list", "/usr/share/gettext/javaversion.class\n");
    assert_eq!(found(&[shipped.append(class("usr/share/gettext/javaversion.class"))]), []);
    let coordinates = "groupId=org.acme\nartifactId=lib\nversion=1.2.3\n";
    let unpacked = loose.file("opt/lib/META-INF/maven/org.acme/lib/pom.properties", coordinates);
    assert_eq!(found(&[base(), unpacked]), []);
    assert_eq!(found(&[base(), class("app/BOOT-INF/classes/com/acme/App.class")]), []);
}

#[test]
fn what_a_package_ships_is_no_secret_but_what_lies_in_etc_may_be() {
    let shipped = base()
        .file("var/lib/dpkg/info/base.list", "/usr/lib/base/key.pem\n/etc/base/key.pem\n")
        .file("usr/lib/base/key.pem", secret())
        .file("etc/base/key.pem", secret());
    let inventory = of(&[shipped]);
    let paths: Vec<&str> = inventory.facts.iter().map(|f| f.location.path.as_str()).collect();
    assert_eq!(paths, ["/etc/base/key.pem"]);
}
