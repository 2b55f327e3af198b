//! Any other protocol: a connection stays with the instance that it began with.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;

use super::table::Table;

const CONNECT: Duration = Duration::from_secs(2);

/// Carries a connection until both sides have ended it.
pub(super) async fn carry(table: &Table, mut client: TcpStream) {
    let Some(mut flight) = table.enter() else {
        table.unanswered.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let mut instance = match connect(flight.instance().backend.address).await {
        Ok(stream) => stream,
        Err(_) => {
            flight.broken();
            let Some(standby) = table.enter_standby() else { return };
            flight = standby;
            let Ok(stream) = connect(flight.instance().backend.address).await else {
                flight.broken();
                return;
            };
            table.from_standby.fetch_add(1, Ordering::Relaxed);
            stream
        }
    };
    match tokio::io::copy_bidirectional(&mut client, &mut instance).await {
        Ok(_) => flight.served(),
        Err(_) => flight.broken(),
    }
}

async fn connect(address: std::net::SocketAddr) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// True when a client begins as HTTP/2 with prior knowledge does. Waits for its first bytes.
pub(super) async fn begins_as_http2(client: &TcpStream) -> io::Result<bool> {
    let mut first = [0u8; 3];
    loop {
        let count = client.peek(&mut first).await?;
        if count == 0 || !b"PRI".starts_with(&first[..count]) {
            return Ok(false);
        }
        if count == first.len() {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
