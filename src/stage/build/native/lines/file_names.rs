//! Paths of sources as line tables spell them, which the builder's own flags have remapped.

/// Where the checkout lies in them.
pub(super) const OWN: &str = "/src/";
/// Where the standard library's sources lie, in whatever folder the toolchain was made.
const STANDARD: [&str; 3] = ["/library/core/src/", "/library/std/src/", "/library/alloc/src/"];

/// True for a source of the standard library.
pub(super) fn is_of_std(path: &str) -> bool {
    path.starts_with("/rustc/") || STANDARD.iter().any(|folder| path.contains(folder))
}

/// The parts of a path, as a unit, a table's folder and a file's name give them, joined; `.` and `..` are taken out.
pub(super) fn joined(parts: [&str; 3]) -> String {
    let start = parts.iter().rposition(|part| part.starts_with('/')).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    for name in parts[start..].iter().flat_map(|part| part.split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_its_last_absolute_part_makes_of_it() {
        assert_eq!(joined(["/src", "tiny/src", "lib.rs"]), "/src/tiny/src/lib.rs");
        assert_eq!(
            joined(["/src", "/cargo/registry/src/i/a-1.0.0", "src/lib.rs"]),
            "/cargo/registry/src/i/a-1.0.0/src/lib.rs"
        );
        assert_eq!(joined(["/rustc/1", "library/std/src/../../x", "./y.rs"]), "/rustc/1/library/x/y.rs");
        assert_eq!(joined(["", "..", "a.rs"]), "/a.rs");
    }
}
