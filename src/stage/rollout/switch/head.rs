//! The dialect of HTTP/1.1 heads that is let through.
//!
//! What two readers could take apart differently (RFC 9112, 5 to 7 and 11.2) is refused and not repaired: a service behind a repaired
//! request may see another one than the proxy before us did.

/// The longest head, in bytes: what nginx takes by default (four buffers of 8 KiB).
pub(super) const LONGEST: usize = 32 * 1024;
const MOST: usize = 100;

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; 0 for none.
    Length(u64),
    Chunked,
}

/// A head that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) framing: Framing,
    /// True when the client wants to speak something else after the answer.
    pub(super) upgrade: bool,
}

/// Why a head is refused, with the status that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
}

impl Refusal {
    pub(super) const fn bad(reason: &'static str) -> Self {
        Self {
            status: "400 Bad Request",
            reason,
        }
    }

    pub(super) const TOO_LARGE: Self = Self {
        status: "431 Request Header Fields Too Large",
        reason: "the head is too long",
    };

    /// Bytes of another protocol are passed on unread only where that was asked for.
    pub(super) const HTTP_2: Self = Self {
        status: "505 HTTP Version Not Supported",
        reason: "HTTP/2 without TLS is carried where [rollout.health] asks by tcp = \"HOST:PORT\"",
    };

    pub(super) const TOO_SLOW: Self = Self {
        status: "408 Request Timeout",
        reason: "the head did not come in time",
    };
}

/// Where a head ends: after its empty line. `None` while it is incomplete. Bytes before `from` were looked at before.
///
/// # Errors
/// A line that ends with a bare LF, as soon as it is seen.
pub(super) fn end_of(bytes: &[u8], mut from: usize) -> Result<Option<usize>, Refusal> {
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == b'\n').map(|at| from + at) {
        if at == 0 || bytes[at - 1] != b'\r' {
            return Err(Refusal::bad("a line ends with a bare LF"));
        }
        if bytes[..=at].ends_with(b"\r\n\r\n") {
            return Ok(Some(at + 1));
        }
        from = at + 1;
    }
    if bytes.len() > LONGEST {
        return Err(Refusal::TOO_LARGE);
    }
    Ok(None)
}

/// Reads a whole head, its empty line included.
pub(super) fn read(bytes: &[u8]) -> Result<Head, Refusal> {
    if bytes.len() > LONGEST {
        return Err(Refusal::TOO_LARGE);
    }
    let text = bytes.strip_suffix(b"\r\n\r\n").unwrap_or(bytes);
    let mut lines = split_lines(text);
    let (target, is_1_1) = request_line(lines.next().unwrap_or_default())?;
    let mut seen = Seen {
        authority: authority(target),
        ..Seen::default()
    };
    for line in lines {
        seen.take(line)?;
    }
    seen.judge(is_1_1)
}

fn split_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    // Each LF follows a CR here (`end_of`), so that the CR is the last byte of each part but the last.
    text.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The target, and true for HTTP/1.1, false for 1.0.
fn request_line(line: &[u8]) -> Result<(&[u8], bool), Refusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Refusal::bad("the request line has not three parts"));
    };
    // How HTTP/2 with prior knowledge begins, too: `PRI * HTTP/2.0`.
    if version == b"HTTP/2.0" {
        return Err(Refusal::HTTP_2);
    }
    if !is_token(method) || target.is_empty() || !target.iter().all(|byte| byte.is_ascii_graphic() || *byte >= 0x80) {
        return Err(Refusal::bad("the request line holds what it must not"));
    }
    if method == b"CONNECT" {
        return Err(Refusal::bad("CONNECT is for forward proxies"));
    }
    let of_all = target == b"*" && method == b"OPTIONS";
    if !of_all && !target.starts_with(b"/") && !authority(target).is_some_and(is_host) {
        return Err(Refusal::bad("the target is neither a path nor a whole address"));
    }
    match version {
        b"HTTP/1.1" => Ok((target, true)),
        b"HTTP/1.0" => Ok((target, false)),
        _ => Err(Refusal::bad("neither HTTP/1.1 nor HTTP/1.0")),
    }
}

/// The authority of a target that is a whole `http` or `https` address.
fn authority(target: &[u8]) -> Option<&[u8]> {
    let after = |scheme: &[u8]| {
        let (begin, rest) = target.split_at_checked(scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = after(b"http://").or_else(|| after(b"https://"))?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

/// A name or an address, with or without a port (RFC 3986, 3.2.2, without what no host's name holds), or nothing at all.
fn is_host(value: &[u8]) -> bool {
    let is_port = |port: &[u8]| port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    if let Some(address) = value.strip_prefix(b"[") {
        let Some(end) = address.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let is_address = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
        let (address, rest) = (&address[..end], &address[end + 1..]);
        return is_address(address) && (rest.is_empty() || rest.strip_prefix(b":").is_some_and(is_port));
    }
    let mut parts = value.splitn(2, |byte| *byte == b':');
    let name = parts.next().unwrap_or_default();
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte));
    // A port alone is a port of nobody.
    is_name && parts.next().is_none_or(|port| !name.is_empty() && is_port(port))
}

#[derive(Default)]
struct Seen<'a> {
    /// Of the target, where that is a whole address.
    authority: Option<&'a [u8]>,
    headers: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    connection_upgrade: bool,
}

impl Seen<'_> {
    fn take(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return Err(Refusal::bad("a header is folded over two lines"));
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err(Refusal::bad("a header has no colon"));
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if !is_token(name) {
            return Err(Refusal::bad("a header's name is none"));
        }
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(Refusal::bad("a header's value holds control characters"));
        }
        self.headers += 1;
        if self.headers > MOST {
            return Err(Refusal::TOO_LARGE);
        }
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
            if !is_host(value) {
                return Err(Refusal::bad("Host is no host"));
            }
            if self.authority.is_some_and(|authority| !authority.eq_ignore_ascii_case(value)) {
                return Err(Refusal::bad("Host and the target name two hosts"));
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = length(value).ok_or(Refusal::bad("Content-Length is no number"))?;
            if self.length.replace(length).is_some() {
                return Err(Refusal::bad("Content-Length stands there twice"));
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") || std::mem::replace(&mut self.chunked, true) {
                return Err(Refusal::bad("a Transfer-Encoding that is not one `chunked`"));
            }
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade = true;
        } else if name.eq_ignore_ascii_case(b"connection") {
            let mut words = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            self.connection_upgrade |= words.any(|word| word.eq_ignore_ascii_case(b"upgrade"));
        }
        Ok(())
    }

    fn judge(&self, is_1_1: bool) -> Result<Head, Refusal> {
        if self.hosts > 1 || (is_1_1 && self.hosts == 0) {
            return Err(Refusal::bad("Host must stand there once"));
        }
        if self.chunked && self.length.is_some() {
            return Err(Refusal::bad("both Content-Length and Transfer-Encoding"));
        }
        if self.chunked && !is_1_1 {
            return Err(Refusal::bad("Transfer-Encoding in HTTP/1.0"));
        }
        Ok(Head {
            framing: if self.chunked {
                Framing::Chunked
            } else {
                Framing::Length(self.length.unwrap_or(0))
            },
            upgrade: self.upgrade && self.connection_upgrade,
        })
    }
}

/// Digits and nothing else: `+5`, `0x5`, `5, 5` and what does not fit are no lengths.
fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Head, Refusal> {
        let end = end_of(text.as_bytes(), 0)?.expect("whole");
        assert_eq!(end, text.len());
        read(text.as_bytes())
    }

    fn post(headers: &str) -> Result<Head, Refusal> {
        head(&format!("POST /a?b HTTP/1.1\r\nHost: shop\r\n{headers}\r\n"))
    }

    #[test]
    fn plain_heads_are_understood() {
        let framing = |headers| post(headers).expect("good").framing;
        assert_eq!(framing(""), Framing::Length(0));
        assert_eq!(framing("content-length: 12\r\n"), Framing::Length(12));
        assert_eq!(framing("Transfer-Encoding: Chunked\r\n"), Framing::Chunked);
        assert!(
            post("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")
                .expect("good")
                .upgrade
        );
        assert!(!post("Upgrade: h2c\r\n").expect("good").upgrade);
        assert!(head("GET / HTTP/1.0\r\n\r\n").is_ok());
        assert_eq!(end_of(b"GET / HTTP/1.1\r\nHost: a\r\n", 0), Ok(None));
    }

    #[test]
    fn heads_that_two_readers_take_apart_differently_are_refused() {
        for headers in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: +5\r\n",
            "Content-Length:\r\n",
            "Content-Length : 5\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "X: a\r\n b\r\n",
            "X: a\0b\r\n",
            "X: a\rb\r\n",
            "Host: other\r\n",
            "no colon\r\n",
        ] {
            assert!(post(headers).is_err(), "{headers:?}");
        }
        for text in [
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/3.0\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert!(head(text).is_err(), "{text:?}");
        }
        assert_eq!(head("PRI * HTTP/2.0\r\n\r\n"), Err(Refusal::HTTP_2));
        assert!(head("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn a_request_names_one_host_and_a_target_that_begins_with_a_slash() {
        let get = |target: &str, host: &str| head(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).is_ok();
        for (target, host) in [
            ("http://evil.example/b", "a"),
            ("http://evil.example", "a"),
            ("http://a:81/", "a:80"),
            ("http://u@a/", "a"),
            ("http://a,b/", "a,b"),
            ("http:///b", ""),
            ("http://a/", ""),
            ("ftp://a/", "a"),
            ("evil.example:80", "a"),
            ("a", "a"),
            ("\\a", "a"),
            ("*", "a"),
            ("/", "a@b/ c,d"),
            ("/", "a b"),
            ("/", "a,b"),
            ("/", "a/b"),
            ("/", "a:b"),
            ("/", "a:80:90"),
            ("/", ":80"),
            ("/", "[::1"),
            ("/", "[a]"),
            ("/", "[::1]80"),
            ("/", "\u{e4}"),
        ] {
            assert!(!get(target, host), "{target} {host}");
        }
        for (target, host) in [
            ("/", "a"),
            ("/", ""),
            ("//evil/%2e%2e/a?b=http://c", "a"),
            ("/", "shop_1.example.:8080"),
            ("/", "127.0.0.1:80"),
            ("/", "[::1]:80"),
            ("/", "[fe80::1]"),
            ("http://a/b", "a"),
            ("HTTP://A:80", "a:80"),
            ("https://[::1]:80/?x", "[::1]:80"),
        ] {
            assert!(get(target, host), "{target} {host}");
        }
        assert!(head("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").is_ok());
        assert!(head("GET http://a/ HTTP/1.0\r\n\r\n").is_ok());
        assert!(head("GET http://u@a/ HTTP/1.0\r\n\r\n").is_err());
    }

    #[test]
    fn a_bare_line_feed_is_refused_as_soon_as_it_is_seen() {
        assert!(end_of(b"GET / HTTP/1.1\n", 0).is_err());
        assert!(end_of(b"GET / HTTP/1.1\r\nHost: a\n\r\n", 0).is_err());
        assert!(end_of(b"GET / HTTP/1.1\r\nHost: a\r\n\n", 0).is_err());
    }

    #[test]
    fn heads_that_are_too_long_or_have_too_many_headers_are_refused() {
        let many = |count| post(&"a: b\r\n".repeat(count));
        assert!(many(99).is_ok());
        assert_eq!(many(100), Err(Refusal::TOO_LARGE));
        assert_eq!(end_of(&vec![b'a'; LONGEST + 1], 0), Err(Refusal::TOO_LARGE));
    }
}
