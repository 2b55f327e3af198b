//! Which files are read for secrets.

/// Files up to this size are looked at whatever they are.
pub(super) const SMALL: u64 = 1 << 20;

/// What texts begin with: a printable character, a blank or a line end, a mark of UTF-8 or UTF-16.
pub(super) const TEXTS: &[&[u8]] = &{
    const PRINTABLE: [u8; 98] = {
        let mut all = [b'\n'; 98];
        let mut at = 0;
        while at < 95 {
            all[at] = b' ' + at as u8;
            at += 1;
        }
        all[96] = b'\r';
        all[97] = b'\t';
        all
    };
    let mut all: [&[u8]; 101] = [b"\xef\xbb\xbf"; 101];
    let mut at = 0;
    while at < 98 {
        all[at] = PRINTABLE.split_at(at).1.split_at(1).0;
        at += 1;
    }
    all[99] = b"\xff\xfe";
    all[100] = b"\xfe\xff";
    all
};

/// Endings of files that hold no readable text, or text that programs made from other text.
const PASSED_OVER: [&str; 45] = [
    "a", "avif", "bmp", "bz2", "c", "cc", "class", "cpp", "css", "deb", "eot", "gif", "gz", "h", "hpp", "htm", "html", "ico", "jar",
    "jpeg", "jpg", "list", "md", "md5sums", "mo", "mp3", "mp4", "o", "otf", "pdf", "png", "po", "pyc", "rlib", "rst", "shlibs", "so",
    "svg", "symbols", "ttf", "wasm", "webp", "woff", "woff2", "xz",
];

/// Folders of documentation and of data that distributions ship.
const DISTRIBUTED: [&str; 20] = [
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/locale/",
    "usr/share/zoneinfo/",
    "usr/share/i18n/",
    "usr/share/ca-certificates/",
    "usr/share/perl/",
    "usr/share/perl5/",
    "usr/share/bash-completion/",
    "usr/share/mime/",
    "usr/share/icons/",
    "usr/share/fonts/",
    "usr/share/common-licenses/",
    "usr/share/lintian/",
    "usr/include/",
    "usr/lib/locale/",
    "etc/ssl/certs/",
    "var/lib/dpkg/",
    "proc/",
];

/// True for files that may hold secrets of somebody's own.
pub(super) fn is_worth_reading(path: &str, size: u64) -> bool {
    if size < 16 || DISTRIBUTED.iter().any(|folder| path.starts_with(folder)) {
        return false;
    }
    let name = file_name(path);
    if name == "ssl-cert-snakeoil.key" || name.ends_with(".d.ts") || name.contains(".so.") {
        return false;
    }
    match name.rsplit_once('.') {
        // A source map holds the sources that a bundle was made from: the service's own ones, and not those of its packages.
        Some((_, "map")) => !path.split('/').any(|part| part == "node_modules"),
        Some((_, ending)) => PASSED_OVER.binary_search(&ending).is_err(),
        None => true,
    }
}

/// Words in a path that say that what lies there is made up.
const SAMPLES: [&str; 14] = [
    "__fixtures__",
    "__tests__",
    "doc",
    "docs",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "sample",
    "samples",
    "spec",
    "test",
    "testdata",
    "tests",
];

/// True for examples and tests: their keys are made for everybody to see.
pub(super) fn is_sample(path: &str) -> bool {
    let name = file_name(path);
    let marked = [".example", ".sample", ".template", ".dist", ".tmpl"];
    marked.iter().any(|mark| name.ends_with(mark) || name.contains(&format!("{mark}.")))
        || path.split('/').any(|part| SAMPLES.contains(&part))
        || is_test_code(name)
}

/// The names that test runners look for.
fn is_test_code(name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    match ending {
        "go" | "rb" | "exs" => stem.ends_with("_test") || stem.ends_with("_spec"),
        "py" => stem.starts_with("test_") || stem.ends_with("_test"),
        "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" => stem.ends_with(".test") || stem.ends_with(".spec"),
        _ => false,
    }
}

/// Sources as Go and cargo unpack them from a registry, below a folder of the release's own: whatever is in them is everybody's.
pub(super) fn is_published_source(path: &str) -> bool {
    let (go, cargo) = (path.split_once("pkg/mod/"), path.split_once("registry/src/"));
    go.is_some_and(|(_, rest)| rest.split('/').rev().skip(1).any(|part| part.contains("@v")))
        || cargo.is_some_and(|(_, rest)| rest.split('/').count() > 2)
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_from_a_program_by_how_it_begins() {
        let begins = |text: &[u8]| TEXTS.iter().any(|start| text.starts_with(start));
        for text in [
            &b"# x"[..],
            b"{",
            b"~",
            b" a",
            b"\n",
            b"\r\n",
            b"\t",
            b"\xef\xbb\xbfa",
            b"\xff\xfea\0",
            b"\xfe\xff\0a",
        ] {
            assert!(begins(text), "{text:?}");
        }
        for other in [&b"\x7fELF"[..], b"\x1f\x8b", b"\x89PNG", b"\0asm", b"\xfd7zXZ"] {
            assert!(!begins(other), "{other:?}");
        }
    }

    #[test]
    fn the_endings_are_sorted() {
        assert!(PASSED_OVER.is_sorted());
        assert!(SAMPLES.is_sorted());
    }

    #[test]
    fn tests_and_published_sources_are_told_from_somebodys_own() {
        for path in [
            "usr/local/go/src/crypto/tls/example_test.go",
            "srv/spec.d/login.test.ts",
            "opt/x/test_login.py",
        ] {
            assert!(is_sample(path), "{path}");
        }
        for path in [
            "root/go/pkg/mod/github.com/a/b@v1.0.0/certs/server.key",
            "root/.cargo/registry/src/index-1/rustls-0.23.0/server.key",
        ] {
            assert!(is_published_source(path), "{path}");
        }
        for path in [
            "srv/contest.go",
            "srv/latest.py",
            "go/pkg/mod/server.key",
            "srv/registry/src/server.key",
            "etc/server.key",
            "srv/test.key",
        ] {
            assert!(!is_sample(path) && !is_published_source(path), "{path}");
        }
    }

    #[test]
    fn configuration_is_read_and_documentation_is_not() {
        for path in ["app/.env", "root/.ssh/id_rsa", "etc/app.yaml", "srv/server.key", "app/Makefile"] {
            assert!(is_worth_reading(path, 100), "{path}");
        }
        for path in [
            "usr/share/doc/x/key.pem",
            "etc/ssl/private/ssl-cert-snakeoil.key",
            "usr/lib/libx.so.1",
            "a/x.png",
            "README.md",
        ] {
            assert!(!is_worth_reading(path, 100), "{path}");
        }
        assert!(is_worth_reading("app/dist/main.js.map", 100) && !is_worth_reading("app/node_modules/a/b.js.map", 100));
        assert!(is_worth_reading("app/.env", 2 << 20) && !is_worth_reading("app/.env", 8));
    }
}
