//! A folder with a Dockerfile under git, the two builders of Dockerfiles, and the program over them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::engines::{DockerEngine, Store, output, text};
use super::tools;

/// What both builders know as the image to build upon.
pub(crate) const BASE: &str = "localhost/busybox:1";

/// A builder that runs here, with an image to build upon in its store.
pub(crate) enum Builder {
    Buildkit(DockerEngine),
    /// buildah with a store of its own.
    Buildah(Store),
}

impl Builder {
    /// `None`, with a printed reason, where it cannot be had.
    pub(crate) fn buildkit() -> Option<Self> {
        Self::with(DockerEngine::start()?)
    }

    /// An engine whose images are containerd's.
    pub(crate) fn buildkit_with_containerd() -> Option<Self> {
        Self::with(DockerEngine::start_with_images_in_containerd()?)
    }

    fn with(engine: DockerEngine) -> Option<Self> {
        let rootfs = rootfs()?;
        output(
            engine
                .docker(&["import", &text(&rootfs.path().join("rootfs.tar")), BASE])
                .stdin(Stdio::null()),
        );
        Some(Self::Buildkit(engine))
    }

    pub(crate) fn buildah() -> Option<Self> {
        tools::program("buildah")?;
        let builder = Self::Buildah(Store::new()?);
        let rootfs = rootfs()?;
        let container = builder.command("buildah", &["from", "scratch"]);
        let container = output(&mut { container }).trim().to_owned();
        let archive = text(&rootfs.path().join("rootfs.tar"));
        output(&mut builder.command("buildah", &["add", "--quiet", &container, &archive, "/"]));
        output(&mut builder.command("buildah", &["commit", "--quiet", &container, BASE]));
        output(&mut builder.command("buildah", &["rm", &container]));
        Some(builder)
    }

    /// Both, as far as they can be had.
    pub(crate) fn all() -> Vec<Self> {
        [Self::buildkit(), Self::buildah()].into_iter().flatten().collect()
    }

    /// As the configuration spells it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Buildkit(_) => "buildkit",
            Self::Buildah(_) => "buildah",
        }
    }

    /// Variables that lead to it. Isolation by user namespaces or cgroups is not to be had on every machine that runs tests.
    pub(crate) fn env(&self) -> BTreeMap<&'static str, String> {
        match self {
            Self::Buildkit(engine) => BTreeMap::from([("DOCKER_HOST", engine.host())]),
            Self::Buildah(store) => BTreeMap::from([
                ("CONTAINERS_STORAGE_CONF", text(&store.configuration())),
                ("BUILDAH_ISOLATION", "chroot".to_owned()),
            ]),
        }
    }

    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).envs(self.env());
        command
    }

    /// Everything that it has: images with their tags, and containers.
    pub(crate) fn contents(&self) -> String {
        let asked = match self {
            Self::Buildkit(_) => ["docker image ls --all --no-trunc", "docker container ls --all --no-trunc"],
            Self::Buildah(_) => [
                "buildah images --all --no-trunc --format {{.ID}}{{.Name}}{{.Tag}}",
                "buildah containers --all",
            ],
        };
        let answers = asked.map(|asked| {
            let words: Vec<&str> = asked.split(' ').collect();
            output(&mut self.command(words[0], &words[1..]))
        });
        // How long ago something was made is told, too.
        answers.concat().lines().map(without_age).collect::<Vec<_>>().join("\n")
    }
}

fn without_age(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().take(3).collect();
    words.join(" ")
}

/// A busybox with its usual names, as a tar.
fn rootfs() -> Option<tempfile::TempDir> {
    let busybox = tools::program("busybox")?;
    let folder = tempfile::tempdir().unwrap();
    let mut tar = tar::Builder::new(fs::File::create(folder.path().join("rootfs.tar")).unwrap());
    tar.follow_symlinks(false);
    let mut header = tar::Header::new_ustar();
    header.set_mtime(1_600_000_000);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mode(0o755);
    for dir in ["bin/", "etc/", "tmp/"] {
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        tar.append_data(&mut header, dir, std::io::empty()).unwrap();
    }
    let program = fs::read(busybox).unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(program.len() as u64);
    tar.append_data(&mut header, "bin/busybox", program.as_slice()).unwrap();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    for name in [
        "sh", "cat", "date", "mkdir", "sleep", "touch", "echo", "ln", "dd", "head", "chmod", "cut",
    ] {
        // A header that held a longer name keeps the end of it.
        let mut link = header.clone();
        link.as_mut_bytes()[..100].fill(0);
        tar.append_link(&mut link, format!("bin/{name}"), "busybox").unwrap();
    }
    tar.finish().unwrap();
    Some(folder)
}

/// A folder with a Dockerfile under git, whose commit always has the same identity.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// With these files and a configuration that names the builder.
    pub(crate) fn new(builder: &str, build: &str, files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write(
            "service/portcullis.toml",
            &format!("[service]\nname = \"small\"\n[build]\nusing = \"{builder}\"\nnetwork = \"none\"\n{build}"),
        );
        for (name, content) in files {
            project.write(&format!("service/{name}"), content);
        }
        project.commit("The service");
        project
    }

    /// With what `fill` puts into the folder `service` of a folder.
    pub(crate) fn of(fill: impl FnOnce(&Path)) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fill(project.folder.path());
        project.commit("The service");
        project
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits everything, always at the same time.
    pub(crate) fn commit(&self, message: &str) {
        self.commit_at(message, "2026-01-02T03:04:05Z");
    }

    /// Writes files of the service, and commits everything at a time in RFC 3339.
    pub(crate) fn change(&self, at: &str, files: &[(&str, &str)]) {
        for (name, content) in files {
            self.write(&format!("service/{name}"), content);
        }
        self.commit_at("A change", at);
    }

    fn commit_at(&self, message: &str, at: &str) {
        for args in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", message]] {
            let mut git = Command::new("git");
            git.args([
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(args)
            .current_dir(self.root())
            .env("GIT_AUTHOR_DATE", at)
            .env("GIT_COMMITTER_DATE", at)
            .env("GIT_CONFIG_GLOBAL", "/dev/null");
            output(&mut git);
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("service")
    }

    /// The folder for results.
    pub(crate) fn results(&self) -> PathBuf {
        self.root().join("target/portcullis")
    }

    /// The program, ready to run in the checkout.
    pub(crate) fn command(&self, env: &BTreeMap<&'static str, String>, args: &[&str]) -> Command {
        let home = self.folder.path();
        let mut command = crate::support::portcullis();
        command
            .current_dir(self.root())
            .env("HOME", home)
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("XDG_STATE_HOME", home.join(".state"))
            .env("COLUMNS", "200")
            .env_remove("DOCKER_HOST")
            .envs(env)
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end and gives what it said, stdout first.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32, env: &BTreeMap<&'static str, String>, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(env, args).output().unwrap();
        let said = format!("{}\n{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(code), "{args:?}\n{said}");
        said
    }

    /// Starts it, for somebody to end it.
    pub(crate) fn start(&self, env: &BTreeMap<&'static str, String>, args: &[&str]) -> Child {
        self.command(env, args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The digest that the layout lists.
    pub(crate) fn digest(&self) -> String {
        let index = fs::read(self.results().join("image/index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1, "{index}");
        index["manifests"][0]["digest"].as_str().unwrap().to_owned()
    }

    /// Nothing of a build is in the folder for results.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        for entry in fs::read_dir(self.results()).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name != "image" && !name.starts_with(".portcullis"), "{name} is left");
        }
    }
}

/// Every file of every layer with its metadata, as `tar` lists them: mode, owner, size, time, name.
pub(crate) fn listing(layout: &Path, digest: &str) -> Vec<String> {
    let blob = |digest: &str| layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(blob(digest)).unwrap()).unwrap();
    let layers = manifest["layers"].as_array().unwrap().iter();
    layers
        .flat_map(|layer| {
            let file = text(&blob(layer["digest"].as_str().unwrap()));
            let listed = output(Command::new("tar").args(["--utc", "--full-time", "-tvzf", &file]));
            listed.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}
