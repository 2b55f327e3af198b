//! Attacks by SBOMs that are read: what is named and not listed, and fields that disagree with the purl beside them.

use portcullis::model::coverage::GapKind;
use portcullis::model::inventory::Inventory;
use portcullis::stage::inventory::sbom;
use serde_json::{Value, json};

fn read(document: &Value) -> Inventory {
    sbom::parse(document.to_string().as_bytes(), "x").unwrap()
}

fn purls(inventory: &Inventory) -> Vec<String> {
    let mut purls: Vec<String> = inventory.components.iter().map(|component| component.purl.to_string()).collect();
    purls.sort();
    purls
}

fn gaps(inventory: &Inventory) -> Vec<String> {
    assert!(
        inventory.gaps.iter().all(|gap| gap.kind == GapKind::PartialDatabase),
        "{:?}",
        inventory.gaps
    );
    inventory.gaps.iter().map(|gap| gap.detail.clone()).collect()
}

fn cyclonedx(component: &Value, dependencies: &Value) -> Value {
    json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "root", "name": "app"}},
        "components": [component], "dependencies": dependencies})
}

fn spdx(package: &Value, relationships: &Value) -> Value {
    json!({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "app", "packages": [package],
        "files": [{"SPDXID": "SPDXRef-File"}], "relationships": relationships})
}

#[test]
fn a_dependency_that_no_component_stands_for_is_a_gap() {
    let good = json!({"type": "library", "bom-ref": "good", "name": "good", "version": "1.0.0", "purl": "pkg:npm/good@1.0.0"});
    let of = |dependencies: Value| gaps(&read(&cyclonedx(&good, &dependencies)));
    let evil = "pkg:npm/evil@1.0.0";
    for dependencies in [
        json!([{"ref": "root", "dependsOn": ["good", evil]}]),
        json!([{"ref": "root", "dependsOn": ["good"]}, {"ref": evil, "dependsOn": ["good"]}]),
    ] {
        let found = of(dependencies);
        assert!(matches!(&*found, [one] if one.contains(evil)), "{found:?}");
    }
    assert_eq!(
        of(json!([{"ref": "root", "dependsOn": ["good"]}, {"ref": "good"}])),
        [""; 0],
        "the control"
    );

    let good = json!({"SPDXID": "SPDXRef-good", "name": "good", "versionInfo": "1.0.0",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/good@1.0.0"}]});
    let of = |from: &str, kind: &str, to: &str| {
        let one = json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to});
        gaps(&read(&spdx(&good, &json!([one]))))
    };
    assert_eq!(of("SPDXRef-good", "DEPENDS_ON", "SPDXRef-evil").len(), 1);
    assert_eq!(of("SPDXRef-evil", "DEPENDENCY_OF", "SPDXRef-good").len(), 1);
    for (from, kind, to) in [
        ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-good"),
        ("SPDXRef-good", "CONTAINS", "SPDXRef-File"),
        ("SPDXRef-good", "DEPENDS_ON", "NOASSERTION"),
        ("SPDXRef-good", "GENERATED_FROM", "NONE"),
    ] {
        assert_eq!(of(from, kind, to), [""; 0], "the control: {kind} {to}");
    }
}

#[test]
fn where_purl_and_fields_disagree_both_are_looked_up() {
    for (fields, expected) in [
        (
            json!({"name": "evil", "version": "1.0.0"}),
            &["pkg:npm/evil@1.0.0", "pkg:npm/evil@1.0.1"][..],
        ),
        (
            json!({"name": "other", "version": "1.0.1"}),
            &["pkg:npm/evil@1.0.1", "pkg:npm/other@1.0.1"],
        ),
        // The controls.
        (json!({"name": "evil", "version": "1.0.1"}), &["pkg:npm/evil@1.0.1"]),
        (json!({"name": "evil", "version": "v1.0.1"}), &["pkg:npm/evil@1.0.1"]),
        (json!({"name": "Evil"}), &["pkg:npm/evil@1.0.1"]),
    ] {
        let mut component = fields.clone();
        component["type"] = json!("library");
        component["purl"] = json!("pkg:npm/evil@1.0.1");
        let inventory = read(&cyclonedx(&component, &json!([])));
        assert_eq!(purls(&inventory), expected, "{fields}");
        assert!(
            inventory
                .components
                .iter()
                .all(|c| c.ecosystem.as_ref().is_some_and(|e| e.as_str() == "npm"))
        );
        let package = json!({"SPDXID": "SPDXRef-a", "name": fields["name"], "versionInfo": fields["version"],
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/evil@1.0.1"}]});
        assert_eq!(purls(&read(&spdx(&package, &json!([])))), expected, "SPDX: {fields}");
    }
}

#[test]
fn our_own_properties_do_not_lead_the_look_up_elsewhere() {
    let mut component = json!({"type": "library", "name": "evil", "version": "1.0.0", "purl": "pkg:npm/evil@1.0.0",
        "properties": [{"name": "portcullis:cataloger", "value": "npm"}, {"name": "portcullis:ecosystem", "value": "npm"}]});
    assert_eq!(read(&cyclonedx(&component, &json!([]))).components.len(), 1, "the control");
    for (name, value) in [("portcullis:version", "2.0.0"), ("portcullis:name", "harmless")] {
        let properties = component["properties"].as_array_mut().unwrap();
        properties.truncate(2);
        properties.push(json!({"name": name, "value": value}));
        let inventory = read(&cyclonedx(&component, &json!([])));
        let looked_up: Vec<(&str, &str)> = inventory.components.iter().map(|c| (c.name.as_str(), c.version.as_str())).collect();
        assert!(looked_up.contains(&("evil", "1.0.0")), "{name}: {looked_up:?}");
    }
}

#[test]
fn a_document_that_describes_its_packages_is_read_like_one_that_lists_them() {
    let package = |id: &str, name: &str, purl: Option<&str>| {
        let references =
            purl.map(|purl| json!({"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}));
        json!({"SPDXID": id, "name": name, "versionInfo": "1.0.0", "externalRefs": references.into_iter().collect::<Vec<_>>()})
    };
    let of = |evil: Value, described: Value| {
        let good = package("SPDXRef-good", "good", Some("pkg:npm/good@1.0.0"));
        read(
            &json!({"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "app", "packages": [good, evil],
            "documentDescribes": described}),
        )
    };
    let both = || json!(["SPDXRef-good", "SPDXRef-evil"]);
    let nameless = of(package("SPDXRef-evil", "evil", None), both());
    assert!(matches!(&*gaps(&nameless), [one] if one.contains("evil")), "{:?}", nameless.gaps);
    let renamed = of(package("SPDXRef-evil", "evil", Some("pkg:npm/other@1.0.0")), both());
    assert!(purls(&renamed).contains(&"pkg:npm/evil@1.0.0".to_owned()), "{:?}", purls(&renamed));
    // The control: what alone is described is the subject, and called as it is.
    let subject = of(package("SPDXRef-evil", "evil", None), json!(["SPDXRef-evil"]));
    assert_eq!(gaps(&subject), [""; 0]);
}

#[test]
fn every_reference_to_a_package_manager_is_judged() {
    let of = |kind: &str, locator: &str| {
        let references = json!([
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/good@1.0.0"},
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": kind, "referenceLocator": locator},
        ]);
        let package = json!({"SPDXID": "SPDXRef-good", "name": "good", "versionInfo": "1.0.0", "externalRefs": references});
        purls(&read(&spdx(&package, &json!([]))))
    };
    for (kind, locator) in [
        ("http://spdx.org/rdf/references/purl", "pkg:npm/evil@1.0.0"),
        ("PURL", "pkg:npm/evil@1.0.0"),
        ("npm", "evil@1.0.0"),
    ] {
        assert!(of(kind, locator).contains(&"pkg:npm/evil@1.0.0".to_owned()), "{kind}");
    }
    assert_eq!(
        of("cpe23Type", "cpe:2.3:a:evil:evil:1.0.0:*:*:*:*:*:*:*"),
        ["pkg:npm/good@1.0.0"],
        "the control"
    );
}

#[test]
fn what_a_document_is_about_is_looked_up_where_advisories_may_know_it() {
    let log4j = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1";
    let cyclonedx = |subject: Value| {
        read(
            &json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": {"component": subject},
            "components": [{"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1"}]}),
        )
    };
    let spdx = |locator: &str| {
        let purl = json!([{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}]);
        let subject = json!({"SPDXID": "SPDXRef-root", "name": "x", "versionInfo": "2.14.1", "externalRefs": purl});
        let describes =
            json!([{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-root"}]);
        read(&self::spdx(&subject, &describes))
    };
    let subject = |purl: &str| json!({"type": "library", "bom-ref": "s", "name": "x", "version": "2.14.1", "purl": purl});
    let is_looked_up = |inventory: &Inventory, purl: &str| {
        assert_eq!(gaps(inventory), [""; 0], "{purl}");
        inventory
            .components
            .iter()
            .any(|component| component.purl.as_str() == purl && component.ecosystem.is_some() && !component.root)
    };
    assert!(is_looked_up(&cyclonedx(subject(log4j)), log4j));
    assert!(is_looked_up(
        &cyclonedx(subject("pkg:maven/org.apache.logging.log4j/log4j-core")),
        log4j
    ));
    assert!(is_looked_up(&spdx(log4j), log4j));
    // A mark of ours beside it, another name than its purl's, and a mark of npm's on something else change nothing.
    let marked = json!([{"name": "portcullis:x", "value": "y"}, {"name": "cdx:npm:package:private", "value": "true"}]);
    let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [],
        "metadata": {"properties": marked, "component": {"type": "library", "name": "evil", "version": "1.0", "purl": "pkg:cargo/good@1.0", "properties": marked}}});
    let inventory = read(&document);
    assert!(
        is_looked_up(&inventory, "pkg:cargo/good@1.0") && is_looked_up(&inventory, "pkg:cargo/evil@1.0"),
        "{:?}",
        purls(&inventory)
    );
    // The controls: an image, a program without a purl, and packages that were never published.
    for subject in [
        subject("pkg:oci/x@sha256:ab"),
        subject("pkg:generic/x@1"),
        json!({"type": "container", "name": "x", "version": "1"}),
        subject("pkg:cargo/x@1?download_url=file://."),
        json!({"type": "application", "name": "x", "purl": "pkg:npm/x@1", "properties": [{"name": "cdx:npm:package:private", "value": "true"}]}),
    ] {
        let inventory = cyclonedx(subject.clone());
        assert_eq!(gaps(&inventory), [""; 0], "{subject}");
        let asked = inventory
            .components
            .iter()
            .filter(|component| !component.root && component.name == "x");
        assert_eq!(asked.count(), 0, "{subject}");
    }
    assert!(!is_looked_up(&spdx("pkg:generic/x@1"), "pkg:generic/x@1"));
}
