//! What the configuration leaves out of a source tree.

use std::path::Path;

use super::Workspace;
use crate::cli::error::CliError;
use crate::model::excused::Excused as _;
use crate::model::passed_over::Exclusion;
use crate::model::plain_path::plain;

impl Workspace {
    /// Everything that the configuration leaves out, relative to its folder, without dots.
    ///
    /// # Errors
    /// [`CliError::Setting`] for a path that leads elsewhere or names the whole tree, and for an entry without a reason.
    pub(crate) fn exclusions(&self) -> Result<Vec<Exclusion>, CliError> {
        let checked = |one: &Exclusion| {
            let wrong = |problem: String| CliError::setting("inventory.exclude", problem);
            let path = named(&one.path).ok_or_else(|| {
                wrong(format!(
                    "`{}` is no folder or file below this one; write its path, without `..` and without patterns",
                    one.path
                ))
            })?;
            if one.reason.trim().is_empty() {
                return Err(wrong(format!("`{}` has no reason; say why it is not the service's", one.path)));
            }
            Ok(Exclusion {
                path,
                reason: one.reason.trim().to_owned(),
            })
        };
        self.config.inventory.exclude.iter().map(checked).collect()
    }

    /// Those that lie below a folder, relative to it. A folder that is excluded itself, or lies in one that is, is looked into whole: somebody asks
    /// about it.
    ///
    /// # Errors
    /// As [`Self::exclusions`].
    pub(crate) fn exclusions_below(&self, folder: &Path) -> Result<Vec<Exclusion>, CliError> {
        let all = self.exclusions()?;
        let Ok(folder) = folder.canonicalize() else { return Ok(Vec::new()) };
        let below = |one: Exclusion| {
            let path = self.root.join(&one.path);
            let path = path
                .strip_prefix(&folder)
                .or_none("it lies elsewhere")
                .filter(|path| !path.as_os_str().is_empty())?;
            Some(Exclusion {
                path: path.to_str()?.to_owned(),
                reason: one.reason,
            })
        };
        Ok(all.into_iter().filter_map(below).collect())
    }
}

/// The path of an entry, which is no pattern.
fn named(text: &str) -> Option<String> {
    if text.contains(['*', '?', '[']) {
        return None;
    }
    plain(Path::new(text))?.to_str().map(str::to_owned)
}
