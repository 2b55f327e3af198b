//! The environment of this process, of which other programs see only what they may.
//!
//! A process's environment as it was started can be read by every program of the same user, in `/proc/<pid>/environ`, for as long as it runs:
//! nothing that it does later takes a variable out of there. So [`seal`] starts the program anew, in the same process, with everything that
//! is not on the list of [`super::allowed`] in a sealed file without a name, which is read once and closed.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;

use super::allowed;

/// Names the descriptor of the sealed file to the program that is started anew.
#[cfg(target_os = "linux")]
const MARK: &str = "PORTCULLIS_SEALED";

static SEALED: OnceLock<BTreeMap<OsString, OsString>> = OnceLock::new();

/// The value of a variable, wherever it is kept; `None` if it is not set.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    let sealed = SEALED.get().and_then(|sealed| sealed.get(OsStr::new(name)).cloned());
    sealed.or_else(|| std::env::var_os(name))
}

/// Every variable, wherever it is kept.
#[must_use]
pub fn variables() -> BTreeMap<OsString, OsString> {
    let mut all: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    all.extend(
        SEALED
            .get()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    all
}

/// What another program starts with.
#[must_use]
pub fn of_children() -> BTreeMap<OsString, OsString> {
    std::env::vars_os()
        .filter_map(|(name, value)| allowed::value(&name, &value).map(|value| (name, value)))
        .collect()
}

/// Takes everything that is not on the list out of the environment that others can read, and lets nobody look into this process.
/// Must be the first thing that the program does. Returns in the program that was started anew, or at once where there is nothing to hide.
///
/// # Errors
/// The system's reason. The program must not go on then.
#[cfg(target_os = "linux")]
pub fn seal() -> std::io::Result<()> {
    let hidden: BTreeMap<OsString, OsString> = std::env::vars_os()
        .filter(|(name, value)| name != MARK && !allowed::may_be_seen(name, value))
        .collect();
    match std::env::var_os(MARK) {
        // Somebody else's mark is no reason to believe that nothing is left to hide.
        Some(descriptor) if hidden.is_empty() => {
            if let Some(sealed) = linux::read(&descriptor)? {
                // Nobody has asked for a variable before.
                SEALED.get_or_init(|| sealed);
            }
            Ok(())
        }
        _ if hidden.is_empty() => Ok(()),
        _ => Err(linux::start_anew(&hidden)),
    }
}

/// Other systems show no process's environment in a file.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn seal() -> std::io::Result<()> {
    Ok(())
}

/// Lets no other program of the same user look into this process's memory, descriptors or environment.
///
/// # Errors
/// The system's reason.
pub fn close_to_others() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::ffi::{OsStr, OsString};
    use std::fs::File;
    use std::io::{self, Read, Seek, Write};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};
    use rustix::io::{FdFlags, fcntl_setfd};

    use super::MARK;
    use crate::io::allowed;
    use crate::model::excused::Excused as _;

    /// What no process's environment exceeds (a third of the stack's limit is the kernel's own).
    const MOST: u64 = 16 * 1024 * 1024;

    /// Starts the program anew with the hidden variables in a sealed file. Comes back only to say why not.
    #[expect(clippy::disallowed_methods, reason = "it replaces this program by itself")]
    pub(super) fn start_anew(hidden: &BTreeMap<OsString, OsString>) -> io::Error {
        let file = match sealed(hidden) {
            Ok(file) => file,
            Err(error) => return error,
        };
        let mut args = std::env::args_os();
        let name = args.next().unwrap_or_else(|| OsString::from("portcullis"));
        let seen = std::env::vars_os().filter(|(name, value)| name != MARK && allowed::may_be_seen(name, value));
        Command::new("/proc/self/exe")
            .arg0(name)
            .args(args)
            .env_clear()
            .envs(seen)
            .env(MARK, file.as_raw_fd().to_string())
            .exec()
    }

    fn sealed(hidden: &BTreeMap<OsString, OsString>) -> io::Result<File> {
        let mut bytes = Vec::new();
        for (name, value) in hidden {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(b'=');
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(0);
        }
        let mut file = File::from(memfd_create("environment", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(&bytes)?;
        file.rewind()?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        // It must outlive this one exec.
        fcntl_setfd(&file, FdFlags::empty())?;
        Ok(file)
    }

    /// Reads the sealed file and closes it. `None` if the descriptor is no such file: the mark is somebody else's.
    pub(super) fn read(descriptor: &OsStr) -> io::Result<Option<BTreeMap<OsString, OsString>>> {
        let Some(number) = descriptor
            .to_str()
            .and_then(|text| text.parse::<i32>().or_none("no descriptor: the mark is somebody else's"))
        else {
            return Ok(None);
        };
        let path = Path::new("/proc/self/fd").join(number.to_string());
        let is_ours = std::fs::read_link(&path).is_ok_and(|target| target.as_os_str().as_bytes().starts_with(b"/memfd:environment"));
        if !is_ours {
            return Ok(None);
        }
        #[expect(
            unsafe_code,
            reason = "the descriptor comes from the program before this one: by its name it is the sealed file, and nobody else has it"
        )]
        // SAFETY: it is open (it has a name) and nothing in this program owns it: this is the first thing that runs.
        let mut file = File::from(unsafe { OwnedFd::from_raw_fd(number) });
        if !fcntl_get_seals(&file)?.contains(SealFlags::WRITE | SealFlags::SEAL) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        // It is closed at the end of this function.
        (&mut file).take(MOST).read_to_end(&mut bytes)?;
        let pairs = bytes.split(|byte| *byte == 0).filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            Some((OsString::from_vec(pair[..at].to_vec()), OsString::from_vec(pair[at + 1..].to_vec())))
        });
        Ok(Some(pairs.collect()))
    }
}
