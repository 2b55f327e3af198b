//! Packages of a folder that published ones get for the package that they need: whoever published those cannot have meant a folder of this tree, so
//! that the folder stands in for a published package and is looked up like that one. Any other package of a folder is the project's own.

use std::collections::{HashMap, HashSet};

use super::pin::{Pin, Pins};
use crate::model::coverage::STANDS_IN;
use crate::model::inventory::Origin;
use crate::model::pep503;

/// Marks them; one that has no version is told.
pub(super) fn mark(found: &mut Pins, kind: &str) {
    // Names that differ in their case are one to some tools, and to nobody two packages that belong together.
    let normal = |name: &str| match kind {
        "pypi" => pep503::normal_name(name).into_owned(),
        _ => name.to_ascii_lowercase(),
    };
    let needed = needed(&found.pins, normal);
    for pin in found.pins.iter_mut().filter(|pin| pin.origin == Origin::Local) {
        if !needed.contains(&normal(&pin.name)) {
            continue;
        }
        pin.is_looked_up = !pin.version.is_empty();
        if pin.version.is_empty() {
            found.troubles.push(without_version(&pin.name));
        }
    }
}

/// The names, as `normal` has them, of what published packages need, and of what is needed by what takes their places: that needs, as they do, published
/// ones.
pub(super) fn needed<'p>(pins: impl IntoIterator<Item = &'p Pin>, normal: impl Fn(&str) -> String) -> HashSet<String> {
    let mut local: HashMap<String, Vec<&Pin>> = HashMap::new();
    let mut open: Vec<String> = Vec::new();
    for pin in pins {
        match pin.origin {
            Origin::Local => local.entry(normal(&pin.name)).or_default().push(pin),
            _ => open.extend(pin.needs.iter().map(|name| normal(name))),
        }
    }
    let mut needed = HashSet::new();
    while let Some(name) = open.pop() {
        if !needed.contains(&name) {
            let standing = local.get(&name).into_iter().flatten();
            open.extend(standing.flat_map(|pin| &pin.needs).map(|name| normal(name)));
            needed.insert(name);
        }
    }
    needed
}

/// What is told of one whose version no lock file has.
pub(super) fn without_version(name: &str) -> String {
    format!("who needs `{name}` is given a folder that {STANDS_IN}, and the lock file does not say of which version it is")
}

#[cfg(test)]
mod tests {
    use crate::stage::inventory::catalogers::pinned::LOCK_FILES;
    use crate::stage::inventory::recorder::Recorder;

    /// What is looked up of a lock file, and its gaps.
    fn seen(file: &str, text: &str) -> (Vec<String>, usize) {
        let format = LOCK_FILES.iter().find(|format| format.wants_file(file)).expect("known");
        let seen = Recorder::of(format, file, text.as_bytes());
        let looked_up = seen
            .components
            .iter()
            .filter(|component| component.ecosystem.is_some() && !component.root);
        let mut looked_up: Vec<String> = looked_up
            .map(|component| format!("{} {}", component.name, component.version))
            .collect();
        looked_up.sort();
        (looked_up, seen.gaps.len())
    }

    const UV: &str = "[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"requests\" }, { name = \"own\" }]\n\
        [[package]]\nname = \"idna\"\nversion = \"3.6\"\nsource = { directory = \"v/idna\" }\n[[package]]\nname = \"own\"\nversion = \"1.0\"\nsource = { editable = \"own\" }\n\
        [[package]]\nname = \"requests\"\nversion = \"2.31.0\"\nsource = { registry = \"https://pypi.org/simple\" }\ndependencies = [{ name = \"idna\" }]\n";
    const POETRY: &str = "[[package]]\nname = \"idna\"\nversion = \"3.6\"\n[package.source]\ntype = \"directory\"\nurl = \"v/idna\"\n\
        [[package]]\nname = \"own\"\nversion = \"1.0\"\n[package.dependencies]\nother = \"*\"\n[package.source]\ntype = \"directory\"\nurl = \"own\"\n\
        [[package]]\nname = \"requests\"\nversion = \"2.31.0\"\n[package.dependencies]\nidna = \">=2.5,<4\"\n";
    const PDM: &str = "[[package]]\nname = \"idna\"\nversion = \"3.6\"\npath = \"./v/idna\"\n[[package]]\nname = \"own\"\nversion = \"1.0\"\npath = \"./own\"\n\
        [[package]]\nname = \"requests\"\nversion = \"2.31.0\"\ndependencies = [\n    \"IDNA<4,>=2.5\",\n]\n";
    const GEMS: &str = "PATH\n  remote: v/idna\n  specs:\n    idna (3.6)\n\nPATH\n  remote: own\n  specs:\n    own (1.0)\n      other\n\nGEM\n  remote: https://example.org/\n  specs:\n    requests (2.31.0)\n      idna (>= 2.5)\n";
    const COMPOSER: &str = r#"{"packages": [{"name": "a/idna", "version": "3.6", "dist": {"type": "path"}, "require": []}, {"name": "a/own", "version": "1.0", "dist": {"type": "path"}},
        {"name": "a/requests", "version": "2.31.0", "dist": {"type": "zip"}, "require": {"php": ">=8", "a/idna": "^3"}}], "packages-dev": []}"#;
    const GLEAM: &str = "packages = [\n  { name = \"idna\", version = \"3.6\", build_tools = [\"gleam\"], requirements = [], source = \"local\", path = \"v\" },\n  { name = \"own\", version = \"1.0\", build_tools = [\"gleam\"], source = \"local\", path = \"o\" },\n  { name = \"requests\", version = \"2.31.0\", build_tools = [\"gleam\"], requirements = [\"idna\"], source = \"hex\" },\n]\n";
    const RENV: &str = r#"{"Packages": {"idna": {"Package": "idna", "Version": "3.6", "Source": "Local"}, "own": {"Package": "own", "Version": "1.0", "Source": "Local"},
        "requests": {"Package": "requests", "Version": "2.31.0", "Source": "Repository", "Repository": "CRAN", "Imports": ["idna (>= 3)", "R"]}}}"#;
    const ASSETS: &str = r#"{"targets": {"net8.0": {"requests/2.31.0": {"type": "package", "dependencies": {"Idna": "3.0.0"}}}}, "libraries": {"idna/3.6": {"type": "project"},
        "own/1.0": {"type": "project"}, "requests/2.31.0": {"type": "package"}}}"#;

    #[test]
    fn a_folder_that_a_published_package_gets_is_looked_up_and_the_projects_own_is_not() {
        for (file, text) in [
            ("uv.lock", UV),
            ("poetry.lock", POETRY),
            ("pdm.lock", PDM),
            ("Gemfile.lock", GEMS),
            ("composer.lock", COMPOSER),
            ("vendor/composer/installed.json", &COMPOSER.replace(", \"packages-dev\": []", "")),
            ("manifest.toml", GLEAM),
            ("renv.lock", RENV),
            ("project.assets.json", ASSETS),
            ("app.deps.json", ASSETS),
        ] {
            let (looked_up, gaps) = seen(file, text);
            let prefix = if file.contains("composer") { "a/" } else { "" };
            let mut expected = vec![format!("{prefix}idna 3.6"), format!("{prefix}requests 2.31.0")];
            expected.sort();
            assert_eq!((looked_up, gaps), (expected, 0), "{file}");
            // The control: nobody needs it.
            let control = ["idna", "IDNA", "Idna"].iter().fold(text.to_owned(), |text, name| {
                let needs = [
                    format!("[{{ name = \"{name}\" }}]"),
                    format!("{name} = \">"),
                    format!("\"{name}<4"),
                    format!("      {name} ("),
                    format!("\"a/{name}\": \"^3"),
                    format!("[\"{name}\"]"),
                    format!("\"{name} (>= 3"),
                    format!("\"{name}\": \"3.0"),
                ];
                needs
                    .iter()
                    .fold(text, |text, need| text.replace(need, &need.replace(name, "other")))
            });
            let (looked_up, gaps) = seen(file, &control);
            assert_eq!((looked_up, gaps), (vec![format!("{prefix}requests 2.31.0")], 0), "{file}");
        }
    }

    #[test]
    fn what_a_folder_needs_that_stands_in_is_looked_up_as_well() {
        let from = "source = { directory = \"v/idna\" }\n";
        let (looked_up, gaps) = seen(
            "uv.lock",
            &UV.replace(from, &format!("{from}dependencies = [{{ name = \"own\" }}]\n")),
        );
        assert_eq!(
            (looked_up, gaps),
            (["idna 3.6", "own 1.0", "requests 2.31.0"].map(str::to_owned).into(), 0)
        );
        // The control is the test above: nobody but the project needs it there.
    }

    #[test]
    fn one_without_a_version_is_told() {
        let (looked_up, gaps) = seen("uv.lock", &UV.replace("version = \"3.6\"\n", ""));
        assert_eq!((looked_up, gaps), (vec!["requests 2.31.0".to_owned()], 1));
        // The control: the project's own may have none.
        assert_eq!(seen("uv.lock", &UV.replace("version = \"1.0\"\n", "")).1, 0);
    }

    #[test]
    fn a_folder_that_is_taken_for_a_package_of_another_name_is_looked_up_by_that() {
        let fork = |version: &str| {
            COMPOSER.replace(
                "\"name\": \"a/idna\",",
                &format!("\"name\": \"a/fork\", \"replace\": {{\"a/idna\": \"{version}\"}},"),
            )
        };
        let looked_up = |version: &str| seen("composer.lock", &fork(version));
        assert_eq!(
            looked_up("self.version"),
            (vec!["a/idna 3.6".to_owned(), "a/requests 2.31.0".to_owned()], 0)
        );
        assert_eq!(looked_up("3.1").0[0], "a/idna 3.1");
        assert_eq!(looked_up("*"), (vec!["a/requests 2.31.0".to_owned()], 1));
    }

    #[test]
    fn names_of_what_a_folder_is_taken_for_are_compared_as_composer_does_and_chains_of_them_are_followed() {
        let text = |key: &str, needed: &str| {
            format!(
                r#"{{"packages": [{{"name": "a/requests", "version": "2.31.0", "require": {{"{needed}": "^3"}}}},
                {{"name": "b/fork", "version": "3.6", "dist": {{"type": "path"}}, "{key}": {{"A/Idna": "3.6"}}, "require": {{"A/Deep": "*"}}}},
                {{"name": "b/other", "version": "1.0", "dist": {{"type": "path"}}, "replace": {{"a/deep": "self.version"}}}}], "packages-dev": []}}"#
            )
        };
        for key in ["replace", "provide"] {
            let (mut looked_up, gaps) = seen("composer.lock", &text(key, "a/IDNA"));
            looked_up.iter_mut().for_each(|name| name.make_ascii_lowercase());
            looked_up.sort();
            assert_eq!(
                (looked_up, gaps),
                (["a/deep 1.0", "a/idna 3.6", "a/requests 2.31.0"].map(str::to_owned).into(), 0),
                "{key}"
            );
        }
        assert_eq!(
            seen("composer.lock", &text("replace", "a/none")),
            (vec!["a/requests 2.31.0".to_owned()], 0),
            "the control"
        );
    }

    #[test]
    fn where_nobody_tells_who_needs_a_folder_advisories_of_its_name_count() {
        let text = "lock-version = \"1.0\"\n[[packages]]\nname = \"app\"\ndirectory = { path = \".\" }\n[[packages]]\nname = \"idna\"\ndirectory = { path = \"v/idna\" }\n\
            [[packages]]\nname = \"requests\"\nversion = \"2.31.0\"\n";
        assert_eq!(seen("pylock.toml", text).0, ["idna ", "requests 2.31.0"]);
        // The control: a file that tells it, of a tool that writes it down.
        let told = |needs: &str| seen("pylock.toml", &format!("{text}dependencies = [{needs}]\n"));
        assert_eq!(told("{ name = \"other\" }").0, ["requests 2.31.0"]);
        assert_eq!(told("{ name = \"idna\" }"), (vec!["requests 2.31.0".to_owned()], 1));
    }
}
