//! The feed of today, seven times as large: building, opening, looking up, and what a changed record costs.

mod feed;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use portcullis::io::Effects;
use portcullis::stage::matching;

use super::{alone, best, inventory, judged, lookups, plan, record, row, timed};

/// Records that change from one export to the next.
const CHANGED: usize = 100;

pub(crate) fn run(root: &Path, records: usize) {
    let feed = root.join("feed/npm");
    if root.exists() {
        fs::remove_dir_all(root).unwrap();
    }
    let (took, ()) = timed(|| export(&feed, records, 0));
    let size = fs::metadata(feed.join("all.zip")).unwrap().len() >> 20;
    println!("feed: {records} records, {size} MB of all.zip, made in {} s", took.as_secs());

    let built = alone(root);
    row("build the index", built.took, Duration::from_secs(60));
    println!("   {:.1} s of processors", built.processors.as_secs_f64());
    println!("{}", judged("peak memory of that", built.megabytes, 600.0, "MB"));

    let one = inventory(1, |at| (format!("package-{at}"), "1.0.0".to_owned()));
    let cache = root.join("cache");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let plan = plan(&root.join("feed"), &cache);
    let open = || {
        let effects = Effects::plain(cache.clone());
        runtime.block_on(matching::open(&plan, &one, &effects)).unwrap()
    };
    row("open it", best(20, || drop(open())), Duration::from_millis(2));
    lookups(&open(), records);

    let overlay = feed.join("changed");
    fs::create_dir_all(&overlay).unwrap();
    for (id, text) in (0..CHANGED).map(|at| changing(records, at * (records / CHANGED) + 17, 1)) {
        fs::write(overlay.join(format!("{id}.json")), text).unwrap();
    }
    said(&format!("after {CHANGED} records were fetched by their list"), root);
    fs::remove_dir_all(overlay).unwrap();
    export(&feed, records, 2);
    said(&format!("after a new archive with {CHANGED} others"), root);
}

fn said(what: &str, root: &Path) {
    let changed = alone(root);
    row(what, changed.took, Duration::from_secs(3));
    println!(
        "   {:.1} s of processors, {} MB",
        changed.processors.as_secs_f64(),
        changed.megabytes
    );
}

/// An export: the archive and its list.
fn export(folder: &Path, records: usize, round: usize) {
    let is_changed = |at: usize| at % (records / CHANGED) == 17;
    let one = |at: usize| changing(records, at, if is_changed(at) { round } else { 0 });
    feed::write(&folder.join("all.zip"), records, one);
    let mut list = std::io::BufWriter::new(fs::File::create(folder.join("modified_id.csv")).unwrap());
    for at in 0..records {
        writeln!(list, "2026-02-01T12:00:00Z,{}", one(at).0).unwrap();
    }
    list.flush().unwrap();
}

/// A record of malware, or of the third that has ranges, aliases and several packages.
fn changing(records: usize, at: usize, round: usize) -> feed::Record {
    let malware = records * 2 / 3;
    if at < malware {
        return feed::malware(at, round);
    }
    let at = at - malware;
    // Of ten records of the smaller feed the last four are of this kind.
    let (id, text) = record(at / 4 * 10 + 6 + at % 4);
    (id, text.replace("has a fault", &format!("has a fault, found {round} times")))
}
