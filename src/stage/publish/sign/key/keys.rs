//! The keys that sign and verify, and what they are called.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::SecretKey;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer;
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};

use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::io::hash::sha256;
use crate::io::p256_signature;
use crate::model::excused::Excused as _;
use crate::model::plan::KeySource;

use super::error::KeyError;
use super::halves::{Private, Public};
use super::pem::{KEY_LIMIT, Parsed, check, parse, read};

/// What stands before the point in the DER `SubjectPublicKeyInfo` of a P-256 key: `id-ecPublicKey`, `prime256v1`, a string of 66 bytes.
const SUBJECT_PUBLIC_KEY_INFO: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];

/// A private key. Its `Debug` form shows the public name only.
#[derive(Clone)]
pub struct SigningKey(pub(super) Private);

/// A public key: ECDSA over P-256, or Ed25519.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey(pub(super) Public);

impl SigningKey {
    /// Loads a private key; makes one for [`KeySource::Local`] where there is none yet.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(source: &KeySource, effects: &Effects) -> Result<Self, KeyError> {
        if let KeySource::Local(path) = source
            && !path.exists()
        {
            return create(path);
        }
        let (place, pem) = read(source, effects)?;
        match parse(&place, &pem, effects)? {
            Parsed::Private(key) => Ok(Self(key)),
            Parsed::Public(_) => Err(KeyError::Public { place }),
        }
    }

    /// A P-256 key that is in memory alone; `None` where the system gives no random bytes.
    #[must_use]
    pub fn ephemeral() -> Option<Self> {
        let key = SecretKey::try_generate().or_none("the caller says that there is no randomness")?;
        Some(Self(Private::P256(key.into())))
    }

    /// Whether what a source holds can be a private key: known before a build begins. Makes none, and opens none that is locked.
    ///
    /// # Errors
    /// [`KeyError`], as [`Self::load`] but for a wrong password.
    pub fn check(source: &KeySource, effects: &Effects) -> Result<(), KeyError> {
        if matches!(source, KeySource::Local(path) if !path.exists()) {
            return Ok(());
        }
        let (place, pem) = read(source, effects)?;
        check(place, &pem, effects)
    }

    /// Signs; the same bytes give the same signature (RFC 6979, RFC 8032). DER for ECDSA, as Sigstore has it.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.0 {
            Private::P256(key) => {
                let signature: Signature = key.sign(bytes);
                signature.to_der().as_bytes().to_vec()
            }
            Private::Ed25519(key) => key.sign(bytes),
        }
    }

    /// The public half, which verifiers need.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.public())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.verifying_key().name()).finish()
    }
}

impl VerifyingKey {
    /// Loads a public key: a PEM file with one, or the public half of a private one.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(source: &KeySource, effects: &Effects) -> Result<Self, KeyError> {
        let public = match source {
            // The private half may be locked away by now.
            KeySource::Local(path) => Some(public_path(path)).filter(|public| public.is_file()),
            KeySource::Env(_) | KeySource::File(_) | KeySource::Keyless(_) => None,
        };
        let source = public.map_or_else(|| source.clone(), KeySource::File);
        let (place, pem) = read(&source, effects)?;
        Ok(Self(match parse(&place, &pem, effects)? {
            Parsed::Private(key) => key.public(),
            Parsed::Public(key) => key,
        }))
    }

    /// True when the signature (DER for ECDSA) is one of these bytes by this key.
    #[must_use]
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Public::P256(key) => p256_signature::verifies(key, bytes, signature),
            Public::Ed25519(key) => key.verifies(bytes, signature),
        }
    }

    /// Base64 of the SHA-256 of the DER `SubjectPublicKeyInfo`: how a Sigstore bundle names a key.
    #[must_use]
    pub fn hint(&self) -> String {
        STANDARD.encode(sha256(&self.der()).bytes())
    }

    /// The DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        match &self.0 {
            Public::P256(key) => [&SUBJECT_PUBLIC_KEY_INFO, key.to_sec1_point(false).as_bytes()].concat(),
            Public::Ed25519(key) => key.der(),
        }
    }

    /// `ecdsa-p256:<hint>`, `ed25519:<hint>`.
    #[must_use]
    pub fn name(&self) -> String {
        let kind = match &self.0 {
            Public::P256(_) => "ecdsa-p256",
            Public::Ed25519(_) => "ed25519",
        };
        format!("{kind}:{}", self.hint())
    }
}

/// Where the public half of a local key lies.
fn public_path(path: &Path) -> PathBuf {
    path.with_extension("pub")
}

/// Makes a key pair: the private key readable by its owner alone, the public one beside it as `.pub`.
pub(super) fn create(path: &Path) -> Result<SigningKey, KeyError> {
    let failed = |source: std::io::Error| FileError::Write {
        path: path.to_owned(),
        source,
    };
    let key = SecretKey::try_generate().map_err(|error| failed(std::io::Error::other(error)))?;
    let encoding = |what: &str| failed(std::io::Error::other(what.to_owned()));
    let private = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_| encoding("the key cannot be encoded"))?;
    let public = key.public_key().to_public_key_pem(LineEnding::LF);
    let public = public.map_err(|_| encoding("the key cannot be encoded"))?;
    let folder = files::folder_of(path);
    fs::create_dir_all(folder).map_err(failed)?;
    // Two runs may both find no key: under a name of its own first, so that nobody reads half of one, then linked where only one can be.
    let mut file = tempfile::Builder::new()
        .prefix(".portcullis-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(private.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => files::write(&public_path(path), public.as_bytes())?,
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            let pem = files::read_text(path, KEY_LIMIT)?;
            let key = SecretKey::from_pkcs8_pem(&pem).map_err(|_| encoding("another run wrote something else there"))?;
            return Ok(SigningKey(Private::P256(key.into())));
        }
        Err(error) => return Err(failed(error.error).into()),
    }
    Ok(SigningKey(Private::P256(key.into())))
}
