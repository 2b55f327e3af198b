//! The tar that is being written, header by header.

use std::io::{self, Write};

use super::field::{ELEVEN_DIGITS, SEVEN_DIGITS, fits};
use super::pax;
use crate::io::layers::{Kind, Metadata};

const BLOCK: usize = 512;
const ZEROS: [u8; BLOCK] = [0; BLOCK];
/// What is written of an entry. Paths are clean and relative, that of a folder too.
#[derive(Debug, Clone, Copy)]
pub(in crate::stage::build) struct Header<'a> {
    pub(in crate::stage::build) path: &'a [u8],
    pub(in crate::stage::build) kind: Kind<'a>,
    pub(in crate::stage::build) mode: u32,
    /// Bytes of a file's content.
    pub(in crate::stage::build) size: u64,
    pub(in crate::stage::build) metadata: &'a Metadata,
}

/// A tar that is being written.
pub(in crate::stage::build) struct CanonicalTar<W: Write> {
    sink: W,
    /// Bytes of the file under way that were written.
    content: u64,
}

impl<W: Write> CanonicalTar<W> {
    pub(in crate::stage::build) fn new(sink: W) -> Self {
        Self { sink, content: 0 }
    }

    /// Writes an entry's headers. A file's content follows by [`Self::content`].
    ///
    /// # Errors
    /// What the sink says.
    pub(in crate::stage::build) fn header(&mut self, header: &Header<'_>) -> io::Result<()> {
        self.pad()?;
        let mut path = header.path.to_vec();
        if header.kind == Kind::Directory {
            path.push(b'/');
        }
        let target = match header.kind {
            Kind::Symlink(target) | Kind::HardLink(target) => target,
            Kind::File | Kind::Directory | Kind::Special => &[],
        };
        let size = if header.kind == Kind::File { header.size } else { 0 };
        let pax = pax::records(&path, target, size, header.metadata);
        if !pax.is_empty() {
            let mut block = ustar(b"pax", b"", b'x', 0o644, pax.len() as u64);
            seal(&mut block);
            self.sink.write_all(&block)?;
            self.sink.write_all(&pax)?;
            self.sink.write_all(&ZEROS[..padding(pax.len() as u64)])?;
        }
        let mut block = ustar(&path, target, flag(header), header.mode, size);
        let metadata = header.metadata;
        number(&mut block[108..116], metadata.uid, SEVEN_DIGITS);
        number(&mut block[116..124], metadata.gid, SEVEN_DIGITS);
        number(&mut block[136..148], u64::try_from(metadata.seconds).unwrap_or(0), ELEVEN_DIGITS);
        number(&mut block[329..337], metadata.device.0.into(), SEVEN_DIGITS);
        number(&mut block[337..345], metadata.device.1.into(), SEVEN_DIGITS);
        seal(&mut block);
        self.sink.write_all(&block)
    }

    /// Writes a part of the content that the last header announced.
    ///
    /// # Errors
    /// What the sink says.
    pub(in crate::stage::build) fn content(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.content += bytes.len() as u64;
        self.sink.write_all(bytes)
    }

    /// Writes zeros until the content has `size` bytes.
    ///
    /// # Errors
    /// What the sink says.
    pub(in crate::stage::build) fn zeros_until(&mut self, size: u64) -> io::Result<()> {
        while self.content < size {
            let count = usize::try_from(size - self.content).unwrap_or(BLOCK).min(BLOCK);
            self.content(&ZEROS[..count])?;
        }
        Ok(())
    }

    /// Ends the tar.
    ///
    /// # Errors
    /// What the sink says.
    pub(in crate::stage::build) fn finish(mut self) -> io::Result<W> {
        self.pad()?;
        self.sink.write_all(&ZEROS)?;
        self.sink.write_all(&ZEROS)?;
        Ok(self.sink)
    }

    fn pad(&mut self) -> io::Result<()> {
        let content = std::mem::take(&mut self.content);
        self.sink.write_all(&ZEROS[..padding(content)])
    }
}

fn padding(size: u64) -> usize {
    // Less than a block.
    ((BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64) as usize
}

fn flag(header: &Header<'_>) -> u8 {
    match header.kind {
        Kind::File => b'0',
        Kind::HardLink(_) => b'1',
        Kind::Symlink(_) => b'2',
        Kind::Directory => b'5',
        Kind::Special => header.metadata.special,
    }
}

/// A block without owner, time, device and checksum. What does not fit is cut: the PAX header has it whole.
fn ustar(path: &[u8], target: &[u8], flag: u8, mode: u32, size: u64) -> [u8; BLOCK] {
    let mut block = ZEROS;
    let fitting = |text: &[u8]| if fits(text) { text.len() } else { 0 };
    let shown = &path[..fitting(path)];
    let shown = if shown.is_empty() { b"long" } else { shown };
    block[..shown.len()].copy_from_slice(shown);
    block[157..157 + fitting(target)].copy_from_slice(&target[..fitting(target)]);
    number(&mut block[100..108], u64::from(mode & 0o7777), SEVEN_DIGITS);
    number(&mut block[108..116], 0, SEVEN_DIGITS);
    number(&mut block[116..124], 0, SEVEN_DIGITS);
    number(&mut block[124..136], size, ELEVEN_DIGITS);
    number(&mut block[136..148], 0, ELEVEN_DIGITS);
    block[156] = flag;
    block[257..265].copy_from_slice(b"ustar\x0000");
    number(&mut block[329..337], 0, SEVEN_DIGITS);
    number(&mut block[337..345], 0, SEVEN_DIGITS);
    block
}

/// Octal digits and a zero byte; 0 where there are too few digits, which the PAX header makes good.
fn number(field: &mut [u8], value: u64, most: u64) {
    let value = if value > most { 0 } else { value };
    let width = field.len() - 1;
    field[..width].copy_from_slice(format!("{value:0width$o}").as_bytes());
}

fn seal(block: &mut [u8; BLOCK]) {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    let digits = format!("{sum:06o}");
    block[148..154].copy_from_slice(digits.as_bytes());
    block[154] = 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::layers::{self, Entry, LayerProblem, Need, Visitor};
    use crate::io::limits::Limits;

    /// Path, kind, mode, metadata, content.
    type Written = (Vec<u8>, String, u32, Metadata, Vec<u8>);

    /// Collects what our own reader sees; a doubt is an error.
    #[derive(Default)]
    struct Seen {
        metadata: Metadata,
        entries: Vec<Written>,
    }

    impl Visitor for Seen {
        fn metadata(&mut self, metadata: &Metadata) {
            self.metadata = metadata.clone();
        }
        fn entry(&mut self, entry: &Entry<'_>) -> Result<Need, LayerProblem> {
            let said = (entry.raw.to_vec(), format!("{:?}", entry.kind), entry.mode);
            self.entries.push((said.0, said.1, said.2, self.metadata.clone(), Vec::new()));
            Ok(Need::Content)
        }
        fn content(&mut self, _: &Entry<'_>, bytes: &[u8]) {
            self.entries.last_mut().expect("an entry").4 = bytes.to_vec();
        }
    }

    fn read(tar: &[u8]) -> Seen {
        let mut seen = Seen::default();
        layers::plain(tar, "test", &Limits::default(), &mut seen).expect("read without a doubt");
        seen
    }

    #[test]
    fn what_is_written_is_read_back_without_a_doubt() {
        let long = [b"a/".repeat(120), b"\xc3\xa4".to_vec()].concat();
        let odd = Metadata {
            uid: 3_000_000,
            gid: 70,
            seconds: -2,
            nanos: 750_000_000,
            attributes: vec![(b"security.capability".to_vec(), vec![1, 0, b'\n', 2])],
            ..Metadata::default()
        };
        let device = Metadata {
            special: b'3',
            device: (1, 3),
            ..Metadata::default()
        };
        let plain = Metadata {
            seconds: 1_700_000_000,
            ..Metadata::default()
        };
        let of_a_link = vec![b'x'; 180];
        let entries: [(&[u8], Kind<'_>, &Metadata); 7] = [
            (b"etc", Kind::Directory, &plain),
            (b"etc/motd", Kind::File, &plain),
            (&long, Kind::File, &odd),
            (b"link", Kind::Symlink(b"../etc/motd"), &plain),
            (b"far", Kind::Symlink(&of_a_link), &plain),
            (b"same", Kind::HardLink(b"etc/motd"), &plain),
            (b"dev/null", Kind::Special, &device),
        ];
        let mut tar = CanonicalTar::new(Vec::new());
        for (path, kind, metadata) in entries {
            let size = if kind == Kind::File { 700 } else { 0 };
            let header = Header {
                path,
                kind,
                mode: 0o4755,
                size,
                metadata,
            };
            tar.header(&header).expect("written");
            tar.content(&b"hello"[..(size as usize).min(5)]).expect("written");
            tar.zeros_until(size).expect("written");
        }
        let seen = read(&tar.finish().expect("finished"));
        assert_eq!(seen.entries.len(), entries.len());
        for ((path, kind, mode, metadata, content), (wanted, wanted_kind, wanted_metadata)) in seen.entries.iter().zip(entries) {
            assert_eq!(
                (path.as_slice(), kind.as_str(), *mode),
                (wanted, format!("{wanted_kind:?}").as_str(), 0o4755)
            );
            assert_eq!(metadata, wanted_metadata);
            assert_eq!(content.len(), if wanted_kind == Kind::File { 700 } else { 0 });
        }
    }
}
