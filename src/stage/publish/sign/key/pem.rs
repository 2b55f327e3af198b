//! Keys in PEM, from a file or a variable, encrypted by cosign or not.

use p256::pkcs8::{DecodePublicKey, Document, SecretDocument};
use p256::{PublicKey, SecretKey};

use crate::io::Effects;
use crate::io::files;
use crate::io::secret::Secret;
use crate::model::excused::Excused as _;
use crate::model::plan::KeySource;

use super::ed25519;
use super::error::KeyError;
use super::halves::{Private, Public};
use crate::stage::publish::sign::cosign_key;

/// The most that a key file may hold, in bytes.
pub(super) const KEY_LIMIT: u64 = 64 * 1024;

/// The variable that holds the password of an encrypted key, as cosign has it.
const PASSWORD: &str = "COSIGN_PASSWORD";

/// What cosign calls keys that a password opens.
const LOCKED: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];

const DAMAGED: &str = "it is of another kind, or damaged";

pub(super) enum Parsed {
    Private(Private),
    Public(Public),
}

pub(super) fn read(source: &KeySource, effects: &Effects) -> Result<(String, Secret), KeyError> {
    match source {
        KeySource::Env(name) => {
            let pem = effects.secrets.secret(name);
            let pem = pem.ok_or_else(|| KeyError::NotSet { name: name.clone() })?;
            Ok((format!("${name}"), pem))
        }
        KeySource::File(path) | KeySource::Local(path) => {
            if !path.exists() {
                return Err(KeyError::NoFile { path: path.clone() });
            }
            let pem = files::read_text(path, KEY_LIMIT)?;
            Ok((path.display().to_string(), Secret::new(pem)))
        }
        KeySource::Keyless(_) => Err(KeyError::Keyless),
    }
}

/// Whether a text can be a private key; one that is locked stays so.
pub(super) fn check(place: String, pem: &Secret, effects: &Effects) -> Result<(), KeyError> {
    if LOCKED
        .iter()
        .any(|label| pem.expose().contains(&format!("-----BEGIN {label}-----")))
    {
        let password = effects.secrets.secret(PASSWORD);
        return password.map(|_| ()).ok_or(KeyError::NoPassword { place });
    }
    match parse(&place, pem, effects)? {
        Parsed::Private(_) => Ok(()),
        Parsed::Public(_) => Err(KeyError::Public { place }),
    }
}

pub(super) fn parse(place: &str, pem: &Secret, effects: &Effects) -> Result<Parsed, KeyError> {
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
        locked if LOCKED.contains(&locked) => {
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
