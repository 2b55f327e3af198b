//! `report.html` as bytes: whole, inert, small, the same every time. What a browser makes of it is in `browser`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis::model::finding::{Disposition, Judgement};
use portcullis::model::outcome::Outcome;
use portcullis::model::severity::Severity;
use portcullis::report::Reporter;
use portcullis::report::html::Html;
use sha2::{Digest, Sha256};

use crate::support::outcomes;

pub(super) fn page(outcome: &Outcome) -> String {
    String::from_utf8(Html.finish(outcome).unwrap()).unwrap()
}

/// A blocked run with `number` more findings, no two of them alike.
pub(super) fn with_findings(number: usize) -> Outcome {
    let mut outcome = outcomes::blocked();
    let verdict = outcome.verdict.as_mut().unwrap();
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    let like = verdict.findings[1].clone();
    for n in 0..number {
        let mut finding = outcomes::advisory(
            &[&format!("DEBIAN-CVE-2026-{n:05}"), &format!("CVE-2026-{n:05}")],
            &format!("pkg:deb/debian/libexample{}@1.{n}-1?arch=amd64&distro=debian-12", n % 700),
            Some(severities[n % 4]),
            &format!("libexample{}: an out-of-bounds read in the parser of the {n}th field", n % 700),
        );
        finding.fixed = vec![format!("1.{n}-2")];
        finding.help = Some(format!(
            "rebuild on a newer base image: Debian has fixed libexample{} in 1.{n}-2",
            n % 700
        ));
        finding.locations.clone_from(&like.finding.locations);
        let disposition = if n % 3 == 0 { Disposition::Warned } else { Disposition::Denied };
        verdict.findings.push(Judgement {
            finding,
            disposition,
            waiver: None,
            cause: None,
        });
    }
    outcome
}

#[test]
fn every_finding_gap_waiver_and_feed_stands_in_the_report() {
    for outcome in [outcomes::blocked(), outcomes::undecidable(), outcomes::red_overnight()] {
        let page = page(&outcome);
        let verdict = outcome.verdict.as_ref().unwrap();
        for judgement in &verdict.findings {
            let id = judgement
                .finding
                .ids
                .first()
                .map_or_else(|| judgement.finding.rule.as_str(), String::as_str);
            assert!(page.contains(id), "{id}");
        }
        for gap in &verdict.gaps {
            assert!(page.contains(&gap.subject) && page.contains(gap.kind.as_str()), "{gap:?}");
        }
        for waiver in &verdict.waivers {
            assert!(page.contains(&waiver.id) && page.contains(&waiver.statement), "{waiver:?}");
        }
        for feed in &verdict.inputs.feeds {
            assert!(page.contains(&feed.name) && page.contains(&feed.revision.to_string()), "{feed:?}");
        }
    }
}

#[test]
fn the_first_words_are_the_answer() {
    let first = |outcome: &Outcome| {
        let page = page(outcome);
        let from = page.find("<h1").unwrap();
        let blocks = &page[page.find("class=\"blocks\"").unwrap()..from];
        blocks
            .split('<')
            .filter_map(|part| part.split_once('>'))
            .map(|(_, text)| text.trim())
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(first(&outcomes::blocked()), "Blocked");
    assert_eq!(first(&outcomes::red_overnight()), "Blocked the code is not why");
    assert_eq!(first(&outcomes::undecidable()), "Undecidable");
    assert_eq!(first(&outcomes::live()), "Cleared Live");
    assert_eq!(first(&outcomes::rolled_back()), "Cleared Rolled back");
}

#[test]
fn text_of_a_package_becomes_no_markup() {
    let page = page(&outcomes::hostile());
    assert_eq!(page.matches("<script").count(), 1, "only our own");
    assert!(page.contains("alert(1)"), "the control: the text is there");
    assert!(!page.contains("<script>alert"));
    let rest = page.replace('\n', "");
    assert!(!rest.chars().any(char::is_control), "a control character of foreign text");
    assert!(!rest.contains('\u{202e}'), "a mark that turns text around");
}

#[test]
fn a_link_of_an_advisory_that_is_no_web_page_is_not_one() {
    let mut outcome = outcomes::blocked();
    let findings = &mut outcome.verdict.as_mut().unwrap().findings;
    findings[0].finding.url = Some("javascript:alert(1)".to_owned());
    assert!(!page(&outcome).contains("javascript:"));
    let findings = &mut outcome.verdict.as_mut().unwrap().findings;
    findings[0].finding.url = Some("https://rustsec.example/advisories/1".to_owned());
    assert!(
        page(&outcome).contains("href=\"https://rustsec.example/advisories/1\""),
        "the control"
    );
}

#[test]
fn the_policy_of_the_page_allows_its_own_style_and_script_and_nothing_else() {
    let page = page(&outcomes::live());
    let between = |open: &str, close: &str| {
        let from = page.find(open).unwrap() + open.len();
        &page[from..from + page[from..].find(close).unwrap()]
    };
    let policy = between("Content-Security-Policy\" content=\"", "\">").replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for (kind, text) in [
        ("style-src", between("<style>", "</style>")),
        ("script-src", between("<script>", "</script>")),
    ] {
        let hash = STANDARD.encode(Sha256::digest(text.as_bytes()));
        assert!(policy.contains(&format!("{kind} 'sha256-{hash}'")), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!page.contains("style=\""), "an attribute that the policy would drop");
    for fetched in ["src=", "<link", "<img", "<iframe", "@import", "url(h", "fetch("] {
        assert!(!page.contains(fetched), "{fetched}");
    }
}

#[test]
fn five_thousand_findings_fit_into_three_megabytes() {
    let outcome = with_findings(5_000);
    let page = page(&outcome);
    println!("{} bytes", page.len());
    assert!(page.len() <= 3_000_000, "{}", page.len());
    assert_eq!(
        page.matches("<details class=f").count(),
        5_000 + 7,
        "one row for each, two packages of openssl in one"
    );
}

#[test]
fn packages_of_one_source_share_a_row_and_are_all_counted() {
    let page = page(&outcomes::blocked());
    assert!(page.contains(" data-n=2 "), "libssl3 and openssl");
    assert!(page.contains("libssl3, openssl"));
    let number = outcomes::blocked().verdict.unwrap().findings.len();
    assert!(page.contains(&format!("<span class=\"count\">{number}</span>")));
}

#[test]
fn a_link_to_a_finding_is_the_same_in_the_next_run() {
    let anchors = |outcome: &Outcome| -> Vec<String> {
        let page = page(outcome);
        let rows = page.split("<details class=f id=").skip(1);
        rows.map(|row| row[..12].to_owned()).collect()
    };
    let (today, with_more) = (anchors(&outcomes::blocked()), anchors(&with_findings(3)));
    assert!(today.iter().all(|anchor| with_more.contains(anchor)), "{today:?} {with_more:?}");
    let mut unique = today.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), today.len());
}

#[test]
fn the_same_outcome_gives_the_same_bytes() {
    for outcome in outcomes::all() {
        assert_eq!(page(&outcome), page(&outcome));
    }
}

#[test]
#[ignore = "writes pages to look at into the folder that PORTCULLIS_PAGES names"]
fn write_pages_to_look_at() {
    let Some(folder) = std::env::var_os("PORTCULLIS_PAGES") else {
        return;
    };
    for (n, outcome) in outcomes::all().iter().enumerate() {
        std::fs::write(std::path::Path::new(&folder).join(format!("{n}.html")), page(outcome)).unwrap();
    }
    std::fs::write(std::path::Path::new(&folder).join("5000.html"), page(&with_findings(5_000))).unwrap();
}

#[test]
fn packages_of_the_base_image_are_one_thing_to_do() {
    let of = |packages: &[&str]| {
        let mut outcome = outcomes::blocked();
        let verdict = outcome.verdict.as_mut().unwrap();
        let findings = packages.iter().map(|name| {
            let id = format!("DEBIAN-CVE-2026-{name}");
            let mut finding = outcomes::advisory(&[&id], &format!("pkg:deb/debian/{name}@1.0"), Some(Severity::High), "a bug");
            finding.help = Some(format!("rebuild on a base image with {name} 1.1 or newer"));
            Judgement {
                finding,
                disposition: Disposition::Denied,
                waiver: None,
                cause: None,
            }
        });
        verdict.findings = findings.collect();
        page(&outcome)
    };
    let many = of(&["bash", "zlib1g", "libssl3", "curl", "tar", "perl", "gzip"]);
    assert!(
        many.contains("update it: 7 findings, each with a fix, in bash 1.0, curl 1.0"),
        "{many}"
    );
    assert!(many.contains("2 more packages"));
    // The control: one package is told with its version.
    assert!(of(&["bash"]).contains("rebuild on a base image with bash 1.1 or newer") && !of(&["bash"]).contains("update it:"));
}
