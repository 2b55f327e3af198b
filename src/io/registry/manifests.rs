//! Manifests: by digest, verified; by tag, only to see what it names; never re-serialised.

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;

use super::pages::{PAGES, too_many_pages};
use super::send::{bare, body};
use super::{Registry, RegistryError};
use crate::io::hash::sha256;
use crate::io::oci::{self, Shape, shape};
use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::media_type;

const DIGEST_HEADER: &str = "docker-content-digest";
const SUBJECT_HEADER: &str = "oci-subject";
/// A registry that another publisher gives the same blob may not see it for a moment (docker-registry 2.8 empties the file that links it). So often
/// is it asked again.
const BLOBS_MAY_COME: usize = 3;

/// A manifest or an index as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawManifest {
    /// The media type of the answer's `Content-Type`, without parameters.
    pub media_type: String,
    /// Its digest, computed from the bytes.
    pub digest: Digest,
    /// The bytes as they came.
    pub bytes: Bytes,
}

/// What the registry did with a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// It noted the manifest's `subject` for its referrers API; otherwise the tag schema is for us to keep.
    pub subject_noted: bool,
}

impl Registry {
    /// What a tag names; none where there is no such tag.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn tag(&self, tag: &str) -> Result<Option<Digest>, RegistryError> {
        const ACTION: &str = "look a tag up";
        let url = self.url(&format!("manifests/{tag}"));
        let response = self.send(ACTION, Method::HEAD, &url, |r| Ok(r.header(ACCEPT, accepted()))).await?;
        match response.status() {
            StatusCode::OK => match named_digest(response.headers(), &url)? {
                Some(digest) => Ok(Some(digest)),
                None => Ok(self.manifest_of(tag).await?.map(|manifest| manifest.digest)),
            },
            StatusCode::NOT_FOUND if bare(response.url().as_str()) == bare(&url) => Ok(None),
            _ => Err(self.refused(ACTION, response).await),
        }
    }

    /// The size in bytes of a manifest; none where it is not there.
    ///
    /// # Errors
    /// [`RegistryError`]; another digest in the answer's header is one.
    pub async fn manifest_size(&self, digest: &Digest) -> Result<Option<u64>, RegistryError> {
        const ACTION: &str = "look for a manifest";
        let url = self.url(&format!("manifests/{digest}"));
        let response = self.send(ACTION, Method::HEAD, &url, |r| Ok(r.header(ACCEPT, accepted()))).await?;
        self.found(ACTION, response, digest).await
    }

    /// A manifest by digest, verified.
    ///
    /// # Errors
    /// [`RegistryError::Missing`], [`RegistryError::WrongDigest`] and the others.
    pub async fn manifest(&self, digest: &Digest) -> Result<RawManifest, RegistryError> {
        let missing = || RegistryError::Missing {
            what: format!("manifest {digest}"),
            repository: self.repository().to_string(),
        };
        let manifest = self.manifest_of(&digest.to_string()).await?.ok_or_else(missing)?;
        if manifest.digest == *digest {
            Ok(manifest)
        } else {
            Err(RegistryError::WrongDigest {
                url: bare(&self.url(&format!("manifests/{digest}"))),
                expected: *digest,
                found: manifest.digest,
            })
        }
    }

    /// Whatever a tag or digest names now; none where there is nothing. The digest is that of the bytes.
    pub(super) async fn manifest_of(&self, reference: &str) -> Result<Option<RawManifest>, RegistryError> {
        self.manifest_beside(reference, None).await
    }

    /// The same, beside an image that is there: what redirects led to is believed that there is nothing, if they lead there to the image, too.
    pub(super) async fn manifest_beside(&self, reference: &str, image: Option<&Digest>) -> Result<Option<RawManifest>, RegistryError> {
        const ACTION: &str = "get a manifest";
        let tail = format!("manifests/{reference}");
        let url = self.url(&tail);
        let mut delays = self.inner.patience.delays();
        loop {
            let response = self.send(ACTION, Method::GET, &url, |r| Ok(r.header(ACCEPT, accepted()))).await?;
            match response.status() {
                StatusCode::OK => {}
                // Where it sent us to, nobody may know us, or there is a page for whatever is not there.
                StatusCode::NOT_FOUND if bare(response.url().as_str()) == bare(&url) => return Ok(None),
                StatusCode::NOT_FOUND => {
                    let is_its_own = match image {
                        Some(image) => self.is_said_by_its_own(&tail, response.url(), image).await?,
                        None => false,
                    };
                    return match is_its_own {
                        true => Ok(None),
                        false => Err(self.refused(ACTION, response).await),
                    };
                }
                _ => return Err(self.refused(ACTION, response).await),
            }
            let media_type = text(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
            let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
            match (body(ACTION, response, self.inner.limits.manifest).await, delays.next()) {
                (Ok(bytes), _) => {
                    return Ok(Some(RawManifest {
                        media_type,
                        digest: sha256(&bytes),
                        bytes,
                    }));
                }
                // Cut off in the middle: once more.
                (Err(RegistryError::Unreachable { .. }), Some(delay)) => self.wait(delay).await?,
                (Err(error), _) => return Err(error),
            }
        }
    }

    /// Stores the bytes of a manifest under a tag or a digest.
    ///
    /// # Errors
    /// [`RegistryError`]; a registry that names another digest than that of the bytes is one.
    pub async fn put_manifest(&self, reference: &str, media: &str, bytes: &Bytes) -> Result<Stored, RegistryError> {
        const ACTION: &str = "store a manifest";
        let url = self.url(&format!("manifests/{reference}"));
        let mut again = self.inner.patience.delays().take(BLOBS_MAY_COME);
        let response = loop {
            let response = self
                .send(ACTION, Method::PUT, &url, |r| Ok(r.header(CONTENT_TYPE, media).body(bytes.clone())))
                .await?;
            if response.status().is_success() {
                break response;
            }
            let failure = self.refused(ACTION, response).await;
            match again.next() {
                Some(delay) if failure.is_of_an_unknown_blob() => self.wait(delay).await?,
                _ => return Err(failure),
            }
        };
        let expected = sha256(bytes);
        match named_digest(response.headers(), &url)? {
            Some(found) if found != expected => Err(RegistryError::WrongDigest {
                url: bare(&url),
                expected,
                found,
            }),
            _ => Ok(Stored {
                subject_noted: response.headers().contains_key(SUBJECT_HEADER),
            }),
        }
    }

    /// Stores the bytes of a manifest under a tag that nobody has. Gives what the tag names where somebody was quicker (it may be the same). Each
    /// attempt looks again first: an answer that was lost, or a wait for a registry that is unwell, must not move what somebody else set meanwhile.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn put_new_tag(&self, tag: &str, media: &str, bytes: &Bytes) -> Result<Option<Digest>, RegistryError> {
        const ACTION: &str = "set a tag";
        let url = self.url(&format!("manifests/{tag}"));
        let mut delays = self.inner.patience.delays();
        loop {
            if let Some(found) = self.tag(tag).await? {
                return Ok(Some(found));
            }
            let put = |r: reqwest::RequestBuilder| Ok(r.header(CONTENT_TYPE, media).body(bytes.clone()));
            let failure = match self.send_authorized(ACTION, &Method::PUT, &url, &put).await {
                Ok(response) if response.status().is_success() => return Ok(None),
                Ok(response) => self.refused(ACTION, response).await,
                Err(error) => error,
            };
            match (&failure, delays.next()) {
                (RegistryError::Unreachable { .. } | RegistryError::Unavailable { .. }, Some(delay)) => self.wait(delay).await?,
                // Registries with immutable tags refuse an equal push too (ECR 400, Harbor 412): what the tag names decides.
                (RegistryError::Refused { .. } | RegistryError::Denied { .. }, _) => {
                    return match self.tag(tag).await? {
                        Some(found) => Ok(Some(found)),
                        None => Err(failure),
                    };
                }
                _ => return Err(failure),
            }
        }
    }

    /// Every tag of the repository, sorted; none where there is no such repository.
    ///
    /// # Errors
    /// [`RegistryError`]; more than 1,000 pages or a list over the limit for a manifest are.
    pub async fn tags(&self) -> Result<Vec<String>, RegistryError> {
        const ACTION: &str = "list tags";
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let mut tags: Vec<String> = Vec::new();
        let mut next = Some(self.url("tags/list?n=1000"));
        let mut pages = 0;
        while let Some(url) = next.take() {
            pages += 1;
            if pages > PAGES {
                return Err(too_many_pages(&url));
            }
            let response = self.send(ACTION, Method::GET, &url, Ok).await?;
            match response.status() {
                StatusCode::OK => {}
                StatusCode::NOT_FOUND if pages == 1 && bare(response.url().as_str()) == bare(&url) => break,
                _ => return Err(self.refused(ACTION, response).await),
            }
            next = self.next_page(response.url(), "tags", response.headers())?;
            let bytes = body(ACTION, response, self.inner.limits.manifest).await?;
            let answer: Answer = parse(&url, "list of tags", &bytes, &shape::TAGS)?;
            tags.extend(answer.tags.unwrap_or_default());
        }
        tags.sort();
        tags.dedup();
        Ok(tags)
    }

    /// The size of what a HEAD found.
    pub(super) async fn found(&self, action: &'static str, response: Response, digest: &Digest) -> Result<Option<u64>, RegistryError> {
        let url = response.url().to_string();
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(self.refused(action, response).await),
        }
        if let Some(found) = named_digest(response.headers(), &url)?.filter(|found| found != digest) {
            return Err(RegistryError::WrongDigest {
                url: bare(&url),
                expected: *digest,
                found,
            });
        }
        let length = text(response.headers(), CONTENT_LENGTH.as_str())
            .and_then(|length| length.parse().or_none("without a length: the next line says so"));
        length.map(Some).ok_or_else(|| RegistryError::Answer {
            url: bare(&url),
            what: "description of a blob",
            reason: "it has no Content-Length".to_owned(),
        })
    }
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(
    url: &str,
    what: &'static str,
    bytes: &[u8],
    shape: &Shape,
) -> Result<T, RegistryError> {
    oci::decode(bytes, shape).map_err(|refused| RegistryError::Answer {
        url: bare(url),
        what,
        reason: refused.to_string(),
    })
}

pub(super) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)?
        .to_str()
        .or_none("a header that is no text says nothing")
        .map(str::to_owned)
}

fn named_digest(headers: &HeaderMap, url: &str) -> Result<Option<Digest>, RegistryError> {
    let Some(text) = text(headers, DIGEST_HEADER) else {
        return Ok(None);
    };
    match Digest::parse(&text) {
        Ok(digest) => Ok(Some(digest)),
        // Another algorithm than ours says nothing about our digest.
        Err(_) if text.contains(':') && !text.starts_with("sha256:") => Ok(None),
        Err(error) => Err(RegistryError::digest(bare(url), &error)),
    }
}

pub(super) fn accepted() -> String {
    [
        media_type::OCI_MANIFEST,
        media_type::OCI_INDEX,
        media_type::DOCKER_MANIFEST,
        media_type::DOCKER_INDEX,
    ]
    .join(", ")
}
