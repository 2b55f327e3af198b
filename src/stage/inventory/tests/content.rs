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
fn what_a_package_ships_is_no_secret_but_what_lies_in_etc_may_be() {
    let shipped = base()
        .file("var/lib/dpkg/info/base.list", "/usr/lib/base/key.pem\n/etc/base/key.pem\n")
        .file("usr/lib/base/key.pem", secret())
        .file("etc/base/key.pem", secret());
    let inventory = of(&[shipped]);
    let paths: Vec<&str> = inventory.facts.iter().map(|f| f.location.path.as_str()).collect();
    assert_eq!(paths, ["/etc/base/key.pem"]);
}
