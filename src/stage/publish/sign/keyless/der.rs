//! The two requests that are DER: for a certificate (RFC 2986) and for a timestamp (RFC 3161).

/// `id-sha256` with NULL parameters: an `AlgorithmIdentifier`.
const SHA256: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];

/// `ecdsa-with-SHA256`: an `AlgorithmIdentifier`.
const ECDSA_SHA256: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

const SEQUENCE: u8 = 0x30;

/// What a certificate signing request has signed: version 0, a subject without names, the key, no attributes.
pub(super) fn request_info(subject_public_key_info: &[u8]) -> Vec<u8> {
    value(
        SEQUENCE,
        &[&[0x02, 0x01, 0x00, SEQUENCE, 0x00], subject_public_key_info, &[0xa0, 0x00]],
    )
}

/// The whole request. `signature` is DER, over [`request_info`].
pub(super) fn request(info: &[u8], signature: &[u8]) -> Vec<u8> {
    let bits = value(0x03, &[&[0x00], signature]);
    value(SEQUENCE, &[info, &ECDSA_SHA256, &bits])
}

/// A request for a timestamp over a SHA-256 digest, with the authority's certificate in the answer. Without a nonce: what is timestamped is a
/// signature by a key of a few minutes, so that no older answer is one for it.
pub(super) fn timestamp_query(digest: &[u8; 32]) -> Vec<u8> {
    let imprint = value(SEQUENCE, &[&SHA256, &value(0x04, &[digest])]);
    value(SEQUENCE, &[&[0x02, 0x01, 0x01], &imprint, &[0x01, 0x01, 0xff]])
}

/// Tag, length, content.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut der = vec![tag];
    let length = content.len().to_be_bytes();
    let short: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match short.as_slice() {
        [] => der.push(0),
        [one] if *one < 0x80 => der.push(*one),
        more => {
            // At most eight bytes.
            der.push(0x80 | u8::try_from(more.len()).unwrap_or(8));
            der.extend_from_slice(more);
        }
    }
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_their_shortest_form() {
        assert_eq!(value(4, &[]), [4, 0]);
        assert_eq!(value(4, &[&[7; 127]])[..2], [4, 127]);
        assert_eq!(value(4, &[&[7; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(value(4, &[&[7; 300]])[..4], [4, 0x82, 1, 44]);
    }
}
