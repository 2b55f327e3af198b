//! Files that a cataloger must see whole: those that are large are held one at a time, however many layers are read at once.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::io::layers::Spilled;
use crate::io::limits::Limits;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Gives the whole content to `read`, after whoever holds another such file.
///
/// # Errors
/// When it cannot be read, or is larger than what anybody reads whole.
pub(in crate::stage::inventory) fn whole(content: &Spilled, read: impl FnOnce(&[u8])) -> io::Result<()> {
    let limit = Limits::default().wanted_file;
    if content.size() > limit {
        return Err(io::Error::other(format!("{} bytes are more than {limit}", content.size())));
    }
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bytes = vec![0; usize::try_from(content.size()).map_err(io::Error::other)?];
    content.read_at(&mut bytes, 0)?;
    read(&bytes);
    Ok(())
}
