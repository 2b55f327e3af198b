//! What tells a secret from a word: entropy, checksums.

/// Shannon entropy in bits for each byte.
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let length = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}

/// True when a text is too regular to be drawn by chance. A random text of n letters of a large alphabet has about log2(n) bits.
pub(super) fn is_random(text: &[u8]) -> bool {
    let enough = match text.len() {
        0..=15 => return false,
        16..=23 => 2.8,
        24..=35 => 3.3,
        _ => 3.6,
    };
    entropy(text) >= enough && !is_placeholder(text)
}

/// Keys that their issuers print in their documentation, by their start: those of the emulators of Azure's storage and of Cosmos DB.
const PUBLIC: [&str; 2] = [
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
    "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw",
];

/// True for values that stand where a secret will be.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    const WORDS: [&str; 20] = [
        "example",
        "changeme",
        "change_me",
        "change-me",
        "placeholder",
        "your_",
        "your-",
        "xxxx",
        "****",
        "dummy",
        "redacted",
        "todo",
        "insert",
        "replace",
        "12345678",
        "abcdefgh",
        "00000000",
        "secret_here",
        "notreal",
        "fake",
    ];
    if PUBLIC.iter().any(|public| value.starts_with(public.as_bytes())) {
        return true;
    }
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let variable = text.contains("${") || text.contains("{{") || text.starts_with('$') || text.starts_with('<') || text.starts_with('%');
    variable || WORDS.iter().any(|word| text.contains(word))
}

/// True when the last six characters of a token are the CRC-32 of the ones before them (without the prefix), as GitHub and npm write them.
pub(super) fn base62_checksum_holds(body: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((random, stated)) = body.split_at_checked(body.len().saturating_sub(6)) else {
        return false;
    };
    let mut sum = crc32fast::hash(random);
    let mut text = [b'0'; 6];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(sum % 62) as usize];
        sum /= 62;
    }
    text == stated
}

#[cfg(test)]
pub(super) fn with_checksum(random: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut sum = crc32fast::hash(random.as_bytes());
    let mut text = [b'0'; 6];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(sum % 62) as usize];
        sum /= 62;
    }
    format!("{random}{}", String::from_utf8_lossy(&text))
}
