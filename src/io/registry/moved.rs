//! Registries that answer under another name: whether a redirect led to where the repository is, or to a page elsewhere.

use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode, Url};

use super::manifests::accepted;
use super::send::{bare, body};
use super::{Registry, RegistryError};
use crate::io::hash::sha256;
use crate::model::digest::Digest;

impl Registry {
    /// True where "it is not there" counts: the registry says so itself, or from where its redirects lead to a known image, too. Elsewhere nobody may
    /// know us, or there is one page for whatever is not there.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub(super) async fn is_said_by_its_own(&self, tail: &str, answered: &Url, image: &Digest) -> Result<bool, RegistryError> {
        const ACTION: &str = "look for an image behind a redirect";
        if bare(answered.as_str()) == bare(&self.url(tail)) {
            return Ok(true);
        }
        let Some(moved_to) = before(answered, tail) else { return Ok(false) };
        let tail = format!("manifests/{image}");
        let response = self
            .send(ACTION, Method::GET, &self.url(&tail), |r| Ok(r.header(ACCEPT, accepted())))
            .await?;
        if response.status() != StatusCode::OK || before(response.url(), &tail).is_none_or(|place| place != moved_to) {
            return Ok(false);
        }
        Ok(sha256(&body(ACTION, response, self.inner.limits.manifest).await?) == *image)
    }
}

/// What stands before the end of a URL: the repository, wherever it is.
fn before(url: &Url, tail: &str) -> Option<String> {
    let url = bare(url.as_str()).replace("%3A", ":").replace("%3a", ":");
    url.strip_suffix(tail)?.strip_suffix('/').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_what_stands_before_what_was_asked_for() {
        let url = |text: &str| Url::parse(text).expect("url");
        let moved = url("https://u:p@cdn.example/v2/team/a/manifests/sha256%3A00?sig=x");
        assert_eq!(
            before(&moved, "manifests/sha256:00").as_deref(),
            Some("https://cdn.example/v2/team/a")
        );
        for other in [
            "https://cdn.example/no/such/page",
            "https://cdn.example/v2/a/xmanifests/sha256:00",
            "https://cdn.example/v2/a/manifests/sha256:01",
        ] {
            assert_eq!(before(&url(other), "manifests/sha256:00"), None, "{other}");
        }
    }
}
