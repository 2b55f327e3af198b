//! Where an engine looks for a program of an image.

/// `PATH` where the image says nothing. Source: moby, `DefaultPathEnv`; the OCI runtime specification leaves it open.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The value of `PATH` among variables, each `NAME=value`.
#[must_use]
pub fn path_of(env: &[String]) -> &str {
    env.iter().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH)
}

/// Absolute paths in the image at which a program may lie, in the order of the search. A name with a slash is searched for nowhere.
#[must_use]
pub fn places_of(program: &str, workdir: Option<&str>, path: &str) -> Vec<String> {
    match (program.starts_with('/'), program.contains('/')) {
        (true, _) => vec![program.to_owned()],
        (false, true) => vec![format!("{}/{program}", workdir.unwrap_or_default())],
        (false, false) => {
            let folders = path.split(':').filter(|folder| !folder.is_empty());
            folders.map(|folder| format!("{folder}/{program}")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_as_an_engine_does() {
        assert_eq!(places_of("/a/b", Some("/w"), "/x"), ["/a/b"]);
        assert_eq!(places_of("a/b", Some("/w"), "/x"), ["/w/a/b"]);
        assert_eq!(places_of("a/b", None, "/x"), ["/a/b"]);
        assert_eq!(places_of("b", Some("/w"), "/x::/y"), ["/x/b", "/y/b"]);
        assert_eq!(path_of(&["A=b".to_owned(), "PATH=/x:/y".to_owned()]), "/x:/y");
        assert_eq!(path_of(&["A=b".to_owned()]), DEFAULT_PATH);
    }
}
