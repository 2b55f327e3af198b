//! What a program says of itself.

use std::time::Duration;

use crate::io::process::Program;
use crate::model::error_chain::chain;

/// How long one answer is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The first line of what a program prints; else why it prints none.
pub(super) async fn version(program: &str, arguments: &[&str]) -> Result<String, String> {
    let said = Program::new(program).args(arguments).stdout_within(PATIENCE).await;
    let said = said.map_err(|error| chain(&error))?;
    let said = said.ok_or_else(|| format!("`{program}` does not answer within {} s", PATIENCE.as_secs()))?;
    let text = String::from_utf8_lossy(&said).into_owned();
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
