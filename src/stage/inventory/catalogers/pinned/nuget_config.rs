//! NuGet's `packages.config`, of projects before `PackageReference`. It lists everything that is installed. Source: NuGet's reference of it.

use crate::io::lockfile::xml;
use crate::model::inventory::Scope;

use super::pin::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name.eq_ignore_ascii_case("packages.config")
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let root = xml::read(text)?;
    if root.name != "packages" {
        return Err(format!("its root is `<{}>` and not `<packages>`", root.name));
    }
    let mut found = Pins::default();
    for package in root.all("package") {
        let (Some(name), Some(version)) = (package.attribute("id"), package.attribute("version")) else {
            found
                .troubles
                .push(format!("the package at line {} has no id or no version", package.line));
            continue;
        };
        let scope = match package.attribute("developmentDependency") {
            Some("true") => Scope::Development,
            _ => Scope::Runtime,
        };
        found.pins.push(Pin {
            scope,
            ..Pin::new(name, version, Some(package.line))
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_with_what_they_are_for() {
        let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<packages>\n  <package id=\"Evil\" version=\"1.0.0\" targetFramework=\"net48\" />\n  \
                    <package id=\"T\" version=\"2.0\" developmentDependency=\"true\" />\n  <package id=\"odd\" />\n</packages>\n";
        let read = read(text).expect("XML");
        let tool = Pin {
            scope: Scope::Development,
            ..Pin::new("T", "2.0", Some(4))
        };
        assert_eq!(read.pins, [Pin::new("Evil", "1.0.0", Some(3)), tool]);
        assert_eq!(read.troubles, ["the package at line 5 has no id or no version"]);
        assert!(super::read("<configuration/>").is_err());
    }
}
