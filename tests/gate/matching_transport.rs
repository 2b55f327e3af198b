//! Feeds from servers that lie, stumble or are reached through others.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use portcullis::model::coverage::GapKind;
use portcullis::model::plan::{CratesIndexPlace, FeedsPlan};

use crate::matching::inventory_of;
use crate::matching_feeds::{OLD, archive, gaps, ids, plan, record, run_at, run_of, statuses};
use crate::support::files_server::{Fault, FilesServer};
use crate::support::registry::free_address;
use crate::support::tools;

/// Records that do not compress to nothing.
fn large_archive(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 16) as u8 % 26)
    };
    let records: Vec<(String, String)> = (0..count)
        .map(|at| {
            let details: String = (0..3000).map(|_| noise()).collect();
            let text = record(&format!("GHSA-{at}"), "left-pad", "1.1.0", OLD);
            (
                format!("GHSA-{at}"),
                text.replacen('{', &format!("{{\"details\":\"{details}\","), 1),
            )
        })
        .collect();
    let records: Vec<(&str, String)> = records.iter().map(|(id, text)| (id.as_str(), text.clone())).collect();
    archive(&records)
}

#[test]
fn a_server_that_asks_to_wait_is_given_the_time_and_not_asked_for_ever() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    server.misbehave([Fault::Status(429, 1), Fault::Status(503, 0)]);
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    let start = Instant::now();
    assert_eq!(ids(&run_at(&plan, "2026-02-01T00:00:00Z").unwrap()), ["GHSA-1"]);
    assert!(
        start.elapsed() >= Duration::from_secs(1),
        "it was asked again after {:?}",
        start.elapsed()
    );
    assert_eq!(statuses(&server), [429, 503, 200]);

    server.misbehave([Fault::Status(429, 0); 20]);
    let later = run_at(&plan, "2026-02-01T02:00:00Z").unwrap();
    assert_eq!(ids(&later), ["GHSA-1"], "the copy is used");
    // The list of changes and the archive, four times each.
    assert_eq!(statuses(&server), [429; 8]);
}

#[test]
fn resets_and_broken_promises_are_made_good_from_where_the_answer_ended() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", large_archive(60));
    server.misbehave([Fault::Reset(30_000), Fault::TooShort]);
    let cache = tempfile::tempdir().unwrap();
    let found = run_at(&plan(&server, cache.path()), "2026-02-01T00:00:00Z").unwrap();
    assert_eq!(found.matches.len(), 60);
    let seen = server.seen();
    assert_eq!(seen[1].range.as_deref(), Some("bytes=30000-"), "{seen:?}");
    assert!(seen.len() <= 4, "{seen:?}");
}

#[test]
fn a_rest_that_is_not_the_rest_is_never_put_behind_what_is_there() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", large_archive(60));
    server.misbehave([Fault::Reset(30_000), Fault::WrongRange]);
    let cache = tempfile::tempdir().unwrap();
    let found = run_at(&plan(&server, cache.path()), "2026-02-01T00:00:00Z").unwrap();
    assert_eq!((found.matches.len(), gaps(&found)), (60, vec![]));
}

#[test]
fn a_document_that_changed_since_its_download_broke_off_is_fetched_whole() {
    let server = FilesServer::start();
    server.put("/npm/all.zip", large_archive(60));
    server.misbehave([
        Fault::Reset(30_000),
        Fault::Status(503, 0),
        Fault::Status(503, 0),
        Fault::Status(503, 0),
    ]);
    let cache = tempfile::tempdir().unwrap();
    let plan = plan(&server, cache.path());
    assert!(run_at(&plan, "2026-02-01T00:00:00Z").is_err(), "four attempts came to nothing");
    server.put("/npm/all.zip", archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]));
    server.seen();
    let found = run_at(&plan, "2026-02-01T00:01:00Z").unwrap();
    assert_eq!(ids(&found), ["GHSA-1"]);
    let seen = server.seen();
    assert_eq!(
        (seen[0].range.as_deref(), seen[0].status),
        (Some("bytes=30000-"), 200),
        "If-Range no longer holds"
    );
}

#[test]
fn a_sparse_index_is_asked_for_the_crates_at_hand_and_by_etag_after_that() {
    use portcullis::model::inventory::{Component, Ecosystem};
    use portcullis::model::purl::Purl;

    let server = FilesServer::start();
    server.put(
        "/crates.io/all.zip",
        archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD).replace("npm", "crates.io"))]),
    );
    server.put(
        "/index/ol/d-/old-crate",
        "{\"name\":\"old-crate\",\"vers\":\"1.0.0\",\"deps\":[],\"yanked\":true}\n{\"name\":\"old-crate\",\"vers\":\"1.0.1\",\"deps\":[],\"yanked\":false}\n",
    );
    let cache = tempfile::tempdir().unwrap();
    let plan = FeedsPlan {
        crates_index: Some(CratesIndexPlace::Sparse(format!("sparse+{}/index/", server.url()))),
        ..plan(&server, cache.path())
    };
    let component =
        |name: &str, version: &str| Component::new(Purl::new("cargo", name, version), Some(Ecosystem::new("crates.io")), "test");
    let inventory = inventory_of(vec![
        component("old-crate", "1.0.0"),
        component("old-crate", "1.0.1"),
        component("unheard", "1.0.0"),
    ]);
    // A file's time is the machine's: a clock of long ago would find every copy fresh.
    let now = jiff::Timestamp::now();
    let at = |minutes: i64| (now + jiff::SignedDuration::from_mins(minutes)).to_string();
    let first = run_of(&plan, &inventory, &at(0)).unwrap();
    assert_eq!((first.yanked.as_slice(), gaps(&first)), (&[0][..], vec![GapKind::UnknownYank]));
    let asked = |server: &FilesServer| {
        let seen = server.seen().into_iter().filter(|seen| seen.path.starts_with("/index"));
        let mut asked: Vec<(String, u16)> = seen.map(|seen| (seen.path, seen.status)).collect();
        asked.sort();
        asked
    };
    assert_eq!(
        asked(&server),
        [("/index/ol/d-/old-crate".to_owned(), 200), ("/index/un/he/unheard".to_owned(), 404)]
    );
    run_of(&plan, &inventory, &at(10)).unwrap();
    assert_eq!(asked(&server), [], "fresh copies are used without asking");
    assert_eq!(run_of(&plan, &inventory, &at(90)).unwrap().yanked, first.yanked);
    assert_eq!(
        asked(&server),
        [("/index/ol/d-/old-crate".to_owned(), 304), ("/index/un/he/unheard".to_owned(), 404)]
    );
    server.misbehave([Fault::Status(500, 0); 20]);
    assert_eq!(
        run_of(&plan, &inventory, &at(300)).unwrap().yanked,
        first.yanked,
        "the copies speak where the registry does not"
    );
}

/// Runs `feeds update` for npm, with nothing in the environment but what is given.
fn update(folder: &Path, osv: &str, variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["feeds", "update", "--ecosystem", "npm", "--osv", osv])
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn a_mirror_below_a_path_is_reached_through_the_proxy_that_the_environment_names() {
    let proxy = FilesServer::start();
    // A proxy is asked by the whole address.
    let mirror = "http://mirror.invalid/osv/export";
    proxy.put(
        &format!("{mirror}/npm/all.zip"),
        archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]),
    );
    let folder = tempfile::tempdir().unwrap();
    let output = update(folder.path(), mirror, &[("http_proxy", &proxy.url())]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let paths: Vec<String> = proxy.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, [format!("{mirror}/npm/all.zip")]);
}

/// `openssl s_server` over the files of a folder; ends when it is dropped.
struct TlsServer(Child, std::net::SocketAddr);

impl TlsServer {
    fn start(folder: &Path) -> Option<Self> {
        let openssl = tools::program("openssl")?;
        let make = |arguments: &[&str]| {
            let made = Command::new(&openssl).args(arguments).current_dir(folder).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        make(
            &[
                &[
                    "req",
                    "-x509",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=a test",
                    "-keyout",
                    "ca.key",
                    "-out",
                    "ca.pem",
                ][..],
                &key,
            ]
            .concat(),
        );
        make(
            &[
                &["req", "-subj", "/CN=mirror", "-keyout", "key.pem", "-out", "request.pem"][..],
                &key,
            ]
            .concat(),
        );
        std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
        make(&[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            "request.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "names",
            "-out",
            "cert.pem",
        ]);
        let address = free_address();
        let child = Command::new(openssl)
            .args([
                "s_server",
                "-accept",
                &address.to_string(),
                "-cert",
                "cert.pem",
                "-key",
                "key.pem",
                "-WWW",
                "-quiet",
            ])
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "openssl s_server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self(child, address))
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_mirror_with_a_certificate_of_ones_own_is_trusted_when_the_environment_says_so_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("npm")).unwrap();
    std::fs::write(
        folder.path().join("npm/all.zip"),
        archive(&[("GHSA-1", record("GHSA-1", "left-pad", "1.1.0", OLD))]),
    )
    .unwrap();
    let Some(server) = TlsServer::start(folder.path()) else { return };
    let osv = format!("https://{}", server.1);
    let trusted = folder.path().join("ca.pem").display().to_string();
    let output = update(folder.path(), &osv, &[("SSL_CERT_FILE", &trusted)]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("osv:npm"), "{text}");

    let other = tempfile::tempdir().unwrap();
    let refused = update(other.path(), &osv, &[]);
    assert_ne!(refused.status.code(), Some(0));
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&refused.stdout),
        String::from_utf8_lossy(&refused.stderr)
    );
    assert!(
        said.to_lowercase().contains("certificate") || said.contains("unreachable"),
        "{said}"
    );
}

const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-ID\"\npackage = \"acme\"\ndate = \"2026-01-02\"\n[versions]\npatched = [\">= 1.2.0\"]\n```\n\n# It breaks\n\nWhen used.\n";

/// Commits an advisory to a checkout and pushes it to the bare repository that it was cloned from.
fn publish(checkout: &Path, id: &str) {
    let file = checkout.join(format!("crates/acme/RUSTSEC-2026-{id}.md"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, ADVISORY.replace("ID", id)).unwrap();
    git(checkout, &["add", "-A"]);
    git(checkout, &["commit", "-q", "-m", id]);
    git(checkout, &["push", "-q", "origin", "HEAD"]);
}

fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(arguments)
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(done.success(), "git {arguments:?}");
}

#[test]
fn rustsec_s_repository_is_cloned_again_when_it_is_due_and_its_copy_serves_when_it_is_gone() {
    use portcullis::model::inventory::{Component, Ecosystem};
    use portcullis::model::purl::Purl;

    if tools::program("git").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (bare, checkout) = (folder.path().join("db.git"), folder.path().join("checkout"));
    git(folder.path(), &["init", "-q", "--bare", "db.git"]);
    git(folder.path(), &["clone", "-q", "db.git", "checkout"]);
    publish(&checkout, "9001");
    std::fs::create_dir(folder.path().join("osv")).unwrap();
    let plan = FeedsPlan {
        rustsec: Some(format!("git+file://{}", bare.display())),
        ..crate::matching::plan(&folder.path().join("osv"), &folder.path().join("cache"))
    };
    let plan = FeedsPlan {
        max_age: Duration::from_secs(24 * 3600),
        offline: false,
        ..plan
    };
    let inventory = inventory_of(vec![Component::new(
        Purl::new("cargo", "acme", "1.0.0"),
        Some(Ecosystem::new("crates.io")),
        "test",
    )]);
    let at = |time: &str| run_of(&plan, &inventory, time).unwrap();
    let first = at("2026-02-01T00:00:00Z");
    assert_eq!((ids(&first), gaps(&first)), (vec!["RUSTSEC-2026-9001"], vec![]));
    assert_eq!(first.feeds[0].as_of.to_string(), "2026-02-01T00:00:00Z");

    publish(&checkout, "9002");
    assert_eq!(
        ids(&at("2026-02-01T00:30:00Z")),
        ["RUSTSEC-2026-9001"],
        "a fresh copy is used without asking"
    );
    assert_eq!(ids(&at("2026-02-01T01:30:00Z")), ["RUSTSEC-2026-9001", "RUSTSEC-2026-9002"]);

    std::fs::remove_dir_all(&bare).unwrap();
    let later = at("2026-02-01T12:00:00Z");
    assert_eq!((ids(&later).len(), gaps(&later)), (2, vec![]));
    assert_eq!(gaps(&at("2026-02-03T12:00:00Z")), [GapKind::StaleFeed], "the copy ages");
}
