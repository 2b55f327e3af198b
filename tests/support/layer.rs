//! A small builder of tars, also of such that no honest tool writes.

use std::io::Write as _;

/// A tar under construction.
#[derive(Debug, Clone, Default)]
pub struct Tar {
    bytes: Vec<u8>,
}

impl Tar {
    pub fn new() -> Self {
        Self::default()
    }

    /// A regular file, mode 0644.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_mode(path, 0o644, content)
    }

    /// A regular file with a mode.
    pub fn file_mode(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.header(path, b'0', mode, content.len() as u64, "").data(content)
    }

    pub fn dir(self, path: &str) -> Self {
        self.header(&format!("{path}/"), b'5', 0o755, 0, "")
    }

    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.header(path, b'2', 0o777, 0, target)
    }

    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.header(path, b'1', 0o644, 0, target)
    }

    /// A PAX header with records for the entry that follows.
    pub fn pax(self, records: &[(&str, &str)]) -> Self {
        let mut data = String::new();
        for (key, value) in records {
            let rest = format!(" {key}={value}\n");
            let mut length = rest.len() + 1;
            while length.to_string().len() + rest.len() != length {
                length = length.to_string().len() + rest.len();
            }
            data.push_str(&format!("{length}{rest}"));
        }
        self.header("PaxHeader", b'x', 0o644, data.len() as u64, "").data(data.as_bytes())
    }

    /// GNU's long name for the entry that follows.
    pub fn gnu_name(self, name: &str) -> Self {
        let data = [name.as_bytes(), b"\0"].concat();
        self.header("././@LongLink", b'L', 0o644, data.len() as u64, "").data(&data)
    }

    /// A bare ustar header.
    pub fn header(mut self, path: &str, flag: u8, mode: u32, size: u64, link: &str) -> Self {
        let mut block = [0u8; 512];
        let name = &path.as_bytes()[..path.len().min(100)];
        block[..name.len()].copy_from_slice(name);
        block[100..108].copy_from_slice(format!("{mode:07o}\0").as_bytes());
        block[108..116].copy_from_slice(b"0000000\0");
        block[116..124].copy_from_slice(b"0000000\0");
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = flag;
        let link = &link.as_bytes()[..link.len().min(100)];
        block[157..157 + link.len()].copy_from_slice(link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        checksum(&mut block);
        self.bytes.extend_from_slice(&block);
        self
    }

    /// The content of the last header, padded.
    pub fn data(mut self, content: &[u8]) -> Self {
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
        self
    }

    /// What another tar holds, behind what this one does.
    #[allow(dead_code, reason = "the tests of the library use it, those of the program do not")]
    pub fn append(mut self, other: Self) -> Self {
        self.bytes.extend_from_slice(&other.bytes);
        self
    }

    /// Whatever bytes.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The tar with its two blocks of zeros.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 1024, 0);
        self.bytes
    }

    /// The tar without an end.
    pub fn unfinished(self) -> Vec<u8> {
        self.bytes
    }
}

/// Writes a header's checksum.
pub fn checksum(block: &mut [u8; 512]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// The bytes as one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

/// The bytes as one zstd frame.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("in memory")
}
