//! The filters and text conversions that a checkout's own configuration names, switched off by their names.

use std::path::Path;

use super::GitError;
use super::question::{answer, output, question, refused};
use crate::io::process::Program;

/// git, ready for a question for which it reads files of the checkout: `status` and `blame` run filters on them.
///
/// # Errors
/// [`GitError`] when the checkout's configuration cannot be read.
pub fn question_of_content(root: &Path) -> Result<Program, GitError> {
    Ok(Silenced::of(root)?.silence(question(root)))
}

/// Variables that switch off what a checkout's configuration would have git run on a file's content.
#[derive(Debug, Clone, Default)]
struct Silenced(Vec<(String, String)>);

impl Silenced {
    /// Asks for the programs that a checkout names.
    ///
    /// # Errors
    /// [`GitError`].
    fn of(root: &Path) -> Result<Self, GitError> {
        let pattern = r"^filter\..*\.(clean|smudge|process|required)$";
        let out = output(root, &["config", "--null", "--show-scope", "--name-only", "--get-regexp", pattern])?;
        match out.status.code() {
            Some(0) => {}
            // No such setting.
            Some(1) => return Ok(Self::default()),
            _ => return Err(refused(root, &out)),
        }
        let text = String::from_utf8(out.stdout).map_err(|_| answer("config", "names that are not UTF-8"))?;
        let mut words = text.split('\0');
        let mut all = Vec::new();
        while let (Some(scope), Some(key)) = (words.next(), words.next()) {
            // The user's own filters are the user's own programs.
            if matches!(scope, "local" | "worktree") {
                let off = if key.ends_with(".required") { "false" } else { "" };
                all.push((key.to_owned(), off.to_owned()));
            }
        }
        Ok(Self(all))
    }

    /// Sets them for one question. By variables: a name may hold an equals sign.
    fn silence(&self, program: Program) -> Program {
        let count = program.env("GIT_CONFIG_COUNT", self.0.len().to_string());
        self.0.iter().enumerate().fold(count, |program, (at, (key, value))| {
            program
                .env(&format!("GIT_CONFIG_KEY_{at}"), key)
                .env(&format!("GIT_CONFIG_VALUE_{at}"), value)
        })
    }
}
