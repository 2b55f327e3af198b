//! One tar header block: v7, ustar, GNU. Source: POSIX pax "ustar Interchange Format", the GNU tar manual.

use crate::model::excused::Excused as _;

use super::error::LayerProblem;
use super::number::{self, number};
use super::sparse::DataRanges;

pub(super) const BLOCK: usize = 512;

/// What a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeFlag {
    Regular,
    /// Of the time before there were folders: a file, or a folder when its name ends in a slash.
    Old,
    Sparse,
    HardLink,
    Symlink,
    Directory,
    /// Devices and pipes.
    Special,
    PaxLocal,
    PaxGlobal,
    GnuName,
    GnuLink,
    /// Something of a vendor's.
    Other,
}

impl TypeFlag {
    fn of(byte: u8) -> Self {
        match byte {
            b'0' => Self::Regular,
            0 => Self::Old,
            b'S' => Self::Sparse,
            b'1' => Self::HardLink,
            b'2' => Self::Symlink,
            b'5' => Self::Directory,
            b'3' | b'4' | b'6' => Self::Special,
            b'x' => Self::PaxLocal,
            b'g' => Self::PaxGlobal,
            b'L' => Self::GnuName,
            b'K' => Self::GnuLink,
            _ => Self::Other,
        }
    }
}

/// Which writer's form a header has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    V7,
    Ustar,
    Gnu,
}

/// The fields of a header, borrowed from its block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    block: &'a [u8],
    form: Form,
    pub(super) flag: TypeFlag,
    pub(super) mode: u32,
    /// As it stands there. Not every kind of entry has data.
    pub(super) size: u64,
    /// Why two readers could read the block differently.
    pub(super) doubt: Option<&'static str>,
}

/// The fields of a header that say nothing about names and contents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// Seconds since 1970.
    pub(super) time: i64,
    /// The type of a device or a pipe, else 0.
    pub(super) special: u8,
    pub(super) device: (u32, u32),
}

impl<'a> Header<'a> {
    /// Reads a block; `None` for a block of zeros.
    pub(super) fn parse(block: &'a [u8]) -> Result<Option<Self>, LayerProblem> {
        let broken = LayerProblem::Header;
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        if sum == 0 {
            return Ok(None);
        }
        let mut doubt = None;
        let mut doubted = |why: &'static str| {
            doubt.get_or_insert(why);
        };
        let field: u32 = block[148..156].iter().map(|byte| u32::from(*byte)).sum();
        let stated = number(&block[148..156]).ok_or(broken("the checksum is no number"))?;
        if i64::from(sum - field + 8 * 32) != stated.value {
            if !signed_sum_is(block, stated.value) {
                return Err(broken("the checksum does not match"));
            }
            doubted("its checksum is one of signed bytes");
        }
        let form = Form::of(block).unwrap_or_else(|| {
            doubted("its format is not known by its magic");
            Form::V7
        });
        let size = number(&block[124..136]).ok_or(broken("the size is no number"))?;
        let size_value = u64::try_from(size.value).map_err(|_| broken("the size is negative"))?;
        let mode = number(&block[100..108]);
        if !(stated.plain && size.plain && mode.is_some_and(|mode| mode.plain) && form.numbers_are_plain(block)) {
            doubted("a numeric field of its header is not written as a number");
        }
        if !form.is_clean(block, block[156] == b'S') {
            doubted("its header has bytes where its format has none");
        }
        Ok(Some(Self {
            block,
            form,
            flag: TypeFlag::of(block[156]),
            mode: mode.map_or(0, |mode| (mode.value & 0o7777) as u32),
            size: size_value,
            doubt,
        }))
    }

    /// Owner, time and device. What is no number, about which there is a doubt, is 0.
    pub(super) fn numbers(&self) -> Numbers {
        let value = |field: &[u8]| number(field).map_or(0, |number| number.value);
        let unsigned = |field: &[u8]| u64::try_from(value(field)).unwrap_or(0);
        let is_device = matches!(self.block[156], b'3' | b'4');
        let half = |field: &[u8]| u32::try_from(value(field)).unwrap_or(0);
        Numbers {
            uid: unsigned(&self.block[108..116]),
            gid: unsigned(&self.block[116..124]),
            time: value(&self.block[136..148]),
            special: if self.flag == TypeFlag::Special { self.block[156] } else { 0 },
            device: match is_device && self.form != Form::V7 {
                true => (half(&self.block[329..337]), half(&self.block[337..345])),
                false => (0, 0),
            },
        }
    }

    /// True where the field for the size holds nothing.
    pub(super) fn has_no_size(&self) -> bool {
        number::is_empty(&self.block[124..136])
    }

    /// Replaces `out` by the path, prefix included; false where bytes follow the end of a field's text.
    pub(super) fn path(&self, out: &mut Vec<u8>) -> bool {
        out.clear();
        let (name, mut clean) = text(&self.block[..100]);
        if let Some(prefix) = self.prefix() {
            let (prefix, prefix_clean) = text(prefix);
            clean &= prefix_clean;
            if !prefix.is_empty() {
                out.extend_from_slice(prefix);
                out.push(b'/');
            }
        }
        out.extend_from_slice(name);
        clean
    }

    fn prefix(&self) -> Option<&'a [u8]> {
        match self.form {
            // The form of `star` has a shorter one.
            Form::Ustar if &self.block[508..512] == b"tar\0" => Some(&self.block[345..476]),
            Form::Ustar => Some(&self.block[345..500]),
            // Old versions of Go wrote one by mistake, and today's believe it where the times that belong there are none.
            Form::Gnu if !self.gnu_times_are_numbers() => Some(&self.block[345..500]).filter(|prefix| {
                let (text, _) = text(prefix);
                text.is_ascii()
            }),
            Form::Gnu | Form::V7 => None,
        }
    }

    fn gnu_times_are_numbers(&self) -> bool {
        [345..357, 357..369]
            .into_iter()
            .all(|field| self.block[field.start] == 0 || number(&self.block[field]).is_some())
    }

    /// The target of a link, and whether nothing follows the end of its text.
    pub(super) fn link(&self) -> (&'a [u8], bool) {
        text(&self.block[157..257])
    }

    /// The first four entries of an old GNU sparse map, whether more follow, and the real size.
    pub(super) fn gnu_sparse(&self) -> Option<(DataRanges, bool, u64)> {
        if self.form != Form::Gnu {
            return None;
        }
        let map = sparse_entries(&self.block[386..482])?;
        let real = plain(&self.block[483..495])?;
        (self.block[482] <= 1).then_some((map, self.block[482] != 0, real))
    }
}

impl Form {
    fn of(block: &[u8]) -> Option<Self> {
        match &block[257..265] {
            [b'u', b's', b't', b'a', b'r', 0, ..] => Some(Self::Ustar),
            b"ustar  \0" => Some(Self::Gnu),
            [0, 0, 0, 0, 0, 0, 0, 0] => Some(Self::V7),
            _ => None,
        }
    }

    /// Owner, group and time; devices where the form has them.
    fn numbers_are_plain(self, block: &[u8]) -> bool {
        let plain = |field: &[u8]| number(field).is_some_and(|number| number.plain);
        plain(&block[108..116])
            && plain(&block[116..124])
            && plain(&block[136..148])
            && (self == Self::V7 || plain(&block[329..337]) && plain(&block[337..345]))
            && (self != Self::Gnu || plain(&block[345..357]) && plain(&block[357..369]))
    }

    /// True where nothing is set that this form does not have, and that another reader could take for something.
    fn is_clean(self, block: &[u8], sparse: bool) -> bool {
        let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        match self {
            // GNU tar writes zeros for devices into this form too.
            Self::V7 => zero(&block[257..329]) && zero(&block[345..512]),
            Self::Ustar => zero(&block[500..512]),
            Self::Gnu if sparse => zero(&block[369..386]) && zero(&block[495..512]),
            Self::Gnu => zero(&block[369..512]),
        }
    }
}

/// Reads the pairs of 12-byte offset and length of an old GNU sparse block. `None` unless they are plain, and zeros follow the last.
pub(super) fn sparse_entries(bytes: &[u8]) -> Option<DataRanges> {
    let mut map = Vec::new();
    let mut pairs = bytes.chunks_exact(24);
    for pair in pairs.by_ref() {
        if pair[0] == 0 {
            if pair.iter().any(|byte| *byte != 0) {
                return None;
            }
            break;
        }
        map.push((plain(&pair[..12])?, plain(&pair[12..])?));
    }
    pairs.flatten().all(|byte| *byte == 0).then_some(map)
}

fn plain(field: &[u8]) -> Option<u64> {
    let number = number(field).filter(|number| number.plain)?;
    u64::try_from(number.value).or_none("a negative one is no size: the caller doubts")
}

/// Some old tars summed signed bytes.
fn signed_sum_is(block: &[u8], stated: i64) -> bool {
    let signed = |bytes: &[u8]| -> i64 { bytes.iter().map(|byte| i64::from(byte.cast_signed())).sum() };
    signed(block) - signed(&block[148..156]) + 8 * 32 == stated
}

/// A field up to its first zero byte, and whether only zeros follow.
fn text(field: &[u8]) -> (&[u8], bool) {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (text, rest) = field.split_at(end);
    (text, rest.iter().all(|byte| *byte == 0))
}
