//! Logins and tokens in addresses: lock files, SBOMs, Dockerfiles, settings and git remotes hold them, and they are nobody's to see in a report.

use super::purl::Purl;

/// Words in the name of a query's parameter that say that its value is secret.
const SECRET: [&str; 8] = ["token", "key", "secret", "password", "passwd", "sig", "auth", "credential"];

/// Every address in a text without its login, and without a query that holds a secret; none where there is nothing to take out.
#[must_use]
pub fn taken_out(text: &str) -> Option<String> {
    let mut out = String::new();
    let (mut rest, mut changed) = (text, false);
    while let Some(at) = rest.find("://") {
        let (before, behind) = rest.split_at(at + 3);
        out.push_str(before);
        let scheme = before[..at]
            .rsplit(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
            .next();
        let address = &behind[..behind.find(ends_address).unwrap_or(behind.len())];
        let kept = kept(scheme.unwrap_or_default(), address);
        changed |= kept != address;
        out.push_str(&kept);
        rest = &behind[address.len()..];
    }
    out.push_str(rest);
    changed.then_some(out)
}

fn ends_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '|' | ',' | ';')
}

/// An address behind its scheme.
struct Address<'a> {
    /// What is before the last `@` of the authority: a password may hold one.
    login: Option<&'a str>,
    /// With its port.
    host: &'a str,
    /// Empty, or from the first slash on.
    path: &'a str,
    /// The query and the fragment, with their signs.
    tail: &'a str,
}

impl<'a> Address<'a> {
    fn of(text: &'a str) -> Self {
        let (authority, rest) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        let (path, tail) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        Self { login, host, path, tail }
    }
}

/// What of an address behind its scheme may be seen. The name of an account is no secret for SSH, where a key goes with it.
fn kept(scheme: &str, address: &str) -> String {
    let Address { login, host, path, tail } = Address::of(address);
    let account = match (
        scheme.ends_with("ssh"),
        login.map(|login| login.split_once(':').map_or(login, |(account, _)| account)),
    ) {
        (true, Some(account)) => format!("{account}@"),
        _ => String::new(),
    };
    let (before, query) = tail.find('?').map_or((tail, ""), |at| tail.split_at(at));
    let (query, fragment) = query.find('#').map_or((query, ""), |at| query.split_at(at));
    let is_secret = |pair: &str| {
        let name = pair.split('=').next().unwrap_or(pair).to_ascii_lowercase();
        SECRET.iter().any(|word| name.contains(word))
    };
    let query = if query.trim_start_matches('?').split('&').any(is_secret) {
        ""
    } else {
        query
    };
    format!("{account}{host}{path}{before}{query}{fragment}")
}

/// One URL as it may be shown: without user, password, query and fragment, which may hold tokens. What has no `://` stays as it is.
#[must_use]
pub fn redact(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let Address { host, path, .. } = Address::of(rest);
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

/// The address of a git remote as evidence may show it: without user, password, token or query. `None` if it cannot be told where a login ends.
#[must_use]
pub fn of_remote(address: &str) -> Option<String> {
    if address.chars().any(char::is_control) {
        return None;
    }
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let Address { host, path, .. } = Address::of(rest);
            // A password with an unescaped slash in it: what looks like the host is a part of the login.
            if path.contains('@') || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                return None;
            }
            let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_%".contains(&byte);
            host.bytes().all(is_host).then(|| format!("{scheme}://{host}{path}"))
        }
        // `ext::program`, `helper::address`: nobody knows what such an address holds.
        None if address.contains("::") => None,
        None => match address.split_once('@') {
            // `user@host:path`; the user `git` logs nobody in.
            Some(("git", rest)) if !rest.contains('@') => Some(address.to_owned()),
            Some((user, rest)) if !user.contains('/') => {
                let host = rest.rsplit('@').next().unwrap_or(rest);
                Some(host.to_owned())
            }
            _ => Some(address.to_owned()),
        },
    }
}

/// Takes them out of a text.
pub fn clean(text: &mut String) {
    if let Some(cleaned) = taken_out(text) {
        *text = cleaned;
    }
}

/// A purl without the logins in its parts.
pub fn of_purl(purl: &mut Purl) {
    let holds = |text: &str| taken_out(text).is_some();
    let texts = [
        Some(&purl.name),
        purl.namespace.as_ref(),
        purl.version.as_ref(),
        purl.subpath.as_ref(),
    ];
    if !texts.into_iter().flatten().chain(purl.qualifiers.values()).any(|text| holds(text)) {
        return;
    }
    clean(&mut purl.name);
    purl.namespace.iter_mut().for_each(clean);
    purl.version.iter_mut().for_each(clean);
    purl.subpath.iter_mut().for_each(clean);
    purl.qualifiers.values_mut().for_each(clean);
}

/// A reference to an image for an error about it: without the login that somebody wrote into it (`bob:password@host/name`), or whatever else
/// stands before an at sign that no digest follows.
#[must_use]
pub fn of_reference(text: &str) -> String {
    const SCHEMES: [&str; 5] = ["registry:", "docker-daemon:", "containers-storage:", "oci:", "docker:"];
    let is_digest = |rest: &str| {
        ["sha256:", "sha384:", "sha512:"]
            .iter()
            .any(|algorithm| rest.starts_with(algorithm))
    };
    let last = text.rmatch_indices('@').map(|(at, _)| at).find(|at| !is_digest(&text[at + 1..]));
    let Some(at) = last else { return text.to_owned() };
    let scheme = SCHEMES.into_iter().find(|scheme| text.starts_with(scheme)).unwrap_or_default();
    format!("{scheme}…@{}", &text[at + 1..])
}

/// True for an address (`http://…`) whose host has a login before it.
#[must_use]
pub fn is_before_host(address: &str) -> bool {
    let authority = address.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

/// True for a reference whose host has a login before it.
#[must_use]
pub fn has_login(reference: &str) -> bool {
    let bare = reference
        .trim_start_matches("https:")
        .trim_start_matches("http:")
        .trim_start_matches('/');
    bare.split('/')
        .next()
        .is_some_and(|host| host.contains('@') && bare.contains('/') && !host.contains("@sha256:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_and_tokens_are_taken_out_of_every_address() {
        for (text, expected) in [
            ("git+https://user:TOKEN@github.com/x/y@abc", Some("git+https://github.com/x/y@abc")),
            ("https://TOKEN@example.org/x?y=1", Some("https://example.org/x?y=1")),
            ("git+ssh://git@github.com/x/y", None),
            ("ssh://git:pw@example.org/x", Some("ssh://git@example.org/x")),
            ("https://example.org/a@b", None),
            (
                "line 3: `-i https://u:p@a.org/s` and http://q@b.org",
                Some("line 3: `-i https://a.org/s` and http://b.org"),
            ),
            ("https://a.org/x.tgz?token=abc#f", Some("https://a.org/x.tgz#f")),
            ("https://a.org/x.tgz?access_token=abc", Some("https://a.org/x.tgz")),
            ("https://a.org/x.tgz?v=1", None),
        ] {
            assert_eq!(taken_out(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn no_form_of_a_login_in_a_remote_stays() {
        for (address, shown) in [
            ("https://me:t0ken@example.com/a/b.git", Some("https://example.com/a/b.git")),
            ("https://t0ken@example.com:8443/a", Some("https://example.com:8443/a")),
            ("https://example.com/a?access_token=t0ken", Some("https://example.com/a")),
            ("https://example.com/a#t0ken", Some("https://example.com/a")),
            ("https://me:t0/ken@example.com/a", None),
            ("https://me:p@t0ken@example.com/a", Some("https://example.com/a")),
            ("me:t0ken@example.com:a/b", Some("example.com:a/b")),
            ("ext::sh -c t0ken", None),
            ("https://example.com/a\n", None),
        ] {
            assert_eq!(of_remote(address).as_deref(), shown, "{address}");
        }
        // The controls: what logs nobody in stays as it is.
        for plain in ["git@example.com:a/b.git", "https://example.com/a/b.git", "/srv/git/a.git", "../a"] {
            assert_eq!(of_remote(plain).as_deref(), Some(plain));
        }
    }

    #[test]
    fn no_credentials_are_left_in_a_url() {
        assert_eq!(redact("https://user:p%40ss@host:8/a/b?token=1#x"), "https://host:8/a/b");
        assert_eq!(redact("https://host/a@b"), "https://host/a@b");
    }

    #[test]
    fn a_reference_is_shown_without_whatever_may_be_a_login() {
        let digest = format!("@sha256:{}", "0".repeat(64));
        for text in [
            "bob:hunter2@r.example/app",
            "https://bob:hunter2@r.example/app",
            "https:/bob:hun/ter2@r.example/app",
            "hunter2@x@r.example/app",
        ] {
            for text in [
                text.to_owned(),
                format!("registry:{text}{digest}"),
                format!("docker-daemon:{text}:v1"),
            ] {
                let shown = of_reference(&text);
                assert!(!shown.contains("hun") && shown.contains("r.example/app"), "{shown}");
            }
        }
        assert!(has_login("bob:hunter2@r.example/app") && has_login("https://bob:hunter2@r.example/app@sha256:0"));
        // The controls.
        for text in [
            format!("registry:r.example:5000/app{digest}"),
            format!("app{digest}"),
            "oci:a/b:v1".to_owned(),
        ] {
            assert_eq!(of_reference(&text), text);
        }
        assert!(!has_login(&format!("r.example:5000/app{digest}")) && !has_login(&format!("app{digest}")));
    }

    #[test]
    fn a_purl_keeps_what_is_no_login() {
        let of = |text: &str| {
            let mut purl = Purl::parse(text).expect("a purl");
            of_purl(&mut purl);
            purl.to_string()
        };
        assert!(!of("pkg:npm/evil@1.0.0?vcs_url=git%2Bhttps://u:TOKEN@github.com/x/y").contains("TOKEN"));
        assert_eq!(of("pkg:npm/%40s/evil@1.0.0"), "pkg:npm/%40s/evil@1.0.0");
    }
}
