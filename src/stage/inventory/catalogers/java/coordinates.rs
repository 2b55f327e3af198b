//! Which artifact an archive is: by what Maven put into it, by its manifest, by its file name.

use super::properties::properties;
use crate::io::lockfile::xml;
use crate::model::inventory::{Component, Ecosystem};
use crate::model::purl::Purl;

/// The component of a `pom.properties`.
pub(super) fn of_properties(text: &str) -> Option<Component> {
    let properties = properties(text);
    let property = |wanted: &str| properties.get(wanted).map(|value| value.trim()).filter(|value| !value.is_empty());
    Some(artifact(property("groupId")?, property("artifactId")?, property("version")?))
}

/// The component of a `pom.xml`, which may have its group and version from its parent; none where a variable stands for one of them.
pub(super) fn of_pom(text: &str) -> Option<Component> {
    let project = xml::read(text).map_or(None, |project| (project.name == "project").then_some(project))?;
    let of_parent = |name: &str| project.get("parent")?.text_of(name);
    let field = |name: &str| {
        let own = project.text_of(name);
        own.or_else(|| of_parent(name)).filter(|text| !text.contains("${"))
    };
    let own = project.text_of("artifactId").filter(|text| !text.contains("${"));
    Some(artifact(field("groupId")?, own?, field("version")?))
}

fn artifact(group: &str, name: &str, version: &str) -> Component {
    let purl = Purl::new("maven", name, version).with_namespace(group);
    Component::new(purl, Some(Ecosystem::new(Ecosystem::MAVEN)), "java")
}

/// True where an archive is called as one of the artifacts in it: it is that one, and not another one with that one in it.
pub(super) fn is_called_after(name: &str, artifacts: &[Purl]) -> bool {
    let stem = stem(name);
    let is_it = |artifact: &Purl| {
        stem.strip_prefix(artifact.name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(SEPARATORS).is_some_and(is_version))
    };
    artifacts.iter().any(is_it)
}

/// True where an archive's manifest calls it one of the artifacts in it, or names a class of that one's group as its program.
pub(super) fn is_named(manifest: &str, artifacts: &[Purl]) -> bool {
    const TITLES: [&str; 5] = [
        "Implementation-Title",
        "Specification-Title",
        "Bundle-SymbolicName",
        "Bundle-Name",
        "Automatic-Module-Name",
    ];
    let of_group = |class: &str, artifact: &Purl| {
        let group = artifact.namespace.as_deref().unwrap_or_default();
        class.strip_prefix(group).is_some_and(|rest| rest.starts_with('.')) && !group.is_empty()
    };
    manifest.lines().filter_map(|line| line.split_once(':')).any(|(key, value)| {
        let value = value.split(';').next().unwrap_or(value).trim();
        let is_it = |artifact: &Purl| match key.trim() {
            "Main-Class" | "Start-Class" => of_group(value, artifact),
            title if TITLES.contains(&title) => {
                let tail = value
                    .strip_suffix(artifact.name.as_str())
                    .map(|group| group.trim_end_matches(['.', ':']));
                value.eq_ignore_ascii_case(&artifact.name) || (tail.is_some() && tail == artifact.namespace.as_deref())
            }
            _ => false,
        };
        artifacts.iter().any(is_it)
    })
}

/// An archive that does not say which artifact it is: by its manifest, or by a file name with a version. No advisory can name it without its group.
pub(super) fn by_name(name: &str, manifest: &str) -> Option<Component> {
    let header = |wanted: &str| {
        let pairs = manifest.lines().filter_map(|line| line.split_once(':'));
        pairs
            .map(|(key, value)| (key.trim(), value.trim()))
            .find(|(key, value)| *key == wanted && !value.is_empty())
            .map(|(_, value)| value)
    };
    let stem = stem(name);
    let (artifact, version) = match (versioned(stem), header("Implementation-Version").or(header("Bundle-Version"))) {
        (Some(parts), _) => parts,
        (None, Some(version)) => (stem, version),
        (None, None) => return None,
    };
    Some(Component::new(Purl::new("maven", artifact, version), None, "java"))
}

/// Programs in an archive of which nothing is known but how its file is called.
pub(super) fn nameless(name: &str) -> Component {
    Component::new(Purl::new("maven", stem(name), ""), None, "java")
}

/// True for a name with a version in it: `evil-1.0.jar`.
pub(super) fn names_version(name: &str) -> bool {
    versioned(stem(name)).is_some()
}

/// Maven's, OSGi's, and that of those who have none.
const SEPARATORS: [char; 3] = ['-', '_', '.'];

fn versioned(stem: &str) -> Option<(&str, &str)> {
    let split = |separator: char| {
        let parts = stem.match_indices(separator).map(|(at, _)| (&stem[..at], &stem[at + 1..]));
        parts
            .into_iter()
            .find(|(artifact, version)| !artifact.is_empty() && is_version(version))
    };
    SEPARATORS.into_iter().find_map(split)
}

/// `1.0`, `v1.0`, and the words that stand in place of a number.
fn is_version(text: &str) -> bool {
    const WORDS: [&str; 4] = ["SNAPSHOT", "RELEASE", "FINAL", "GA"];
    let word = text.split(SEPARATORS).next().unwrap_or(text);
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    starts_with_digit(text) || text.strip_prefix(['v', 'V']).is_some_and(starts_with_digit) || WORDS.contains(&word)
}

/// The file's name without its ending.
fn stem(name: &str) -> &str {
    let file = name.rsplit(['/', ':']).next().unwrap_or(name);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_the_artifact_that_it_is_called_after() {
        let named = |name: &str| is_called_after(name, &[Purl::new("maven", "log4j-1.2-api", "1"), Purl::new("maven", "lib", "1")]);
        assert!(named("x/log4j-1.2-api-2.17.jar") && named("app.war:lib.jar") && named("lib_3.1.jar"));
        assert!(!named("evil-1.0.jar") && !named("library-1.0.jar"));
        assert!(!named("lib-core-2.14.1.jar"), "another artifact whose name begins so");
    }

    #[test]
    fn a_version_is_told_in_whichever_way_it_is_written() {
        for name in ["evil-1.0.jar", "evil_1.0.jar", "evil-v1.0.jar", "evil.1.0.jar", "evil-RELEASE.jar"] {
            assert!(names_version(name), "{name}");
        }
        assert!(!names_version("service.jar") && !names_version("my-service.jar") && !names_version("a-vm.jar"));
    }

    #[test]
    fn a_pom_has_what_it_lacks_from_its_parent_and_no_variable_is_guessed() {
        let read = |inner: &str| of_pom(&format!("<project>{inner}</project>")).map(|found| found.purl.to_string());
        let parent = "<parent><groupId>org.acme</groupId><version>1.0</version></parent>";
        assert_eq!(
            read(&format!("{parent}<artifactId>evil</artifactId>")).as_deref(),
            Some("pkg:maven/org.acme/evil@1.0")
        );
        assert_eq!(
            read(&format!("{parent}<artifactId>evil</artifactId><version>${{v}}</version>")),
            None
        );
        assert_eq!((read(parent), of_pom("no XML").is_none()), (None, true));
    }
}
