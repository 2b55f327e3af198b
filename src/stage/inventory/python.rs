//! Installed Python packages: `*.dist-info/METADATA`, `*.egg-info/PKG-INFO` and `*.egg-info` files.
//!
//! Source: the core metadata specification (PyPA). Names are compared as PEP 503 says.

use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Ecosystem};
use crate::model::purl::Purl;

use super::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads the metadata of installed packages.
pub struct Python;

impl Cataloger for Python {
    fn id(&self) -> &'static str {
        "python"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        let wanted = [".dist-info/METADATA", ".egg-info/PKG-INFO", "/EGG-INFO/PKG-INFO", ".egg-info"];
        if wanted.iter().any(|end| head.path.ends_with(end)) {
            Want::Whole
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let text = String::from_utf8_lossy(file.content);
        let metadata = Metadata::read(&text);
        match (metadata.name, metadata.version) {
            (Some(name), Some(version)) => {
                let mut component = component(name, version);
                component.licenses = metadata.licenses();
                sink.component(component);
            }
            _ => sink.gap(
                GapKind::PartialDatabase,
                "the package's metadata name no package or no version".to_owned(),
            ),
        }
    }
}

/// The headers that matter.
#[derive(Default)]
struct Metadata<'a> {
    name: Option<&'a str>,
    version: Option<&'a str>,
    expression: Option<&'a str>,
    license: Option<&'a str>,
    classifiers: Vec<&'a str>,
}

impl<'a> Metadata<'a> {
    /// Headers end at the first empty line; what follows is the description.
    fn read(text: &'a str) -> Self {
        let mut metadata = Self::default();
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            // The further lines of a long value start with a blank, and no value that is read here is long.
            let Some((key, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t'])) else {
                continue;
            };
            let value = Some(value.trim()).filter(|value| !value.is_empty() && *value != "UNKNOWN");
            match key.to_ascii_lowercase().as_str() {
                "name" => metadata.name = metadata.name.or(value),
                "version" => metadata.version = metadata.version.or(value),
                "license-expression" => metadata.expression = value,
                "license" => metadata.license = value,
                "classifier" => metadata
                    .classifiers
                    .extend(value.and_then(|value| value.strip_prefix("License :: "))),
                _ => {}
            }
        }
        metadata
    }

    /// The expression, the field where it is a name and not the license's text, or the classifiers' last words.
    fn licenses(&self) -> Vec<String> {
        const LONGEST_NAME: usize = 80;
        if let Some(text) = self.expression.or(self.license.filter(|text| text.len() <= LONGEST_NAME)) {
            return vec![text.to_owned()];
        }
        let last_words = self.classifiers.iter().filter_map(|classifier| classifier.rsplit(" :: ").next());
        last_words.map(str::to_owned).collect()
    }
}

fn component(name: &str, version: &str) -> Component {
    let purl = Purl::new("pypi", &name.to_lowercase().replace('_', "-"), version);
    let mut component = Component::new(purl, Some(Ecosystem::new(Ecosystem::PYPI)), "python");
    component.name = normal_name(name);
    component
}

/// A name as PEP 503 compares it: lower case, each run of `-`, `_` and `.` one hyphen.
pub(super) fn normal_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        if !matches!(c, '-' | '_' | '.') {
            normal.extend(c.to_lowercase());
        } else if !normal.ends_with('-') {
            normal.push('-');
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::super::recorder::Recorder;
    use super::*;

    #[test]
    fn packages_are_named_as_advisories_name_them() {
        let path = "usr/lib/python3/dist-packages/Zope_Interface.x-5.0.dist-info/METADATA";
        let text = b"Metadata-Version: 2.1\nName: Zope_Interface.x\nVersion: 5.0\nClassifier: License :: OSI Approved :: MIT License\n\nName: other\n";
        let seen = Recorder::of(&Python, path, text);
        assert_eq!(seen.purls(), ["pkg:pypi/zope-interface.x@5.0"]);
        assert_eq!(
            (seen.components[0].name.as_str(), seen.components[0].licenses.as_slice()),
            ("zope-interface-x", &["MIT License".to_owned()][..])
        );
    }

    #[test]
    fn metadata_without_a_version_are_partial_coverage() {
        assert_eq!(
            Recorder::of(&Python, "x/a.egg-info", b"Metadata-Version: 1.0\nName: a\n")
                .gaps
                .len(),
            1
        );
    }
}
