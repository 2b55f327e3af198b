//! Installed Python packages: `*.dist-info/METADATA`, `*.egg-info/PKG-INFO` and `*.egg-info` files; the files that they own by `RECORD` and
//! `installed-files.txt`. A package whose metadata were removed is named by the folder of what else is there.
//!
//! Source: the core metadata specification (PyPA). Names are compared as PEP 503 says.

use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Ecosystem};
use crate::model::pep503;
use crate::model::purl::Purl;

use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads the metadata of installed packages.
pub struct Python;

impl Cataloger for Python {
    fn id(&self) -> &'static str {
        "python"
    }

    fn version(&self) -> u32 {
        3
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`*.dist-info/METADATA`, `*.egg-info`", "PyPI"))
    }

    fn below_named_folders(&self) -> &'static [&'static str] {
        &["METADATA", "PKG-INFO", "RECORD", "EGG-INFO/PKG-INFO"]
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        let wanted = [".dist-info/METADATA", ".egg-info/PKG-INFO", "/EGG-INFO/PKG-INFO", ".egg-info"];
        if wanted.iter().chain(&[RECORD, INSTALLED_FILES]).any(|end| head.path.ends_with(end)) {
            Want::Whole
        } else if beside_metadata(head.path).is_some() {
            Want::Path
        } else {
            Want::No
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        if let Some(folder) = beside_metadata(file.head.path) {
            if let Some(owner) = by_folder(folder) {
                sink.owns(file.head.path, &owner);
            }
            return;
        }
        let text = String::from_utf8_lossy(file.content);
        if [RECORD, INSTALLED_FILES].iter().any(|end| file.head.path.ends_with(end)) {
            return owned_files(file.head.path, &text, sink);
        }
        match of_metadata(&text) {
            Some(component) => sink.component(component),
            None => sink.gap(
                GapKind::PartialDatabase,
                "the package's metadata name no package or no version".to_owned(),
            ),
        }
    }
}

/// The package that metadata describe; none where they name no package or no version.
pub(super) fn of_metadata(text: &str) -> Option<Component> {
    let metadata = Metadata::read(text);
    let mut component = component(metadata.name?, metadata.version?);
    component.licenses = metadata.licenses();
    Some(component)
}

/// A package that lists its files and has no metadata any more: it can be imported all the same.
pub(in crate::stage::inventory) fn without_metadata(owner: &Purl) -> Option<Component> {
    Some(component(&owner.name, owner.version.as_deref()?))
}

/// The files beside `METADATA` that tools leave in its folder.
const BESIDE: [&str; 6] = [
    "WHEEL",
    "INSTALLER",
    "REQUESTED",
    "entry_points.txt",
    "top_level.txt",
    "direct_url.json",
];

/// The name of the folder of metadata that such a file lies in.
fn beside_metadata(path: &str) -> Option<&str> {
    let (folder, file) = path.rsplit_once('/')?;
    let name = folder.rsplit_once('/').map_or(folder, |(_, name)| name);
    (name.ends_with(".dist-info") && BESIDE.contains(&file)).then_some(name)
}

/// The package that a `name-1.0.dist-info` or `name-1.0-py3.11.egg-info` is of.
fn by_folder(folder: &str) -> Option<Purl> {
    let stem = folder.rsplit_once('.').map_or(folder, |(stem, _)| stem);
    let (name, version) = stem.split_once('-')?;
    let version = version.split_once("-py").map_or(version, |(version, _)| version);
    Some(purl(name, version))
}

const RECORD: &str = ".dist-info/RECORD";
const INSTALLED_FILES: &str = ".egg-info/installed-files.txt";

/// Lines of `path,hash,size` from the folder that the package's own lies in, or of paths from the package's own.
fn owned_files(list: &str, text: &str, sink: &mut dyn Sink) {
    let Some((own, file)) = list.rsplit_once('/') else { return };
    let (beside, folder) = own.rsplit_once('/').unwrap_or(("", own));
    let Some(owner) = by_folder(folder) else { return };
    let (from, is_table) = if file == "RECORD" { (beside, true) } else { (own, false) };
    for line in text.lines() {
        let path = match line.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((quoted, _)) if is_table => quoted,
            _ if is_table => line.split(',').next().unwrap_or_default(),
            _ => line.trim(),
        };
        if let Some(path) = joined(from, path).filter(|path| !path.is_empty()) {
            sink.owns(&path, &owner);
        }
    }
}

/// A path from a folder; none where it leads out of the root.
fn joined(folder: &str, path: &str) -> Option<String> {
    let start = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = start.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
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
    let mut component = Component::new(purl(name, version), Some(Ecosystem::new(Ecosystem::PYPI)), "python");
    component.name = pep503::normal_name(name).into_owned();
    component
}

fn purl(name: &str, version: &str) -> Purl {
    Purl::new("pypi", &name.to_lowercase().replace('_', "-"), version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::inventory::recorder::Recorder;

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
    fn a_package_owns_the_files_that_its_record_lists() {
        let list = "pkg/_fast.so,sha256=AA,10\n\"pkg/a,b.so\",,\n../../../bin/tool,sha256=BB,3\n../../../../../../etc/passwd,,\n/usr/x,,\n";
        let seen = Recorder::of(&Python, "opt/venv/lib/site/My_Pkg-1.0.dist-info/RECORD", list.as_bytes());
        let paths: Vec<&str> = seen.owned.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "opt/venv/lib/site/pkg/_fast.so",
                "opt/venv/lib/site/pkg/a,b.so",
                "opt/bin/tool",
                "usr/x"
            ]
        );
        assert_eq!(seen.owned[0].1.to_string(), "pkg:pypi/my-pkg@1.0");
        let seen = Recorder::of(&Python, "x/a-2-py3.11.egg-info/installed-files.txt", b"../a/_x.so\nPKG-INFO\n");
        assert_eq!(seen.owned[0], ("x/a/_x.so".to_owned(), purl("a", "2")));
    }

    #[test]
    fn a_package_owns_what_lies_beside_its_metadata() {
        let seen = Recorder::of(&Python, "opt/site/My_Pkg-1.0.dist-info/WHEEL", b"");
        assert_eq!(seen.owned[0].1.to_string(), "pkg:pypi/my-pkg@1.0");
        assert!(seen.components.is_empty());
        assert!(Recorder::of(&Python, "opt/site/notes/WHEEL", b"").owned.is_empty());
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
