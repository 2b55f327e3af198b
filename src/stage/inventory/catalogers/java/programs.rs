//! Whose the classes in an archive are, by their packages.

use std::collections::BTreeSet;

use crate::model::purl::Purl;

/// The packages of an archive's classes: `org/acme/lib`.
#[derive(Debug, Default)]
pub(super) struct Programs {
    packages: BTreeSet<String>,
    are_there: bool,
}

/// So many packages are kept; no archive that is one artifact has more.
const MOST: usize = 10_000;

impl Programs {
    /// Takes the name of a class. What lies in `BOOT-INF/classes` or `WEB-INF/classes` is the application's own.
    pub(super) fn take(&mut self, entry: &str) {
        self.are_there = true;
        let (folder, name) = entry.rsplit_once('/').unwrap_or(("", entry));
        let versioned = folder
            .strip_prefix("META-INF/versions/")
            .map(|rest| rest.split_once('/').map_or("", |(_, package)| package));
        let package = versioned.unwrap_or(folder);
        let is_own = ["BOOT-INF/classes", "WEB-INF/classes", "org/springframework/boot/loader"]
            .iter()
            .any(|own| package.starts_with(own));
        if !is_own && name != "module-info.class" && self.packages.len() < MOST {
            self.packages.insert(package.to_owned());
        }
    }

    /// True for an archive with classes in it.
    pub(super) const fn are_there(&self) -> bool {
        self.are_there
    }

    /// True where every package may be one of the artifacts'.
    pub(super) fn are_of(&self, artifacts: &[Purl]) -> bool {
        let is_of_one = |package: &String| artifacts.iter().any(|artifact| is_of(package, artifact));
        self.packages.len() < MOST && self.packages.iter().all(is_of_one)
    }
}

/// Packages begin as the group does, if only with its first two parts (`com/google/common` of `com.google.guava`), or hold the words of the artifact
/// or of its group (`org/apache/commons/io` of `commons-io`).
fn is_of(package: &str, artifact: &Purl) -> bool {
    let parts: Vec<&str> = package.split('/').collect();
    let group = artifact.namespace.as_deref().unwrap_or_default();
    let first: Vec<&str> = group.split('.').take(2).collect();
    let begins = first.len() == 2 && parts.starts_with(&first);
    let holds = |name: &str| {
        let mut words = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .peekable();
        words.peek().is_some() && words.all(|word| parts.iter().any(|part| part.eq_ignore_ascii_case(word)))
    };
    begins || holds(&artifact.name) || (!group.contains('.') && holds(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_an_artifacts_by_its_group_or_its_words() {
        let artifact = |group: &str, name: &str| Purl::new("maven", name, "1").with_namespace(group);
        for (package, group, name) in [
            ("org/acme/lib/inner", "org.acme", "lib"),
            ("com/google/common/base", "com.google.guava", "guava"),
            ("org/apache/commons/io", "commons-io", "commons-io"),
            ("org/apache/log4j/spi", "log4j", "log4j"),
            ("org/junit", "junit", "junit"),
        ] {
            assert!(is_of(package, &artifact(group, name)), "{package} of {group}:{name}");
        }
        for (package, group, name) in [
            ("com/evil", "org.acme", "lib"),
            ("", "org.acme", "lib"),
            ("org/acmeevil", "org.acme", "lib"),
            ("org/evil", "junit", "junit"),
        ] {
            assert!(!is_of(package, &artifact(group, name)), "{package} of {group}:{name}");
        }
    }
}
