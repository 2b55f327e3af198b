//! Keys: where they come from, and what they are called.

mod ed25519;

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{self, Signature};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey, Document, EncodePrivateKey, EncodePublicKey, LineEnding, SecretDocument};
use p256::{PublicKey, SecretKey};

use super::cosign_key;
use crate::io::Effects;
use crate::io::files::{self, FileError};
use crate::io::hash::sha256;
use crate::io::secret::Secret;
use crate::model::excused::Excused as _;
use crate::model::exit_kind::ExitKind;
use crate::model::plan::KeySource;

/// The most that a key file may hold, in bytes.
const KEY_LIMIT: u64 = 64 * 1024;

/// The variable that holds the password of an encrypted key, as cosign has it.
const PASSWORD: &str = "COSIGN_PASSWORD";

const DAMAGED: &str = "it is of another kind, or damaged";

/// What stands before the point in the DER `SubjectPublicKeyInfo` of a P-256 key: `id-ecPublicKey`, `prime256v1`, a string of 66 bytes.
const SUBJECT_PUBLIC_KEY_INFO: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];

/// Why a key cannot be used. Nothing of the key or the password is in it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[expect(missing_docs, reason = "the message says what each value is")]
pub enum KeyError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// The variable is not set.
    #[error("the environment variable {name} is not set, and the signing key should be in it")]
    #[diagnostic(code(publish::key), help("put a PEM key into {name}, or change `key` in [sign]"))]
    NotSet { name: String },
    /// Not a key that we know.
    #[error("{place} holds no ECDSA P-256 or Ed25519 key in PEM: {reason}")]
    #[diagnostic(
        code(publish::key),
        help(
            "`openssl ecparam -name prime256v1 -genkey -noout -out portcullis.key` makes one, `cosign generate-key-pair` an encrypted one"
        )
    )]
    NotAKey {
        /// The variable or file.
        place: String,
        reason: String,
    },
    /// A public key where a private one is needed.
    #[error("{place} holds a public key, and signing needs the private one")]
    #[diagnostic(code(publish::key))]
    Public {
        /// The variable or file.
        place: String,
    },
    /// An encrypted key without a password.
    #[error("the key in {place} is encrypted, and COSIGN_PASSWORD is not set")]
    #[diagnostic(code(publish::key), help("set COSIGN_PASSWORD to the key's password"))]
    NoPassword {
        /// The variable or file.
        place: String,
    },
    /// An encrypted key and another password.
    #[error("the key in {place} does not open with COSIGN_PASSWORD")]
    #[diagnostic(code(publish::key), help("the password is wrong, or the file is damaged"))]
    WrongPassword {
        /// The variable or file.
        place: String,
    },
}

impl KeyError {
    /// How the run ends.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::File(error) => error.exit_kind(),
            _ => ExitKind::Usage,
        }
    }
}

/// A private key. Its `Debug` form shows the public name only.
#[derive(Clone)]
pub struct SigningKey(Private);

/// A public key: ECDSA over P-256, or Ed25519.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey(Public);

#[derive(Clone)]
enum Private {
    P256(ecdsa::SigningKey),
    Ed25519(ed25519::Private),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    P256(ecdsa::VerifyingKey),
    Ed25519(ed25519::Public),
}

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

impl Private {
    fn public(&self) -> Public {
        match self {
            Self::P256(key) => Public::P256(*key.verifying_key()),
            Self::Ed25519(key) => Public::Ed25519(key.public()),
        }
    }

    /// Reads PKCS#8.
    fn from_der(der: &[u8]) -> Option<Self> {
        let p256 = SecretKey::from_pkcs8_der(der)
            .or_none("the caller says that it is no key")
            .map(|key| Self::P256(key.into()));
        p256.or_else(|| ed25519::Private::from_der(der).map(Self::Ed25519))
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
            KeySource::Env(_) | KeySource::File(_) => None,
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
            Public::P256(key) => Signature::from_der(signature).is_ok_and(|signature| key.verify(bytes, &signature).is_ok()),
            Public::Ed25519(key) => key.verifies(bytes, signature),
        }
    }

    /// Base64 of the SHA-256 of the DER `SubjectPublicKeyInfo`: how a Sigstore bundle names a key.
    #[must_use]
    pub fn hint(&self) -> String {
        let der = match &self.0 {
            Public::P256(key) => [&SUBJECT_PUBLIC_KEY_INFO, key.to_sec1_point(false).as_bytes()].concat(),
            Public::Ed25519(key) => key.der(),
        };
        STANDARD.encode(sha256(&der).bytes())
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

enum Parsed {
    Private(Private),
    Public(Public),
}

fn read(source: &KeySource, effects: &Effects) -> Result<(String, Secret), KeyError> {
    match source {
        KeySource::Env(name) => {
            let pem = effects.secrets.secret(name);
            let pem = pem.ok_or_else(|| KeyError::NotSet { name: name.clone() })?;
            Ok((format!("${name}"), pem))
        }
        KeySource::File(path) | KeySource::Local(path) => {
            let pem = files::read_text(path, KEY_LIMIT)?;
            Ok((path.display().to_string(), Secret::new(pem)))
        }
    }
}

fn parse(place: &str, pem: &Secret, effects: &Effects) -> Result<Parsed, KeyError> {
    let not_a_key = |reason: &str| KeyError::NotAKey {
        place: place.to_owned(),
        reason: reason.to_owned(),
    };
    // A variable often comes with `\n` written out.
    let text = pem.expose().replace("\\n", "\n");
    let Some(start) = text.find("-----BEGIN ") else {
        return Err(not_a_key("it has no `-----BEGIN` line"));
    };
    // What `openssl ecparam` writes before the key itself.
    let text = match text.find("-----END EC PARAMETERS-----") {
        Some(end) => text[end..].find("-----BEGIN ").map_or(&text[start..], |at| &text[end + at..]),
        None => &text[start..],
    };
    let label = text["-----BEGIN ".len()..].split("-----").next().unwrap_or_default();
    let private = |key: Option<Private>| key.map(Parsed::Private).ok_or_else(|| not_a_key(DAMAGED));
    let from_der = |der: &[u8]| private(Private::from_der(der));
    match label {
        "PUBLIC KEY" => public(text).map(Parsed::Public).ok_or_else(|| not_a_key(DAMAGED)),
        "PRIVATE KEY" => from_der(SecretDocument::from_pem(text).map_err(|_| not_a_key(DAMAGED))?.1.as_bytes()),
        "EC PRIVATE KEY" => private(
            SecretKey::from_sec1_pem(text)
                .or_none("the caller says that it is no key")
                .map(|key| Private::P256(key.into())),
        ),
        "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {
            let password = effects.secrets.secret(PASSWORD);
            let password = password.ok_or_else(|| KeyError::NoPassword { place: place.to_owned() })?;
            match cosign_key::open(text, &password) {
                Ok(der) => from_der(&der),
                Err(cosign_key::Closed::Password) => Err(KeyError::WrongPassword { place: place.to_owned() }),
                Err(cosign_key::Closed::Form(reason)) => Err(not_a_key(reason)),
            }
        }
        "ENCRYPTED PRIVATE KEY" => Err(not_a_key("it is encrypted in a way that is not read here (use cosign's, or none)")),
        "CERTIFICATE" => Err(not_a_key("it is a certificate")),
        _ => Err(not_a_key("its `-----BEGIN` line names something else")),
    }
}

fn public(pem: &str) -> Option<Public> {
    if let Ok(key) = PublicKey::from_public_key_pem(pem) {
        return Some(Public::P256(key.into()));
    }
    let (_, document) = Document::from_pem(pem).or_none("the caller says that it is no key")?;
    ed25519::Public::from_der(document.as_bytes()).map(Public::Ed25519)
}

/// Where the public half of a local key lies.
fn public_path(path: &Path) -> PathBuf {
    path.with_extension("pub")
}

/// Makes a key pair: the private key readable by its owner alone, the public one beside it as `.pub`.
fn create(path: &Path) -> Result<SigningKey, KeyError> {
    let failed = |source: std::io::Error| FileError::Write {
        path: path.to_owned(),
        source,
    };
    let key = SecretKey::try_generate().map_err(|error| failed(std::io::Error::other(error.to_string())))?;
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

#[cfg(test)]
mod tests;
