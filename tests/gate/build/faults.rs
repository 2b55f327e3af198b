//! Builds that the machine, or somebody at it, does not let finish.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portcullis::io::Effects;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::event::{Event, Observer};
use portcullis::model::exit_kind::ExitKind;
use portcullis::stage::build::{BuildError, build};

use crate::build::native::{MANIFEST, effects, package, plan};
use crate::publish::faults::TinyDisk;

fn service(folder: &Path, main: &str) {
    package(folder, MANIFEST, true);
    fs::write(folder.join("src/main.rs"), main).unwrap();
}

#[test]
fn a_full_disk_is_named_and_no_image_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    service(folder.path(), "fn main() {}");
    let plan = plan(folder.path(), folder.path(), &[]);
    let Some(_disk) = TinyDisk::mount(&plan.layout) else { return };
    let error = build(&plan, &effects()).unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Undecidable, "{error}");
    let report = format!("{:?}", miette::Report::new(error));
    assert!(report.contains("the disk is full"), "{report}");
    assert!(OciLayout::open(&plan.layout).unwrap().index().unwrap().is_empty());
}

#[test]
fn a_compiler_that_finds_no_room_is_told_as_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    service(folder.path(), "fn main() {}");
    let plan = plan(folder.path(), folder.path(), &[]);
    let Some(_disk) = TinyDisk::mount(&plan.work) else { return };
    let error = build(&plan, &effects()).unwrap_err();
    assert!(matches!(error, BuildError::DiskFull { .. }), "{:?}", miette::Report::new(error));
}

/// Asks to stop as soon as cargo says anything.
struct StopAtOnce(Arc<AtomicBool>);

impl Observer for StopAtOnce {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::Output { .. }) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn an_interrupted_build_stops_the_compiler_and_leaves_no_image() {
    let folder = tempfile::tempdir().unwrap();
    service(folder.path(), "fn main() {}");
    // A compiler that would run for long: the build script sleeps.
    let script = "fn main() { println!(\"cargo:warning=slow\"); std::thread::sleep(std::time::Duration::from_secs(600)) }";
    fs::write(folder.path().join("build.rs"), script).unwrap();
    let cancelled = Arc::new(AtomicBool::new(false));
    let effects = Effects {
        observer: Arc::new(StopAtOnce(Arc::clone(&cancelled))),
        cancelled,
        ..effects()
    };
    let plan = plan(folder.path(), folder.path(), &[]);
    let begun = Instant::now();
    let error = build(&plan, &effects).unwrap_err();
    assert!(matches!(error, BuildError::Interrupted), "{error}");
    assert_eq!(error.exit_kind(), ExitKind::Interrupted);
    assert!(begun.elapsed() < Duration::from_secs(300), "the build script was stopped, too");
    assert!(!plan.layout.join("index.json").exists());
}
