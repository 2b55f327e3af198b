//! One function in a program, as its debug information names it.

use crate::model::linked::LinkedFunction;

/// The name without its types: `insert_many` of `insert_many<[u8; 4], core::str::iter::Bytes>`; none for closures and the like, which lie in lines of
/// a function that has one.
pub(super) fn bare(name: &str) -> Option<&str> {
    let bare = name.split('<').next()?.trim();
    (!bare.is_empty() && !bare.starts_with('{')).then_some(bare)
}

/// Keeps the one that says more: where it is inlined in the service's own code, then where it is inlined at all, then the first.
pub(super) fn better(known: &mut LinkedFunction, other: LinkedFunction) {
    let rank = |function: &LinkedFunction| match function.inlined_at.as_deref() {
        Some(place) if place.starts_with(super::file_names::OWN) => 2,
        Some(_) => 1,
        None => 0,
    };
    if rank(&other) > rank(known) {
        *known = other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_called_by_its_name_without_its_types() {
        assert_eq!(bare("insert_many<[u8; 4], core::str::iter::Bytes>"), Some("insert_many"));
        assert_eq!(bare("main"), Some("main"));
        for nameless in ["{closure#0}<u8>", "", "<T>"] {
            assert_eq!(bare(nameless), None, "{nameless}");
        }
    }

    #[test]
    fn what_is_inlined_in_the_service_itself_is_told_first() {
        let function = |at: Option<&str>| LinkedFunction {
            symbol: "f".to_owned(),
            inlined_at: at.map(str::to_owned),
        };
        let mut known = function(None);
        better(&mut known, function(Some("/src/src/main.rs:7")));
        better(&mut known, function(Some("/cargo/registry/src/x/a-1.0.0/src/lib.rs:1")));
        assert_eq!(known.inlined_at.as_deref(), Some("/src/src/main.rs:7"));
    }
}
