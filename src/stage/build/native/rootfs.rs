//! What a program needs beside itself on `scratch`: a user, certificates, a place for temporary files.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::io::oci_layout::OciLayout;
use crate::stage::build::BuildError;
use crate::stage::build::assembly::{Below, Sort};
use crate::stage::build::assembly::{LayerWriter, NewLayer};

/// The user that the service runs as: no name of any system, the number that distroless images use.
pub(super) const USER: &str = "65532:65532";
/// The names that its users and groups have.
pub(super) const NAMES: [&str; 2] = ["root", "nonroot"];
/// Where TLS libraries look for certificates.
pub(super) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";
/// Without it, a static glibc may ask other sources of names first.
const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// What lies in it, by its path: the mode of a folder, or the content of a file.
fn entries() -> BTreeMap<&'static str, Entry> {
    let file = |content: &str| Entry::File(content.to_owned());
    BTreeMap::from([
        ("etc", Entry::Folder(0o755)),
        ("etc/group", file(GROUP)),
        ("etc/nsswitch.conf", file(NSSWITCH)),
        ("etc/passwd", file(PASSWD)),
        ("etc/ssl", Entry::Folder(0o755)),
        ("etc/ssl/certs", Entry::Folder(0o755)),
        (CERTIFICATES.trim_start_matches('/'), Entry::File(certificates())),
        ("tmp", Entry::Folder(0o1777)),
    ])
}

enum Entry {
    Folder(u32),
    File(String),
}

/// Writes the layer. It depends on this program alone, so that its blob is the same for every service and every commit.
///
/// # Errors
/// [`BuildError::File`].
pub(super) fn layer(layout: &OciLayout) -> Result<NewLayer, BuildError> {
    let mut layer = LayerWriter::new(layout, 0)?;
    for (path, entry) in entries() {
        match entry {
            Entry::Folder(mode) => layer.folder(path, mode)?,
            Entry::File(content) => layer.file(path, 0o644, content.as_bytes())?,
        }
    }
    layer.finish("portcullis: user, certificates, /tmp")
}

/// The same as a tree that other layers lie upon.
pub(super) fn tree() -> Below {
    let mut below = Below::default();
    for (path, entry) in entries() {
        match entry {
            Entry::Folder(mode) => below.put(path, Sort::Folder, mode),
            Entry::File(_) => below.put(path, Sort::File(None), 0o644),
        }
    }
    below
}

/// Mozilla's root certificates as compiled in, in PEM: the machine's own bundle would make the digest depend on the machine.
fn certificates() -> String {
    let mut pem = String::with_capacity(256 * 1024);
    for certificate in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(certificate);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}
