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

impl Programs {
    /// The first packages that share no word with any of the artifacts, for people; none where all do. Those of Java's own interfaces, which many
    /// carry a copy of, are nobody's.
    pub(super) fn foreign_to(&self, artifacts: &[Purl]) -> Option<String> {
        const SHOWN: usize = 3;
        let is_foreign = |package: &&String| {
            let is_api = ["javax", "jakarta", "java"].contains(&package.split('/').next().unwrap_or_default());
            let is_own = |artifact: &Purl| is_of(package, artifact) || shares_a_word(package, artifact);
            !is_api && !artifacts.iter().any(is_own)
        };
        let mut foreign: Vec<&str> = self.packages.iter().filter(is_foreign).map(String::as_str).collect();
        // All of it below one name is the artifact itself, whose packages are called otherwise (`org.eclipse.aether` of Maven's resolver).
        let tops: BTreeSet<Vec<&str>> = foreign.iter().map(|package| package.split('/').take(2).collect()).collect();
        if foreign.len() == self.packages.len() && tops.len() == 1 && !foreign.contains(&"") {
            return None;
        }
        let more = foreign.len().saturating_sub(SHOWN);
        foreign.truncate(SHOWN);
        let mut said: Vec<String> = foreign
            .into_iter()
            .map(|package| match package {
                "" => "no package".to_owned(),
                package => format!("`{package}`"),
            })
            .collect();
        if more > 0 {
            said.push(format!("{more} more"));
        }
        (!said.is_empty()).then(|| said.join(", "))
    }
}

/// Where a package has one of the words of the artifact or its group near its beginning: `kotlin/text` of `org.jetbrains.kotlin:kotlin-stdlib`.
fn shares_a_word(package: &str, artifact: &Purl) -> bool {
    const TOPS: [&str; 6] = ["com", "org", "net", "io", "dev", "de"];
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| word.len() > 1 && !TOPS.contains(word))
            .map(str::to_ascii_lowercase)
            .collect()
    };
    let group = artifact.namespace.as_deref().unwrap_or_default();
    let own = words(&format!("{group} {}", artifact.name));
    let parts = package.split('/').take(3);
    // `log4j` in `slf4j-log4j12`.
    let is_one = |word: &String| {
        own.iter()
            .any(|own| own == word || (word.len() > 3 && own.starts_with(word.as_str())))
    };
    parts.flat_map(words).any(|word| is_one(&word))
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
    fn a_word_of_the_artifact_makes_a_package_its_own() {
        let artifact = |group: &str, name: &str| Purl::new("maven", name, "1").with_namespace(group);
        for (package, group, name) in [
            ("kotlin/text", "org.jetbrains.kotlin", "kotlin-stdlib"),
            ("org/apache/log4j", "org.slf4j", "slf4j-log4j12"),
            ("com/mysql/cj", "mysql", "mysql-connector-java"),
        ] {
            assert!(shares_a_word(package, &artifact(group, name)), "{package} of {group}:{name}");
        }
        for (package, group, name) in [("com/evil", "com.acme", "lib"), ("org", "org.acme", "lib"), ("", "org.acme", "lib")] {
            assert!(!shares_a_word(package, &artifact(group, name)), "{package} of {group}:{name}");
        }
    }

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
