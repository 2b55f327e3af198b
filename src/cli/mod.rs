//! Arguments, configuration, plans, exit codes.

/// Runs the program.
#[must_use]
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(70)
}
