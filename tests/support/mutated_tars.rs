//! Small tars by the million, honest ones and such that were tampered with, from a seed.

use super::layer::{Tar, checksum};

/// A row of numbers that looks random and is the same for the same seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True in one of `n` throws.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const NAMES: &[&str] = &[
    "a",
    "b/c",
    "./d",
    "/e",
    "f/",
    "usr/lib/x",
    ".wh.a",
    "b/.wh..wh..opq",
    "ä",
    "",
    ".",
    "./",
    "g/../a",
    "h//i",
    "h/.",
    "GNUSparseFile.0/a",
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789/long",
    "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678/ends",
];
const PLAIN_NAMES: &[&str] = &["a", "b/c", "./d", "/e", "usr/lib/x", ".wh.a", "b/.wh..wh..opq", "ä", "h//i"];
const KEYS: &[&str] = &[
    "path",
    "path",
    "linkpath",
    "size",
    "size",
    "mtime",
    "uid",
    "comment",
    "uname",
    "hdrcharset",
    "SCHILY.xattr.user.a",
    "SCHILY.xattr.trusted.overlay.opaque",
    "SCHILY.realsize",
    "GNU.sparse.name",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.size",
    "GNU.sparse.realsize",
    "GNU.sparse.numblocks",
    "GNU.sparse.map",
    "GNU.sparse.offset",
    "GNU.sparse.numbytes",
    "GNU.volume.size",
    "x\0y",
];
const VALUES: &[&str] = &[
    "a",
    "b/c",
    "f/",
    "",
    "0",
    "1",
    "2",
    "3",
    "3",
    "512",
    "1024",
    "0,3",
    "0,1,2,2",
    "-1",
    "+3",
    "03",
    "1.5",
    "-1.5",
    "a\0b",
    "y",
    "BINARY",
    "0x3",
    "9223372036854775807",
    "9223372036854775808",
    "8589934592",
];
const FLAGS: &[u8] = b"0000000000\x00\x001122553S";
const ODD_FLAGS: &[u8] = b"4677SxgLKXDVMNAZ";
const PLAIN_RECORDS: &[(&str, &str)] = &[
    ("path", "p/q"),
    ("path", "a"),
    ("mtime", "1.5"),
    ("comment", "x"),
    ("SCHILY.xattr.user.a", "b"),
    ("uid", "7"),
];
const SPARSE: &[&[(&str, &str)]] = &[
    &[
        ("GNU.sparse.size", "9"),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.map", "2,3"),
        ("GNU.sparse.name", "real"),
    ],
    &[
        ("GNU.sparse.size", "9"),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.offset", "0"),
        ("GNU.sparse.numbytes", "1"),
        ("GNU.sparse.offset", "4"),
        ("GNU.sparse.numbytes", "2"),
    ],
    &[
        ("GNU.sparse.major", "0"),
        ("GNU.sparse.minor", "1"),
        ("GNU.sparse.size", "3"),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.map", "0,3"),
    ],
    &[
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "real"),
        ("GNU.sparse.realsize", "9"),
    ],
];

fn name(dice: &mut Dice) -> &'static str {
    if dice.one_in(12) { dice.of(NAMES) } else { dice.of(PLAIN_NAMES) }
}

pub fn tar(dice: &mut Dice) -> Vec<u8> {
    let mut tar = Tar::new();
    for _ in 0..=dice.below(3) {
        tar = entry(tar, dice);
        if dice.one_in(100) {
            tar = tar.raw(&[0; 512]);
        }
    }
    let ended = !dice.one_in(10);
    let mut bytes = if ended { tar.finish() } else { tar.unfinished() };
    if dice.one_in(30) {
        bytes.extend_from_slice(&Tar::new().file("behind", "x").finish());
    }
    if dice.one_in(5) {
        tamper(&mut bytes, dice);
    }
    bytes
}

fn entry(mut tar: Tar, dice: &mut Dice) -> Tar {
    let odd = dice.one_in(6);
    for _ in 0..if odd { 2 } else { 1 } {
        match dice.below(9) {
            0 => tar = tar.gnu_name(name(dice)),
            1 if odd => {
                let data = [dice.of(NAMES).as_bytes(), b"\0"].concat();
                tar = tar.header("././@LongLink", b'K', 0o644, data.len() as u64, "").data(&data);
            }
            1 | 2 if !odd => tar = tar.pax(&[dice.of(PLAIN_RECORDS)]),
            2 | 3 if odd => {
                let records: Vec<_> = (0..=dice.below(3)).map(|_| (dice.of(KEYS), dice.of(VALUES))).collect();
                tar = tar.pax(&records);
            }
            4 if dice.one_in(2) => {
                let mut records = dice.of(SPARSE).to_vec();
                if odd {
                    let at = dice.below(records.len());
                    records[at] = (dice.of(KEYS), dice.of(VALUES));
                }
                if records[0].0 == "GNU.sparse.major" && records[0].1 == "1" && !dice.one_in(4) {
                    let mut map = dice
                        .of(&["1\n2\n3\n", "2\n0\n1\n4\n2\n", "1\n0\n", "x\n", "0\n"])
                        .as_bytes()
                        .to_vec();
                    map.resize(512, 0);
                    map.extend_from_slice(&b"abc"[..dice.below(4)]);
                    return tar.pax(&records).file("GNUSparseFile.0/real", map);
                }
                tar = tar.pax(&records);
            }
            _ => {}
        }
    }
    own_header(tar, dice)
}

/// An entry's own header, of any form, and its data.
fn own_header(tar: Tar, dice: &mut Dice) -> Tar {
    let flags = if dice.one_in(20) { ODD_FLAGS } else { FLAGS };
    let flag = dice.of(flags);
    let has_data = !matches!(flag, b'1'..=b'6') || dice.one_in(60);
    let data = &b"abc"[..if has_data { dice.below(4) } else { 0 }];
    let size = if dice.one_in(30) { dice.below(2000) } else { data.len() };
    let link = if matches!(flag, b'1' | b'2') || dice.one_in(60) {
        name(dice)
    } else {
        ""
    };
    let mut block = [0; 512];
    block.copy_from_slice(&Tar::new().header(name(dice), flag, 0o644, size as u64, link).unfinished());
    match dice.below(6) {
        0 | 1 => block[257..265].copy_from_slice(b"ustar  \0"),
        2 => block[257..265].fill(0),
        _ => {}
    }
    if flag == b'S' && !dice.one_in(4) {
        block[257..265].copy_from_slice(b"ustar  \0");
        for (at, number) in [(386, 1), (398, data.len()), (483, 9)] {
            block[at..at + 12].copy_from_slice(format!("{number:011o}\0").as_bytes());
        }
    }
    if dice.one_in(20) && &block[257..263] == b"ustar\0" || dice.one_in(60) {
        block[345..348].copy_from_slice(b"pre");
    }
    if dice.one_in(10) {
        odd_field(&mut block, dice);
    }
    checksum(&mut block);
    tar.raw(&block).data(data)
}

/// One field of a header, written as somebody might.
fn odd_field(block: &mut [u8; 512], dice: &mut Dice) {
    let (at, length) = dice.of(&[
        (100, 8),
        (108, 8),
        (116, 8),
        (124, 12),
        (136, 12),
        (329, 8),
        (337, 8),
        (345, 12),
        (357, 12),
        (386, 12),
        (483, 12),
        (0, 100),
        (157, 100),
        (257, 8),
        (500, 12),
    ]);
    let field = &mut block[at..at + length];
    match dice.below(8) {
        0 => field.fill(0),
        1 => field.fill(b' '),
        2 => field.fill(b'7'),
        3 => field[0] = dice.of(&[0x80, 0x81, 0xff, 0xc0, 0xbf]),
        4 => field[dice.below(length.min(12))] = 0,
        5 => field[dice.below(length.min(12))] = b' ',
        6 => field[length - 1] = dice.of(b"07 x\0"),
        _ => field[dice.below(length)] = dice.next() as u8,
    }
}

/// Damage by hand: bytes, with and without the checksum put right; blocks twice, left out or in another order; the end cut off.
fn tamper(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let blocks = bytes.len() / 512;
    if blocks == 0 {
        return;
    }
    let at = dice.below(blocks) * 512;
    match dice.below(10) {
        0..=6 => {
            let place = at + dice.below(512);
            bytes[place] = match dice.below(3) {
                0 => dice.next() as u8,
                1 => dice.of(b"\0 07/9LxgKS"),
                _ => bytes[place] ^ (1 << dice.below(8)),
            };
            if !dice.one_in(8)
                && let Ok(block) = <&mut [u8; 512]>::try_from(&mut bytes[at..at + 512])
            {
                checksum(block);
            }
        }
        7 => {
            let block = bytes[at..at + 512].to_vec();
            bytes.splice(at..at, block);
        }
        8 => {
            bytes.drain(at..at + 512);
        }
        _ => {
            let cut = dice.below(bytes.len());
            bytes.truncate(cut);
        }
    }
}
