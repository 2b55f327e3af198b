//! What a program says of itself.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::io::process::Program;
use crate::model::error_chain::chain;
use crate::model::excused::Excused as _;

/// How long a program may think about its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first line of what a program prints.
pub(super) fn version(program: &str, arguments: &[&str]) -> Result<String, String> {
    let (send, receive) = mpsc::channel();
    let question = Program::new(program).args(arguments);
    thread::spawn(move || send.send(question.stdout()).or_none("nobody waits for it any more"));
    let said = receive
        .recv_timeout(PATIENCE)
        .map_err(|_| format!("`{program}` does not answer within {} s", PATIENCE.as_secs()))?;
    let said = said.map_err(|error| chain(&error))?;
    let text = String::from_utf8_lossy(&said).into_owned();
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
