//! Installed packages: the `package.json` of each folder in a `node_modules` folder, and of Debian's `usr/share/nodejs`.

use std::borrow::Cow;

use serde::Deserialize;
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
        4
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
            Err(_) if !place.direct && !text.as_deref().is_ok_and(states_a_version) => return,
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

/// Whether Node would take a text for the description of a package with a version, though it is none for us: a key that is there twice, a
/// number. Packages keep descriptions that are broken altogether, or that name nothing, for their tests.
fn states_a_version(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.get("name").is_some() && value.get("version").is_some())
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
    /// True when only package folders lie between it and the first `node_modules`, as npm installs them, and pnpm in its store.
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
    let direct = inside.is_empty() || between.into_iter().all(|part| is_name(part) || is_of_pnpm(part));
    Some(Place { name, direct })
}

/// A folder of pnpm's store below `node_modules`: `.pnpm/name@1.0.0`.
fn is_of_pnpm(folders: &str) -> bool {
    folders
        .strip_prefix(".pnpm/")
        .is_some_and(|name| !name.is_empty() && !name.contains('/'))
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
    fn a_description_that_node_takes_and_we_do_not_is_a_gap_wherever_it_lies() {
        let gaps = |path: &str, text: &str| Recorder::of(&NpmInstalled, path, text.as_bytes()).gaps.len();
        let (store, nested) = (
            "app/node_modules/.pnpm/evil@1.0.0/node_modules/evil/package.json",
            "app/node_modules/ok/dist/node_modules/evil/package.json",
        );
        for text in [r#"{"name":"ok","version":"1.0.0","name":"evil"}"#, r#"{"name":"evil","version":1}"#] {
            assert_eq!((gaps(store, text), gaps(nested, text)), (1, 1), "{text}");
        }
        // What packages keep for their tests is no package, and pnpm keeps none of that in its store.
        assert_eq!((gaps(store, "{"), gaps(nested, "{")), (1, 0));
        let named = r#"{"name":"evil"}"#;
        assert_eq!((gaps(store, named), gaps(nested, named)), (1, 0));
        let whole = r#"{"name":"evil","version":"1.0.0"}"#;
        assert_eq!((gaps(store, whole), gaps(nested, whole)), (0, 0));
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
