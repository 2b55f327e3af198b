//! The last day of free security updates of each release (for Debian that of the LTS team, for Ubuntu that of standard support).
//!
//! Debian and Ubuntu: the package `distro-info-data`. Alpine, Fedora up to 39 and Rocky up to 9: the package `osinfo-db`. Tests compare with
//! both where they are installed. Fedora 42: the project's announcement. Amazon Linux 2023: its documentation. All others: endoflife.date,
//! which takes them from the vendors' life cycle pages (Red Hat: maintenance support; Oracle: premier support; CentOS 9: Stream). Red Hat 10 and
//! Rocky 10: ten years after the release, as the vendors' policies say.

use jiff::civil::{Date, date};

/// `ID` and the beginning of `VERSION_ID` in `os-release`, and the day.
pub(super) const LAST_DAYS: &[(&str, &str, Date)] = &[
    ("almalinux", "8", date(2029, 3, 1)),
    ("almalinux", "9", date(2032, 5, 31)),
    ("almalinux", "10", date(2035, 5, 31)),
    ("alpine", "3.5", date(2018, 11, 1)),
    ("alpine", "3.6", date(2019, 5, 1)),
    ("alpine", "3.7", date(2019, 11, 1)),
    ("alpine", "3.8", date(2020, 5, 1)),
    ("alpine", "3.9", date(2020, 11, 1)),
    ("alpine", "3.10", date(2021, 5, 1)),
    ("alpine", "3.11", date(2021, 11, 1)),
    ("alpine", "3.12", date(2022, 5, 1)),
    ("alpine", "3.13", date(2022, 11, 1)),
    ("alpine", "3.14", date(2023, 5, 1)),
    ("alpine", "3.15", date(2023, 11, 1)),
    ("alpine", "3.16", date(2024, 5, 23)),
    ("alpine", "3.17", date(2024, 11, 22)),
    ("alpine", "3.18", date(2025, 5, 9)),
    ("alpine", "3.19", date(2025, 11, 1)),
    ("alpine", "3.20", date(2026, 4, 1)),
    ("alpine", "3.21", date(2026, 11, 1)),
    ("alpine", "3.22", date(2027, 5, 1)),
    ("alpine", "3.23", date(2027, 11, 1)),
    ("amzn", "2", date(2026, 6, 30)),
    ("amzn", "2018.03", date(2023, 12, 31)),
    ("amzn", "2023", date(2029, 6, 30)),
    ("centos", "6", date(2020, 11, 30)),
    ("centos", "7", date(2024, 6, 30)),
    ("centos", "8", date(2021, 12, 31)),
    ("centos", "9", date(2027, 5, 31)),
    ("debian", "7", date(2018, 5, 31)),
    ("debian", "8", date(2020, 6, 30)),
    ("debian", "9", date(2022, 6, 30)),
    ("debian", "10", date(2024, 6, 30)),
    ("debian", "11", date(2026, 8, 31)),
    ("debian", "12", date(2028, 6, 30)),
    ("debian", "13", date(2030, 6, 30)),
    ("fedora", "36", date(2023, 5, 16)),
    ("fedora", "37", date(2023, 12, 5)),
    ("fedora", "38", date(2024, 5, 14)),
    ("fedora", "39", date(2024, 11, 26)),
    ("fedora", "40", date(2025, 5, 13)),
    ("fedora", "41", date(2025, 12, 15)),
    ("fedora", "42", date(2026, 5, 27)),
    ("fedora", "43", date(2026, 12, 9)),
    ("ol", "6", date(2021, 3, 31)),
    ("ol", "7", date(2024, 12, 31)),
    ("ol", "8", date(2029, 7, 31)),
    ("ol", "9", date(2032, 6, 30)),
    ("rhel", "6", date(2020, 11, 30)),
    ("rhel", "7", date(2024, 6, 30)),
    ("rhel", "8", date(2029, 5, 31)),
    ("rhel", "9", date(2032, 5, 31)),
    ("rhel", "10", date(2035, 5, 31)),
    ("rocky", "8", date(2029, 5, 31)),
    ("rocky", "9", date(2032, 5, 31)),
    ("rocky", "10", date(2035, 5, 31)),
    ("ubuntu", "14.04", date(2019, 4, 25)),
    ("ubuntu", "16.04", date(2021, 4, 30)),
    ("ubuntu", "18.04", date(2023, 5, 31)),
    ("ubuntu", "20.04", date(2025, 5, 29)),
    ("ubuntu", "20.10", date(2021, 7, 22)),
    ("ubuntu", "21.04", date(2022, 1, 20)),
    ("ubuntu", "21.10", date(2022, 7, 14)),
    ("ubuntu", "22.04", date(2027, 6, 1)),
    ("ubuntu", "22.10", date(2023, 7, 20)),
    ("ubuntu", "23.04", date(2024, 1, 25)),
    ("ubuntu", "23.10", date(2024, 7, 11)),
    ("ubuntu", "24.04", date(2029, 5, 31)),
    ("ubuntu", "24.10", date(2025, 7, 10)),
    ("ubuntu", "25.04", date(2026, 1, 15)),
    ("ubuntu", "25.10", date(2026, 7, 9)),
    ("ubuntu", "26.04", date(2031, 5, 29)),
];

#[cfg(test)]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
mod tests {
    use super::*;

    /// `version,codename,series,created,release,eol,eol-lts|eol-server,…`: Debian's LTS column, Ubuntu's first one.
    #[test]
    fn last_days_agree_with_the_distributions_own_table() {
        for (id, column) in [("debian", 6), ("ubuntu", 5)] {
            let Ok(table) = std::fs::read_to_string(format!("/usr/share/distro-info/{id}.csv")) else {
                println!("skipped: {id} (the package distro-info-data is not installed)");
                continue;
            };
            for (_, release, day) in LAST_DAYS.iter().filter(|(known, ..)| *known == id) {
                let row = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
                let mut row = row.filter(|row| row[0].split(' ').next() == Some(*release));
                let Some(row) = row.next() else { continue };
                assert_eq!(row.get(column).copied(), Some(day.to_string().as_str()), "{id} {release}");
            }
        }
    }

    /// `<eol-date>2026-04-01</eol-date>` in a file for each release. Those of Red Hat count paid extensions.
    #[test]
    fn last_days_agree_with_osinfo_db() {
        let root = std::path::Path::new("/usr/share/osinfo/os");
        if !root.is_dir() {
            println!("skipped: Alpine, Fedora, Rocky (the package osinfo-db is not installed)");
            return;
        }
        let mut compared = 0;
        for (id, vendor, stem) in [
            ("alpine", "alpinelinux.org", "alpinelinux"),
            ("fedora", "fedoraproject.org", "fedora"),
            ("rocky", "rockylinux.org", "rocky"),
        ] {
            for (_, release, day) in LAST_DAYS.iter().filter(|(known, ..)| *known == id) {
                let Ok(text) = std::fs::read_to_string(root.join(vendor).join(format!("{stem}-{release}.xml"))) else {
                    continue;
                };
                let Some((_, rest)) = text.split_once("<eol-date>") else { continue };
                assert_eq!(rest.get(..10), Some(day.to_string().as_str()), "{id} {release}");
                compared += 1;
            }
        }
        assert!(compared > 0, "its layout is another one now");
    }

    #[test]
    fn releases_are_sorted_and_there_once() {
        let names: Vec<(&str, Vec<u32>)> = LAST_DAYS
            .iter()
            .map(|(id, release, _)| (*id, release.split('.').map(|part| part.parse().expect("a number")).collect()))
            .collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
