//! What a program says of itself.

use crate::io::process::Program;
use crate::model::error_chain::chain;

/// The first line that a program says of itself; else why it does not.
pub(super) fn version(program: &str, arguments: &[&str]) -> Result<String, String> {
    let said = Program::new(program).args(arguments).stdout().map_err(|error| chain(&error))?;
    let text = String::from_utf8_lossy(&said).into_owned();
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
