//! Who may give the switch orders.
//!
//! The key is random and lies in a file of mode 0600 in the state folder. Nothing tells the service its name or its content. A process of
//! the service that runs as the same user could still read the file, so that the kernel's word on who is at the other end counts too:
//! another user, or a process that the service started, is refused whatever it knows.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use tokio::net::UnixStream;

use crate::io::daemon;
use crate::io::hash::sha256;
use crate::model::excused::Excused as _;
use crate::stage::rollout::process::instance;

const FILE: &str = "control.key";
/// 32 random bytes in hexadecimal digits.
const LENGTH: usize = 64;

/// The key of a state folder. Its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ControlKey(String);

impl std::fmt::Debug for ControlKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ControlKey(…)")
    }
}

impl ControlKey {
    /// Reads the key, and makes it where there is none.
    ///
    /// # Errors
    /// When the file cannot be read or made, or somebody else owns it or may read it.
    pub(super) fn of(state: &Path) -> io::Result<Self> {
        let path = state.join(FILE);
        match open_no_link(&path) {
            Ok(file) => Self::read(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::make(state)?;
                Self::read(open_no_link(&path)?)
            }
            Err(error) => Err(error),
        }
    }

    fn read(mut file: File) -> io::Result<Self> {
        let wrong = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{FILE}: {reason}"));
        let meta = file.metadata()?;
        if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o077 != 0 {
            return Err(wrong("not a file that this user alone may read"));
        }
        let mut text = String::new();
        Read::by_ref(&mut file).take(LENGTH as u64 + 1).read_to_string(&mut text)?;
        if text.len() != LENGTH || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong("not a key; remove it, and the next rollout makes another"));
        }
        Ok(Self(text))
    }

    /// Makes a key. Of two that do so at once, the first one's stays.
    fn make(state: &Path) -> io::Result<()> {
        let mut random = [0u8; LENGTH / 2];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut file = tempfile::Builder::new().prefix(".control-").tempfile_in(state)?;
        file.write_all(text.as_bytes())?;
        match file.persist_noclobber(state.join(FILE)) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Compares digests, so that the time taken tells nothing of the key.
    pub(super) fn is(&self, offered: &str) -> bool {
        sha256(self.0.as_bytes()) == sha256(offered.as_bytes())
    }
}

fn open_no_link(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits();
    OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)
}

/// Why whoever is at the other end may give no orders; `None` when it may.
pub(super) fn refusal(stream: &UnixStream, state: &Path) -> Option<String> {
    let peer = match stream.peer_cred() {
        Ok(peer) => peer,
        Err(error) => return Some(format!("who asks cannot be told: {error}")),
    };
    if peer.uid() != 0 && peer.uid() != rustix::process::geteuid().as_raw() {
        return Some(format!("user {} gives no orders here", peer.uid()));
    }
    let Some(pid) = peer
        .pid()
        .and_then(|pid| u32::try_from(pid).or_none("the next line refuses whoever asks"))
    else {
        return Some("the process that asks cannot be told".to_owned());
    };
    match daemon::descends(pid, |found| instance::is_of(found, state)) {
        Ok(false) => None,
        Ok(true) => Some("a process of the service gives no orders".to_owned()),
        // One that has ended already waits for no answer.
        Err(error) => Some(format!("the process that asks cannot be looked at: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::tempdir().expect("folder");
        let key = ControlKey::of(dir.path()).expect("made");
        assert_eq!(ControlKey::of(dir.path()).expect("read"), key);
        let mode = std::fs::metadata(dir.path().join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(key.is(key.expose()) && !key.is("") && !key.is(&"0".repeat(LENGTH)));
        assert!(!format!("{key:?}").contains(key.expose()));
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_a_link_is_refused() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join(FILE);
        ControlKey::of(dir.path()).expect("made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("changed");
        assert!(ControlKey::of(dir.path()).is_err());
        std::fs::rename(&path, dir.path().join("elsewhere")).expect("moved");
        std::os::unix::fs::symlink("elsewhere", &path).expect("linked");
        assert!(ControlKey::of(dir.path()).is_err());
    }
}
