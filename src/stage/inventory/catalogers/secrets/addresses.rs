//! Passwords in addresses: `postgres://app:password@db:5432/app`.

use memchr::memmem;

use super::found::{Found, Lines};
use super::proof::is_placeholder;

/// What stands in addresses of examples and of databases on a developer's machine. None of them opens anything that is not open anyway.
const COMMON: [&str; 16] = [
    "admin", "guest", "letmein", "mysql", "pass", "passwd", "password", "postgres", "pw", "pwd", "redis", "root", "secret", "test",
    "token", "user",
];

/// Every address in a text with a password in it.
pub(super) fn passwords(content: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut lines = Lines::of(content);
    for at in memmem::find_iter(content, b"://") {
        let scheme = content[..at]
            .iter()
            .rev()
            .take(20)
            .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
            .count();
        let rest = &content[at + 3..];
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`<>()\\,;".contains(byte);
        let authority = &rest[..rest.iter().take(512).position(ends).unwrap_or(rest.len().min(512))];
        let Some(split) = authority.iter().rposition(|byte| *byte == b'@') else {
            continue;
        };
        let Some(colon) = authority[..split].iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (user, password) = (&authority[..colon], &authority[colon + 1..split]);
        if scheme >= 2 && is_real(user, password) {
            let name = String::from_utf8_lossy(&content[at - scheme..at]).into_owned();
            found.push(Found {
                line: lines.at(at),
                what: format!("password in the address of a {name} service"),
            });
        }
    }
    found
}

fn is_real(user: &[u8], password: &[u8]) -> bool {
    let text = String::from_utf8_lossy(password).to_ascii_lowercase();
    let common = COMMON.binary_search(&text.trim_end_matches(|c: char| c.is_ascii_digit())).is_ok();
    password.len() >= 4 && password != user && !common && !is_placeholder(password) && !text.bytes().all(|byte| b"*x.-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_told_from_what_stands_for_one() {
        assert!(COMMON.is_sorted());
        let count = |text: &str| passwords(text.as_bytes()).len();
        for found in [
            "postgres://app:hunter2hunter2@db:5432/app",
            "url = https://ci:Xk29fjQp81@git.acme.example/x.git",
            "redis://:Xk29fjQp81@cache",
        ] {
            assert_eq!(count(found), 1, "{found}");
        }
        for silent in [
            "https://example.org/a:b@c",
            "postgres://postgres:postgres@localhost/x",
            "mysql://user:password@host/db",
            "amqp://guest:guest@localhost",
            "https://user:${PASSWORD}@host",
            "https://user:<password>@host",
            "https://[::1]:80/",
            "see https://host:8080/@scope/name",
            "ssh://git@github.com/a/b",
            "redis://:****@cache",
        ] {
            assert_eq!(count(silent), 0, "{silent}");
        }
    }
}
