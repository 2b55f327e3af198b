//! Addresses of remotes, without what logs somebody in.

/// An address as evidence may show it: without user, password, token or query. `None` if it cannot be told where a login ends.
pub(super) fn without_login(address: &str) -> Option<String> {
    if address.chars().any(char::is_control) {
        return None;
    }
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let path = path.split(['?', '#']).next().unwrap_or(path);
            // A password with an unescaped slash in it: what looks like the host is a part of the login.
            if path.contains('@') || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                return None;
            }
            let host = authority.rsplit('@').next().unwrap_or(authority);
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(without_login(address).as_deref(), shown, "{address}");
        }
        // The controls: what logs nobody in stays as it is.
        for plain in ["git@example.com:a/b.git", "https://example.com/a/b.git", "/srv/git/a.git", "../a"] {
            assert_eq!(without_login(plain).as_deref(), Some(plain));
        }
    }
}
