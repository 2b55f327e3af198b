//! Installed packages: the `package.json` of each folder in a `node_modules` folder, and of Debian's `usr/share/nodejs`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::io::encoding;
use crate::model::coverage::GapKind;
use crate::model::inventory::Origin;

use super::component::component;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads `package.json` files of installed packages.
pub struct NpmInstalled;

/// Where Debian installs what its packages hold of JavaScript. The packages own these files, so that the distribution's advisories count.
const DEBIAN: &str = "usr/share/nodejs/";

impl Cataloger for NpmInstalled {
    fn id(&self) -> &'static str {
        "npm"
    }

    fn version(&self) -> u32 {
        3
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`node_modules/*/package.json`", "npm"))
    }

    fn below_named_folders(&self) -> &'static [&'static str] {
        &["package.json", "x/package.json", "@x/y/package.json"]
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        match head.path.strip_suffix("/package.json") {
            Some(folder) if place(folder).is_some() => Want::Whole,
            _ => Want::No,
        }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        let Some(place) = file.head.path.strip_suffix("/package.json").and_then(place) else {
            return;
        };
        // Node drops a byte-order mark.
        let text = encoding::decode(file.content);
        let read = text.as_deref().map_err(Clone::clone);
        let manifest: Manifest<'_> = match read.and_then(|text| serde_json::from_str(text).map_err(|error| error.to_string())) {
            Ok(manifest) => manifest,
            Err(_) if !place.direct => return loosely(text.as_deref().unwrap_or_default(), place.name, sink),
            Err(error) => return sink.gap(GapKind::PartialDatabase, format!("not a package's description: {error}")),
        };
        let name = manifest.name.as_deref().unwrap_or(place.name);
        match manifest.version.as_deref().filter(|version| !version.is_empty()) {
            Some(version) if is_name(name) => {
                let mut component = component(name, version, Origin::Registry, "npm");
                component.licenses = licenses(manifest.license, manifest.licenses);
                sink.component(component);
            }
            // Tools install folders of their own kind beside packages (`.bin`, a stub that only says `"type": "module"`).
            _ if !place.direct || manifest.name.is_none() => {}
            _ => sink.gap(GapKind::PartialDatabase, format!("the installed package `{name}` names no version")),
        }
    }
}

/// What Node takes of a description that is none for us, in a folder that need not be a package: of two equal keys the last.
fn loosely(text: &str, folder: &str, sink: &mut dyn Sink) {
    // What is no JSON is no package for Node either.
    let Ok(Value::Object(manifest)) = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) else {
        return;
    };
    let name = manifest.get("name").and_then(Value::as_str).unwrap_or(folder);
    match manifest.get("version") {
        Some(Value::String(version)) if is_name(name) && !version.is_empty() => {
            sink.component(component(name, version, Origin::Registry, "npm"))
        }
        Some(Value::Null) | None => {}
        Some(_) => sink.gap(GapKind::PartialDatabase, format!("the installed package `{name}` names no version")),
    }
}

#[derive(Deserialize)]
struct Manifest<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    license: Option<&'a RawValue>,
    #[serde(borrow, default)]
    licenses: Option<&'a RawValue>,
}

struct Place<'a> {
    name: &'a str,
    /// True when only package folders lie between it and the first `node_modules`, as npm installs them.
    direct: bool,
}

/// The package that a folder is the place of; none for folders inside of packages. What lies in a folder called `test` can be loaded like
/// anything else.
fn place(folder: &str) -> Option<Place<'_>> {
    let (before, name) = match folder.rfind("node_modules/") {
        Some(at) if at == 0 || folder.as_bytes()[at - 1] == b'/' => (&folder[..at], &folder[at + "node_modules/".len()..]),
        _ => ("", folder.strip_prefix(DEBIAN)?),
    };
    if !is_name(name) {
        return None;
    }
    let inside = before.split_once("node_modules/").map_or("", |(_, inside)| inside);
    let between = inside.trim_end_matches('/').split("/node_modules/");
    // Of pnpm, and of yarn's linker for it: a folder for each package in their store.
    let in_store = |part: &str| {
        [".pnpm/", ".store/"]
            .iter()
            .any(|store| part.strip_prefix(store).is_some_and(|id| !id.contains('/')))
    };
    let direct = inside.is_empty() || between.into_iter().all(|part| is_name(part) || in_store(part));
    Some(Place { name, direct })
}

/// `name` or `@scope/name`.
fn is_name(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('/');
    match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(scope, name)| plain(scope) && plain(name)),
        None => plain(name),
    }
}

/// `"MIT"`, and the older `{"type": "MIT"}` and `[{"type": "MIT"}]`.
fn licenses(license: Option<&RawValue>, licenses: Option<&RawValue>) -> Vec<String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum License {
        Text(String),
        Object {
            #[serde(rename = "type")]
            kind: String,
        },
        List(Vec<License>),
    }
    fn texts(license: License, into: &mut Vec<String>) {
        match license {
            License::Text(text) | License::Object { kind: text } => into.extend((!text.is_empty()).then_some(text)),
            License::List(list) => list.into_iter().for_each(|license| texts(license, into)),
        }
    }
    let mut found = Vec::new();
    for raw in license.into_iter().chain(licenses) {
        if let Ok(license) = serde_json::from_str(raw.get()) {
            texts(license, &mut found);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::inventory::recorder::Recorder;

    fn at(path: &str) -> Recorder {
        Recorder::of(
            &NpmInstalled,
            path,
            br#"{"name":"@s/x","version":"1.2.3","license":{"type":"MIT"}}"#,
        )
    }

    #[test]
    fn a_description_with_repeated_keys_hides_no_package() {
        let twice = br#"{"name":"ok","version":"1.0.0","name":"evil"}"#;
        let of = |path: &str, text: &[u8]| Recorder::of(&NpmInstalled, path, text);
        for path in [
            "node_modules/x/package.json",
            "node_modules/.pnpm/x@1.0.0/node_modules/x/package.json",
        ] {
            assert_eq!(of(path, twice).gaps.len(), 1, "{path}");
        }
        let nested = "node_modules/a/dist/node_modules/x/package.json";
        assert_eq!(of(nested, twice).purls(), ["pkg:npm/evil@1.0.0"]);
        assert_eq!(of(nested, br#"{"name":"evil","version":1}"#).gaps.len(), 1);
        let seen = of(nested, b"{ not JSON");
        assert!(seen.gaps.is_empty() && seen.components.is_empty(), "the control");
    }

    #[test]
    fn packages_are_found_where_package_managers_put_them() {
        for path in [
            "app/node_modules/@s/x/package.json",
            "node_modules/x/package.json",
            "app/node_modules/a/node_modules/@s/x/package.json",
            "app/node_modules/.pnpm/x@1.2.3/node_modules/@s/x/package.json",
            "usr/lib/node_modules/npm/node_modules/x/package.json",
            "usr/share/nodejs/@s/x/package.json",
            "usr/share/nodejs/npm/node_modules/x/package.json",
            "app/node_modules/test/node_modules/x/package.json",
            "app/node_modules/resolve/test/resolver/node_modules/x/package.json",
        ] {
            let seen = at(path);
            assert_eq!(seen.purls(), ["pkg:npm/%40s/x@1.2.3"], "{path}");
            assert_eq!(seen.components[0].licenses, ["MIT"]);
        }
    }

    #[test]
    fn folders_inside_of_packages_are_no_packages() {
        for path in [
            "app/package.json",
            "app/node_modules/a/dist/package.json",
            "app/node_modules/.bin/package.json",
            "usr/share/nodejs/a/dist/package.json",
            "app/xnode_modules/a/package.json",
        ] {
            assert!(at(path).components.is_empty(), "{path}");
        }
    }

    #[test]
    fn a_byte_order_mark_hides_no_installed_package() {
        for mark in ["", "\u{feff}"] {
            let text = format!(r#"{mark}{{"name":"evil","version":"1.0.0"}}"#);
            for path in [
                "app/node_modules/evil/package.json",
                "app/node_modules/a/dist/node_modules/evil/package.json",
            ] {
                let seen = Recorder::of(&NpmInstalled, path, text.as_bytes());
                assert_eq!(seen.purls(), ["pkg:npm/evil@1.0.0"], "{path}");
            }
        }
    }

    #[test]
    fn an_unreadable_description_is_partial_coverage() {
        let seen = |text: &str| {
            Recorder::of(&NpmInstalled, "node_modules/a/package.json", text.as_bytes())
                .gaps
                .len()
        };
        assert_eq!((seen("{"), seen(r#"{"name":"a"}"#), seen(r#"{"type":"module"}"#)), (1, 1, 0));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_paths_and_bytes_never_panic(path in "(node_modules/|@s/|a|é|/|test/){0,12}", bytes: Vec<u8>) {
            Recorder::of(&NpmInstalled, &format!("{path}/package.json"), &bytes);
        }
    }
}
