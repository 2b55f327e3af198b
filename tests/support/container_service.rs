//! A service that runs alone in an image: built without libraries, from this one file. What it does is in its environment.

use std::env::var;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
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
    let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || converse(stream));
    }
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
