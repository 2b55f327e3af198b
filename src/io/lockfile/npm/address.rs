//! What the address that a package was fetched from says of it.

use super::lock::Identity;
use super::registry;
use crate::model::inventory::Origin;

/// The package that is installed: what the address `…/<name>/-/<file>-<version>.tgz` serves, whatever the entry calls it. An entry's own name and
/// version count where its address is of another form.
///
/// # Errors
/// Why nobody can tell: an address that clients rewrite before they ask for it.
pub(super) fn served(name: &str, version: &str, resolved: Option<&str>) -> Result<Identity, String> {
    if let Some(url) = resolved.filter(|url| is_rewritten(url)) {
        return Err(format!(
            "`{name}` is fetched from an address that clients write otherwise: {}",
            url.escape_debug()
        ));
    }
    Ok(served_by(name, version, resolved))
}

/// True for an address on the web that WHATWG's rules change, or that a server may decode: dots as folders, backslashes, blanks, escapes other than
/// the one between a scope and a name.
fn is_rewritten(url: &str) -> bool {
    let bare = url.split(['#', '?']).next().unwrap_or(url);
    let scheme = bare.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    if !["http", "https"].contains(&scheme.as_str()) {
        return false;
    }
    let bare = bare.replace("%2f", "/").replace("%2F", "/").replace("%40", "@");
    let Some(rest) = bare.strip_prefix("https://").or_else(|| bare.strip_prefix("http://")) else {
        return true;
    };
    let is_odd = |c: char| !(c.is_ascii_alphanumeric() || "-._~/:@+!$&'()*,;=[]".contains(c));
    rest.contains(is_odd) || rest.split('/').any(|part| matches!(part, "" | "." | "..")) && !rest.ends_with('/')
}

fn served_by(name: &str, version: &str, resolved: Option<&str>) -> Identity {
    let identity = |name: &str, version: &str| Identity {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    let bare = resolved.map_or("", |url| url.split(['#', '?']).next().unwrap_or(url));
    let Some((package, file)) = bare.split_once("/-/") else {
        return identity(name, version);
    };
    let Some(served) = registry::package_name(package) else {
        return identity(name, version);
    };
    let plain = served.rsplit('/').next().unwrap_or(&served);
    let numbers = file
        .rsplit('/')
        .next()
        .and_then(|file| file.strip_suffix(".tgz")?.strip_prefix(plain)?.strip_prefix('-'));
    // Build metadata is no part of a file's name.
    let same = |numbers: &str| version.split_once('+').map_or(version, |(version, _)| version) == numbers;
    match numbers.filter(|numbers| numbers.starts_with(|c: char| c.is_ascii_digit()) && !same(numbers)) {
        Some(numbers) => identity(&served, numbers),
        None => identity(&served, version),
    }
}

/// Where a package is from, by the address that a lock file says it was fetched from.
pub(super) fn origin(resolved: Option<&str>) -> Origin {
    let Some(url) = resolved.filter(|url| !url.is_empty()) else {
        return Origin::Registry;
    };
    let bare = url.split_once('#').map_or(url, |(address, _)| address);
    if let Some(git) = url.strip_prefix("git+") {
        return Origin::Git(git.to_owned());
    }
    if url.starts_with("git://")
        || url.starts_with("git@")
        || url.starts_with("github:")
        || url.starts_with("gitlab:")
        || bare.ends_with(".git")
    {
        return Origin::Git(url.to_owned());
    }
    // An archive that lies in the tree is somebody's release, wherever it was packed.
    if is_archive(bare) && (bare.starts_with("file:") || bare.starts_with('.')) {
        return Origin::Url(bare.to_owned());
    }
    if ["file:", "link:", "workspace:", "portal:", "."]
        .iter()
        .any(|local| url.starts_with(local))
    {
        return Origin::Local;
    }
    if registry::is_own(url) {
        return Origin::Registry;
    }
    if let Some((repository, commit)) = url
        .strip_prefix("https://codeload.github.com/")
        .and_then(|path| path.split_once("/tar.gz/"))
    {
        return Origin::Git(format!("https://github.com/{repository}#{commit}"));
    }
    match registry::of_package(bare) {
        Some(registry) => Origin::AlternateRegistry(registry.to_owned()),
        None => Origin::Url(bare.to_owned()),
    }
}

/// True for what npm, pnpm and yarn unpack rather than link.
pub(super) fn is_archive(path: &str) -> bool {
    [".tgz", ".tar.gz", ".tar"].iter().any(|ending| path.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tarball_of_another_package_is_that_package() {
        for (name, version, resolved, expected) in [
            ("foo", "1.0.0", "https://example.org/evil/-/evil-1.0.0.tgz", ("evil", "1.0.0")),
            ("foo", "9.9.9", "https://example.org/evil/-/evil-1.0.0.tgz#aaa", ("evil", "1.0.0")),
            (
                "foo",
                "1.0.0",
                "https://example.org/npm/@a%2fevil/-/evil-1.0.0.tgz",
                ("@a/evil", "1.0.0"),
            ),
            ("@a/b", "1.0.0+x", "https://example.org/@a/b/-/b-1.0.0.tgz", ("@a/b", "1.0.0+x")),
            ("@a/b", "1.0.0", "https://example.org/@a/b/-/1.0.0/b-1.0.0.tgz", ("@a/b", "1.0.0")),
            ("a", "1.0.0", "https://example.org/download/a/1.0.0/hash", ("a", "1.0.0")),
            ("a", "1.0.0", "git+ssh://git@example.org/a.git#abc", ("a", "1.0.0")),
        ] {
            let found = served(name, version, Some(resolved)).expect(resolved);
            assert_eq!((&*found.name, &*found.version), expected, "{resolved}");
        }
    }

    #[test]
    fn an_address_that_clients_rewrite_names_no_package() {
        for url in [
            "https://example.org/okpkg/-/../../evil/-/evil-1.0.0.tgz",
            "https://example.org/evil/./-/evil-1.0.0.tgz",
            "https://example.org/ev\til/-/evil-1.0.0.tgz",
            "https://example.org\\evil\\-\\evil-1.0.0.tgz",
            "https:/example.org/evil/-/evil-1.0.0.tgz",
            "HTTPS:evil",
            "https://example.org/%65vil/-/evil-1.0.0.tgz",
            "https://example.org/evil/%2D/evil-1.0.0.tgz",
            "https://example.org/evil/-/evil-%31.0.0.tgz",
            "https://example.org/evil//-/evil-1.0.0.tgz",
            "https://example.org/evil/-/evil-1.0.0.tgz ",
        ] {
            assert!(served("okpkg", "1.0.0", Some(url)).is_err(), "{url}");
        }
        for url in [
            "git+ssh://git@example.org/a%20b.git",
            "file:../a b",
            "https://example.org/@a%2fb/-/b-1.0.0.tgz?x=%20#%20",
        ] {
            assert!(served("a", "1.0.0", Some(url)).is_ok(), "{url}");
        }
    }

    #[test]
    fn addresses_say_where_a_package_is_from() {
        for (url, expected) in [
            (
                "https://npm.example.org/@acme/ws/-/ws-7.4.0.tgz",
                Origin::AlternateRegistry("https://npm.example.org".to_owned()),
            ),
            (
                "git+ssh://git@example.org/x.git#abc",
                Origin::Git("ssh://git@example.org/x.git#abc".to_owned()),
            ),
            (
                "https://codeload.github.com/acme/x/tar.gz/abc",
                Origin::Git("https://github.com/acme/x#abc".to_owned()),
            ),
            ("https://example.org/x.tgz", Origin::Url("https://example.org/x.tgz".to_owned())),
            ("file:../x", Origin::Local),
            ("file:vendor/x-1.0.0.tgz", Origin::Url("file:vendor/x-1.0.0.tgz".to_owned())),
            ("./x.tar.gz#abc", Origin::Url("./x.tar.gz".to_owned())),
        ] {
            assert_eq!(origin(Some(url)), expected, "{url}");
        }
        assert_eq!(origin(None), Origin::Registry);
    }
}
