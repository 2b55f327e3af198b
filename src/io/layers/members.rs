//! The members of a tar that comes as a stream, each as a stream of its own. For archives of archives: nothing is kept.

use std::io::{self, Read};

use super::error::{LayerError, LayerProblem};
use super::header::BLOCK;
use super::headers::{Headers, Step};
use super::join::{Doubted, Sort};
use super::stream::{Arriving, Stream};
use crate::io::limits::Limits;

/// A tar as it comes. Reading reads the content of the member that [`Members::member`] gave last.
#[derive(Debug)]
pub struct Members<'l, R> {
    stream: Stream<Arriving<R>>,
    headers: Headers<'l>,
    name: String,
    /// Bytes of the member's content that were not read yet.
    left: u64,
    padding: u64,
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
            stream: Stream::new(Arriving(stream)),
            headers: Headers::new(limits),
            name: name.to_owned(),
            left: 0,
            padding: 0,
        }
    }

    /// The next file or link; passes over what was left of the one before. `None` at the end, and then everything was read.
    ///
    /// # Errors
    /// [`LayerError`], with the offset in the stream. Whatever can be read in two ways is one.
    pub fn member(&mut self) -> Result<Option<Member>, LayerError> {
        let next = self.next_member();
        next.map_err(|problem| LayerError {
            layer: self.name.clone(),
            offset: self.stream.offset(),
            unpacked: false,
            problem,
        })
    }

    /// The stream, as far as it has been read.
    pub fn into_inner(self) -> R {
        self.stream.into_inner().0
    }

    fn next_member(&mut self) -> Result<Option<Member>, LayerProblem> {
        loop {
            self.stream.pass(self.left, self.padding)?;
            (self.left, self.padding) = (0, 0);
            let step = self.headers.step(&mut self.stream)?;
            self.sure()?;
            let said = match step {
                Step::More => continue,
                Step::Entry(said) => said,
                Step::End => {
                    let rest = self.stream.rest()?;
                    self.headers.doubt = rest;
                    return self.sure().map(|()| None);
                }
            };
            if said.sparse.is_some() {
                return Err(LayerProblem::Header("a sparse file in an archive of an image"));
            }
            self.left = said.stored;
            self.padding = said.stored.next_multiple_of(BLOCK as u64) - said.stored;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let link = match said.sort {
                Sort::File => None,
                Sort::Symlink => Some(Link::Symbolic(text(&self.headers.target))),
                Sort::HardLink => Some(Link::Hard(text(&self.headers.target))),
                Sort::Directory | Sort::Special => continue,
            };
            return Ok(Some(Member {
                path: text(&self.headers.clean),
                link,
                size: said.stored,
            }));
        }
    }

    /// Refuses what can be read in two ways.
    fn sure(&mut self) -> Result<(), LayerProblem> {
        match self.headers.doubt.take() {
            None => Ok(()),
            Some(Doubted { offset, reason }) => Err(LayerProblem::Ambiguous {
                entry: String::from_utf8_lossy(&self.headers.clean).into_owned(),
                offset,
                reason,
            }),
        }
    }
}

impl<R: Read> Read for Members<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let ready = self.stream.ready().map_err(io::Error::other)?;
        if ready.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside of a file"));
        }
        let count = wanted.min(ready.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.stream.consume(count);
        self.left -= count as u64;
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
