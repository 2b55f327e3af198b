//! Real registries on loopback, each ended with the test that started it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::ports::free_address;
use super::tools;

/// A registry that runs. Ends when it is dropped.
pub(crate) struct RunningRegistry {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it reads and writes.
    folders: Vec<tempfile::TempDir>,
}

impl RunningRegistry {
    /// Debian's `docker-registry`: no referrers API. None, with a printed reason, where it is not installed.
    pub(crate) fn docker() -> Option<Self> {
        let program = tools::program("docker-registry")?;
        Some(Self::start_docker(program, ""))
    }

    /// The same with basic authentication: user `robot`, password `sesame`.
    pub(crate) fn docker_with_password() -> Option<Self> {
        let program = tools::program("docker-registry")?;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("htpasswd");
        std::fs::write(&file, "robot:$2b$04$oKapd6M1a8KRrpi0MUfpW.fXa3lyUhDQhRvwebZo7xR6MwZHh63nC\n").unwrap();
        let auth = format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", file.display());
        let mut running = Self::start_docker(program, &auth);
        // It is read at each request.
        running.folders.push(folder);
        Some(running)
    }

    fn start_docker(program: PathBuf, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\nhttp:\n  addr: {address}\n{more}",
            folder.path().join("data").display()
        );
        std::fs::write(&config, text).unwrap();
        Self::start(Command::new(program).arg("serve").arg(&config), address, folder)
    }

    /// A registry in memory that has the referrers API. None, with a printed reason, where it was not built.
    pub(crate) fn with_referrers() -> Option<Self> {
        let program = tools::program("referrers-registry").or_else(|| tools::program("refregistry"))?;
        let address = free_address();
        let folder = tempfile::tempdir().unwrap();
        Some(Self::start(Command::new(program).arg(address.to_string()), address, folder))
    }

    fn start(command: &mut Command, address: SocketAddr, folder: tempfile::TempDir) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let running = Self {
            child,
            address,
            folders: vec![folder],
        };
        let deadline = Instant::now() + Duration::from_secs(90);
        while !answers(address) {
            assert!(Instant::now() < deadline, "the registry does not answer on {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    /// `127.0.0.1:PORT/path`.
    pub(crate) fn repository(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }
}

impl Drop for RunningRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(2)) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let request = format!("GET /v2/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    stream.write_all(request.as_bytes()).is_ok() && stream.read_exact(&mut answer).is_ok() && &answer[..5] == b"HTTP/"
}
