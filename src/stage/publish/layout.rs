//! A layout as a destination: blobs are copied and hashed on the way, tags are names in `index.json`, referrers are its entries.

use std::collections::{BTreeSet, HashSet};
use std::io::{self, Read, Write};

use serde_json::json;

use super::PublishError;
use super::artifact::{Artifact, ArtifactManifest, EMPTY};
use super::graph::Graph;
use super::sign::BUNDLE_MEDIA_TYPE;
use crate::io::Effects;
use crate::io::files::FileError;
use crate::io::hash::Hashing;
use crate::io::limits::Limits;
use crate::io::oci_layout::{Index, LayoutError, OciLayout, REF_NAME};
use crate::io::registry::{Referrers, referrers_tag};
use crate::model::digest::Digest;
use crate::model::image::{Descriptor, media_type};

/// The same error, or that the disk of the layout is full: nothing but another place in `[image] repository` helps then, or room.
pub(super) fn writing(target: &OciLayout) -> impl Fn(PublishError) -> PublishError {
    |error| match error {
        PublishError::File(source) | PublishError::Layout(LayoutError::File(source)) if source.is_of_a_full_disk() => {
            PublishError::RepositoryFull {
                folder: target.dir().to_owned(),
                source,
            }
        }
        other => other,
    }
}

/// What a tag names.
pub(super) fn tag(layout: &OciLayout, tag: &str) -> Result<Option<Digest>, PublishError> {
    let named = |d: &Descriptor| d.annotations.get(REF_NAME).is_some_and(|name| name == tag);
    let digests: BTreeSet<Digest> = layout.index()?.into_iter().filter(named).map(|d| d.digest).collect();
    match digests.len() {
        0 | 1 => Ok(digests.into_iter().next()),
        count => Err(LayoutError::Inconsistent {
            path: layout.dir().to_owned(),
            reason: format!("lists {count} images under the tag `{tag}`"),
        }
        .into()),
    }
}

/// Copies the blobs and manifests that are not there yet, and hashes those that are. Gives the bytes of blobs that were written.
pub(super) fn copy(source: &OciLayout, target: &OciLayout, graph: &Graph, effects: &Effects) -> Result<u64, PublishError> {
    let mut written = 0;
    for blob in &graph.blobs {
        if effects.is_cancelled() {
            return Err(PublishError::Interrupted);
        }
        if !is_whole(target, blob)? {
            copy_blob(source, target, blob)?;
            written += blob.size;
        }
    }
    Ok(written)
}

/// Writes the manifests, lists the image without a tag, and reads the manifests back.
pub(super) fn put(target: &OciLayout, graph: &Graph, root: &Descriptor) -> Result<(), PublishError> {
    for document in &graph.documents {
        target.write_blob(&document.bytes)?;
        target.read_blob(&document.digest, document.bytes.len() as u64)?;
    }
    target.put(root, None)?;
    Ok(())
}

/// Everything in the layout that refers to a digest: entries of `index.json`, and of the index under the fallback tag that
/// a copy from a registry may have brought.
pub(super) fn referrers(layout: &OciLayout, digest: &Digest, limits: &Limits) -> Result<Referrers, PublishError> {
    let entries = layout.index()?;
    let mut found = match tag(layout, &referrers_tag(digest))? {
        Some(index) => read_index(layout, &index, limits)?,
        None => Vec::new(),
    };
    let (by_tag, mut by_index) = (found.len(), HashSet::new());
    let is_list = |kind: &str| matches!(kind, media_type::OCI_INDEX | media_type::DOCKER_INDEX);
    for entry in entries.into_iter().filter(|d| d.digest != *digest && !is_list(&d.media_type)) {
        let listed = found.iter().any(|f| f.digest == entry.digest);
        if listed {
            by_index.insert(entry.digest);
        } else if refers_to(layout, &entry, digest, limits)? {
            by_index.insert(entry.digest);
            found.push(entry);
        }
    }
    Ok(Referrers {
        list: found,
        by_api: Some(by_index),
        by_tag,
    })
}

/// Writes artifacts, lists them in `index.json` and under the fallback tag.
pub(super) fn attach(target: &OciLayout, artifacts: &[Artifact], subject: &Digest) -> Result<(), PublishError> {
    target.write_blob(EMPTY)?;
    let limits = Limits::default();
    for artifact in artifacts {
        target.write_blob(&artifact.bundle)?;
        target.write_blob(&artifact.manifest)?;
        target.put(&artifact.descriptor, None)?;
    }
    let listed = referrers(target, subject, &limits)?.list;
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": listed});
    let bytes = index.to_string().into_bytes();
    let digest = target.write_blob(&bytes)?;
    let descriptor = Descriptor {
        // It is no image: whoever looks for the only image in the layout passes over it.
        artifact_type: Some(BUNDLE_MEDIA_TYPE.to_owned()),
        ..Descriptor::new(media_type::OCI_INDEX, digest, bytes.len() as u64)
    };
    target.put(&descriptor, Some(&referrers_tag(subject)))?;
    Ok(())
}

fn read_index(layout: &OciLayout, digest: &Digest, limits: &Limits) -> Result<Vec<Descriptor>, PublishError> {
    let bytes = layout.read_blob(digest, limits.manifest)?;
    Ok(Index::parse(&layout.blob_path(digest), &bytes)?.manifests)
}

/// By the manifest's own word, whatever the entry in the list says of it.
fn refers_to(layout: &OciLayout, entry: &Descriptor, digest: &Digest, limits: &Limits) -> Result<bool, PublishError> {
    let bytes = layout.read_blob(&entry.digest, limits.manifest)?;
    match ArtifactManifest::parse(&bytes) {
        Ok(manifest) => Ok(manifest.subject.is_some_and(|subject| subject.digest == *digest)),
        // A damaged one might be the verdict that is looked for: nobody knows what it refers to.
        Err(refused) if entry.artifact_type.is_some() => Err(PublishError::Malformed {
            attestation: entry.digest,
            reason: refused.to_string(),
        }),
        // An image of somebody else's that this gate does not read is no referrer.
        Err(_) => Ok(false),
    }
}

/// True when the blob is there and its bytes are the right ones. Other bytes under its name are written anew.
fn is_whole(layout: &OciLayout, blob: &Descriptor) -> Result<bool, PublishError> {
    if !layout.has_blob(&blob.digest) {
        return Ok(false);
    }
    let mut file = Hashing::new(layout.open_blob(&blob.digest)?);
    let path = layout.blob_path(&blob.digest);
    io::copy(&mut file, &mut io::sink()).map_err(|source| FileError::Read { path, source })?;
    let (_, digest, size) = file.finish();
    Ok(digest == blob.digest && size == blob.size)
}

fn copy_blob(source: &OciLayout, target: &OciLayout, blob: &Descriptor) -> Result<(), PublishError> {
    let path = source.blob_path(&blob.digest);
    let mut reader = Hashing::new(source.open_blob(&blob.digest)?);
    let mut writer = target.blob_writer()?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = reader.read(&mut buffer).map_err(|source| FileError::Read {
            path: path.clone(),
            source,
        })?;
        if count == 0 {
            break;
        }
        writer.write_all(&buffer[..count]).map_err(|source| FileError::Write {
            path: target.blob_path(&blob.digest),
            source,
        })?;
    }
    let (_, found, size) = reader.finish();
    // Checked before the blob gets a name: a damaged source leaves nothing behind.
    if found != blob.digest {
        return Err(LayoutError::WrongDigest {
            digest: blob.digest,
            found,
            path,
        }
        .into());
    }
    if size != blob.size {
        return Err(LayoutError::WrongSize {
            path,
            expected: blob.size,
            found: size,
        }
        .into());
    }
    writer.finish()?;
    Ok(())
}
