//! Addresses without what must not be shown.

/// A URL without what is asked.
pub(super) fn without_query(url: &reqwest::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}
