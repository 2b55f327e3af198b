//! What there is, and what is most like a name that is not.

/// Names the most similar name of `known`, else all of them, as values of a key.
pub(super) fn nearest_help(key: &str, nearest: Option<&str>, known: &[String]) -> String {
    let known = known.join(", ");
    match nearest {
        Some(nearest) => format!("did you mean {key} = \"{nearest}\"? There are: {known}"),
        None => format!("set {key} to one of: {known}"),
    }
}
