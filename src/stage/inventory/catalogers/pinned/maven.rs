//! Maven's `pom.xml`: what it needs in a fixed version is looked up. What those packages need in turn Maven resolves when it builds, so that a
//! project with needs is never read whole.
//!
//! Source: the POM reference.

use std::collections::HashMap;

use crate::io::lockfile::xml::{self, Element};
use crate::model::inventory::Scope;

use super::pin::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "pom.xml"
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let project = xml::read(text)?;
    if project.name != "project" {
        return Err(format!("its root is `<{}>` and not `<project>`", project.name));
    }
    let profiles = || project.get("profiles").into_iter().flat_map(|profiles| profiles.all("profile"));
    let parts: Vec<&Element> = std::iter::once(&project).chain(profiles()).collect();
    let values = Values::of(&project);
    let managed: HashMap<(&str, &str), &Element> = parts
        .iter()
        .filter_map(|part| part.get("dependencyManagement"))
        .flat_map(dependencies)
        .filter_map(|managed| Some(((managed.text_of("groupId")?, managed.text_of("artifactId")?), managed)))
        .collect();
    let mut found = Pins::default();
    for part in &parts {
        for dependency in dependencies(part) {
            take(dependency, None, &values, &managed, &mut found);
        }
        for extension in listed(part, "build", "extensions", "extension") {
            take(extension, Some(Scope::Development), &values, &HashMap::new(), &mut found);
        }
        for plugin in listed(part, "build", "plugins", "plugin").chain(listed(part, "reporting", "plugins", "plugin")) {
            if plugin.get("version").is_some() {
                take(plugin, Some(Scope::Development), &values, &HashMap::new(), &mut found);
            }
            for dependency in dependencies(plugin) {
                take(dependency, Some(Scope::Development), &values, &HashMap::new(), &mut found);
            }
        }
    }
    if let Some(parent) = project.get("parent") {
        found.troubles.push(format!(
            "it inherits from the parent of line {}, whose needs are not read",
            parent.line
        ));
    }
    if !found.pins.is_empty() {
        let detail = "it names what the project itself needs and not what those packages need in turn, which was not looked up";
        found.troubles.push(detail.to_owned());
    }
    Ok(found)
}

fn dependencies(of: &Element) -> impl Iterator<Item = &Element> {
    of.get("dependencies").into_iter().flat_map(|list| list.all("dependency"))
}

fn listed<'e>(of: &'e Element, part: &str, list: &str, name: &'static str) -> impl Iterator<Item = &'e Element> + use<'e> {
    let list = of.get(part).and_then(|part| part.get(list));
    list.into_iter().flat_map(move |list| list.all(name))
}

/// Plugins are Maven's own unless they name a group.
const PLUGINS: &str = "org.apache.maven.plugins";

fn take(needed: &Element, scope: Option<Scope>, values: &Values<'_>, managed: &HashMap<(&str, &str), &Element>, found: &mut Pins) {
    let group = needed.text_of("groupId").or((needed.name == "plugin").then_some(PLUGINS));
    let (Some(group), Some(artifact)) = (group, needed.text_of("artifactId")) else {
        found
            .troubles
            .push(format!("the need at line {} names no group or no artifact", needed.line));
        return;
    };
    let by_management = managed.get(&(group, artifact));
    let field = |name: &str| needed.text_of(name).or_else(|| by_management?.text_of(name));
    let coordinates = values
        .resolved(group)
        .zip(values.resolved(artifact))
        .zip(field("version").and_then(|v| values.resolved(v)));
    let Some(((group, artifact), version)) = coordinates.filter(|(_, version)| !version.contains(['[', '(', ','])) else {
        found.troubles.push(format!(
            "`{group}:{artifact}` at line {} pins no version here, so that it was not looked up",
            needed.line
        ));
        return;
    };
    let scope = scope.unwrap_or(match field("scope") {
        Some("test") => Scope::Development,
        _ if field("optional") == Some("true") => Scope::Optional,
        _ => Scope::Runtime,
    });
    found.pins.push(Pin {
        scope,
        ..Pin::new(format!("{group}:{artifact}"), version, Some(needed.line))
    });
}

/// What `${…}` stands for. A property that a profile sets otherwise has no fixed value.
struct Values<'a>(HashMap<String, Option<&'a str>>);

impl<'a> Values<'a> {
    fn of(project: &'a Element) -> Self {
        let mut values: HashMap<String, Option<&str>> = HashMap::new();
        let of_parent = |name: &str| project.get("parent").and_then(|parent| parent.text_of(name));
        for name in ["groupId", "artifactId", "version"] {
            let own = project.text_of(name).or_else(|| of_parent(name).filter(|_| name != "artifactId"));
            values.insert(format!("project.{name}"), own);
            values.insert(format!("pom.{name}"), own);
            values.insert(format!("project.parent.{name}"), of_parent(name));
        }
        let set = |part: &'a Element| part.get("properties").into_iter().flat_map(|properties| &properties.elements);
        for property in set(project) {
            let value = Some(property.text.as_str());
            let known = values.entry(property.name.clone()).or_insert(value);
            if *known != value {
                *known = None;
            }
        }
        for profile in project.get("profiles").into_iter().flat_map(|profiles| profiles.all("profile")) {
            for property in set(profile) {
                values.insert(property.name.clone(), None);
            }
        }
        Self(values)
    }

    /// A text without `${…}`; none where one of them is not known here.
    fn resolved(&self, text: &str) -> Option<String> {
        const DEEPEST: usize = 8;
        /// Longer than any coordinate.
        const LONGEST: usize = 1024;
        let mut text = text.to_owned();
        for _ in 0..DEEPEST {
            if text.len() > LONGEST {
                return None;
            }
            let Some(start) = text.find("${") else {
                return (!text.is_empty()).then_some(text);
            };
            let end = start + text[start..].find('}')?;
            let value = (*self.0.get(&text[start + 2..end])?).filter(|value| value.len() <= LONGEST)?;
            text.replace_range(start..=end, value);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POM: &str = "<project>\n<groupId>org.acme</groupId><artifactId>app</artifactId><version>3.0</version>\n<properties>\n<evil.version>1.0.${minor}</evil.version><minor>4</minor><odd>1</odd>\n</properties>\n\
        <dependencyManagement><dependencies>\n<dependency><groupId>org.acme</groupId><artifactId>managed</artifactId><version>2.0</version><scope>test</scope></dependency>\n</dependencies></dependencyManagement>\n<dependencies>\n\
        <dependency><groupId>org.acme</groupId><artifactId>evil</artifactId><version>${evil.version}</version></dependency>\n\
        <dependency><groupId>org.acme</groupId><artifactId>managed</artifactId></dependency>\n\
        <dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId><version>${project.version}</version></dependency>\n\
        <dependency><groupId>org.acme</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>\n\
        <dependency><groupId>org.acme</groupId><artifactId>none</artifactId></dependency>\n\
        <dependency><groupId>org.acme</groupId><artifactId>profiled</artifactId><version>${odd}</version></dependency>\n</dependencies>\n\
        <profiles><profile><properties><odd>2</odd></properties></profile></profiles></project>\n";

    #[test]
    fn a_property_longer_than_any_version_is_none() {
        let pom = |value: &str| {
            format!(
                "<project><properties><v>{value}</v></properties><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${{v}}</version></dependency></dependencies></project>"
            )
        };
        assert_eq!(read(&pom("1.0")).expect("XML").pins.len(), 1);
        let long = read(&pom(&"1".repeat(2000))).expect("XML");
        assert_eq!((long.pins.len(), long.troubles.len()), (0, 1));
    }

    #[test]
    fn fixed_versions_are_read_and_others_told_with_their_lines() {
        let read = read(POM).expect("XML");
        let managed = Pin {
            scope: Scope::Development,
            ..Pin::new("org.acme:managed", "2.0", Some(11))
        };
        assert_eq!(
            read.pins,
            [
                Pin::new("org.acme:evil", "1.0.4", Some(10)),
                managed,
                Pin::new("org.acme:own", "3.0", Some(12))
            ]
        );
        let lines: Vec<bool> = ["line 13", "line 14", "line 15", "in turn"]
            .iter()
            .zip(&read.troubles)
            .map(|(line, trouble)| trouble.contains(line))
            .collect();
        assert_eq!(lines, [true; 4], "{:?}", read.troubles);
    }

    #[test]
    fn a_project_without_needs_is_read_whole_and_one_with_a_parent_is_not() {
        assert!(
            read("<project><modelVersion>4.0.0</modelVersion></project>")
                .expect("XML")
                .troubles
                .is_empty()
        );
        assert_eq!(
            read("<project>\n<parent><version>1</version></parent></project>")
                .expect("XML")
                .troubles
                .len(),
            1
        );
        assert!(read("<html/>").is_err() && read("<!DOCTYPE project><project/>").is_err());
        let circle = "<project><properties><a>${a}</a></properties><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${a}</version></dependency></dependencies></project>";
        assert_eq!(read(circle).expect("XML").troubles.len(), 1);
    }

    #[test]
    fn what_builds_and_reports_is_read_too() {
        let evil = "<groupId>org.acme</groupId><artifactId>evil</artifactId><version>1.0</version>";
        for part in [
            format!("<build><plugins><plugin>{evil}</plugin></plugins></build>"),
            format!("<build><extensions><extension>{evil}</extension></extensions></build>"),
            format!("<reporting><plugins><plugin>{evil}</plugin></plugins></reporting>"),
            format!("<profiles><profile><build><extensions><extension>{evil}</extension></extensions></build></profile></profiles>"),
        ] {
            let read = read(&format!("<project>{part}</project>")).expect("XML");
            assert_eq!(read.pins.len(), 1, "{part}");
            assert_eq!(
                (read.pins[0].name.as_str(), read.pins[0].scope),
                ("org.acme:evil", Scope::Development),
                "{part}"
            );
        }
    }
}
