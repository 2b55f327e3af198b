//! The variables that other programs get. Everything else of our environment is treated as a secret.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Who the user is, where programs and their own files are, and how text looks.
const USER: [&str; 27] = [
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_NUMERIC",
    "LC_TIME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "LD_LIBRARY_PATH",
];

/// How a network is reached: [`value`] leaves out a proxy's address that logs somebody in.
const NETWORK: [&str; 10] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Where toolchains are and what they are told; `CARGO_REGISTRY_TOKEN` and its like are not here.
const TOOLCHAIN: [&str; 28] = [
    "CARGO_HOME",
    "CARGO_BUILD_JOBS",
    "CARGO_NET_OFFLINE",
    "CARGO_NET_RETRY",
    "CARGO_NET_GIT_FETCH_WITH_CLI",
    "CARGO_HTTP_CAINFO",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTC",
    "RUSTC_WRAPPER",
    "CC",
    "CXX",
    "AR",
    "LD",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "LIBCLANG_PATH",
    "CMAKE",
    "PROTOC",
    "PKG_CONFIG",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_SYSROOT_DIR",
    "OPENSSL_DIR",
    "OPENSSL_STATIC",
    "MAKEFLAGS",
    "NUM_JOBS",
    "SYSROOT",
];

/// Where engines listen and keep their files.
const ENGINE: [&str; 16] = [
    "BUILDAH_ISOLATION",
    "BUILDKIT_HOST",
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
    "CONTAINERS_REGISTRIES_CONF",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CONTEXT",
    "CONTAINER_HOST",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_CONF",
    "REGISTRY_AUTH_FILE",
];

/// What we ourselves are told and nobody needs to hide; other programs do not get these.
const OURS: [&str; 10] = [
    "COLUMNS",
    "NO_COLOR",
    "RUST_LOG",
    "PORTCULLIS_CONFIG",
    "PORTCULLIS_OFFLINE",
    "PORTCULLIS_OUTPUT",
    // Marks the process that owns a listener, which is found by it: see `stage::rollout`.
    "PORTCULLIS_SWITCH",
    "PWD",
    "SHLVL",
    "_",
];

/// A variable as another program gets it; `None` if it gets none of that name.
#[must_use]
pub(super) fn value(name: &OsStr, value: &OsStr) -> Option<OsString> {
    let text = name.to_str()?;
    let cross = text.starts_with("CARGO_TARGET_") && (text.ends_with("_LINKER") || text.ends_with("_RUSTFLAGS"));
    if NETWORK.contains(&text) {
        let logs_in = value.to_str().is_none_or(|address| address.contains('@'));
        return (!logs_in).then(|| value.to_owned());
    }
    if text == "PATH" {
        return Some(absolute(value));
    }
    let is_allowed = cross || USER.contains(&text) || TOOLCHAIN.contains(&text) || ENGINE.contains(&text);
    is_allowed.then(|| value.to_owned())
}

/// True for what may stay in our own environment, where every program of the same user can read it.
#[must_use]
pub(super) fn may_be_seen(name: &OsStr, text: &OsStr) -> bool {
    value(name, text).is_some() || name.to_str().is_some_and(|name| OURS.contains(&name))
}

/// The search path without relative folders: programs are started inside of the checkout, which must not bring its own `git`.
fn absolute(path: &OsStr) -> OsString {
    let kept = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    std::env::join_paths(kept).unwrap_or_else(|_| Path::new("/usr/bin:/bin").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(name: &str, text: &str) -> Option<String> {
        value(OsStr::new(name), OsStr::new(text)).map(|value| value.to_string_lossy().into_owned())
    }

    #[test]
    fn no_secret_is_on_the_list() {
        for name in [
            "PORTCULLIS_KEY",
            "COSIGN_PASSWORD",
            "GITHUB_TOKEN",
            "ACTIONS_RUNTIME_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "SIGSTORE_ID_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_X_TOKEN",
            "SSH_AUTH_SOCK",
            "GITHUB_OUTPUT",
            "GIT_DIR",
            "LD_PRELOAD",
            "anything",
        ] {
            assert_eq!(passed(name, "x"), None, "{name}");
            assert!(!may_be_seen(OsStr::new(name), OsStr::new("x")), "{name}");
        }
        assert_eq!(passed("https_proxy", "http://me:secret@proxy:3128"), None);
        // The controls.
        assert_eq!(passed("https_proxy", "http://proxy:3128").as_deref(), Some("http://proxy:3128"));
        assert_eq!(passed("HOME", "/home/me").as_deref(), Some("/home/me"));
        assert!(may_be_seen(OsStr::new("NO_COLOR"), OsStr::new("1")) && passed("NO_COLOR", "1").is_none());
    }

    #[test]
    fn a_checkout_brings_no_program_by_a_relative_search_path() {
        assert_eq!(passed("PATH", ".:/usr/bin::bin:/bin").as_deref(), Some("/usr/bin:/bin"));
    }
}
