//! `action.sh`: the release by its digest, or nothing; a build of the checkout where there is no release.

use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis::io::hash::sha256;

const RELEASE: &str = "#!/bin/sh\necho the release\n";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A checkout of the action whose `action.sums` names what is given.
    fn new(released: Option<&str>) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.sh")).unwrap();
        place.write("action/action.sh", &script);
        place.write("action/Cargo.toml", "[package]\nversion = \"1.2.3\"\n");
        place.write("action/Cargo.lock", "");
        place.write("action/src/main.rs", "");
        place.write("action/policies/gate.toml", "");
        let asset = format!("portcullis-1.2.3-{}-linux", std::env::consts::ARCH);
        let sums = released.map(|text| format!("{}  {asset}\n", sha256(text.as_bytes()).hex()));
        place.write("action/action.sums", &sums.unwrap_or_else(|| "# none yet\n".to_owned()));
        // Downloads and builds, as far as the script asks for them.
        place.program(
            "curl",
            "while [ \"$1\" != --output ]; do shift; done\ncp \"$FOLDER/release\" \"$2\"\n",
        );
        let cargo = "while [ \"$1\" != --root ]; do shift; done\nmkdir -p \"$2/bin\"\nprintf '#!/bin/sh\\necho built\\n' > \"$2/bin/portcullis\"\n\
                     chmod +x \"$2/bin/portcullis\"\necho \"key=${PORTCULLIS_KEY:-}${ANOTHER_NAME:-} in=$PWD\" > \"${0%/bin/cargo}/seen\"\n";
        place.program("cargo", cargo);
        place.write("release", RELEASE);
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn program(&self, name: &str, text: &str) {
        let name = format!("bin/{name}");
        self.write(&name, &format!("#!/bin/sh\nset -eu\n{text}"));
        crate::support::tools::executable(&self.folder.path().join(name));
    }

    /// The exit code, and what the program that it names says.
    fn gets(&self) -> (Option<i32>, Option<String>) {
        let at = |name: &str| self.folder.path().join(name);
        self.write("output", "");
        let done = Command::new("bash")
            .arg(at("action/action.sh"))
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{}", at("bin").display(), std::env::var("PATH").unwrap()))
            .env("FOLDER", self.folder.path())
            .env("GITHUB_OUTPUT", at("output"))
            .env("ACTION_REPOSITORY", "acme/portcullis")
            .env("RUNNER_TEMP", at("temp"))
            .env("RUNNER_TOOL_CACHE", at("tools"))
            .env("PORTCULLIS_KEY", "a-key")
            .env("ANOTHER_NAME", "a-key")
            .env_remove("PORTCULLIS_BIN")
            .output()
            .unwrap();
        let output = fs::read_to_string(at("output")).unwrap();
        let says = |path: &str| String::from_utf8(Command::new(path).output().unwrap().stdout).unwrap();
        (
            done.status.code(),
            output.trim().strip_prefix("path=").map(|path| says(path).trim().to_owned()),
        )
    }
}

#[test]
fn the_action_takes_the_release_by_its_digest_and_no_other_bytes() {
    let place = Place::new(Some(RELEASE));
    assert_eq!(place.gets(), (Some(0), Some("the release".to_owned())));
    // Another job wrote into the cache of tools.
    let cached = fs::read_dir(place.folder.path().join("tools/portcullis"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    fs::write(cached.path().join("bin/portcullis"), "#!/bin/sh\necho another\n").unwrap();
    assert_eq!(place.gets(), (Some(2), None));
    let place = Place::new(Some("what was released"));
    assert_eq!(place.gets(), (Some(2), None), "a download with another digest");
    // The control: no release is built, without the secrets of the step.
    let place = Place::new(None);
    assert_eq!(place.gets(), (Some(0), Some("built".to_owned())));
    // Nor does the judged commit say with what it is compiled: cargo obeys the folder that it is started in.
    let own = place.folder.path().canonicalize().unwrap().join("action");
    let seen = fs::read_to_string(place.folder.path().join("seen")).unwrap();
    assert_eq!(seen, format!("key= in={}\n", own.display()));
}
