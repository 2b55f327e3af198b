//! What matching costs on a feed of 250,000 records: `cargo bench --bench matching`. The figures that `measures` asks for, printed as a table.
//! `cargo bench --bench matching -- many` does the same with 1,800,000 records of which two thirds are malware; a number behind it is that of records.
#![expect(
    clippy::unwrap_used,
    clippy::let_underscore_must_use,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench ends at the first surprise and prints its figures"
)]

mod many;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use portcullis::io::Effects;
use portcullis::model::inventory::{Component, Ecosystem, Inventory, Subject};
use portcullis::model::plan::FeedsPlan;
use portcullis::model::purl::Purl;
use portcullis::stage::matching::{self, Feeds};

const RECORDS: usize = 250_000;
/// Asks for nothing but opening the feed of a folder, and for what that took.
const ALONE: &str = "open-alone";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-matching");
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == ALONE) {
        return open_alone(Path::new(&arguments[at + 1]));
    }
    if let Some(at) = arguments.iter().position(|argument| argument == "many") {
        let count = arguments.get(at + 1).and_then(|count| count.parse().ok());
        return many::run(&root.join("many"), count.unwrap_or(1_800_000));
    }
    let feed = root.join("feed");
    generate(&feed.join("npm"));
    let archive = fs::metadata(feed.join("npm/all.zip")).unwrap().len();
    println!("feed: {RECORDS} records, {} MB of all.zip", archive >> 20);

    let cache = root.join("cache");
    let _ = fs::remove_dir_all(&cache);
    let plan = plan(&feed, &cache);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let open = |inventory: &Inventory| {
        runtime
            .block_on(matching::open(&plan, inventory, &Effects::plain(cache.clone())))
            .unwrap()
    };

    let one = inventory(1, |at| (format!("package-{at}"), "1.0.0".to_owned()));
    let before = memory("VmHWM");
    let (built, _) = timed(|| open(&one));
    row("build the index", built, Duration::from_secs(15));
    let peak = memory("VmHWM") >> 10;
    println!(
        "{}",
        judged(
            &format!("peak memory of that, {} MB of it before", before >> 10),
            peak as f64,
            500.0,
            "MB"
        )
    );

    let warm = best(20, || drop(open(&one)));
    row("open it", warm, Duration::from_millis(2));
    let feeds = open(&one);
    lookups(&feeds, RECORDS);

    let sbom = inventory(4000, |at| (format!("package-{}", at * 61 % RECORDS), format!("1.{}.0", at % 40)));
    let matched = best(10, || drop(feeds.match_inventory(&sbom, &[])));
    row("4,000 components", matched, Duration::from_millis(50));
    let cold = best(5, || drop(open(&sbom).match_inventory(&sbom, &[])));
    row("4,000 components, opening included", cold, Duration::from_millis(50));
    println!("  {} matches", feeds.match_inventory(&sbom, &[]).matches.len());
    drop(feeds);
    one_record_changes(&feed.join("npm"), || drop(open(&one)));
}

/// Opens a feed in a process of its own, and says what that took: milliseconds, those of the processors, and memory in MB.
fn open_alone(root: &Path) {
    let one = inventory(1, |at| (format!("package-{at}"), "1.0.0".to_owned()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cache = root.join("cache");
    let effects = Effects::plain(cache.clone());
    let open = || {
        runtime
            .block_on(matching::open(&plan(&root.join("feed"), &cache), &one, &effects))
            .unwrap()
    };
    let (took, feeds) = timed(open);
    assert!(feeds.match_inventory(&one, &[]).gaps.is_empty(), "the feed is open");
    println!("{} {} {}", took.as_millis(), processors(), memory("VmHWM") >> 10);
}

/// What opening a feed in a process of its own took.
struct Alone {
    took: Duration,
    processors: Duration,
    megabytes: f64,
}

fn alone(root: &Path) -> Alone {
    let done = Command::new(std::env::current_exe().unwrap())
        .arg(ALONE)
        .arg(root)
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [took, processors, megabytes] = numbers[..] else {
        panic!("{text}{}", String::from_utf8_lossy(&done.stderr))
    };
    Alone {
        took: Duration::from_millis(took),
        processors: Duration::from_millis(processors),
        megabytes: megabytes as f64,
    }
}

/// Milliseconds of processors that this process took; 0 where nobody tells.
fn processors() -> u64 {
    let told = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = told.rsplit(')').next().unwrap_or_default().split_whitespace();
    // User and system, in hundredths of a second.
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}

/// What a run takes that finds one record changed: what `modified_id.csv` leads to.
fn one_record_changes(folder: &Path, open: impl Fn()) {
    let overlay = folder.join("changed");
    let change = |round: usize| {
        let (id, text) = record(5 * RECORDS / 7);
        fs::create_dir_all(&overlay).unwrap();
        fs::write(
            overlay.join(format!("{id}.json")),
            text.replace("package-", &format!("package-{round}-")),
        )
        .unwrap();
    };
    let mut rounds: Vec<Duration> = (0..5)
        .map(|round| {
            change(round);
            timed(&open).0
        })
        .collect();
    rounds.sort();
    row("the index after one record changed", rounds[2], Duration::from_secs(2));
    // The memory of this process holds what came before.
    change(5);
    let peak = alone(folder.ancestors().nth(2).unwrap()).megabytes;
    println!("{}", judged("peak memory of that", peak, 500.0, "MB"));
    fs::remove_dir_all(overlay).unwrap();
}

/// Time for one name: of 100,000 names that are there, and of as many that are not.
fn lookups(feeds: &Feeds, records: usize) {
    const COUNT: usize = 100_000;
    let there = inventory(COUNT, |at| (format!("package-{}", at * 7 % records), "100.0.0".to_owned()));
    let absent = inventory(COUNT, |at| (format!("nothing-{at}"), "1.0.0".to_owned()));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for (name, inventory) in [
        ("a lookup that finds and evaluates", &there),
        ("a lookup that finds nothing", &absent),
    ] {
        let took = pool.install(|| best(5, || drop(feeds.match_inventory(inventory, &[]))));
        row(name, took / COUNT as u32, Duration::from_micros(2));
    }
}

fn plan(feed: &Path, cache: &Path) -> FeedsPlan {
    FeedsPlan {
        osv: feed.display().to_string(),
        rustsec: None,
        kev: None,
        epss: None,
        crates_index: None,
        npm_registry: None,
        pypi_index: None,
        max_age: Duration::from_secs(100 * 365 * 24 * 3600),
        cache: cache.to_owned(),
        offline: true,
    }
}

fn inventory(count: usize, package: impl Fn(usize) -> (String, String)) -> Inventory {
    let mut inventory = Inventory::new(Subject {
        name: "bench".to_owned(),
        digest: None,
        commit: None,
    });
    let component = |at| {
        let (name, version) = package(at);
        Component::new(Purl::new("npm", &name, &version), Some(Ecosystem::new("npm")), "bench")
    };
    inventory.components = (0..count).map(component).collect();
    inventory
}

/// Writes the feed: of ten records six are malware with a list of versions, three have ranges and aliases, one has several packages.
fn generate(folder: &Path) {
    let archive = folder.join("all.zip");
    if archive.exists() {
        return;
    }
    fs::create_dir_all(folder).unwrap();
    let part: PathBuf = folder.join("all.zip.part");
    let mut zip = zip::ZipWriter::new(BufWriter::new(File::create(&part).unwrap()));
    let options = zip::write::SimpleFileOptions::default().compression_level(Some(1));
    for at in 0..RECORDS {
        let (id, text) = record(at);
        zip.start_file(format!("{id}.json"), options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner().unwrap();
    fs::rename(part, archive).unwrap();
}

fn record(at: usize) -> (String, String) {
    let day = at % 28 + 1;
    let times = format!(r#""published":"2026-01-{day:02}T00:00:00Z","modified":"2026-02-{day:02}T12:00:00Z","schema_version":"1.7.0""#);
    let details = format!("Package number {at} does what it should not. ").repeat(12);
    let package = |at: usize| format!(r#""package":{{"ecosystem":"npm","name":"package-{at}","purl":"pkg:npm/package-{at}"}}"#);
    let range = |at: usize| {
        format!(
            r#"{{{},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.{}.{}"}},{{"introduced":"2.0.0"}},{{"fixed":"2.{}.1"}}]}}]}}"#,
            package(at),
            at % 30,
            at % 7,
            at % 12
        )
    };
    match at % 10 {
        0..6 => {
            let id = format!("MAL-2026-{at}");
            let text = format!(
                r#"{{"id":"{id}",{times},"summary":"Malicious code in package-{at} (npm)","details":"{details}","affected":[{{{},"versions":["1.0.{}","9.9.{}"],"database_specific":{{"cwes":[{{"cweId":"CWE-506"}}]}}}}],"references":[{{"type":"ADVISORY","url":"https://advisories.example/{id}"}}],"credits":[{{"name":"somebody","type":"FINDER"}}]}}"#,
                package(at),
                at % 9,
                at % 5
            );
            (id, text)
        }
        kind => {
            let id = format!("GHSA-{:04}-{:04}-{:04}", at / 10_000, at % 10_000, at * 7919 % 10_000);
            let affected = if kind == 9 {
                [range(at), range(at / 2), range(at / 3)].join(",")
            } else {
                range(at)
            };
            let text = format!(
                r#"{{"id":"{id}",{times},"aliases":["CVE-2026-{}"],"summary":"package-{at} has a fault","details":"{details}","severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}],"affected":[{affected}],"references":[{{"type":"WEB","url":"https://git.example/{at}"}},{{"type":"ADVISORY","url":"https://advisories.example/{id}"}}],"database_specific":{{"severity":"HIGH","cwe_ids":["CWE-400"]}}}}"#,
                100_000 + at
            );
            (id, text)
        }
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

fn best(times: usize, work: impl Fn()) -> Duration {
    (0..times).map(|_| timed(&work).0).min().unwrap()
}

fn row(what: &str, took: Duration, most: Duration) {
    let (unit, scale) = match most.as_nanos() {
        ..1_000_000 => ("µs", 1e6),
        1_000_000..1_000_000_000 => ("ms", 1e3),
        _ => ("s", 1.0),
    };
    println!("{}", judged(what, took.as_secs_f64() * scale, most.as_secs_f64() * scale, unit));
}

/// A figure beside its goal, as `peers` prints them.
fn judged(what: &str, measured: f64, most: f64, unit: &str) -> String {
    let reached = if measured <= most { "reached" } else { "MISSED" };
    format!("-> {what:52} {measured:8.2} {unit:2}  at most {most} {unit:2}  {reached}")
}

/// A line of /proc/self/status in KiB; 0 elsewhere.
fn memory(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|l| {
        l.strip_prefix(line)?
            .strip_prefix(':')?
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse()
            .ok()
    });
    found.unwrap_or(0)
}
