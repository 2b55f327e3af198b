//! Any other protocol: a connection stays with the instance that it began with.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::table::Table;
use super::upstream;

/// How long one side may be silent once the other has said that it sends no more. Who has closed its connection looks the same as who
/// only sends no more: without an end, every such connection would stay for as long as an instance keeps its side open.
const HALF_CLOSED: Duration = Duration::from_secs(30);

/// Carries a connection until both sides have ended it.
pub(super) async fn carry(table: &Table, client: impl AsyncRead + AsyncWrite + Send) {
    let Ok(mut flight) = table.begin(&HeaderMap::new()).await else {
        table.unanswered.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let instance = match upstream::connect(flight.instance().backend.address, &table.capacity).await {
        Ok(stream) => stream,
        Err(_) => {
            flight.broken();
            let Some(standby) = table.enter_standby(flight.instance()) else {
                return;
            };
            flight = standby;
            let Ok(stream) = upstream::connect(flight.instance().backend.address, &table.capacity).await else {
                flight.broken();
                return;
            };
            table.from_standby.fetch_add(1, Ordering::Relaxed);
            stream
        }
    };
    match between(client, instance).await {
        Ok(()) => flight.served(),
        Err(_) => flight.broken(),
    }
}

/// Carries bytes both ways until both sides have ended, one broke, or one ended and the other is silent.
pub(super) async fn between(one: impl AsyncRead + AsyncWrite, other: impl AsyncRead + AsyncWrite) -> io::Result<()> {
    let (one_read, one_write) = tokio::io::split(one);
    let (other_read, other_write) = tokio::io::split(other);
    let (ended, _keep) = watch::channel(false);
    #[expect(clippy::disallowed_methods, reason = "the macro's own, which gives the error")]
    tokio::try_join!(pump(one_read, other_write, &ended), pump(other_read, one_write, &ended))?;
    Ok(())
}

async fn pump<R, W>(mut from: ReadHalf<R>, mut to: WriteHalf<W>, ended: &watch::Sender<bool>) -> io::Result<()>
where
    R: AsyncRead,
    W: AsyncWrite,
{
    let mut buffer = vec![0u8; 16 * 1024];
    loop {
        let count = tokio::select! {
            count = from.read(&mut buffer) => count?,
            () = silence(ended.subscribe()) => return Err(io::ErrorKind::TimedOut.into()),
        };
        if count == 0 {
            ended.send_replace(true);
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}

/// Returns when the other side has ended and the time to be silent is over.
async fn silence(mut ended: watch::Receiver<bool>) {
    // Its sender lives as long as the one who waits.
    drop(ended.wait_for(|ended| *ended).await);
    tokio::time::sleep(HALF_CLOSED).await;
}
