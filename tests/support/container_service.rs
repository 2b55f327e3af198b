//! A service that runs alone in an image: built without libraries, from this one file. What it does is in its environment.

use std::env::var;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn main() {
    if let Ok(code) = var("EXITS") {
        println!("cannot read the configuration");
        std::process::exit(code.parse().unwrap());
    }
    if std::env::args().nth(1).as_deref() == Some("check") {
        return;
    }
    // A job: a line for each time that it has run, in a file that is mounted.
    if std::env::args().nth(1).as_deref() == Some("append") {
        let words: Vec<String> = std::env::args().skip(2).collect();
        let mut file = std::fs::File::options().append(true).create(true).open(&words[0]).unwrap();
        writeln!(file, "{} {}", words[1], &var("COMMIT").unwrap()[..1]).unwrap();
        std::thread::sleep(Duration::from_millis(words.get(2).map_or(0, |text| text.parse().unwrap())));
        return;
    }
    if let Ok(grace) = var("GRACE") {
        unsafe { signal(15, told_to_end) };
        let grace = Duration::from_millis(grace.parse().unwrap());
        std::thread::spawn(move || end_after(grace));
    }
    let door = var("DOOR").ok();
    let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
    for stream in listener.incoming().flatten() {
        let door = door.clone();
        std::thread::spawn(move || match door {
            Some(name) => lead(stream, &name),
            None => converse(stream),
        });
    }
}

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
}

static ENDS: AtomicBool = AtomicBool::new(false);

extern "C" fn told_to_end(_: i32) {
    ENDS.store(true, Ordering::SeqCst);
}

/// Serves on for so long after SIGTERM: who asks for names anew has learnt by then that it is gone.
fn end_after(grace: Duration) {
    while !ENDS.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(grace);
    std::process::exit(0);
}

/// A proxy: each request goes to one of those that a name has now, by Docker's own DNS.
fn lead(stream: TcpStream, name: &str) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut head, mut length, mut close) = (String::new(), 0u64, false);
        loop {
            let from = head.len();
            reader.read_line(&mut head).ok().filter(|count| *count > 0)?;
            let line = head[from..].trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().ok()?;
            }
            if line.starts_with("connection: ") {
                close = line.ends_with("close");
                head.truncate(from);
            }
        }
        let mut body = Vec::new();
        (&mut reader).take(length).read_to_end(&mut body).ok()?;
        let mut backend = found(name).into_iter().find_map(|address| TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok());
        let answer = backend.as_mut().and_then(|backend| {
            backend.write_all(format!("{}connection: close\r\n\r\n", head.trim_end_matches("\r\n").to_owned() + "\r\n").as_bytes()).ok()?;
            backend.write_all(&body).ok()?;
            let mut answer = Vec::new();
            backend.read_to_end(&mut answer).ok().filter(|count| *count > 0)?;
            Some(answer)
        });
        let answer = answer.unwrap_or_else(|| b"HTTP/1.1 502 X\r\ncontent-length: 0\r\n\r\n".to_vec());
        writer.write_all(&answer).ok()?;
        if close {
            return None;
        }
    }
}

/// The addresses of a name, by one question to Docker's DNS.
fn found(name: &str) -> Vec<SocketAddr> {
    let ask = || -> std::io::Result<Vec<SocketAddr>> {
        let mut question = vec![0x17, 0x17, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            question.push(label.len() as u8);
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, 1, 0, 1]);
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.send_to(&question, "127.0.0.11:53")?;
        let mut answer = [0; 1500];
        let length = socket.recv(&mut answer)?;
        // Each answer ends with type A, class IN, a time, a length of four, and the address.
        let records = answer[question.len()..length].windows(14);
        let addresses = records.filter(|bytes| bytes[..4] == [0, 1, 0, 1] && bytes[8..10] == [0, 4]);
        Ok(addresses.map(|bytes| SocketAddr::from(([bytes[10], bytes[11], bytes[12], bytes[13]], 8080))).collect())
    };
    ask().or_else(|_| ask()).unwrap_or_default()
}

fn converse(stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let target = line.split(' ').nth(1)?.to_owned();
        let (mut length, mut id, mut close) = (0u64, String::new(), line.contains("HTTP/1.0"));
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|count| *count > 0)?;
            let Some((name, value)) = header.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "x-request-id" => id = value.to_owned(),
                "connection" => close |= value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        let mut body = Vec::new();
        (&mut reader).take(length).read_to_end(&mut body).ok()?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut status = 200;
        let text = match path {
            "/readyz" => {
                status = if var("SICK").is_ok() { 503 } else { 200 };
                "ok".to_owned()
            }
            "/version" => format!("{{\"commit\":\"{}\"}}", var("COMMIT").unwrap_or_default()),
            "/env" => var(query).unwrap_or_default(),
            "/args" => std::env::args().skip(1).collect::<Vec<_>>().join(" "),
            "/file" => std::fs::read_to_string(query).unwrap_or_default(),
            "/echo" => String::from_utf8_lossy(&body).into_owned(),
            "/exit" => std::process::exit(query.parse().unwrap_or(1)),
            "/slow" => {
                std::thread::sleep(Duration::from_millis(query.parse().unwrap_or(0)));
                "slow".to_owned()
            }
            _ => {
                status = 404;
                String::new()
            }
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nx-request-id: {id}\r\n\r\n", text.len());
        writer.write_all(format!("{head}{text}").as_bytes()).ok()?;
        if close {
            return None;
        }
    }
}
