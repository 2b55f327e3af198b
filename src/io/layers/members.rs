//! The members of a tar that comes as a stream, each as a stream of its own. For archives of archives: nothing is kept.

use std::io::{self, Read};

use super::error::{LayerError, LayerProblem};
use super::extension::{self, Pending};
use super::header::{BLOCK, Flag, Header};
use super::path;
use crate::io::limits::Limits;

/// A tar as it comes. Reading reads the content of the member that [`Members::member`] gave last.
#[derive(Debug)]
pub struct Members<'l, R> {
    stream: R,
    limits: &'l Limits,
    name: String,
    offset: u64,
    /// Bytes of the member's content that were not read yet.
    left: u64,
    padding: u64,
    entries: u64,
}

/// A member that can matter: a file or a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Clean path.
    pub path: String,
    /// Where a link leads, as written for a symbolic one.
    pub link: Option<Link>,
    /// Bytes of its content.
    pub size: u64,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// From the folder that it lies in.
    Symbolic(String),
    /// From the root.
    Hard(String),
}

impl<'l, R: Read> Members<'l, R> {
    /// `name` is what to call the stream in errors.
    pub fn new(stream: R, name: &str, limits: &'l Limits) -> Self {
        Self {
            stream,
            limits,
            name: name.to_owned(),
            offset: 0,
            left: 0,
            padding: 0,
            entries: 0,
        }
    }

    /// The next file or link; passes over what was left of the one before. None at the end, and then everything was read.
    ///
    /// # Errors
    /// [`LayerError`], with the offset in the stream.
    pub fn member(&mut self) -> Result<Option<Member>, LayerError> {
        let next = self.next_member();
        next.map_err(|problem| self.failed(problem))
    }

    /// The stream itself.
    pub fn into_inner(self) -> R {
        self.stream
    }

    fn failed(&self, problem: LayerProblem) -> LayerError {
        LayerError {
            layer: self.name.clone(),
            offset: self.offset,
            unpacked: false,
            problem,
        }
    }

    fn next_member(&mut self) -> Result<Option<Member>, LayerProblem> {
        let mut pending = Pending::default();
        loop {
            self.skip(self.left + self.padding)?;
            (self.left, self.padding) = (0, 0);
            let mut block = [0; BLOCK];
            let Some(header) = self.block(&mut block)?.then(|| Header::parse(&block)).transpose()?.flatten() else {
                io::copy(&mut self.stream, &mut io::sink()).map_err(LayerProblem::Read)?;
                return Ok(None);
            };
            extension::count(&mut self.entries, self.limits)?;
            match header.flag {
                Flag::PaxLocal | Flag::GnuName | Flag::GnuLink => pending.add(header.flag, &self.extension(header.size)?)?,
                Flag::Sparse => return Err(LayerProblem::Header("a sparse file in an archive of an image")),
                Flag::Regular | Flag::HardLink | Flag::Symlink => {
                    let mut name = Vec::new();
                    let said = pending.join(&header, &mut name);
                    self.content_of(said.stored)?;
                    return Ok(Some(Member {
                        path: self.clean(&name)?,
                        link: match header.flag {
                            Flag::Symlink => Some(Link::Symbolic(String::from_utf8_lossy(&said.link).into_owned())),
                            Flag::HardLink => Some(Link::Hard(self.clean(&said.link)?)),
                            _ => None,
                        },
                        size: said.stored,
                    }));
                }
                Flag::Directory | Flag::Special | Flag::PaxGlobal | Flag::Other => {
                    self.content_of(header.size)?;
                    pending = Pending::default();
                }
            }
        }
    }

    fn clean(&self, raw: &[u8]) -> Result<String, LayerProblem> {
        let mut clean = Vec::new();
        path::clean(raw, self.limits, &mut clean)?;
        Ok(String::from_utf8_lossy(&clean).into_owned())
    }

    fn content_of(&mut self, size: u64) -> Result<(), LayerProblem> {
        let padded = size.checked_next_multiple_of(BLOCK as u64);
        let padded = padded.ok_or(LayerProblem::Header("the size is past all bounds"))?;
        (self.left, self.padding) = (size, padded - size);
        Ok(())
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, LayerProblem> {
        extension::within_limit(size, self.limits)?;
        self.content_of(size)?;
        let mut data = Vec::new();
        self.read_to_end(&mut data).map_err(LayerProblem::Read)?;
        Ok(data)
    }

    /// Fills a block; false at the end of the stream.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, LayerProblem> {
        let mut filled = 0;
        while filled < BLOCK {
            match self.stream.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(LayerProblem::EndsInside("a header".to_owned())),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayerProblem::Read(error)),
            }
        }
        self.offset += BLOCK as u64;
        Ok(true)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), LayerProblem> {
        let passed = io::copy(&mut (&mut self.stream).take(bytes), &mut io::sink()).map_err(LayerProblem::Read)?;
        self.offset += passed;
        if passed < bytes.saturating_sub(self.padding) {
            return Err(LayerProblem::EndsInside("a file".to_owned()));
        }
        Ok(())
    }
}

impl<R: Read> Read for Members<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.stream.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside of a file"));
        }
        self.left -= count as u64;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Tar;
    use super::*;

    #[test]
    fn members_come_one_after_the_other_and_what_nobody_reads_is_passed_over() {
        let long = format!("blobs/{}", "x".repeat(200));
        let tar = Tar::new()
            .dir("d")
            .file("./a", [b'a'; 700])
            .symlink("d/l", "../a")
            .hard_link("d/h", "/a")
            .gnu_name(&long)
            .file("short", b"long one")
            .pax(&[("path", "p"), ("size", "3")])
            .file("q", b"pax")
            .finish();
        let limits = Limits::default();
        let mut members = Members::new(&tar[..], "t", &limits);
        let mut seen = Vec::new();
        while let Some(member) = members.member().expect("a tar") {
            let mut content = String::new();
            if member.size < 512 {
                members.read_to_string(&mut content).expect("content");
            }
            seen.push((member.path, member.link, content));
        }
        let plain = |path: &str, content: &str| (path.to_owned(), None, content.to_owned());
        assert_eq!(
            seen,
            [
                plain("a", ""),
                ("d/l".to_owned(), Some(Link::Symbolic("../a".to_owned())), String::new()),
                ("d/h".to_owned(), Some(Link::Hard("a".to_owned())), String::new()),
                plain(&long, "long one"),
                plain("p", "pax"),
            ]
        );
    }

    #[test]
    fn a_stream_that_is_cut_off_is_broken_where_it_ends() {
        let tar = Tar::new().file("a", [b'a'; 700]).finish();
        let limits = Limits::default();
        let mut members = Members::new(&tar[..800], "t", &limits);
        members.member().expect("the header is whole");
        let error = members.member().expect_err("the content is not");
        assert!(matches!(error.problem, LayerProblem::EndsInside(_)), "{error:?}");
    }

    proptest::proptest! {
        #[test]
        fn damaged_streams_never_panic(at in 0usize..4000, byte: u8, cut in 0usize..5000) {
            let mut tar = Tar::new().pax(&[("path", "p"), ("size", "3")]).file("a", b"abc").gnu_name("n").file("b", [1; 600]).finish();
            if let Some(target) = tar.get_mut(at) {
                *target = byte;
            }
            tar.truncate(cut);
            let limits = Limits::default();
            let mut members = Members::new(&tar[..], "t", &limits);
            while let Ok(Some(_)) = members.member() {}
        }
    }
}
