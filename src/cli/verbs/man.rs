//! `man`: the manual pages, made from the definition that parses the command line.

use std::path::Path;

use clap::CommandFactory as _;

use crate::cli::args::Cli;
use crate::cli::error::CliError;
use crate::io::files::{self, FileError};

/// The program's page; or, with a folder, a page for each verb in it, and what was written.
///
/// # Errors
/// [`CliError::File`].
pub(super) fn pages(folder: Option<&Path>) -> Result<String, CliError> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = folder else {
        return rendered(command, Path::new("portcullis.1"));
    };
    let mut written = Vec::new();
    write(command, folder, &mut written)?;
    Ok(written.join("\n"))
}

fn write(command: clap::Command, folder: &Path, written: &mut Vec<String>) -> Result<(), CliError> {
    let verbs: Vec<clap::Command> = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect();
    // Built commands know their whole name: `portcullis-rollout-status`.
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let path = folder.join(format!("{name}.1"));
    let page = rendered(command, &path)?;
    files::write(&path, page.as_bytes())?;
    written.push(path.display().to_string());
    for verb in verbs {
        write(verb, folder, written)?;
    }
    Ok(())
}

fn rendered(command: clap::Command, path: &Path) -> Result<String, CliError> {
    let mut page = Vec::new();
    let done = clap_mangen::Man::new(command).render(&mut page);
    done.map_err(|source| FileError::Write {
        path: path.to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
