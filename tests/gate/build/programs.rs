//! Native builds of several programs, and how they are compiled.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use portcullis::model::event::{Event, Observer};
use portcullis::model::exit_kind::ExitKind;
use portcullis::model::plan::NativeBuild;
use portcullis::stage::build::{BuildError, NativeError, build};

use crate::build::crates::{attempt, contains, pay, placed, plan, programs, workspace};
use crate::build::native::{effects, files};
use crate::build::targets::loader_base;
use crate::support::sample::{CONFIG, Sample};

/// What a build tells.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

impl Log {
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(self.clone())
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Log {
    fn on_event(&self, event: &Event) {
        use std::fmt::Write as _;
        writeln!(self.0.lock().unwrap(), "{event:?}").unwrap();
    }
}

#[test]
fn several_programs_lie_beside_each_other_and_each_lists_its_own_crates() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let asked = NativeBuild {
        programs: programs(&["migrate", "pay", "tools/tools"]),
        features: vec!["loud".to_owned(), "tools/deep".to_owned()],
        ..NativeBuild::default()
    };
    let image = attempt(&root, folder.path(), &asked).unwrap();
    let found = files(&image);
    let crates = |program: &str| -> Vec<String> {
        let info = auditable_info::audit_info_from_slice(&found[program].2, 1 << 20).unwrap();
        info.packages
            .iter()
            .map(|p| format!("{}{}", p.name, if p.root { "!" } else { "" }))
            .collect()
    };
    assert_eq!(crates("app/pay"), ["pay!"]);
    assert_eq!(crates("app/migrate"), ["pay!"]);
    assert_eq!(crates("app/tools"), ["ledger", "tools!"]);
    assert!(contains(&found["app/pay"].2, "feature-loud") && contains(&found["app/tools"].2, "feature-deep"));
    let platform = &image.platforms[0];
    assert_eq!(platform.config.entrypoint, ["/app/migrate"], "the first one starts");
    assert_eq!(
        platform
            .layers
            .last()
            .unwrap()
            .created_by
            .as_deref()
            .unwrap()
            .split(" --target ")
            .next()
            .unwrap(),
        "cargo build --release --locked --package pay --bin migrate --bin pay --features loud"
    );

    let asked = NativeBuild {
        entrypoint: Some("tools".to_owned()),
        ..asked
    };
    let image = attempt(&root, folder.path(), &asked).unwrap();
    let config = &image.platforms[0].config;
    assert_eq!(config.entrypoint, ["/app/tools"]);
    assert_eq!(config.labels["org.opencontainers.image.version"], "0.2.0", "of what starts");
    let parameters = image.provenance.unwrap().parameters;
    let shown = |key: &str| parameters[key].as_str();
    assert_eq!((shown("binary"), shown("package")), ("tools,migrate,pay", "tools,pay"));
    assert_eq!(shown("entrypoint"), "tools");
}

#[test]
fn programs_that_are_not_there_or_share_a_name_are_told_before_anything_is_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let refused = |names: &[&str], entrypoint: Option<&str>| {
        let asked = NativeBuild {
            programs: programs(names),
            entrypoint: entrypoint.map(str::to_owned),
            ..NativeBuild::default()
        };
        let error = attempt(&root, folder.path(), &asked).unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Usage, "{error}");
        assert!(!folder.path().join("work").exists(), "nothing was compiled");
        error
    };
    assert!(matches!(refused(&["pya"], None), BuildError::WhichBinary { nearest: Some(near), .. } if near == "pay"));
    assert!(matches!(refused(&["tolls/tools"], None), BuildError::UnknownPackage { nearest: Some(near), .. } if near == "tools"));
    assert!(matches!(refused(&["ledger/ledger"], None), BuildError::NoBinary { .. }));
    let twice = refused(&["pay", "pay"], None);
    assert!(matches!(twice, BuildError::Native(NativeError::SameProgram { name }) if name == "pay"));
    let entrypoint = refused(&["pay", "migrate"], Some("migrat"));
    assert!(matches!(entrypoint, BuildError::Native(NativeError::Entrypoint { nearest: Some(near), .. }) if near == "migrate"));
}

#[test]
fn programs_files_and_a_base_give_one_digest_in_two_folders_and_in_two_builds() {
    let folder = tempfile::tempdir().unwrap();
    let asked = NativeBuild {
        programs: programs(&["pay", "tools/tools"]),
        files: vec![placed("assets", "/srv/assets"), placed("Cargo.toml", "/app/about.toml")],
        env: BTreeMap::from([("CHANNEL".to_owned(), "beta".to_owned())]),
        profile: Some("dist".to_owned()),
        keep_symbols: true,
        ..NativeBuild::default()
    };
    let digests = ["first", "second-and-longer/down"].map(|name| {
        let place = folder.path().join(name);
        let root = workspace(&place);
        let base = loader_base(&place, &["amd64", "arm64"]);
        let mut plan = plan(
            &root,
            &place,
            &NativeBuild {
                base: Some(base),
                ..asked.clone()
            },
        );
        plan.twice = name == "first";
        build(&plan, &effects()).unwrap()
    });
    let found = digests.each_ref().map(files);
    let differ: Vec<&String> = found[0].keys().filter(|path| found[0].get(*path) != found[1].get(*path)).collect();
    assert!(differ.is_empty(), "these differ: {differ:?}");
    assert_eq!(digests[0].digest, digests[1].digest);
    let here = folder.path().to_str().unwrap();
    let programs = ["app/pay", "app/tools"].map(|program| &found[0][program].2);
    assert!(programs.iter().all(|program| !contains(program, here)), "a program names {here}");
    assert!(contains(programs[0], ".symtab"), "symbols stay where they are wanted");
    let provenance = digests[0].provenance.clone().unwrap();
    assert!(provenance.reproducible);
    for (key, value) in [
        ("profile", "dist"),
        ("strip", "false"),
        ("env:CHANNEL", "beta"),
        ("files", "assets:/srv/assets,Cargo.toml:/app/about.toml"),
    ] {
        assert_eq!(provenance.parameters[key], value, "{key}");
    }
    assert!(provenance.parameters["command"].starts_with("cargo build --profile dist --locked --package pay --bin pay --target "));
}

#[test]
fn an_unknown_profile_is_told_with_the_nearest_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let with = |profile: &str| NativeBuild {
        profile: Some(profile.to_owned()),
        ..pay()
    };
    let error = attempt(&root, folder.path(), &with("dits")).unwrap_err();
    assert_eq!(error.exit_kind(), ExitKind::Usage, "{error}");
    let BuildError::Native(NativeError::Profile { nearest, known, .. }) = error else {
        panic!("{error}")
    };
    assert_eq!(nearest.as_deref(), Some("dist"));
    assert_eq!(known, ["bench", "dev", "dist", "release", "test"]);
    // The control: cargo's own, whose folder has another name.
    let image = attempt(&root, folder.path(), &with("dev")).unwrap();
    assert!(files(&image).contains_key("app/pay"));
}

#[test]
fn the_compilation_sees_the_variables_that_are_named_and_no_others() {
    let place = Sample::new();
    let root = workspace(&place.path("."));
    fs::copy(place.path("policy.toml"), root.join("policy.toml")).unwrap();
    let program = |keys: &str| -> Vec<u8> {
        let build = format!("[build]\nusing = \"native\"\npackage = \"pay\"\nbin = \"pay\"\nprofile = \"dist\"\n{keys}");
        let config = CONFIG.replace("[build]\nusing = \"image\"\nimage = \"oci:built\"\n", &build);
        fs::write(root.join("portcullis.toml"), config).unwrap();
        let output = crate::support::portcullis()
            .args(["gate", "--until", "build", "--offline"])
            .current_dir(&root)
            .env("SQLX_OFFLINE", "offline-is-on")
            .env("CHANNEL", "channel-of-the-machine")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let compiled = fs::read_dir(root.join("target/portcullis/work/cargo-uncommitted")).unwrap();
        let built = compiled
            .map(|folder| folder.unwrap().path().join("dist/pay"))
            .find(|file| file.is_file());
        fs::read(built.unwrap()).unwrap()
    };
    let named = program("env = { CHANNEL = \"channel-is-beta\" }\npass_env = [\"SQLX_OFFLINE\", \"NO_SUCH_VARIABLE\"]\n");
    assert!(contains(&named, "channel-is-beta") && contains(&named, "offline-is-on"));
    // The control.
    let bare = program("");
    assert!(!contains(&bare, "offline-is-on") && !contains(&bare, "channel-"));
}

#[test]
fn a_variable_of_the_machine_that_is_passed_is_no_part_of_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let root = workspace(folder.path());
    let passing = |name: &str| {
        let asked = NativeBuild {
            pass_env: vec![name.to_owned()],
            ..pay()
        };
        attempt(&root, folder.path(), &asked).unwrap().provenance.unwrap()
    };
    // cargo sets it for every test.
    let provenance = passing("CARGO_MANIFEST_DIR");
    assert_eq!(provenance.parameters["pass_env"], "CARGO_MANIFEST_DIR");
    assert!(!provenance.reproducible, "its value is written nowhere");
    assert!(passing("NO_SUCH_VARIABLE").reproducible);
}
