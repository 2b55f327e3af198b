//! Lists that come in pages.

use reqwest::Url;
use reqwest::header::HeaderMap;

use super::send::bare;
use super::{Registry, RegistryError, links};
use crate::model::visible::shortened;

/// Pages of a list: a registry that gives more is not believed.
pub(super) const PAGES: usize = 1000;

impl Registry {
    /// `Link: </v2/…>; rel="next"`, in this repository only, by its name or by that which redirects led to; `None` on the last page. `word` is what
    /// lists of the kind stand under.
    ///
    /// # Errors
    /// [`RegistryError::Answer`] for a link that leads elsewhere or cannot be read: what stands on the pages behind it would be missing.
    pub(super) fn next_page(&self, answered: &Url, word: &str, headers: &HeaderMap) -> Result<Option<String>, RegistryError> {
        let refused = |reason: &str| RegistryError::Answer {
            url: bare(answered.as_str()),
            what: "page of a list",
            reason: reason.to_owned(),
        };
        let mut next: Option<String> = None;
        for link in headers.get_all("link") {
            let link = link.to_str().map_err(|_| refused("its Link is no text"))?;
            for target in links::next(link).ok_or_else(|| {
                refused(&format!(
                    "its header `Link: {}` does not say what it leads to",
                    shortened(link, 120)
                ))
            })? {
                if next.as_ref().is_some_and(|other| *other != target) {
                    return Err(refused("it names two next pages"));
                }
                next = Some(target);
            }
        }
        let Some(target) = next else { return Ok(None) };
        let own = Url::parse(&self.inner.base).and_then(|base| base.join(&target));
        let (Ok(next), Ok(own)) = (answered.join(&target), own) else {
            return Err(refused("its Link is no URL"));
        };
        if next == *answered {
            return Err(refused("its next page is itself"));
        }
        let is_below = |url: &Url, base: &str| url.as_str().strip_prefix(base).is_some_and(|tail| tail.starts_with('/'));
        let moved_to = repository_of(answered, word);
        if moved_to.is_some_and(|repository| is_below(&next, &repository)) {
            return Ok(Some(next.into()));
        }
        // A store of lists that redirects led to may give the link as it was stored.
        match is_below(&own, &self.inner.base) {
            true => Ok(Some(own.into())),
            false => Err(refused("its next page is not of this repository")),
        }
    }
}

pub(super) fn too_many_pages(url: &str) -> RegistryError {
    RegistryError::Answer {
        url: bare(url),
        what: "list",
        reason: format!("it has more than {PAGES} pages"),
    }
}

/// The repository that a list is of, by the URL that gave it: what stands before its `word` (`referrers`, `tags`).
fn repository_of(answered: &Url, word: &str) -> Option<String> {
    let url = bare(answered.as_str());
    url.rsplit_once(&format!("/{word}/")).map(|(repository, _)| repository.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_of_what_stands_before_its_word() {
        let url = |text: &str| Url::parse(text).expect("url");
        let list = url("https://cdn.example/v2/a/referrers/sha256:00?last=x");
        assert_eq!(repository_of(&list, "referrers").as_deref(), Some("https://cdn.example/v2/a"));
        assert_eq!(repository_of(&url("https://cdn.example/list"), "referrers"), None);
    }
}
