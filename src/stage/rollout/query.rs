//! Texts as they may stand in the address of an API: nothing in them ends the part that they are in.

use crate::model::percent;

/// Text as it may stand in a query.
pub(super) fn encoded(text: &str) -> String {
    percent::encoded(text, b"-._~")
}

/// A reference as it may stand in a path, where it has slashes of its own.
pub(super) fn encoded_path(text: &str) -> String {
    percent::encoded(text, b"-._~/:@")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_query_cannot_add_to_it() {
        assert_eq!(encoded("a&force=true#/é"), "a%26force%3Dtrue%23%2F%C3%A9");
    }

    #[test]
    fn a_selector_is_one_value_of_a_query() {
        assert_eq!(encoded("app=shop,tier in (a,b)"), "app%3Dshop%2Ctier%20in%20%28a%2Cb%29");
    }
}
