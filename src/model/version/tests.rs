//! Helpers of the tests of every ordering, and what holds of all of them.

use std::cmp::Ordering;

use super::parsed::LONGEST;
use super::*;
use crate::model::excused::Excused as _;

#[test]
fn a_version_of_many_kilobytes_has_no_place_in_any_ordering() {
    for scheme in [
        Scheme::Dpkg,
        Scheme::Semver,
        Scheme::Rpm,
        Scheme::Pep440,
        Scheme::Maven,
        Scheme::RubyGems,
        Scheme::NuGet,
        Scheme::Packagist,
    ] {
        let long = |size: usize| format!("1.0.{}", "1".repeat(size - 4));
        assert!(scheme.parse(&long(LONGEST + 1)).is_err(), "{scheme}");
        assert!(scheme.parse("1.0.1").is_ok(), "{scheme}");
    }
}

/// Checks a fixture: one version a line, `a < b` on consecutive lines, `= text` for another spelling of the line before. `#` comments.
pub(crate) fn assert_ordered(scheme: Scheme, fixture: &str) {
    let mut ranks: Vec<(usize, &str)> = Vec::new();
    for line in fixture
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        match line.strip_prefix("= ") {
            Some(same) => ranks.push((ranks.last().expect("a line before").0, same)),
            None => ranks.push((ranks.last().map_or(0, |(rank, _)| rank + 1), line)),
        }
    }
    assert!(ranks.len() > 5, "the fixture is nearly empty");
    for (rank_a, a) in &ranks {
        for (rank_b, b) in &ranks {
            assert_eq!(scheme.compare(a, b), Ok(rank_a.cmp(rank_b)), "{a} against {b}");
        }
    }
}

/// Antisymmetry and transitivity over three versions; texts that do not parse are left out.
pub(crate) fn assert_total_order(scheme: Scheme, texts: &[String]) {
    let parsed: Vec<Version<'_>> = texts
        .iter()
        .filter_map(|text| scheme.parse(text).or_none("no version: left out"))
        .collect();
    for a in &parsed {
        assert_eq!(a.compare(a), Ordering::Equal);
        for b in &parsed {
            assert_eq!(a.compare(b), b.compare(a).reverse(), "{a:?} {b:?}");
            for c in &parsed {
                if a.compare(b).is_le() && b.compare(c).is_le() {
                    assert!(a.compare(c).is_le(), "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}

/// Debian versions as found in the wild, and shapes that break naive comparisons.
pub(crate) fn dpkg_samples() -> Vec<String> {
    let mut samples: Vec<String> = include_str!("../../../fixtures/versions/dpkg.txt")
        .lines()
        .map(|line| line.trim().trim_start_matches("= ").to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let pieces = [
        "0", "1", "9", "10", "09", "1.2", "1.02", "1a", "1~", "1~rc1", "1+b1", "2.0.0", "1~~", "1~~a", "1.a", "1z", "1-1",
    ];
    let revisions = ["", "-0", "-1", "-1~bpo12+1", "-1+deb12u1", "-1.1", "-0ubuntu0.22.04.1", "-a"];
    for epoch in ["", "0:", "1:"] {
        for piece in pieces {
            for revision in revisions {
                samples.push(format!("{epoch}{piece}{revision}"));
            }
        }
    }
    samples
}

/// Runs a shell script and gives its output; an error where a program in it is not there.
#[expect(clippy::disallowed_methods, reason = "the model knows no effects; a test asks dpkg itself")]
pub(crate) fn shell(script: &str) -> Result<String, std::io::Error> {
    use std::process::Command;
    Command::new("dpkg").arg("--version").output()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("script");
    std::fs::write(&file, script)?;
    let output = Command::new("sh").arg(&file).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
