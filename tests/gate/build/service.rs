//! The fixture service as it is built: what the rollout relies on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::build::native::{files, warm};
use crate::support::ports::free_address;

/// The service out of its image, with nothing of this machine's environment, as it would be on `scratch`.
struct Service {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Service {
    fn start(env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("greeter");
        std::fs::write(&binary, &files(warm(&[]))["app/greeter"].2).unwrap();
        crate::support::tools::executable(&binary);
        let address = free_address();
        let child = Command::new(&binary)
            .env_clear()
            .env("PORT", address.port().to_string())
            .env("HOST", "127.0.0.1")
            .envs(env.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(90), "the service does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Self {
            child,
            address,
            _folder: folder,
        }
    }

    fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status and the body of a GET.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    answer(ask(address, path))
}

fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn the_service_is_live_ready_and_names_the_commit_that_it_was_built_from() {
    let service = Service::start(&[]);
    assert_eq!(get(service.address, "/livez").0, 200);
    assert_eq!(get(service.address, "/readyz").0, 200);
    assert_eq!(get(service.address, "/elsewhere").0, 404);
    let (status, body) = get(service.address, "/version");
    assert_eq!(status, 200);
    let version: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(version["commit"], warm(&[]).commit.as_ref().unwrap().sha.as_str());
}

#[test]
fn what_is_asked_before_sigterm_is_answered_before_the_service_ends() {
    let mut service = Service::start(&[]);
    let slow = ask(service.address, "/slow?ms=700");
    thread::sleep(Duration::from_millis(250));
    service.terminate();
    assert_eq!(answer(slow), (200, "done\n".to_owned()));
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn slow_requests_do_not_wait_for_one_another() {
    let service = Service::start(&[]);
    let address = service.address;
    let begun = Instant::now();
    let asked: Vec<_> = (0..40).map(|_| thread::spawn(move || get(address, "/slow?ms=3000"))).collect();
    for answer in asked {
        assert_eq!(answer.join().unwrap().0, 200);
    }
    // One after the other on four threads, they would take thirty seconds.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_connection_that_was_made_before_sigterm_is_answered_and_one_that_is_idle_is_not_waited_for() {
    let mut service = Service::start(&[]);
    let mut idle = TcpStream::connect(service.address).unwrap();
    write!(idle, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let mut asks = TcpStream::connect(service.address).unwrap();
    service.terminate();
    write!(asks, "GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    asks.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let begun = Instant::now();
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    // It would wait for 25 s.
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_version_that_never_gets_ready_can_be_had_for_trying_out() {
    let service = Service::start(&[("GREETER_UNREADY", "1")]);
    assert_eq!(get(service.address, "/livez").0, 200);
    assert_eq!(get(service.address, "/readyz").0, 503);
}
