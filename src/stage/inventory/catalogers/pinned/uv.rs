//! `uv.lock`: what its packages are from, and what the project needs them for.
//!
//! The project's own packages list what they need, what each extra of theirs needs, and each group for developing; every other package lists its needs,
//! and those of the extras that somebody asks for. What nothing leads to ships, for all that is known.
//!
//! Source: uv's own writer (`uv-resolver`, `lock`).

use std::collections::HashMap;

use toml::{Table, Value};

use crate::io::lockfile::npm::scopes;
use crate::model::inventory::{Origin, Scope};

use super::pin::Pins;
use super::toml_packages::{packages, parsed};

/// uv says in `source` where each package is from; the project itself is among them.
pub(super) fn read(text: &str) -> Result<Pins, String> {
    let document = parsed(text)?;
    let needed_for = Graph::of(&document).scopes();
    packages(&document, text, "package", |at, package| {
        (origin(package), needed_for.get(at).copied().unwrap_or_default())
    })
}

fn source<'a>(package: &'a Table, key: &str) -> Option<&'a str> {
    package.get("source")?.as_table()?.get(key)?.as_str()
}

fn origin(package: &Table) -> Origin {
    let of = |key: &str| source(package, key).map(str::to_owned);
    // An archive that lies in the tree (`path`) is somebody's release, wherever it was packed.
    let elsewhere = of("git")
        .map(Origin::Git)
        .or_else(|| of("url").or_else(|| of("path")).map(Origin::Url));
    elsewhere.unwrap_or(if is_local(package) { Origin::Local } else { Origin::Registry })
}

fn is_local(package: &Table) -> bool {
    ["virtual", "editable", "directory"]
        .iter()
        .any(|key| source(package, key).is_some())
}

/// Packages and, behind them, their extras.
struct Graph<'a> {
    /// None for what is no table.
    packages: Vec<Option<&'a Table>>,
    /// By name: the packages that are called so; several where the platforms differ.
    named: HashMap<&'a str, Vec<usize>>,
    /// By package and extra: its node.
    extras: HashMap<(usize, &'a str), usize>,
    /// What the top of the file itself asks for: groups of a project without a package.
    manifest: Option<&'a Table>,
}

impl<'a> Graph<'a> {
    fn of(document: &'a Table) -> Self {
        let listed = document.get("package").and_then(Value::as_array);
        let packages: Vec<Option<&Table>> = listed.into_iter().flatten().map(Value::as_table).collect();
        let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut extras = HashMap::new();
        for (at, package) in packages.iter().enumerate().filter_map(|(at, package)| Some((at, (*package)?))) {
            if let Some(name) = package.get("name").and_then(Value::as_str) {
                named.entry(name).or_default().push(at);
            }
            for (extra, _) in lists(package, "optional-dependencies") {
                let node = packages.len() + extras.len();
                extras.insert((at, extra), node);
            }
        }
        Self {
            packages,
            named,
            extras,
            manifest: document.get("manifest").and_then(Value::as_table),
        }
    }

    /// What each package is needed for, in the order of the file.
    fn scopes(&self) -> Vec<Scope> {
        let mut edges: Vec<Vec<(usize, bool)>> = vec![Vec::new(); self.packages.len() + self.extras.len()];
        let mut roots = Vec::new();
        for (at, package) in self.packages.iter().enumerate().filter_map(|(at, package)| Some((at, (*package)?))) {
            edges[at] = self.needs(package.get("dependencies"));
            for (extra, needs) in lists(package, "optional-dependencies") {
                let node = self.extras[&(at, extra)];
                edges[node] = self.needs(Some(needs));
                if is_local(package) {
                    roots.push((node, Scope::Optional));
                }
            }
            if is_local(package) {
                roots.push((at, Scope::Runtime));
                roots.extend(self.of_groups(package, "dev-dependencies"));
            }
        }
        if let Some(manifest) = self.manifest {
            roots.extend(self.of_groups(manifest, "dependency-groups"));
            let required = self.needs(manifest.get("requirements"));
            roots.extend(required.into_iter().map(|(node, _)| (node, Scope::Runtime)));
        }
        scopes(&roots, &edges)
    }

    fn of_groups(&self, table: &'a Table, key: &str) -> Vec<(usize, Scope)> {
        let needs = lists(table, key).flat_map(|(_, needs)| self.needs(Some(needs)));
        needs.map(|(node, _)| (node, Scope::Development)).collect()
    }

    /// The nodes that a list of requirements leads to: a package in the version that is meant, and those of its extras that are asked for.
    fn needs(&self, list: Option<&'a Value>) -> Vec<(usize, bool)> {
        let mut nodes = Vec::new();
        let requirements = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table);
        for requirement in requirements {
            let text = |key: &str| requirement.get(key).and_then(Value::as_str);
            let candidates = text("name").and_then(|name| self.named.get(name)).into_iter().flatten();
            // A version stands there where there are several.
            let is_meant = |at: &&usize| {
                let version = self.packages[**at].and_then(|package| package.get("version")?.as_str());
                text("version").is_none() || version == text("version")
            };
            for at in candidates.filter(is_meant) {
                nodes.push((*at, false));
                let extras = requirement
                    .get("extra")
                    .or_else(|| requirement.get("extras"))
                    .and_then(Value::as_array);
                let asked = extras.into_iter().flatten().filter_map(Value::as_str);
                nodes.extend(asked.filter_map(|extra| Some((*self.extras.get(&(*at, extra))?, false))));
            }
        }
        nodes
    }
}

/// The lists of a table of lists: extras, or groups.
fn lists<'a>(package: &'a Table, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let table = package.get(key).and_then(Value::as_table);
    table.into_iter().flatten().map(|(name, list)| (name.as_str(), list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_lies_in_the_tree_is_no_package_of_the_services_own_and_files_have_times() {
        let of = |rest: &str| {
            read(&format!("[[package]]\nname = \"evil\"\nversion = \"1.0\"\n{rest}"))
                .expect(rest)
                .pins[0]
                .clone()
        };
        let wheel = Origin::Url("v/evil-1.0-py3-none-any.whl".to_owned());
        assert_eq!(of("source = { path = \"v/evil-1.0-py3-none-any.whl\" }").origin, wheel);
        assert_eq!(of("source = { directory = \"v/evil\" }").origin, Origin::Local);
        let published =
            of("source = { registry = \"https://example.org\" }\nsdist = { url = \"a\", upload-time = \"2026-11-20T08:00:00Z\" }");
        assert_eq!(published.origin, Origin::Registry);
        assert_eq!(
            published.published.map(|time| time.to_string()).as_deref(),
            Some("2026-11-20T08:00:00Z")
        );
    }

    #[test]
    fn packages_are_listed_with_their_sources() {
        let text = "version = 1\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\n\n[[package]]\nname = \"evil\"\n\
                    version = \"1.0\"\nsource = { registry = \"https://example.org/simple\" }\n\n[[package]]\nname = \"odd\"\nsource = { git = \"https://example.org/odd?rev=1#abc\" }\n";
        let read = read(text).expect("TOML");
        assert_eq!(read.pins[0].origin, Origin::Local);
        assert_eq!(
            (read.pins[1].name.as_str(), read.pins[1].version.as_str(), read.pins[1].line),
            ("evil", "1.0", Some(9))
        );
        assert_eq!(read.troubles.len(), 1);
    }

    const PROJECT: &str = r#"
[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "web", extra = ["socks"] }, { name = "twice", version = "2.0", marker = "sys_platform == 'win32'" }]
[package.optional-dependencies]
fast = [{ name = "native" }]
[package.dev-dependencies]
dev = [{ name = "tester" }, { name = "shared" }]
[[package]]
name = "web"
version = "1.0"
dependencies = [{ name = "shared" }]
[package.optional-dependencies]
socks = [{ name = "proxy" }]
[[package]]
name = "shared"
version = "1.0"
[[package]]
name = "proxy"
version = "1.0"
[[package]]
name = "native"
version = "1.0"
[[package]]
name = "tester"
version = "1.0"
dependencies = [{ name = "below" }, { name = "twice", version = "1.0" }]
[[package]]
name = "below"
version = "1.0"
[[package]]
name = "twice"
version = "1.0"
[[package]]
name = "twice"
version = "2.0"
[[package]]
name = "unasked"
version = "1.0"
"#;

    fn scopes_of(text: &str) -> Vec<String> {
        let read = read(text).expect("TOML");
        read.pins
            .iter()
            .map(|pin| format!("{} {} {:?}", pin.name, pin.version, pin.scope))
            .collect()
    }

    #[test]
    fn what_only_groups_and_extras_of_the_project_lead_to_is_for_developing_or_may_be_left_out() {
        assert_eq!(
            scopes_of(PROJECT),
            [
                "app 0.1.0 Runtime",
                "web 1.0 Runtime",
                "shared 1.0 Runtime",
                "proxy 1.0 Runtime",
                "native 1.0 Optional",
                "tester 1.0 Development",
                "below 1.0 Development",
                "twice 1.0 Development",
                "twice 2.0 Runtime",
                "unasked 1.0 Runtime",
            ]
        );
        // The control: without the project's own package nobody knows what for.
        let without = PROJECT.replace("source = { virtual = \".\" }", "source = { registry = \"x\" }");
        assert!(
            scopes_of(&without).iter().all(|line| line.ends_with("Runtime")),
            "{:?}",
            scopes_of(&without)
        );
    }

    #[test]
    fn a_project_without_a_package_has_its_groups_at_the_top_and_odd_shapes_lead_nowhere() {
        let text = "[manifest]\nmembers = 3\n[manifest.dependency-groups]\ndev = [{ name = \"a\" }, 7]\nodd = \"x\"\n[[package]]\nname = \"a\"\nversion = \"1\"\n\
                    dependencies = [{ name = \"gone\" }, \"x\"]\n[[package]]\nname = \"b\"\nversion = \"1\"\noptional-dependencies = 4\n";
        assert_eq!(scopes_of(text), ["a 1 Development", "b 1 Runtime"]);
    }
}
