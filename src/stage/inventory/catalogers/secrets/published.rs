//! Private keys that the whole world has: they came with programs and libraries, and protect nothing.

use crate::io::hash;

/// SHA-256 of the base 64 text of each, in hexadecimal, sorted. Sources: Go's `crypto/x509/platform_root_key.pem`, urllib3's `dummyserver/certs`.
const KEYS: [&str; 3] = [
    "1293c0784928bc53daa68d087c636e3b5b955fdae687bba6b253997768991e04",
    "26bdbdb6b839c87b66039363d2ab00155a03b5beba1da87b9aadd5347f7be7b5",
    "defcda422e024b4513efbde41edd2a117ab4d45fdf91b42bf33454b6fe9d84d9",
];

/// True for a key that everybody can have, by the text between its `BEGIN` and `END`.
pub(super) fn is_published(body: &[u8]) -> bool {
    let letters: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digest = hash::sha256(&letters).to_string();
    digest.strip_prefix("sha256:").is_some_and(|hex| KEYS.binary_search(&hex).is_ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_keys_are_sorted() {
        assert!(super::KEYS.is_sorted());
    }
}
