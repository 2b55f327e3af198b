//! What a program needs beside itself on `scratch`: a user, certificates, a place for temporary files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::io::oci_layout::OciLayout;
use crate::stage::build::BuildError;
use crate::stage::build::assembly::{LayerWriter, NewLayer};

/// The user that the service runs as: no name of any system, the number that distroless images use.
pub(super) const USER: &str = "65532:65532";
/// Where TLS libraries look for certificates.
pub(super) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";
/// Without it, a static glibc may ask other sources of names first.
const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// Writes the layer. It depends on this program alone, so that its blob is the same for every service and every commit.
///
/// # Errors
/// [`BuildError::File`].
pub(super) fn layer(layout: &OciLayout) -> Result<NewLayer, BuildError> {
    let mut layer = LayerWriter::new(layout, 0)?;
    layer.folder("etc", 0o755)?;
    layer.file("etc/group", 0o644, GROUP.as_bytes())?;
    layer.file("etc/nsswitch.conf", 0o644, NSSWITCH.as_bytes())?;
    layer.file("etc/passwd", 0o644, PASSWD.as_bytes())?;
    layer.folder("etc/ssl", 0o755)?;
    layer.folder("etc/ssl/certs", 0o755)?;
    layer.file(CERTIFICATES.trim_start_matches('/'), 0o644, certificates().as_bytes())?;
    layer.folder("tmp", 0o1777)?;
    layer.finish("portcullis: user, certificates, /tmp")
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
