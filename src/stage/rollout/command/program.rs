//! Which file an argument vector's first word names.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::io::environment;

/// The file to execute: a path below the service's folder, or a name on the search path.
///
/// # Errors
/// What is wrong, for people.
pub(in crate::stage::rollout) fn find(argv: &[String], root: &Path) -> Result<PathBuf, String> {
    let name = argv.first().filter(|name| !name.is_empty()).ok_or("it is empty")?;
    if name.contains('/') {
        let path = root.join(name);
        return match path.metadata() {
            Ok(meta) if !meta.is_file() => Err(format!("`{}` is no file", path.display())),
            Ok(meta) if meta.permissions().mode() & 0o111 == 0 => Err(format!("`{}` may not be executed", path.display())),
            Ok(_) => Ok(path),
            Err(error) => Err(format!("`{}`: {error}", path.display())),
        };
    }
    let path = environment::of_children().remove(std::ffi::OsStr::new("PATH")).unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| {
            file.metadata()
                .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        })
        .ok_or_else(|| format!("no program `{name}` on the PATH"))
}

/// An argument vector for people.
pub(in crate::stage::rollout) fn shown(argv: &[String]) -> String {
    let word = |word: &String| match word.is_empty() || word.contains(|c: char| c.is_whitespace() || "'\"\\$".contains(c)) {
        true => format!("{word:?}"),
        false => word.clone(),
    };
    argv.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_program_is_a_path_below_the_folder_or_a_name_on_the_search_path() {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("deploy"), "#!/bin/sh\n").expect("written");
        let told = find(&argv(&["./deploy"]), folder.path()).expect_err("not executable");
        assert!(told.contains("may not be executed"), "{told}");
        std::fs::set_permissions(folder.path().join("deploy"), PermissionsExt::from_mode(0o755)).expect("mode");
        assert_eq!(find(&argv(&["./deploy"]), folder.path()), Ok(folder.path().join("./deploy")));
        // A bare name is never looked for in the folder: a checkout does not bring its own `aws`.
        assert!(find(&argv(&["deploy"]), folder.path()).is_err());
        assert!(find(&argv(&["sh", "-c", "true"]), folder.path()).is_ok());
        assert!(find(&[], folder.path()).is_err());
    }

    #[test]
    fn words_with_blanks_are_shown_as_one_word() {
        assert_eq!(shown(&argv(&["a", "b c", ""])), "a \"b c\" \"\"");
    }
}
