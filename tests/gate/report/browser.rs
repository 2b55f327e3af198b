//! `report.html` in a real browser: read, filtered, searched, linked to, by keyboard, in both themes and by an accessibility checker.

use std::path::PathBuf;

use portcullis::model::outcome::Outcome;
use serde_json::Value;

use super::html::{page, with_findings};
use crate::support::browser::Browser;
use crate::support::{outcomes, tools};

struct Opened {
    browser: Browser,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

fn opened(outcome: &Outcome) -> Option<Opened> {
    let browser = Browser::start()?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, page(outcome)).unwrap();
    let mut opened = Opened {
        browser,
        file,
        _folder: folder,
    };
    opened.open("", 1280, "light");
    Some(opened)
}

impl Opened {
    fn open(&mut self, fragment: &str, width: u32, theme: &str) {
        self.browser.open(&self.file, fragment, width, theme);
    }

    fn value(&mut self, expression: &str) -> Value {
        self.browser.value(expression)
    }

    /// The ids of the findings that are shown, in order.
    fn shown(&mut self) -> Vec<String> {
        let ids = self.value("[...document.querySelectorAll('.f')].filter(f => f.offsetParent !== null).map(f => f.querySelector('summary > i').textContent)");
        serde_json::from_value(ids).unwrap()
    }

    fn choose(&mut self, id: &str, value: &str) {
        self.value(
            &format!("{id}.value = '{value}'; {id}.dispatchEvent(new Event('change', {{bubbles: true}})); true")
                .replace(id, &format!("document.getElementById('{id}')")),
        );
    }
}

#[test]
fn the_report_opens_from_disk_and_asks_no_network_for_anything() {
    for outcome in outcomes::all() {
        let Some(opened) = opened(&outcome) else { return };
        let requests = opened.browser.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        assert!(requests[0].starts_with("file://"), "{requests:?}");
        assert_eq!(opened.browser.complaints(), Vec::<&Value>::new());
    }
}

#[test]
fn text_of_a_package_runs_nothing_in_a_browser() {
    let Some(mut hostile) = opened(&outcomes::hostile()) else { return };
    assert_eq!(hostile.browser.complaints(), Vec::<&Value>::new(), "no dialog, no error");
    assert_eq!(hostile.value("document.scripts.length"), 1);
    assert_eq!(hostile.value("document.querySelectorAll('a:not([href^=\"#\"])').length"), 0);
    assert_eq!(
        hostile.value("document.body.textContent.includes('<script>alert(1)</script>')"),
        true,
        "the control: it is there as text"
    );
    // The policy holds too: a script that is put in afterwards does not run.
    hostile.value("const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s); true");
    assert_eq!(hostile.value("window.ran === undefined"), true);
}

#[test]
fn findings_are_filtered_searched_and_sorted() {
    let Some(mut report) = opened(&outcomes::blocked()) else { return };
    let all = report.shown();
    assert_eq!(all.len(), 7, "{all:?}");
    report.choose("by-severity", "4");
    assert_eq!(report.shown(), ["RUSTSEC-2021-0003", "DEBIAN-CVE-2026-1111"]);
    assert_eq!(report.value("document.getElementById('shown').textContent"), "3 of 9 shown");
    report.choose("by-severity", "");
    report.choose("by-answer", "v");
    assert_eq!(report.shown(), ["RUSTSEC-2023-0071"]);
    report.choose("by-answer", "");
    report.choose("by-kind", "deb");
    assert_eq!(report.shown().len(), 3);
    report.choose("by-kind", "");
    report.choose("sort", "package");
    assert_eq!(report.shown()[0], "RUSTSEC-2024-0375", "atty");
    report.choose("sort", "");
    assert_eq!(report.shown(), all);
    // By an alias, which only the closed part holds.
    report.value("const q = document.getElementById('q'); q.value = 'ghsa-43w2 SMALLVEC'; q.dispatchEvent(new Event('input', {bubbles: true})); true");
    report
        .browser
        .wait_for("document.querySelectorAll('.f:not([hidden])').length === 1");
    assert_eq!(report.shown(), ["RUSTSEC-2021-0003"]);
    report.value(
        "const r = document.getElementById('q'); r.value = 'nothing like it'; r.dispatchEvent(new Event('input', {bubbles: true})); true",
    );
    report.browser.wait_for("!document.getElementById('none').hidden");
    report.value("document.getElementById('reset').click(); true");
    assert_eq!(report.shown(), all);
}

#[test]
fn a_link_to_a_finding_opens_it() {
    let Some(mut report) = opened(&outcomes::blocked()) else { return };
    let anchor = report.value("document.querySelectorAll('.f')[3].id");
    let anchor = anchor.as_str().unwrap().to_owned();
    assert_eq!(report.value("document.querySelectorAll('.f[open]').length"), 0, "the control");
    report.open(&format!("#{anchor}"), 1280, "light");
    assert_eq!(
        report.value("[...document.querySelectorAll('.f[open]')].map(f => f.id).join()"),
        anchor.as_str()
    );
    // A finding that is opened by hand gives the page its address.
    report.value("document.querySelectorAll('.f summary')[1].click(); true");
    report
        .browser
        .wait_for("location.hash === '#' + document.querySelectorAll('.f')[1].id");
}

#[test]
fn everything_is_reached_by_keyboard() {
    let Some(mut report) = opened(&outcomes::blocked()) else { return };
    report.browser.press("Tab");
    assert_eq!(
        report.value("document.activeElement.className"),
        "skip",
        "first a way past the head"
    );
    report.browser.press("/");
    report.browser.wait_for("document.activeElement.id === 'q'");
    for _ in 0..40 {
        report.browser.press("Tab");
        if report.value("document.activeElement.tagName") == "SUMMARY" {
            break;
        }
    }
    report.browser.press("Enter");
    report.browser.wait_for("document.activeElement.parentElement.open === true");
}

#[test]
fn nothing_is_wider_than_a_telephone() {
    for outcome in [
        outcomes::blocked(),
        outcomes::rolled_back(),
        outcomes::hostile(),
        outcomes::undecidable(),
    ] {
        let Some(mut report) = opened(&outcome) else { return };
        report.open("", 390, "light");
        report.value("document.querySelectorAll('details').forEach(d => { d.open = true; }); true");
        let wide = "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 391 && !e.closest('.scroll')).map(e => e.outerHTML.slice(0, 90)).slice(0, 5)";
        let wide = report.value(wide);
        assert_eq!(report.value("document.documentElement.scrollWidth <= innerWidth"), true, "{wide:#}");
        assert_eq!(report.value("innerWidth"), 390, "the control");
    }
}

#[test]
fn an_accessibility_checker_finds_nothing_in_either_theme() {
    let Some(axe) = tools::file("axe.min.js") else { return };
    let axe = std::fs::read_to_string(axe).unwrap();
    for outcome in [
        outcomes::blocked(),
        outcomes::red_overnight(),
        outcomes::undecidable(),
        outcomes::live(),
        outcomes::rolled_back(),
    ] {
        let Some(mut report) = opened(&outcome) else { return };
        for (width, theme) in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")] {
            report.open("", width, theme);
            report.value("document.querySelectorAll('details').forEach(d => { d.open = true; }); true");
            report.value(&format!("{axe}; true"));
            let found = report.value(
                "axe.run().then(r => r.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html + ' ' + n.failureSummary)]))",
            );
            assert_eq!(found, serde_json::json!([]), "{width} {theme}: {found:#}");
            assert!(
                report.value("axe.run().then(r => r.passes.length)").as_u64() > Some(20),
                "the control: it looked"
            );
        }
    }
}

#[test]
fn a_printed_report_shows_every_finding_open() {
    let Some(mut report) = opened(&outcomes::blocked()) else { return };
    let pdf = report.browser.call("Page.printToPDF", serde_json::json!({}));
    assert!(pdf["data"].as_str().unwrap().starts_with("JVBERi"), "%PDF");
    assert_eq!(report.value("document.querySelectorAll('.f:not([open])').length"), 0);
}

#[test]
fn five_thousand_findings_are_there_at_once() {
    let Some(mut report) = opened(&with_findings(5_000)) else { return };
    assert_eq!(report.value("document.querySelectorAll('.f').length"), 5_007);
    let ready = report.value("performance.getEntriesByType('navigation')[0].domInteractive");
    let filtered = report.value("(() => { const begin = performance.now(); document.getElementById('by-severity').value = '5'; document.getElementById('by-severity').dispatchEvent(new Event('change', {bubbles: true})); document.body.offsetHeight; return performance.now() - begin; })()");
    println!("interactive after {ready} ms, filtered in {filtered} ms");
    assert_eq!(report.shown().len(), 1_251);
}
