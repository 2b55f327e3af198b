//! Red Hat and SUSE: advisories by repository and by module, for one release.

use serde_json::json;

use super::other_forms::{Place, affected, below, component};

fn of_red_hat(repositories: &[(&str, &str)], purl: &str) -> Option<i32> {
    let entries: Vec<_> = repositories
        .iter()
        .map(|(repository, fixed)| affected(&format!("Red Hat:{repository}"), "openssl", &below(fixed)))
        .collect();
    Place::new("Red Hat", &json!(entries)).sbom(&json!([component(purl, "openssl")]))
}

#[test]
fn a_package_of_red_hat_is_judged_by_the_repositories_of_its_release() {
    let fixed = "1:3.0.7-27.el9";
    let old = "pkg:rpm/redhat/openssl@3.0.7-24.el9?arch=x86_64&epoch=1&distro=rhel-9.4";
    let new = "pkg:rpm/redhat/openssl@3.0.7-27.el9?arch=x86_64&epoch=1&distro=rhel-9.4";
    for repository in [
        "enterprise_linux:9::baseos",
        "enterprise_linux:9::appstream",
        "enterprise_linux:9::crb",
    ] {
        assert_eq!(of_red_hat(&[(repository, fixed)], old), Some(1), "{repository}");
        assert_eq!(of_red_hat(&[(repository, fixed)], new), Some(0), "{repository}, fixed");
    }
    // The control, so that the feed has a record of the release at all.
    let control = ("enterprise_linux:9::baseos", "1:1.0.0-1.el9");
    for (other, fixed) in [
        ("rhel_eus:9.2::baseos", fixed),
        ("enterprise_linux:8::baseos", "1:3.0.7-27.el8"),
        // A repository that not every system has, where one that every system has names the package.
        ("enterprise_linux:9::nfv", fixed),
        // A build for another major release.
        ("enterprise_linux:9::baseos", "1:3.0.7-27.el8_9"),
    ] {
        assert_eq!(of_red_hat(&[control, (other, fixed)], old), Some(0), "{other} {fixed}");
    }
    assert_eq!(
        of_red_hat(&[("enterprise_linux:9::highavailability", fixed)], old),
        Some(1),
        "nobody else names it"
    );
}

#[test]
fn a_release_of_red_hat_that_no_record_names_is_not_covered() {
    let old = "pkg:rpm/redhat/openssl@3.0.7-24.el9?arch=x86_64&epoch=1&distro=rhel-9.4";
    assert_eq!(of_red_hat(&[("enterprise_linux:8::baseos", "1:3.0.7-27.el8")], old), Some(2));
}

#[test]
fn a_package_of_suse_is_judged_by_the_modules_of_its_service_pack() {
    let old = "pkg:rpm/suse/libopenssl3@3.1.4-150600.5.7.1?arch=x86_64&distro=sles-15.6&upstream=openssl-3-3.1.4-150600.5.7.1.src.rpm";
    let judged = |release: &str| {
        let entry = affected(&format!("SUSE:{release}"), "openssl-3", &below("3.1.4-150600.5.10.1"));
        Place::new("SUSE", &json!([entry])).sbom(&json!([component(old, "libopenssl3")]))
    };
    for release in [
        "Linux Enterprise Module for Basesystem 15 SP6",
        "Linux Enterprise Server 15 SP6-LTSS",
    ] {
        assert_eq!(judged(release), Some(1), "{release}");
    }
    assert_eq!(
        judged("Linux Enterprise Module for Basesystem 15 SP5"),
        Some(2),
        "no record names the service pack"
    );
}

#[test]
fn the_verdict_says_where_advisories_tell_only_what_has_been_fixed() {
    let says = |ecosystem: &str, purl: &str| {
        let place = Place::new(ecosystem, &json!([affected(ecosystem, "bash", &below("1.0-1"))]));
        place.sbom(&json!([component(purl, "bash")]));
        let output = place.0.run(&["scan", "sbom:b.json"]);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).contains("errata-only"),
        )
    };
    assert_eq!(
        says("Rocky Linux:9", "pkg:rpm/rocky/bash@5.1-6.el9?distro=rocky-9.3"),
        (Some(0), true)
    );
    assert_eq!(says("Debian:12", "pkg:deb/debian/bash@5.1-6?distro=debian-12"), (Some(0), false));
}
