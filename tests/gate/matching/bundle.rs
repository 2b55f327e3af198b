//! Bundles of feeds over real registries.

use std::path::Path;
use std::sync::Arc;

use portcullis::io::Effects;
use portcullis::io::clock::At;
use portcullis::io::hash::sha256;
use portcullis::model::digest::Digest;
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::inventory::{Component, Ecosystem, Inventory};
use portcullis::model::plan::FeedsPlan;
use portcullis::model::purl::Purl;
use portcullis::stage::matching::{self, BUNDLE_MEDIA_TYPE};

use crate::matching::ecosystem_tools::inventory_of;
use crate::matching::feeds::{OLD, archive, gaps, plan, put_exploited, record, run_of};
use crate::support::files_server::FilesServer;
use crate::support::registry::RunningRegistry;

const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-9001\"\npackage = \"acme\"\ndate = \"2026-01-02\"\n[versions]\npatched = [\">= 1.2.0\"]\n```\n\n# It breaks\n\nWhen used.\n";

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

fn effects(cache: &Path) -> Effects {
    Effects {
        clock: Arc::new(At("2026-02-01T00:00:00Z".parse().unwrap())),
        ..Effects::plain(cache.to_owned())
    }
}

fn inventory() -> Inventory {
    inventory_of(vec![
        Component::new(Purl::new("npm", "left-pad", "1.0.0"), Some(Ecosystem::new("npm")), "test"),
        Component::new(Purl::new("cargo", "acme", "1.0.0"), Some(Ecosystem::new("crates.io")), "test"),
    ])
}

/// A server with an OSV export, KEV and EPSS, and RustSec's database as a tarball.
fn server() -> FilesServer {
    let server = FilesServer::start();
    put_exploited(&server);
    let other = record("GHSA-2", "other", "1.0.0", OLD).replace("npm", "crates.io");
    server.put("/crates.io/all.zip", archive(&[("GHSA-2", other)]));
    let mut tarball = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(ADVISORY.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(1_769_000_000);
    header.set_cksum();
    tarball
        .append_data(&mut header, "db-main/crates/acme/RUSTSEC-2026-9001.md", ADVISORY.as_bytes())
        .unwrap();
    server.put("/rustsec.tar", tarball.into_inner().unwrap());
    server
}

fn full_plan(server: &FilesServer, cache: &Path) -> FeedsPlan {
    FeedsPlan {
        rustsec: Some(format!("{}/rustsec.tar", server.url())),
        kev: Some(format!("{}/kev.json", server.url())),
        epss: Some(format!("{}/epss.csv", server.url())),
        ..plan(server, cache)
    }
}

fn round_trip(registry: &RunningRegistry) {
    let server = server();
    let here = tempfile::tempdir().unwrap();
    let plan_here = full_plan(&server, here.path());
    let effects_here = effects(here.path());
    let updated = blocking(matching::update(
        &plan_here,
        &[Ecosystem::new("crates.io"), Ecosystem::new("npm")],
        &effects_here,
    ))
    .unwrap();
    let names: Vec<&str> = updated.iter().map(|status| status.name.as_str()).collect();
    assert_eq!(names, ["osv:crates.io", "osv:npm", "rustsec", "kev", "epss"]);
    assert!(updated.iter().all(|status| status.problem.is_none()), "{updated:?}");
    let wanted = run_of(&plan_here, &inventory(), "2026-02-01T00:00:00Z").unwrap();
    assert_eq!(wanted.matches.len(), 2);

    let repository = registry.repository("acme/feeds");
    let push = || blocking(matching::push(&plan_here, &[], &repository, Some("today"), &effects_here)).unwrap();
    let pushed = push();
    assert_eq!(pushed, push(), "equal copies give an equal artifact");
    assert_eq!(pushed.reference, format!("{repository}@{}", pushed.manifest));
    assert_eq!(
        pushed.bundle.contents.documents.keys().collect::<Vec<_>>(),
        ["epss", "kev", "rustsec"]
    );

    let there = tempfile::tempdir().unwrap();
    let plan_there = FeedsPlan {
        offline: true,
        ..full_plan(&server, there.path())
    };
    let effects_there = effects(there.path());
    let pulled = blocking(matching::pull(&repository, &pushed.manifest, &plan_there, &effects_there)).unwrap();
    assert_eq!(pulled, pushed);
    let found = run_of(&plan_there, &inventory(), "2026-02-01T12:00:00Z").unwrap();
    assert_eq!(gaps(&found), []);
    assert_eq!(found.matches, wanted.matches);
    let bundles: Vec<(&str, Option<Digest>)> = found.feeds.iter().map(|feed| (feed.name.as_str(), feed.bundle)).collect();
    let from = Some(pushed.bundle.digest);
    assert_eq!(
        bundles,
        [
            ("epss", from),
            ("kev", from),
            ("osv:crates.io", from),
            ("osv:npm", from),
            ("rustsec", from),
        ]
    );
    let ages: Vec<(&str, String)> = found
        .feeds
        .iter()
        .map(|feed| (feed.name.as_str(), feed.as_of.to_string()))
        .collect();
    let copied: Vec<(&str, String)> = wanted
        .feeds
        .iter()
        .map(|feed| (feed.name.as_str(), feed.as_of.to_string()))
        .collect();
    assert_eq!(ages, copied, "as old as the copies");

    // What comes from the server again no longer comes from the bundle.
    let online = FeedsPlan {
        offline: false,
        ..plan_there
    };
    let both = [Ecosystem::new("crates.io"), Ecosystem::new("npm")];
    blocking(matching::update(&online, &both, &effects_there)).unwrap();
    let found = run_of(&online, &inventory(), "2026-02-01T12:00:00Z").unwrap();
    assert!(found.feeds.iter().all(|feed| feed.bundle.is_none()), "{:?}", found.feeds);

    let nothing = sha256(b"nothing");
    let error = blocking(matching::pull(&repository, &nothing, &plan_here, &effects_here)).unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Usage, "{error}");
}

#[test]
fn a_bundle_goes_through_a_registry_without_referrers_and_back() {
    if let Some(registry) = RunningRegistry::docker() {
        round_trip(&registry);
    }
}

#[test]
fn a_bundle_goes_through_a_registry_with_referrers_and_back() {
    if let Some(registry) = RunningRegistry::with_referrers() {
        round_trip(&registry);
    }
}

#[test]
fn an_image_is_no_bundle() {
    let Some(registry) = RunningRegistry::docker() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = server();
    let plan = full_plan(&server, folder.path());
    let effects = effects(folder.path());
    let repository = registry.repository("acme/feeds");
    blocking(matching::update(&plan, &[Ecosystem::new("npm")], &effects)).unwrap();
    blocking(matching::push(&plan, &[], &repository, None, &effects)).unwrap();
    let other = portcullis::io::registry::Registry::open(
        &repository,
        portcullis::io::registry::Options::new(portcullis::io::registry::Access::Write, false),
        &effects,
    )
    .unwrap();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.empty.v1+json","digest":"{digest}","size":2}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{digest}","size":2}}]}}"#,
        digest = sha256(b"{}")
    );
    let digest = sha256(manifest.as_bytes());
    blocking(other.put_manifest(&digest.to_string(), "application/vnd.oci.image.manifest.v1+json", &manifest.into())).unwrap();
    let error = blocking(matching::pull(&repository, &digest, &plan, &effects)).unwrap_err();
    assert!(error.to_string().contains("it is not a bundle of feeds"), "{error}");
    assert!(!error.to_string().contains(BUNDLE_MEDIA_TYPE));
}
