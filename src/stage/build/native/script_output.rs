//! What a build script printed for cargo.

/// What a build script said to cargo, by keys: cargo takes a line without the blanks around it. Source: the Cargo book, "Outputs of the Build Script".
pub(super) fn said(printed: &str) -> impl Iterator<Item = (&str, &str)> {
    let said = printed.lines().filter_map(|line| line.trim().strip_prefix("cargo:"));
    said.filter_map(|said| said.trim_start_matches(':').split_once('='))
}
