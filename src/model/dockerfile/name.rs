//! Which files are Dockerfiles, by their names.

/// Endings of other things that are about Dockerfiles: `dockerfile.rs`, `Dockerfile.md`, and the `.dockerignore` of one. Sorted.
const OTHER: [&str; 32] = [
    "c",
    "cc",
    "cpp",
    "cs",
    "css",
    "csv",
    "dockerignore",
    "ex",
    "go",
    "h",
    "html",
    "java",
    "js",
    "json",
    "jsx",
    "kt",
    "lua",
    "md",
    "mjs",
    "php",
    "py",
    "rb",
    "rs",
    "rst",
    "sh",
    "snap",
    "svg",
    "swift",
    "toml",
    "ts",
    "tsx",
    "yaml",
];

/// True for the names that Dockerfiles have: `Dockerfile`, `Containerfile.dev`, `web.Dockerfile`, `dockerfile-test`.
#[must_use]
pub fn is_dockerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let is_other = name
        .rsplit_once('.')
        .is_some_and(|(_, ending)| OTHER.binary_search(&ending).is_ok());
    !is_other
        && ["dockerfile", "containerfile"].iter().any(|stem| {
            let after = name.strip_prefix(stem);
            after.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
                || name.strip_suffix(stem).is_some_and(|rest| rest.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::{OTHER, is_dockerfile};

    #[test]
    fn source_code_about_dockerfiles_is_none() {
        assert!(OTHER.is_sorted());
        for name in [
            "Dockerfile",
            "a/dockerfile",
            "Dockerfile.dev",
            "Containerfile_ci",
            "web.Dockerfile",
            "Dockerfile.alpine3.20",
        ] {
            assert!(is_dockerfile(name), "{name}");
        }
        for name in [
            "src/dockerfile.rs",
            "Dockerfile.md",
            "Dockerfile.dockerignore",
            "dockerfiles/a.txt",
            "mydockerfile",
        ] {
            assert!(!is_dockerfile(name), "{name}");
        }
    }
}
