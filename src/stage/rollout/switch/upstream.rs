//! Connections to instances.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::capacity::Capacity;

/// The body of a request to an instance.
pub(super) type Sent = Either<Incoming, Empty<Bytes>>;
/// A connection to an instance.
pub(super) type Sender = hyper::client::conn::http1::SendRequest<Sent>;

/// For an instance to take a connection; it is on this machine.
const CONNECT: Duration = Duration::from_secs(2);

/// A connection that counts against the capacity until it is closed.
#[derive(Debug)]
pub(super) struct Upstream {
    stream: TcpStream,
    _room: OwnedSemaphorePermit,
}

/// Opens a connection to an instance.
pub(super) async fn connect(address: SocketAddr, capacity: &Capacity) -> io::Result<Upstream> {
    let full = || io::Error::new(io::ErrorKind::QuotaExceeded, "too many connections to instances");
    let room = capacity.upstream(CONNECT).await.ok_or_else(full)?;
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    Ok(Upstream { stream, _room: room })
}

/// Opens one that carries requests.
pub(super) async fn open(address: SocketAddr, capacity: &Capacity) -> io::Result<Sender> {
    let stream = connect(address, capacity).await?;
    let (sender, connection) = hyper::client::conn::http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

impl AsyncRead for Upstream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Upstream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, parts: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
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
