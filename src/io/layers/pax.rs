//! PAX extended headers. Source: POSIX pax "pax Header Block"; the GNU tar manual, "Storing Sparse Files".

use super::error::LayerProblem;

/// What a local PAX header changes about the entry that follows.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse: Option<PaxSparse>,
}

/// GNU's sparse formats 0.0, 0.1 and 1.0.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct PaxSparse {
    pub(super) real_size: u64,
    /// None in format 1.0: the map is at the start of the data.
    pub(super) map: Option<Vec<(u64, u64)>>,
}

/// Reads the records `LENGTH KEY=VALUE\n`.
pub(super) fn parse(mut data: &[u8]) -> Result<Pax, LayerProblem> {
    let mut pax = Pax::default();
    let mut sparse = PaxSparse::default();
    let (mut is_sparse, mut numbers, mut major) = (false, Vec::new(), 0);
    while !data.is_empty() && data[0] != 0 {
        let (key, value, rest) = record(data).ok_or(LayerProblem::Header("a PAX record is broken"))?;
        data = rest;
        if value.is_empty() {
            continue;
        }
        let number = || decimal(value).ok_or(LayerProblem::Header("a PAX number is broken"));
        match key {
            b"path" if is_sparse && pax.path.is_some() => {}
            b"path" => pax.path = Some(value.to_vec()),
            b"linkpath" => pax.link = Some(value.to_vec()),
            b"size" => pax.size = Some(number()?),
            b"GNU.sparse.name" => {
                is_sparse = true;
                pax.path = Some(value.to_vec());
            }
            b"GNU.sparse.major" => {
                is_sparse = true;
                major = number()?;
            }
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => {
                is_sparse = true;
                sparse.real_size = number()?;
            }
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => numbers.push(number()?),
            b"GNU.sparse.map" => {
                for part in value.split(|byte| *byte == b',') {
                    numbers.push(decimal(part).ok_or(LayerProblem::Header("a PAX sparse map is broken"))?);
                }
            }
            _ => {}
        }
    }
    if is_sparse {
        if !numbers.len().is_multiple_of(2) {
            return Err(LayerProblem::Header("a PAX sparse map is broken"));
        }
        sparse.map = (major == 0).then(|| numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect());
        pax.sparse = Some(sparse);
    }
    Ok(pax)
}

fn record(data: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = data.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&data[..space])?).ok()?;
    let (record, rest) = data.split_at_checked(length)?;
    let body = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], rest))
}

/// A decimal number of digits only.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_link_and_size_are_read_and_the_rest_is_passed_over() {
        let pax = parse(b"13 path=a/bc\n16 linkpath=tgt\n11 size=12\n20 mtime=1234567.89\n").expect("read");
        assert_eq!(pax.path.as_deref(), Some(&b"a/bc"[..]));
        assert_eq!(pax.link.as_deref(), Some(&b"tgt"[..]));
        assert_eq!(pax.size, Some(12));
    }

    #[test]
    fn broken_records_are_refused() {
        for data in [
            &b"99 path=a\n"[..],
            b"path=a\n",
            b"3 a\n",
            b"11 size=1x\n",
            b"99999999999999999999999 path=a\n",
            b"5 \xff\xff",
        ] {
            assert!(parse(data).is_err(), "{data:?}");
        }
    }
}
