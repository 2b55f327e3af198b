//! The PAX header of an entry.

use super::field::{ELEVEN_DIGITS, SEVEN_DIGITS, fits};
use crate::io::layers::Metadata;

/// The records that the block has no room for, in the order of their keys.
pub(super) fn records(path: &[u8], target: &[u8], size: u64, metadata: &Metadata) -> Vec<u8> {
    let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut add = |key: &str, value: Vec<u8>| found.push((key.as_bytes().to_vec(), value));
    if !fits(path) {
        add("path", path.to_vec());
    }
    if !fits(target) {
        add("linkpath", target.to_vec());
    }
    if size > ELEVEN_DIGITS {
        add("size", size.to_string().into_bytes());
    }
    if metadata.uid > SEVEN_DIGITS {
        add("uid", metadata.uid.to_string().into_bytes());
    }
    if metadata.gid > SEVEN_DIGITS {
        add("gid", metadata.gid.to_string().into_bytes());
    }
    let is_plain_time = u64::try_from(metadata.seconds).is_ok_and(|seconds| seconds <= ELEVEN_DIGITS);
    if !is_plain_time || metadata.nanos != 0 {
        add("mtime", time(metadata.seconds, metadata.nanos).into_bytes());
    }
    for (name, value) in &metadata.attributes {
        found.push(([b"SCHILY.xattr.", name.as_slice()].concat(), value.clone()));
    }
    found.sort();
    let mut out = Vec::new();
    for (key, value) in found {
        record(&mut out, &key, &value);
    }
    out
}

/// A time as PAX has it: the seconds and a fraction that both count away from zero.
fn time(seconds: i64, nanos: u32) -> String {
    let (sign, whole, nanos) = match (seconds < 0, nanos) {
        (true, 0) => ("-", seconds.unsigned_abs(), 0),
        (true, nanos) => ("-", (seconds + 1).unsigned_abs(), 1_000_000_000 - nanos),
        (false, nanos) => ("", seconds.unsigned_abs(), nanos),
    };
    let fraction = match nanos {
        0 => String::new(),
        nanos => format!(".{nanos:09}").trim_end_matches('0').to_owned(),
    };
    format!("{sign}{whole}{fraction}")
}

/// `LENGTH KEY=VALUE\n`, whose length counts its own digits.
fn record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if length.to_string().len() > rest.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        for length in 0..1200 {
            let mut out = Vec::new();
            record(&mut out, b"path", &vec![b'x'; length]);
            let stated: usize = String::from_utf8_lossy(&out)
                .split(' ')
                .next()
                .expect("digits")
                .parse()
                .expect("a number");
            assert_eq!(stated, out.len());
        }
    }
}
