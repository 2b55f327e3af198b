//! cosign's encrypted key file: scrypt, then XSalsa20-Poly1305 as NaCl's secretbox arranges them, around a PKCS#8 key.
//!
//! Source: the files that cosign 3.1 writes; NaCl's documentation of `crypto_secretbox`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use serde::Deserialize;

use crate::io::secret::Secret;

/// scrypt's memory is 128 · N · r bytes: at most 256 MiB for a file that somebody else may have written.
const MEMORY_LIMIT: u64 = 256 * 1024 * 1024;

/// Why a file does not open.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Another password, or damaged bytes: they cannot be told apart.
    Password,
    /// Not such a file.
    Form(&'static str),
}

#[derive(Deserialize)]
struct File {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Deserialize)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Opens the PEM block and gives the DER of the private key.
pub(super) fn open(pem: &str, password: &Secret) -> Result<Vec<u8>, Closed> {
    let body: String = pem
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with("-----"))
        .map(str::trim)
        .collect();
    let json = STANDARD.decode(body).map_err(|_| Closed::Form("it is not base64"))?;
    let file: File = serde_json::from_slice(&json).map_err(|_| Closed::Form("it is no key of cosign's"))?;
    if file.kdf.name != "scrypt" || file.cipher.name != "nacl/secretbox" {
        return Err(Closed::Form("it is encrypted in a way that is not known here"));
    }
    let decode = |text: &str| STANDARD.decode(text).map_err(|_| Closed::Form("it is no key of cosign's"));
    let (salt, nonce, sealed) = (decode(&file.kdf.salt)?, decode(&file.cipher.nonce)?, decode(&file.ciphertext)?);
    let nonce: [u8; 24] = nonce.try_into().map_err(|_| Closed::Form("its nonce has not 24 bytes"))?;
    let key = derive(&file.kdf.params, &salt, password)?;
    unseal(&key, &nonce, &sealed).ok_or(Closed::Password)
}

fn derive(params: &Params, salt: &[u8], password: &Secret) -> Result<[u8; 32], Closed> {
    const BAD: Closed = Closed::Form("its scrypt parameters are impossible, or ask for too much memory");
    let memory = params.n.checked_mul(128).and_then(|m| m.checked_mul(u64::from(params.r)));
    if !params.n.is_power_of_two() || params.p > 16 || memory.is_none_or(|m| m > MEMORY_LIMIT) {
        return Err(BAD);
    }
    let log_n = u8::try_from(params.n.trailing_zeros()).map_err(|_| BAD)?;
    let params = scrypt::Params::new(log_n, params.r, params.p).map_err(|_| BAD)?;
    let mut key = [0; 32];
    scrypt::scrypt(password.expose().as_bytes(), salt, &params, &mut key).map_err(|_| BAD)?;
    Ok(key)
}

/// NaCl's `crypto_secretbox_open`: the first 32 bytes of the key stream authenticate, the rest encrypts.
fn unseal(key: &[u8; 32], nonce: &[u8; 24], sealed: &[u8]) -> Option<Vec<u8>> {
    let (tag, ciphertext) = sealed.split_at_checked(16)?;
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut mac_key = [0; 32];
    stream.apply_keystream(&mut mac_key);
    let found = Poly1305::new(&mac_key.into()).compute_unpadded(ciphertext);
    let equal = found.iter().zip(tag).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0;
    equal.then(|| {
        let mut plain = ciphertext.to_vec();
        stream.apply_keystream(&mut plain);
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_key_with_any_bits_changed_stays_closed() {
        let (key, nonce) = ([7; 32], [9; 24]);
        let seal = |plain: &[u8]| {
            let mut stream = XSalsa20::new((&key).into(), (&nonce).into());
            let mut mac_key = [0; 32];
            stream.apply_keystream(&mut mac_key);
            let mut ciphertext = plain.to_vec();
            stream.apply_keystream(&mut ciphertext);
            [&Poly1305::new(&mac_key.into()).compute_unpadded(&ciphertext)[..], &ciphertext].concat()
        };
        let sealed = seal(b"a private key");
        assert_eq!(unseal(&key, &nonce, &sealed).as_deref(), Some(&b"a private key"[..]));
        // Two equal changes in the tag must not cancel each other out.
        for places in [&[0][..], &[15], &[16], &[0, 1], &[3, 14]] {
            let mut changed = sealed.clone();
            for place in places {
                changed[*place] ^= 1;
            }
            assert_eq!(unseal(&key, &nonce, &changed), None, "{places:?}");
        }
        assert_eq!(unseal(&key, &nonce, &sealed[..15]), None);
    }
}
