//! What refers to a manifest: the referrers API, or the index under the tag `sha256-<hex>` where a registry has none.
//!
//! Source: the OCI distribution specification, "Listing Referrers" and "Unavailable Referrers API".

use std::collections::HashSet;

use bytes::Bytes;
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::manifests::parse;
use super::pages::{PAGES, too_many_pages};
use super::send::{bare, body};
use super::{Registry, RegistryError};
use crate::io::oci::{shape, to_bytes};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};

/// The referrers of one manifest, and where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrers {
    /// Their descriptors, as the registry says: nothing in them is verified.
    pub list: Vec<Descriptor>,
    /// Those of them that the API lists; `None` where the registry has no such API, or it failed.
    pub by_api: Option<HashSet<Digest>>,
    /// How many of them stand under the fallback tag.
    pub by_tag: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: String,
    manifests: Vec<Descriptor>,
}

/// What the API of referrers gives.
enum ByApi {
    List(Vec<Descriptor>),
    /// The registry has none.
    Absent,
    /// It sent to a page elsewhere, which failed.
    Elsewhere(RegistryError),
}

impl Referrers {
    /// True for what the registry itself lists: what stands under the tag alone is the word of whoever may push.
    #[must_use]
    pub fn is_by_api(&self, digest: &Digest) -> bool {
        self.by_api.as_ref().is_some_and(|listed| listed.contains(digest))
    }

    /// Those of a registry without the API.
    fn of_tag(list: Vec<Descriptor>) -> Self {
        Self {
            by_api: None,
            by_tag: list.len(),
            list,
        }
    }
}

/// No manifest has this digest.
const NOBODYS: Digest = Digest::from_bytes([0; 32]);

/// The tag under which the referrers of a digest are listed where there is no API: `sha256-<hex>`.
#[must_use]
pub fn referrers_tag(digest: &Digest) -> String {
    format!("sha256-{}", digest.hex())
}

/// True where a redirect led from the API to a page of another kind, which is not where a registry that moved gives its lists.
fn is_page_elsewhere(first: &str, answered: &str) -> bool {
    answered != bare(first) && !answered.contains("/referrers/")
}

/// True for HTML.
fn is_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"<")
}

/// Both lists, each entry once.
fn union(mut list: Vec<Descriptor>, more: Vec<Descriptor>) -> Vec<Descriptor> {
    let known: HashSet<Digest> = list.iter().map(|d| d.digest).collect();
    list.extend(more.into_iter().filter(|d| !known.contains(&d.digest)));
    list
}

impl Registry {
    /// Everything that refers to a digest: what the API lists, and what stands under the fallback tag. Registries have been seen with an API that
    /// answers 404, sends to a page that limits rates (each of them for every digest), or lists nothing while the entries stand under the tag; and one that got its API later
    /// has older entries there.
    ///
    /// # Errors
    /// [`RegistryError`]: where the API itself fails, nobody knows what it would list, whatever stands under the tag. A digest that nothing refers
    /// to is no error.
    pub async fn referrers(&self, digest: &Digest) -> Result<Referrers, RegistryError> {
        let (by_api, by_tag) = tokio::join!(self.referrers_by_api(digest), self.referrers_by_tag(digest));
        match by_api? {
            ByApi::List(listed) => {
                let tagged = by_tag?;
                Ok(Referrers {
                    by_api: Some(listed.iter().map(|descriptor| descriptor.digest).collect()),
                    by_tag: tagged.len(),
                    list: union(listed, tagged),
                })
            }
            ByApi::Elsewhere(error) => match by_tag? {
                list if list.is_empty() => Err(error),
                list => Ok(Referrers::of_tag(list)),
            },
            ByApi::Absent => Ok(Referrers::of_tag(by_tag?)),
        }
    }

    /// What the API lists. One that has none for a digest is asked for those of a digest that is nobody's, which every API answers: where it has
    /// a list for that, the answer before was a fault of the hour, and is no answer.
    async fn referrers_by_api(&self, digest: &Digest) -> Result<ByApi, RegistryError> {
        let first = self.listed(digest, digest).await?;
        if matches!(first, ByApi::List(_)) || !matches!(self.listed(&NOBODYS, digest).await?, ByApi::List(_)) {
            return Ok(first);
        }
        match self.listed(digest, digest).await? {
            ByApi::List(list) => Ok(ByApi::List(list)),
            ByApi::Elsewhere(error) => Err(error),
            ByApi::Absent => Err(RegistryError::Answer {
                url: self.url(&format!("referrers/{digest}")),
                what: "list of referrers",
                reason: "the registry has such lists, and says for this digest that it has none".to_owned(),
            }),
        }
    }

    /// What the API lists for a digest. `image` is one that is there.
    async fn listed(&self, digest: &Digest, image: &Digest) -> Result<ByApi, RegistryError> {
        const ACTION: &str = "list referrers";
        let mut list = Vec::new();
        let tail = format!("referrers/{digest}");
        let first = self.url(&tail);
        let mut next = Some(first.clone());
        let mut page = 0;
        let failed = |error: RegistryError, page| match error.answered_by() {
            Some((url, status)) if page == 0 && is_page_elsewhere(&first, url) && !status.is_server_error() => Ok(ByApi::Elsewhere(error)),
            _ => Err(error),
        };
        while let Some(url) = next.take() {
            let sent = self.send(ACTION, Method::GET, &url, |r| Ok(r.header(ACCEPT, media_type::OCI_INDEX)));
            let response = match sent.await {
                Ok(response) => response,
                Err(error) => return failed(error, page),
            };
            match response.status() {
                StatusCode::OK => {}
                // Where a registry moved to, it may say so to strangers.
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED | StatusCode::BAD_REQUEST
                    if page == 0 =>
                {
                    return match self.is_said_by_its_own(&tail, response.url(), image).await? {
                        true => Ok(ByApi::Absent),
                        false => failed(self.refused(ACTION, response).await, page),
                    };
                }
                _ => return failed(self.refused(ACTION, response).await, page),
            }
            // Nobody asked for another form, and the body would be read as none.
            let coded = super::manifests::text(response.headers(), "content-encoding").filter(|coding| coding != "identity");
            if let Some(coding) = coded {
                return Err(RegistryError::Answer {
                    url: bare(&url),
                    what: "list of referrers",
                    reason: format!("it is encoded ({coding}), which was not asked for"),
                });
            }
            page += 1;
            if page > PAGES {
                return Err(too_many_pages(&url));
            }
            next = self.next_page(response.url(), "referrers", response.headers())?;
            let bytes = body(ACTION, response, self.inner.limits.manifest).await?;
            match parse::<Index>(&url, "list of referrers", &bytes, &shape::IMAGE) {
                Ok(index) => list.extend(index.manifests),
                // Some answer every unknown path with a page. A list of another type is a list, and anything else is no answer.
                Err(_) if page == 1 && is_page(&bytes) => return Ok(ByApi::Absent),
                Err(error) => return Err(error),
            }
        }
        Ok(ByApi::List(list))
    }

    /// What the index under the fallback tag lists, whether the registry has the API or not.
    ///
    /// # Errors
    /// [`RegistryError`]; a tag that is not there is none.
    pub async fn referrers_by_tag(&self, digest: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let tag = referrers_tag(digest);
        match self.manifest_beside(&tag, Some(digest)).await? {
            Some(found) => {
                let url = self.url(&format!("manifests/{tag}"));
                Ok(parse::<Index>(&url, "list of referrers", &found.bytes, &shape::IMAGE)?.manifests)
            }
            None => Ok(Vec::new()),
        }
    }

    /// Writes the referrers' index under its tag, for a registry without the API: what was there stays, what is new is added.
    /// The caller reads [`Self::referrers`] just before: the specification offers no lock, and its own words are that entries
    /// may be lost when two write at once.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn list_by_tag(&self, digest: &Digest, known: &[Descriptor], added: &[Descriptor]) -> Result<(), RegistryError> {
        let mut manifests = known.to_vec();
        for descriptor in added {
            if !manifests.iter().any(|m| m.digest == descriptor.digest) {
                manifests.push(descriptor.clone());
            }
        }
        let index = Index {
            schema_version: 2,
            media_type: media_type::OCI_INDEX.to_owned(),
            manifests,
        };
        let bytes = to_bytes(&index).map_err(|error| RegistryError::Answer {
            url: self.url("manifests"),
            what: "list of referrers that can be written",
            reason: error.to_string(),
        })?;
        let bytes = Bytes::from(bytes);
        self.put_manifest(&referrers_tag(digest), media_type::OCI_INDEX, &bytes)
            .await
            .map(|_| ())
    }
}
