//! The client's side of a connection, with its clocks: hyper reads whole, strict heads through it, and never waits for ever.
//!
//! A connection has [`HEAD`] from its first moment to its first whole head, and again from the first byte of each later one; [`IDLE`]
//! between an answer and that byte; [`BODY`] between two parts of a body; [`WRITE`] for the client to take a part of an answer. Whoever
//! hangs up is gone at once: a read that gives nothing ends the connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, Sleep};

use super::capacity::Capacity;
use super::chunks::Chunks;
use super::head::{self, Framing, Refusal};
use super::talk::Talk;

const HEAD: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);
const BODY: Duration = Duration::from_secs(30);
const WRITE: Duration = Duration::from_secs(60);

/// What a connection begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Http1,
    /// Nothing that could be answered, or nobody there any more.
    Over,
}

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    Chunks(Chunks),
    /// A wish to speak something else was passed on: what comes next depends on the answer.
    Switching,
    Opaque,
    Over,
}

#[derive(Debug)]
pub(super) struct Guard {
    stream: TcpStream,
    state: State,
    /// What was read and not handed on; its first `released` bytes may be.
    buffer: BytesMut,
    released: usize,
    scanned: usize,
    /// The request under way asked to speak something else.
    upgrade: bool,
    reading: Pin<Box<Sleep>>,
    /// What `reading` measures now.
    measured: Measured,
    writing: Option<Pin<Box<Sleep>>>,
    capacity: Arc<Capacity>,
    idle: Option<u64>,
    evicted: Arc<Notify>,
    talk: Arc<Talk>,
    _room: OwnedSemaphorePermit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measured {
    Nothing,
    First,
    Idle,
    Head,
    Body,
}

impl Guard {
    pub(super) fn new(stream: TcpStream, room: OwnedSemaphorePermit, capacity: &Arc<Capacity>) -> Self {
        let evicted = Arc::new(Notify::new());
        Self {
            stream,
            state: State::Head,
            buffer: BytesMut::new(),
            released: 0,
            scanned: 0,
            upgrade: false,
            reading: Box::pin(tokio::time::sleep(HEAD)),
            measured: Measured::First,
            writing: None,
            idle: Some(capacity.idle(&evicted)),
            capacity: Arc::clone(capacity),
            evicted,
            talk: Arc::default(),
            _room: room,
        }
    }

    pub(super) fn talk(&self) -> Arc<Talk> {
        Arc::clone(&self.talk)
    }

    /// Tells when the connection is to be closed to make room.
    pub(super) fn evicted(&self) -> Arc<Notify> {
        Arc::clone(&self.evicted)
    }

    /// Waits for the first whole head.
    pub(super) async fn first(&mut self) -> First {
        std::future::poll_fn(|context| match ready!(self.poll_head(context)) {
            Ok(true) => Poll::Ready(First::Http1),
            Ok(false) | Err(_) => Poll::Ready(First::Over),
        })
        .await
    }

    /// True when a head was released, false when the connection is over.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            let busy = self.talk.waits(context);
            if !busy {
                match self.find_head() {
                    Ok(true) => return Poll::Ready(Ok(true)),
                    Ok(false) => {}
                    Err(refusal) => return Poll::Ready(Ok(self.refuse(refusal))),
                }
                self.measure_head();
            } else if self.buffer.len() >= head::LONGEST {
                // Whoever sends on while an answer is under way waits in the kernel; the end of the answer asks again.
                return Poll::Pending;
            }
            match self.poll_fill(context) {
                Poll::Ready(Ok(0)) => {
                    self.state = State::Over;
                    return Poll::Ready(Ok(false));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if busy => return Poll::Pending,
                Poll::Pending => {
                    ready!(self.reading.as_mut().poll(context));
                    if self.buffer.is_empty() {
                        self.state = State::Over;
                        return Poll::Ready(Ok(false));
                    }
                    return Poll::Ready(Ok(self.refuse(Refusal::TOO_SLOW)));
                }
            }
        }
    }

    fn find_head(&mut self) -> Result<bool, Refusal> {
        // RFC 9112, 2.2: empty lines before a request are ignored; old clients send one after a POST.
        while self.buffer.starts_with(b"\r\n") {
            self.buffer.advance(2);
            self.scanned = 0;
        }
        if &self.buffer[..] == b"\r" {
            return Ok(false);
        }
        let Some(end) = head::end_of(&self.buffer, self.scanned)? else {
            self.scanned = self.buffer.len();
            return Ok(false);
        };
        let head = head::read(&self.buffer[..end])?;
        self.state = match head.framing {
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunks(Chunks::new()),
        };
        self.upgrade = head.upgrade;
        self.begin();
        self.released = end;
        Ok(true)
    }

    fn begin(&mut self) {
        self.talk.asked();
        self.scanned = 0;
        self.measured = Measured::Nothing;
        if let Some(number) = self.idle.take() {
            self.capacity.busy(number);
        }
    }

    /// Sets the clock for what is waited for now, unless it is running.
    fn measure_head(&mut self) {
        let wanted = if self.buffer.is_empty() { Measured::Idle } else { Measured::Head };
        match self.measured {
            Measured::First => return,
            measured if measured == wanted => return,
            _ => {}
        }
        self.measure(wanted, if wanted == Measured::Idle { IDLE } else { HEAD });
        if self.idle.is_none() {
            self.idle = Some(self.capacity.idle(&self.evicted));
        }
    }

    fn measure(&mut self, what: Measured, length: Duration) {
        self.measured = what;
        self.reading.as_mut().reset(Instant::now() + length);
    }

    /// Answers what cannot be passed on, and ends the connection.
    fn refuse(&mut self, refusal: Refusal) -> bool {
        let Refusal { status, reason } = refusal;
        let length = reason.len() + 1;
        let text = format!(
            "HTTP/1.1 {status}\r\nserver: portcullis-switch\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
             content-length: {length}\r\n\r\n{reason}\n"
        );
        // Nothing was sent that is not taken yet, so these few bytes fit into the socket's buffer; who does not take them loses them.
        let _told = self.stream.try_write(text.as_bytes());
        // Closing with unread bytes would reset the connection and take the answer away from a client that is slow to read it.
        let mut rest = [0u8; 4096];
        for _ in 0..16 {
            if !matches!(self.stream.try_read(&mut rest), Ok(1..)) {
                break;
            }
        }
        self.state = State::Over;
        false
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [0u8; 8 * 1024];
        let mut space = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut space))?;
        self.buffer.extend_from_slice(space.filled());
        Poll::Ready(Ok(space.filled().len()))
    }

    /// More of a body, within its time. 0 when the client has gone.
    fn poll_more_body(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match self.poll_fill(context) {
            Poll::Ready(read) => {
                self.measured = Measured::Nothing;
                Poll::Ready(read)
            }
            Poll::Pending => {
                if self.measured != Measured::Body {
                    self.measure(Measured::Body, BODY);
                }
                ready!(self.reading.as_mut().poll(context));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the body does not come")))
            }
        }
    }

    /// What comes after a request's body.
    fn after_body(&mut self) {
        self.state = if std::mem::take(&mut self.upgrade) {
            State::Switching
        } else {
            State::Head
        };
    }

    /// Releases bytes for the reader; false when the client has gone.
    fn poll_release(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            match &mut self.state {
                State::Over => return Poll::Ready(Ok(false)),
                State::Head => return self.poll_head(context),
                State::Switching => {
                    self.state = if ready!(self.talk.poll_switched(context)) {
                        State::Opaque
                    } else {
                        State::Head
                    };
                    continue;
                }
                State::Opaque if !self.buffer.is_empty() => self.released = self.buffer.len(),
                State::Length(0) => {
                    self.after_body();
                    continue;
                }
                State::Length(left) if !self.buffer.is_empty() => {
                    let part = usize::try_from(*left).unwrap_or(usize::MAX).min(self.buffer.len());
                    *left -= part as u64;
                    self.released = part;
                }
                State::Chunks(chunks) if chunks.is_over() => {
                    self.after_body();
                    continue;
                }
                State::Chunks(chunks) if !self.buffer.is_empty() => {
                    let part = chunks.take(&self.buffer);
                    self.released = part.map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, reason))?;
                }
                State::Opaque => {
                    if ready!(self.poll_fill(context))? == 0 {
                        return Poll::Ready(Ok(false));
                    }
                    continue;
                }
                State::Length(_) | State::Chunks(_) => {
                    if ready!(self.poll_more_body(context))? == 0 {
                        return Poll::Ready(Ok(false));
                    }
                    continue;
                }
            }
            return Poll::Ready(Ok(true));
        }
    }

    fn poll_written(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.writing = None;
            return written;
        }
        let writing = self.writing.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE)));
        ready!(writing.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer")))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(number) = self.idle.take() {
            self.capacity.busy(number);
        }
    }
}

impl AsyncRead for Guard {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.released == 0 && !ready!(self.poll_release(context))? {
            return Poll::Ready(Ok(()));
        }
        let part = self.released.min(into.remaining());
        into.put_slice(&self.buffer[..part]);
        self.buffer.advance(part);
        self.released -= part;
        if self.buffer.is_empty() {
            // An idle connection keeps no memory for a head that has passed.
            self.buffer = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guard {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_written(context, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.poll_written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
