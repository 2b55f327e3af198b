//! Attacks on the switch: whatever comes in from outside, the service answers, control answers, and nothing leaks.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use portcullis::model::outcome::RolloutResult;
use portcullis::model::plan::TargetPlan;

use super::heavy;
use super::world::{LONG, World};

/// A service with version `a` in front, and its switch's process.
async fn served() -> (World, u32) {
    raise_own_limit();
    let world = World::new();
    let report = world.rollout(&world.good('a')).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    let pid = world.switches()[0];
    settled(pid, 0).await;
    (world, pid)
}

fn raise_own_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Waits until the switch has no more than so many descriptors (0: until their number stays), and gives how many it has.
async fn settled(pid: u32, wanted: usize) -> usize {
    let begun = Instant::now();
    let mut before = usize::MAX;
    loop {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let now = descriptors(pid);
        if (wanted > 0 && now <= wanted) || (wanted == 0 && now == before) || begun.elapsed() > LONG {
            return now;
        }
        before = now;
    }
}

fn open(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    // A switch that has refused it already is one of the right answers.
    let _ = stream.write_all(bytes);
    stream
}

/// Everything that comes until the switch closes the connection. A reset counts as closed.
fn rest_of(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut part = [0u8; 4096];
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => text.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}, after {}", String::from_utf8_lossy(&text)),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Service and control both answer, before the ten seconds are over after which the switch ends what hinders it.
async fn both_answer(world: &World) {
    let begun = Instant::now();
    assert_eq!(world.get("/version").await.unwrap().0, 200);
    assert!(world.status().await.switch, "control does not answer");
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_connections_of_one_byte_and_a_close_leave_no_descriptor() {
    let (world, pid) = served().await;
    let before = descriptors(pid);
    for number in 0..3000 {
        // `P` is how both POST and HTTP/2 begin; the last ones go away without a byte.
        drop(open(world.listen(), if number < 2500 { b"P" } else { b"" }));
        if number % 1000 == 0 {
            both_answer(&world).await;
        }
    }
    both_answer(&world).await;
    let after = settled(pid, before).await;
    println!("descriptors: {before} before, {after} after 3,000 broken connections");
    assert!(after <= before, "{before} before, {after} after");
    // The control: whole requests leave none either, so that the count counts something that can be equal.
    for _ in 0..50 {
        let mut stream = open(world.listen(), b"GET /version HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
        assert!(rest_of(&mut stream).starts_with("HTTP/1.1 200"));
    }
    assert!(settled(pid, before).await <= before);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_opened_and_silent_are_closed_and_their_descriptors_with_them() {
    let (world, pid) = served().await;
    let before = descriptors(pid);
    let count = if heavy() { 10_000 } else { 1_000 };
    let first = Instant::now();
    let mut open: Vec<TcpStream> = (0..count).map(|_| open(world.listen(), b"")).collect();
    let begun = Instant::now();
    both_answer(&world).await;
    let (held, memory) = (descriptors(pid), resident_mib(pid));
    println!("{count} idle connections: {held} descriptors, {memory} MiB resident");
    // On a machine that is so busy, the first ones were closed before the last ones were opened.
    if first.elapsed() < Duration::from_secs(9) {
        assert!(held > before + count * 9 / 10, "{before} before, {held} with {count}");
    }
    assert!(memory < 100, "{memory} MiB");
    // Half-open is the same to the switch: nothing comes. Each is closed ten seconds after it was accepted, by itself.
    assert_eq!(rest_of(open.last_mut().unwrap()), "");
    assert!((9..60).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let after = settled(pid, before).await;
    println!("descriptors: {before} before, {after} after");
    assert!(after <= before, "{before} before, {after} after");
    both_answer(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_end_at_their_deadline_while_the_service_answers() {
    let (world, pid) = served().await;
    let before = descriptors(pid);
    let mut slow: Vec<TcpStream> = (0..300).map(|_| open(world.listen(), b"GET /version HTTP/1.1\r\n")).collect();
    for second in 0..9 {
        for stream in &mut slow {
            // On a busy machine its time is over before the ninth second, and the switch has ended it.
            let _ = stream.write_all(b"x: y\r\n");
        }
        if second % 3 == 0 {
            both_answer(&world).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    for stream in &mut slow {
        let text = rest_of(stream);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}");
    }
    assert!(settled(pid, before).await <= before);
    // The control: a head in three parts within its time is answered.
    let mut stream = open(world.listen(), b"GET /vers");
    for part in [b"ion HTTP/1.1\r\nhost: shop\r".as_slice(), b"\nconnection: close\r\n\r", b"\n"] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stream.write_all(part).unwrap();
    }
    assert!(rest_of(&mut stream).starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_hinder_nobody_and_leave_nothing() {
    let (world, pid) = served().await;
    let before = descriptors(pid);
    let head = b"POST /echo HTTP/1.1\r\nhost: shop\r\ncontent-length: 100\r\n\r\n0123";
    let mut slow: Vec<TcpStream> = (0..200).map(|_| open(world.listen(), head)).collect();
    both_answer(&world).await;
    if heavy() {
        // Thirty seconds after the last byte the switch gives them up.
        slow[0].set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let text = rest_of(&mut slow[0]);
        assert!(
            text.is_empty() || text.starts_with("HTTP/1.1 5") || text.starts_with("HTTP/1.1 4"),
            "{text}"
        );
    }
    drop(slow);
    let after = settled(pid, before).await;
    assert!(after <= before, "{before} before, {after} after");
    // The control: a body that comes is passed on.
    let mut stream = open(
        world.listen(),
        b"POST /echo HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: 4\r\n\r\n",
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
    stream.write_all(b"body").unwrap();
    assert!(rest_of(&mut stream).ends_with("\r\n\r\nbody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_descriptors_used_up_the_switch_answers_and_is_rolled_out_behind() {
    raise_own_limit();
    let mut world = World::new();
    let wrapper = world.path().join("few-descriptors");
    let TargetPlan::Process(plan) = &mut world.plan.target else {
        panic!()
    };
    let script = format!("#!/bin/sh\nulimit -n 100\nexec '{}' \"$@\"\n", plan.program.display());
    std::fs::write(&wrapper, script).unwrap();
    crate::support::tools::executable(&wrapper);
    plan.program = wrapper;
    assert_eq!(world.rollout(&world.good('a')).await.result, RolloutResult::Committed);
    let pid = world.switches()[0];
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    assert!(
        limits
            .lines()
            .any(|line| line.starts_with("Max open files") && line.contains(" 100 ")),
        "{limits}"
    );
    let mut held: Vec<TcpStream> = Vec::new();
    for number in 0..400 {
        held.push(open(world.listen(), if number % 2 == 0 { b"" } else { b"G" }));
        if number % 100 == 99 {
            both_answer(&world).await;
            assert!(descriptors(pid) < 100);
        }
    }
    let new = world.good('b');
    let report = world.rollout(&new).await;
    assert_eq!(report.result, RolloutResult::Committed, "{:?}", report.reason);
    assert_eq!(world.live().await, (Some(*new.digest()), 1));
    assert_eq!(world.switches(), [pid], "it is still the same switch");
    drop(held);
}

/// What the front door answers to some bytes, until it closes the connection.
fn answers(world: &World, bytes: &str) -> String {
    rest_of(&mut open(world.listen(), bytes.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_two_readers_take_apart_differently_are_refused_and_never_reach_the_service() {
    let (world, _) = served().await;
    let hidden = "GET /version HTTP/1.1\r\nhost: shop\r\nx-request-id: smuggled\r\nconnection: close\r\n\r\n";
    let post = |headers: &str, body: &str| format!("POST /echo HTTP/1.1\r\nhost: shop\r\n{headers}\r\n{body}{hidden}");
    // The control: the same two requests without a trick are two answers.
    let plain = answers(&world, &post("content-length: 2\r\n", "ok"));
    assert_eq!(plain.matches("HTTP/1.1 200").count(), 2, "{plain}");
    let chunked = answers(&world, &post("transfer-encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"));
    assert_eq!(chunked.matches("HTTP/1.1 200").count(), 2, "{chunked}");
    for (name, request) in [
        (
            "length and chunks",
            post("content-length: 2\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
        ),
        (
            "chunks and length",
            post("transfer-encoding: chunked\r\ncontent-length: 7\r\n", "0\r\n\r\n"),
        ),
        ("two lengths", post("content-length: 2\r\ncontent-length: 0\r\n", "ok")),
        ("the same length twice", post("content-length: 2\r\ncontent-length: 2\r\n", "ok")),
        ("a length with a sign", post("content-length: +2\r\n", "ok")),
        ("a folded header", post("transfer-encoding:\r\n chunked\r\n", "0\r\n\r\n")),
        ("a space before the colon", post("content-length : 2\r\n", "ok")),
        ("another encoding", post("transfer-encoding: xchunked\r\n", "0\r\n\r\n")),
        (
            "bare line feeds",
            post("content-length: 2\r\n", "ok").replace("host: shop\r\n", "host: shop\n"),
        ),
        ("two hosts", post("host: other\r\ncontent-length: 2\r\n", "ok")),
    ] {
        let text = answers(&world, &request);
        assert!(text.starts_with("HTTP/1.1 400"), "{name}: {text}");
        assert!(
            !text.contains("smuggled") && text.matches("HTTP/1.1").count() == 1,
            "{name}: {text}"
        );
    }
    // Broken chunks are found in the body: nothing of what follows is a request.
    for body in ["2\nok\r\n0\r\n\r\n", "0x2\r\nok\r\n0\r\n\r\n", "2\r\nok!\r\n0\r\n\r\n", "0\r\n\n"] {
        let text = answers(&world, &post("transfer-encoding: chunked\r\n", body));
        assert!(!text.contains("smuggled"), "{body:?}: {text}");
        assert!(text.matches("HTTP/1.1 200").count() <= 1, "{body:?}: {text}");
    }
    let long = format!("GET / HTTP/1.1\r\nhost: shop\r\nx: {}\r\n\r\n", "a".repeat(40_000));
    assert!(answers(&world, &long).starts_with("HTTP/1.1 431"));
    both_answer(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_and_chunked_requests_pass_as_they_are() {
    let (world, _) = served().await;
    let mut all = String::new();
    for number in 0..20 {
        all.push_str(&format!("GET /version HTTP/1.1\r\nhost: shop\r\nx-request-id: {number}\r\n\r\n"));
        let body = "x".repeat(number * 1000);
        all.push_str(&format!(
            "POST /echo HTTP/1.1\r\nhost: shop\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
    }
    all.push_str("POST /echo HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
    all.push_str("5;a=b\r\nhello\r\n0\r\nx-trailer: y\r\n\r\n");
    let mut reader = TcpStream::connect(world.listen()).unwrap();
    reader.set_read_timeout(Some(LONG)).unwrap();
    let mut writer = reader.try_clone().unwrap();
    // Written beside the reading, as a client that pipelines much has to.
    let written = std::thread::spawn(move || writer.write_all(all.as_bytes()).unwrap());
    let text = rest_of(&mut reader);
    written.join().unwrap();
    assert_eq!(text.matches("HTTP/1.1 200").count(), 41, "{text}");
    assert_eq!(text.matches("x-request-id: 19\r\n").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_cannot_give_the_switch_orders() {
    let (world, _) = served().await;
    let key = std::fs::read_to_string(world.state().join("control.key")).unwrap();
    let mode = std::fs::metadata(world.state().join("control.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What the service has, by its own word, and what it gets when it asks for status: without a key, with a wrong one, with the right one.
    let told = world.get("/order").await.unwrap().1;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    assert!(
        !told["environment"].as_str().unwrap().contains(&key),
        "the service was given the key"
    );
    for way in ["without a key", "with a wrong key", "with the key"] {
        let answer = &told[way];
        assert_eq!(answer["answer"], "refused", "{way}: {told}");
    }
    assert!(
        told["with the key"]["reason"].as_str().unwrap().contains("process of the service"),
        "{told}"
    );
    let metrics = told["metrics"].as_str().unwrap();
    assert!(
        metrics.starts_with("HTTP/1.1 403") && metrics.contains("process of the service"),
        "{metrics}"
    );
    // The control: the same order, with the key, from a process that is none of the service's.
    let answer = super::world::order(&world.state(), &key, serde_json::json!({"op": "status"}));
    assert_eq!(answer["answer"], "status", "{answer}");
    let answer = super::world::order(&world.state(), "", serde_json::json!({"op": "status"}));
    assert_eq!(answer["answer"], "refused", "{answer}");
}
