use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;

use super::cataloger::inside;
use super::*;
use crate::model::coverage::GapKind;
use crate::stage::inventory::recorder::Recorder;

fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).expect("in memory");
        writer.write_all(content).expect("in memory");
    }
    writer.finish().expect("in memory").into_inner()
}

const POM: (&str, &[u8]) = (
    "META-INF/maven/org.acme/lib/pom.properties",
    b"#Generated\ngroupId=org.acme\nartifactId=lib\nversion=1.2.3\n",
);

#[test]
fn archives_inside_of_archives_are_read() {
    let inner = jar(&[POM]);
    let plain = jar(&[("META-INF/MANIFEST.MF", b"Implementation-Version: 9\r\n")]);
    let war = jar(&[("WEB-INF/lib/lib-1.2.3.jar", &inner), ("WEB-INF/lib/other-2.0.jar", &plain)]);
    let seen = Recorder::of(&Java, "srv/app.war", &war);
    assert_eq!(seen.purls(), ["pkg:maven/org.acme/lib@1.2.3", "pkg:maven/other@2.0"]);
    let looked_up: Vec<bool> = seen.components.iter().map(|c| c.ecosystem.is_some()).collect();
    assert_eq!((looked_up, seen.gaps.len()), (vec![true, false], 0));
}

#[test]
fn a_zip_file_that_java_could_run_is_read_as_an_archive_of_java_whatever_it_is_called() {
    let with_class = jar(&[("org/acme/Evil.class", b"x"), POM]);
    let nameless = jar(&[("org/acme/Evil.class", b"x")]);
    let manifest = jar(&[("META-INF/MANIFEST.MF", b"Implementation-Version: 1\r\n"), ("a.txt", b"x")]);
    let others = [jar(&[("a.txt", b"x")]), b"PK\x03\x04junk".to_vec(), manifest];
    for path in ["opt/app.zip", "opt/app.bin", "opt/app.jar.original", "opt/app"] {
        assert_eq!(
            Recorder::of(&Java, path, &with_class).purls(),
            ["pkg:maven/org.acme/lib@1.2.3"],
            "{path}"
        );
        assert_eq!(
            Recorder::of(&Java, path, &nameless).purls(),
            ["pkg:maven/app"].map(|purl| match path {
                "opt/app.jar.original" => "pkg:maven/app.jar",
                _ => purl,
            })
        );
        for other in &others {
            let seen = Recorder::of(&Java, path, other);
            assert!(seen.components.is_empty() && seen.gaps.is_empty(), "{path}");
        }
    }
}

#[test]
fn an_archive_whose_end_tells_less_than_its_directory_is_a_gap() {
    let whole = jar(&[POM]);
    assert!(Recorder::of(&Java, "a.jar", &whole).gaps.is_empty(), "the control");
    let end = whole.len() - 22;
    let mut none = whole.clone();
    none[end + 8..end + 12].fill(0);
    let seen = Recorder::of(&Java, "a.jar", &none);
    assert_eq!(seen.gaps.len(), 1, "{:?}", seen.gaps);
    // Behind a script, with a number of a disk that no reader looks at.
    let mut script = [&b"#!/bin/sh\nexec java -jar $0\n"[..], &whole].concat();
    let end = script.len() - 22;
    script[end + 4] = 1;
    let seen = Recorder::of(&Java, "a.jar", &script);
    assert!(!seen.gaps.is_empty() || !seen.components.is_empty());
    assert!(
        Recorder::of(&Java, "a.jar", b"#!/bin/sh\nexec java -jar real.jar\n")
            .gaps
            .is_empty(),
        "a script"
    );
}

#[test]
fn maven_folders_below_the_classes_of_a_web_application_are_read() {
    let of = |folder: &str| {
        let path = format!("{folder}{}", POM.0);
        Recorder::of(&Java, "app.war", &jar(&[(&path, POM.1)])).purls()
    };
    for folder in ["", "WEB-INF/classes/", "BOOT-INF/classes/"] {
        assert_eq!(of(folder), ["pkg:maven/org.acme/lib@1.2.3"], "{folder}");
    }
    let pom = b"<project><groupId>org.acme</groupId><artifactId>lib</artifactId><version>1.2.3</version></project>";
    let seen = Recorder::of(&Java, "srv/WEB-INF/classes/META-INF/maven/org.acme/lib/pom.xml", pom);
    assert_eq!(seen.purls(), ["pkg:maven/org.acme/lib@1.2.3"]);
}

#[test]
fn broken_archives_and_nameless_properties_are_partial_coverage() {
    assert_eq!(Recorder::of(&Java, "a.jar", b"PK\x03\x04junk").gaps.len(), 1);
    let nameless = jar(&[(POM.0, b"version=1\n")]);
    assert_eq!(Recorder::of(&Java, "a.jar", &nameless).gaps.len(), 1);
}

#[test]
fn an_archive_that_is_none_of_the_artifacts_in_it_is_listed_by_its_name() {
    let of = |name: &str, entries: &[(&str, &[u8])]| {
        let seen = Recorder::of(&Java, name, &jar(entries));
        let looked_up = seen.components.iter().filter(|component| component.ecosystem.is_some()).count();
        (seen.purls(), looked_up)
    };
    assert_eq!(
        of("evil-1.0.jar", &[POM]),
        (vec!["pkg:maven/org.acme/lib@1.2.3".to_owned(), "pkg:maven/evil@1.0".to_owned()], 1)
    );
    // The controls: what it is called after, also by a name of the user's own.
    for name in ["lib-1.2.3.jar", "lib.jar", "service.jar", "lib-1.2.3-all.jar"] {
        assert_eq!(of(name, &[POM]), (vec!["pkg:maven/org.acme/lib@1.2.3".to_owned()], 1), "{name}");
    }
    assert_eq!(
        of("evil.jar", &[("org/acme/Evil.class", b"x")]),
        (vec!["pkg:maven/evil".to_owned()], 0)
    );
    assert!(of("data.jar", &[("a.txt", b"x")]).0.is_empty());
    let pom = b"<project><groupId>org.acme</groupId><artifactId>evil</artifactId><version>1.0</version></project>";
    let alone = ("META-INF/maven/org.acme/evil/pom.xml", &pom[..]);
    assert_eq!(of("a.aar", &[alone]), (vec!["pkg:maven/org.acme/evil@1.0".to_owned()], 1));
    let unpacked = Recorder::of(&Java, "srv/WEB-INF/classes/META-INF/maven/org.acme/lib/pom.properties", POM.1);
    assert_eq!(unpacked.purls(), ["pkg:maven/org.acme/lib@1.2.3"]);
}

#[test]
fn an_archive_with_nothing_but_another_artifacts_coordinates_is_a_component_of_its_own() {
    let evil = ("com/evil/Evil.class", &b"x"[..]);
    let of = |entries: &[(&str, &[u8])]| Recorder::of(&Java, "app.jar", &jar(entries)).purls();
    let both = ["pkg:maven/org.acme/lib@1.2.3", "pkg:maven/app"];
    assert_eq!(of(&[POM, evil]), both);
    let own = ("org/acme/lib/Lib.class", &b"x"[..]);
    assert_eq!(of(&[POM, own, evil]), both, "shaded");
    assert_eq!(of(&[POM, own, ("Evil.class", b"x")]), both, "in no package");
    // The controls: its own classes, an application's own, Spring Boot's loader, and what its manifest calls one of them.
    let manifest = |text: &'static str| ("META-INF/MANIFEST.MF", text.as_bytes());
    for entries in [
        &[POM, own][..],
        &[
            POM,
            own,
            ("META-INF/versions/9/module-info.class", b"x"),
            ("META-INF/versions/9/org/acme/A.class", b"x"),
        ],
        &[
            POM,
            ("BOOT-INF/classes/com/other/App.class", b"x"),
            ("org/springframework/boot/loader/Launcher.class", b"x"),
        ],
        &[POM, evil, manifest("Implementation-Title: lib\r\n")],
        &[POM, evil, manifest("Main-Class: org.acme.Main\n")],
    ] {
        assert_eq!(of(entries), both[..1], "{entries:?}");
    }
}

#[test]
fn an_archive_in_an_archive_is_read_whatever_it_is_called() {
    let inner = jar(&[POM, ("org/acme/lib/Lib.class", b"x")]);
    let pictures = jar(&[("a.txt", b"x")]);
    for name in ["lib/evil.bin", "lib/evil.jar.orig", "evil", "lib/evil.zip"] {
        let outer = jar(&[("com/app/App.class", b"x"), ("a.bin", &pictures), (name, &inner)]);
        let seen = Recorder::of(&Java, "app.jar", &outer);
        assert_eq!(seen.purls(), ["pkg:maven/org.acme/lib@1.2.3", "pkg:maven/app"], "{name}");
        assert!(seen.gaps.is_empty(), "{name}: {:?}", seen.gaps);
    }
}

#[test]
fn classes_of_nobody_in_an_archive_that_is_called_after_its_artifact_are_told() {
    let own = ("org/acme/lib/Lib.class", &b"x"[..]);
    let of = |entries: &[(&str, &[u8])]| {
        let seen = Recorder::of(&Java, "lib-1.2.3.jar", &jar(entries));
        assert_eq!(seen.purls()[0], "pkg:maven/org.acme/lib@1.2.3");
        seen.gaps
    };
    let foreign = of(&[POM, own, ("com/evil/Evil.class", b"x"), ("Evil.class", b"x")]);
    assert!(
        matches!(&*foreign, [(GapKind::UnownedExecutable, said)] if said.contains("no package, `com/evil`")),
        "{foreign:?}"
    );
    // The controls: what says whose it is, interfaces that many copy, and words that are the artifact's.
    let evil = (
        "META-INF/maven/com.evil/evil/pom.properties",
        &b"groupId=com.evil\nartifactId=evil\nversion=1\n"[..],
    );
    assert!(
        of(&[POM, ("com/other/A.class", b"x"), ("com/other/b/B.class", b"x")]).is_empty(),
        "packages of another name"
    );
    assert_eq!(of(&[POM, ("com/other/A.class", b"x"), ("com/evil/B.class", b"x")]).len(), 1);
    assert!(of(&[POM, own, evil, ("com/evil/Evil.class", b"x")]).is_empty());
    assert!(
        of(&[
            POM,
            own,
            ("javax/inject/Inject.class", b"x"),
            ("lib/text/A.class", b"x"),
            ("acme/A.class", b"x")
        ])
        .is_empty()
    );
}

#[test]
fn an_archive_behind_a_shell_script_is_read() {
    let behind = [&b"#!/bin/bash\nexec java -jar $0\nexit 1\n"[..], &jar(&[POM])].concat();
    assert_eq!(Recorder::of(&Java, "app.jar", &behind).purls(), ["pkg:maven/org.acme/lib@1.2.3"]);
    let text = Recorder::of(&Java, "notes.par", b"no archive at all");
    assert!(text.components.is_empty() && text.gaps.is_empty());
}

#[test]
fn bombs_and_deep_nests_end_at_a_limit() {
    let mut nest = jar(&[POM]);
    for _ in 0..8 {
        nest = jar(&[("inner.jar", &nest)]);
    }
    let seen = Recorder::of(&Java, "a.jar", &nest);
    assert!(seen.gaps.iter().any(|(kind, _)| *kind == GapKind::LimitReached), "{seen:?}");
    let mut budget = 1000;
    let mut recorder = Recorder::default();
    inside("a.jar", &jar(&[("inner.jar", &[0; 5000])]), 0, &mut budget, &mut recorder);
    assert_eq!(recorder.gaps.first().map(|gap| gap.0), Some(GapKind::LimitReached));
}
