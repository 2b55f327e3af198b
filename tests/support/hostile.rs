//! A place where images are scanned that somebody made to harm, and what the program that scans them takes of memory.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use portcullis::io::hash::sha256;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::image::media_type;
use serde_json::{Value, json};

/// A folder with a feed and a policy, in which images are made and scanned.
pub(crate) struct Place(pub(crate) tempfile::TempDir);

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
    /// Most memory that it ever had, in MB; zero where the system does not say.
    pub(crate) peak: u64,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let record = r#"{"id":"DEBIAN-CVE-2000-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"zsh"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#;
        for (name, text) in [
            ("feed/Debian/modified_id.csv", "2026-01-01T00:00:00Z,DEBIAN-CVE-2000-1\n"),
            ("feed/Debian/DEBIAN-CVE-2000-1.json", record),
            (
                "policy.toml",
                "[rules.root-user]\nlevel = \"off\"\n[rules.untraceable-tag]\nlevel = \"off\"\n",
            ),
            (
                "portcullis.toml",
                "[service]\nname = \"sample\"\n[policy]\ndocument = \"policy.toml\"\n",
            ),
        ] {
            let path = place.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        place
    }

    /// Writes an image of one layer: the blob, its media type, and the digest that the configuration states for the tar in it.
    pub(crate) fn image(&self, blob: &[u8], media: &str, diff_id: &Value) -> OciLayout {
        let layout = OciLayout::create(self.0.path().join("image")).unwrap();
        let write =
            |media: &str, bytes: &[u8]| json!({"mediaType": media, "digest": layout.write_blob(bytes).unwrap(), "size": bytes.len()});
        let config =
            json!({"architecture": "amd64", "os": "linux", "config": {"User": "1"}, "rootfs": {"type": "layers", "diff_ids": [diff_id]}});
        let config = write(media_type::OCI_CONFIG, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [write(media, blob)]});
        let root = write(media_type::OCI_MANIFEST, manifest.to_string().as_bytes());
        layout.put(&serde_json::from_value(root).unwrap(), None).unwrap();
        layout
    }

    pub(crate) fn scan(&self) -> Ended {
        self.run(&["scan", "oci:image", "--osv", "feed", "--max-age", "36500d", "--format", "json"])
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let dir = self.0.path();
        let (out, err) = (dir.join("stdout"), dir.join("stderr"));
        let mut child = crate::support::portcullis()
            .current_dir(dir)
            .env("HOME", dir)
            .env("XDG_CACHE_HOME", dir.join(".cache"))
            .env("COLUMNS", "400")
            .args(arguments)
            .stdout(fs::File::create(&out).map(Stdio::from).unwrap())
            .stderr(fs::File::create(&err).map(Stdio::from).unwrap())
            .spawn()
            .unwrap();
        let mut peak = 0;
        let status = loop {
            peak = peak.max(peak_megabytes(child.id()));
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        Ended {
            code: status.code(),
            text: fs::read_to_string(out).unwrap() + &fs::read_to_string(err).unwrap(),
            peak,
        }
    }
}

/// The peak of a process that still runs, without what it has mapped of files: a program that is built for tests has 45 MB of its own.
fn peak_megabytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    kibibytes("VmHWM:").saturating_sub(kibibytes("RssFile:")) / 1024
}

impl Ended {
    #[track_caller]
    pub(crate) fn undecidable(&self, words: &[&str]) -> &Self {
        self.with(2, words)
    }

    #[track_caller]
    pub(crate) fn with(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.text);
        for word in words {
            assert!(self.text.contains(word), "`{word}` in\n{}", self.text);
        }
        let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
        assert!(!self.text.contains(hidden), "control characters in {:?}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn within(&self, megabytes: u64) -> &Self {
        assert!(self.peak <= megabytes, "{} MB", self.peak);
        self
    }
}

/// Scans an image of one plain layer.
pub(crate) fn scanned(tar: &[u8]) -> Ended {
    let place = Place::new();
    place.image(tar, media_type::OCI_LAYER, &json!(sha256(tar)));
    place.scan()
}
