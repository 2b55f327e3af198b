//! Version orderings against the tools that define them, on thousands of pairs.

use std::cmp::Ordering;
use std::path::Path;
use std::process::Command;

use portcullis::model::inventory::Ecosystem;
use portcullis::model::version::Scheme;

use crate::support::tools;

/// Pairs that each tool is asked about.
pub(crate) const PAIRS: usize = 4000;

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

/// Versions put together from parts, each part one of its choices.
pub(crate) fn made(seed: u64, parts: &[&[&str]]) -> Vec<String> {
    let mut dice = Dice(seed);
    (0..1500)
        .map(|_| parts.iter().map(|choices| dice.pick(choices)).collect())
        .collect()
}

/// The versions of a fixture of `fixtures/versions`.
pub(crate) fn listed(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/versions").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| line.trim().trim_start_matches("= ").to_owned());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The versions that the records of a real feed name.
fn recorded(ecosystem: &str) -> Vec<String> {
    let Some(shared) = tools::shared() else { return Vec::new() };
    let file = std::fs::File::open(shared.join("mirror").join(ecosystem).join("all.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut versions = std::collections::BTreeSet::new();
    for at in 0..archive.len() {
        let record: serde_json::Value = serde_json::from_reader(archive.by_index(at).unwrap()).unwrap();
        for affected in record["affected"].as_array().into_iter().flatten() {
            for event in affected["ranges"]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|range| range["events"].as_array().unwrap())
            {
                versions.extend(
                    event
                        .as_object()
                        .unwrap()
                        .values()
                        .filter_map(|version| version.as_str().map(str::to_owned)),
                );
            }
        }
    }
    versions.into_iter().collect()
}

pub(crate) fn pairs(samples: &[String]) -> Vec<(&str, &str)> {
    let mut dice = Dice(samples.len() as u64);
    let mut pick = || samples[dice.roll(samples.len())].as_str();
    (0..PAIRS).map(|_| (pick(), pick())).collect()
}

pub(crate) fn written(pairs: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text: String = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    std::fs::write(file.path(), text).unwrap();
    file
}

pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Compares with a tool's answers, one word a pair: `-1`, `0`, `1`, or anything else where the tool takes one of the two for no version.
pub(crate) fn agree(scheme: Scheme, pairs: &[(&str, &str)], answers: &str) {
    let answers: Vec<&str> = answers.lines().map(str::trim).collect();
    assert_eq!(answers.len(), pairs.len());
    let (mut compared, mut differing) = (0, Vec::new());
    for ((a, b), answer) in pairs.iter().zip(answers) {
        let theirs = match answer {
            "-1" => Ordering::Less,
            "0" => Ordering::Equal,
            "1" => Ordering::Greater,
            _ => continue,
        };
        match scheme.compare(a, b) {
            Ok(ours) if ours == theirs => compared += 1,
            other => differing.push(format!("{a} against {b}: {other:?}, not {theirs:?}")),
        }
    }
    assert!(
        differing.is_empty(),
        "{} differ from {scheme}:\n{}",
        differing.len(),
        differing.join("\n")
    );
    assert!(compared > PAIRS / 2, "only {compared} pairs were compared");
    println!("{scheme}: {compared} pairs, the same");
}

#[test]
fn dpkg_orders_as_we_do() {
    let Some(_) = tools::program("dpkg") else { return };
    let mut samples = [listed("dpkg.txt"), recorded("Debian")].concat();
    samples.extend(made(
        1,
        &[
            &["", "", "1:", "0:"],
            &["0", "1", "1.0", "1.02", "2.0~rc1", "1a", "10", "1.0+dfsg"],
            &["", "~~", ".z", "+b1"],
            &["", "-1", "-0", "-1+deb12u1", "-1~bpo"],
        ],
    ));
    samples.retain(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.:~".contains(&b)));
    let pairs = pairs(&samples);
    let script: String = pairs
        .iter()
        .map(|(a, b)| format!("if dpkg --compare-versions {a} lt {b}; then echo -1; elif dpkg --compare-versions {a} eq {b}; then echo 0; else echo 1; fi\n"))
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    agree(Scheme::Dpkg, &pairs, &output(Command::new("sh").arg(file.path())));
}

#[test]
fn rpm_orders_as_we_do() {
    let Some(rpm) = tools::program("rpm") else { return };
    let mut samples = listed("rpm.txt");
    samples.extend(made(
        2,
        &[
            &["", "0:", "1:"],
            &["0", "1", "1.0", "1.02", "2.0", "1a", "a1", "10"],
            &["", "~rc1", "^git1", ".1", "_2", ".fc40"],
            &["", "-1", "-2", "-1.el9_5", "-10.el9", "-1~beta"],
        ],
    ));
    let pairs = pairs(&samples);
    let file = written(&pairs);
    let script = format!(
        "%{{lua: for line in io.lines('{}') do local a, b = line:match('([^\\t]*)\\t([^\\t]*)'); print(rpm.vercmp(a, b) .. '\\n') end}}",
        file.path().display()
    );
    let answers = output(Command::new(rpm).args(["--eval", &script]));
    let answers: String = answers.split_whitespace().map(|word| format!("{word}\n")).collect();
    agree(Scheme::Rpm, &pairs, &answers);
}

#[test]
fn packaging_orders_python_versions_as_we_do() {
    let Some(python) = tools::program("python3") else { return };
    if !Command::new(&python)
        .args(["-c", "import packaging.version"])
        .output()
        .unwrap()
        .status
        .success()
    {
        println!("skipped: comparison with packaging (Python has no such module)");
        return;
    }
    let mut samples = listed("pep440.txt");
    samples.extend(made(
        3,
        &[
            &["", "", "1!"],
            &["0", "1", "1.0", "1.0.0", "2.10", "10.1"],
            &["", "", "a1", "b2", "rc1", ".rc2", "-alpha"],
            &["", ".post1", "-2", ".post"],
            &["", ".dev0", ".dev3"],
            &["", "+local", "+1.2", "+a.1"],
        ],
    ));
    let pairs = pairs(&samples);
    let file = written(&pairs);
    let script = "import sys\nfrom packaging.version import Version, InvalidVersion\nfor line in open(sys.argv[1]):\n    a, b = line.rstrip('\\n').split('\\t')\n    try:\n        a, b = Version(a), Version(b)\n        print(-1 if a < b else 1 if a > b else 0)\n    except InvalidVersion:\n        print('?')\n";
    agree(
        Scheme::Pep440,
        &pairs,
        &output(Command::new(python).args(["-c", script]).arg(file.path())),
    );
}

#[test]
fn maven_orders_as_we_do() {
    let Some(java) = tools::program("java") else { return };
    let libraries = ["/usr/share/maven/lib", "/usr/share/java"];
    let has_artifact = |folder: &&&str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .into_iter()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("maven-artifact"))
    };
    let Some(library) = libraries.iter().find(has_artifact) else {
        println!(
            "skipped: Maven's ComparableVersion (no maven-artifact in {})",
            libraries.join(" or ")
        );
        return;
    };
    let mut samples = listed("maven.txt");
    samples.extend(made(
        8,
        &[
            &["0", "1", "2", "10"],
            &["", ".0", ".1", ".10"],
            &["", "", ".0", ".3"],
            &[
                "",
                "",
                "-SNAPSHOT",
                "-alpha-1",
                "-beta9",
                "-rc1",
                ".Final",
                "-jre",
                "-sp2",
                "-1",
                ".a",
            ],
        ],
    ));
    let mut dice = Dice(9);
    let sequence: Vec<&str> = (0..PAIRS).map(|_| samples[dice.roll(samples.len())].as_str()).collect();
    let text = output(
        Command::new(java)
            .args([
                "-cp",
                &format!("{library}/*"),
                "org.apache.maven.artifact.versioning.ComparableVersion",
            ])
            .args(&sequence),
    );
    let answers: String = text
        .lines()
        .filter(|line| line.starts_with("   "))
        .map(|line| match line.split_whitespace().nth(1) {
            Some("<") => "-1\n",
            Some(">") => "1\n",
            Some("==") => "0\n",
            _ => "?\n",
        })
        .collect();
    let pairs: Vec<(&str, &str)> = sequence.windows(2).map(|two| (two[0], two[1])).collect();
    agree(Scheme::Maven, &pairs, &answers);
}

#[test]
fn apk_orders_as_we_do() {
    let Some(apk) = tools::program("apk") else { return };
    let mut samples = [listed("apk.txt"), recorded("Alpine")].concat();
    samples.extend(made(
        10,
        &[
            &["0", "1", "1.2", "1.02", "10.1"],
            &["", "a", "b"],
            &["", "_alpha", "_rc1", "_p2", "_git20200101"],
            &["", "-r0", "-r3"],
        ],
    ));
    let pairs = pairs(&samples);
    let answers: String = pairs
        .iter()
        .take(PAIRS)
        .map(|(a, b)| {
            let answer = Command::new(&apk).args(["version", "-t", a, b]).output().unwrap();
            match answer.stdout.first() {
                Some(b'<') => "-1\n",
                Some(b'>') => "1\n",
                Some(b'=') => "0\n",
                _ => "?\n",
            }
        })
        .collect();
    agree(Scheme::Apk, &pairs, &answers);
}

/// OSV's own test vectors, which `go mod download` leaves in its cache; prints why the test is skipped where they are not there.
fn vectors_of_osv() -> Option<std::path::PathBuf> {
    let home = std::path::PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cache = std::env::var_os("GOMODCACHE").map_or_else(|| home.join("go/pkg/mod"), std::path::PathBuf::from);
    let modules = std::fs::read_dir(cache.join("github.com/google")).into_iter().flatten().flatten();
    let scalibr = modules.map(|entry| entry.path().join("semantic/testdata"));
    let found = scalibr.filter(|folder| folder.is_dir()).max();
    if found.is_none() {
        println!("skipped: OSV's version vectors (`go install` of osv-scanner leaves them in Go's module cache)");
    }
    found
}

#[test]
fn orderings_agree_with_osv_wherever_both_take_a_version() {
    let Some(folder) = vectors_of_osv() else { return };
    for (ecosystem, file) in [
        ("Alpine", "alpine-versions"),
        ("Alpine", "alpine-versions-generated"),
        ("CRAN", "cran-versions"),
        ("CRAN", "cran-versions-generated"),
        ("Debian", "debian-versions"),
        ("Debian", "debian-versions-generated"),
        ("Hackage", "hackage-versions"),
        ("Maven", "maven-versions"),
        ("NuGet", "nuget-versions"),
        ("Packagist", "packagist-versions"),
        ("Packagist", "packagist-versions-generated"),
        ("Pub", "pub-versions"),
        ("PyPI", "pypi-versions"),
        ("PyPI", "pypi-versions-generated"),
        ("Red Hat", "redhat-versions"),
        ("RubyGems", "rubygems-versions"),
        ("RubyGems", "rubygems-versions-generated"),
        ("npm", "semver-versions"),
    ] {
        let scheme = Scheme::of(&Ecosystem::new(ecosystem)).unwrap();
        let text = std::fs::read_to_string(folder.join(file).with_extension("txt")).unwrap();
        let mut compared = 0;
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with("# ") && !line.starts_with("// "))
        {
            let [a, sign, b] = *line.split(' ').collect::<Vec<_>>() else {
                panic!("{file}: {line}")
            };
            let expected = match sign {
                "<" => Ordering::Less,
                "=" => Ordering::Equal,
                _ => Ordering::Greater,
            };
            // What a tool itself refuses is no version here, and so undecidable.
            if let Ok(order) = scheme.compare(a, b) {
                assert_eq!(order, expected, "{file}: {line}");
                compared += 1;
            }
        }
        assert!(compared > 9, "{file}: {compared}");
    }
}
