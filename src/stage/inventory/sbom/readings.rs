//! What a component is, where its purl and the fields beside it say different things: each of them, and never one alone. Who wrote the purl by
//! hand, or changed one of the two, would otherwise choose what is looked up.

use crate::model::pep503;
use crate::model::purl::Purl;

/// The fields beside a purl.
pub(super) struct Beside<'a> {
    pub(super) group: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
}

/// What else the fields beside a purl name: nothing where they name the same, in whatever spelling.
pub(super) fn others(purl: &Purl, beside: &Beside<'_>) -> Vec<Purl> {
    let mut others = names(purl, beside);
    // `evil@1.0.0` may be a name, and says a version then.
    let in_name = beside
        .name
        .trim_start_matches('@')
        .rsplit_once('@')
        .map_or("", |(_, version)| version);
    let in_name = Some(in_name).filter(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    let said = [Some(beside.version), in_name].into_iter().flatten();
    let of_version = said.filter_map(|said| version(purl, said)).flat_map(|version| {
        let named = if others.is_empty() { std::slice::from_ref(purl) } else { &others };
        let with_version = |named: &Purl| {
            let mut other = named.clone();
            other.version = Some(version.to_owned());
            other
        };
        named.iter().map(with_version).collect::<Vec<_>>()
    });
    let of_version: Vec<Purl> = of_version.collect();
    others.extend(of_version);
    others
}

/// The version beside a purl, where it is another one.
fn version<'a>(purl: &Purl, beside: &'a str) -> Option<&'a str> {
    let own = purl.version.as_deref()?;
    let (left, right) = (plain_version(own), plain_version(beside));
    // Distributions' packages are written with and without their release (`1.2` and `1.2-3`), gems with and without their platform.
    let goes_on = |long: &str, short: &str| !short.contains('-') && long.strip_prefix(short).is_some_and(|rest| rest.starts_with('-'));
    let with_more = matches!(purl.kind.as_str(), "deb" | "rpm" | "apk" | "gem") && (goes_on(left, right) || goes_on(right, left));
    let own_epoch = epoch(own).or(purl.qualifiers.get("epoch").map(String::as_str));
    let of_two_epochs = own_epoch.zip(epoch(beside)).is_some_and(|(one, other)| one != other);
    let differs = (left != right && !with_more) || of_two_epochs;
    (!beside.is_empty() && differs).then_some(beside)
}

/// The epoch of a distribution's version.
fn epoch(version: &str) -> Option<&str> {
    let (epoch, _) = version.split_once(':')?;
    (!epoch.is_empty() && epoch.bytes().all(|b| b.is_ascii_digit())).then_some(epoch)
}

/// Without an epoch, which some write into a qualifier, and without the letters that Go and its users write in front.
fn plain_version(version: &str) -> &str {
    let version = epoch(version).map_or(version, |epoch| &version[epoch.len() + 1..]);
    let bare = version.strip_prefix("go").or_else(|| version.strip_prefix(['v', 'V', '=']));
    bare.filter(|bare| bare.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or(version)
        .trim()
}

/// Words that GitHub and others write before a name, with a colon: `npm:left-pad`.
const KINDS: [&str; 14] = [
    "npm",
    "pip",
    "pypi",
    "maven",
    "go",
    "golang",
    "rubygems",
    "gem",
    "cargo",
    "rust",
    "nuget",
    "composer",
    "actions",
    "githubactions",
];

/// Types whose packages of one name are told apart by what stands before it.
const GROUPED: [&str; 3] = ["maven", "npm", "composer"];

/// The purl with the name beside it, where that is another one. An npm package may be meant with the scope of the purl, or without one.
fn names(purl: &Purl, beside: &Beside<'_>) -> Vec<Purl> {
    let text = beside.name.trim();
    let text = text
        .split_once(':')
        .filter(|(word, _)| KINDS.contains(word))
        .map_or(text, |(_, name)| name);
    // A version behind it is told by its own field.
    let text = match text.rfind('@') {
        Some(at) if at > 0 => &text[..at],
        _ => text,
    };
    let parts = |text: &str| plain_parts(&purl.kind, text);
    let (own, other) = (parts(&purl.full_name()), parts(text));
    // The whole may stand in one field, and a path of it in the other: a module below another, a part of a pod.
    let is_grouped = GROUPED.contains(&purl.kind.as_str());
    let is_named = other.is_empty()
        || own.ends_with(&other)
        || other.starts_with(&own)
        || (!is_grouped && other.ends_with(&own))
        || purl.subpath.as_deref().is_some_and(|path| parts(path).ends_with(&other));
    // Words for people are no name.
    if is_named || text.contains(' ') {
        return of_group(purl, beside).into_iter().collect();
    }
    let (namespace, name) = match text.rsplit_once(['/', ':']) {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, text),
    };
    let with_namespace = |namespace: Option<String>| {
        let mut other = purl.clone();
        name.clone_into(&mut other.name);
        other.namespace = namespace;
        other
    };
    let said = namespace.or(beside.group).filter(|text| !text.is_empty()).map(str::to_owned);
    match (said, &purl.namespace) {
        (None, Some(own)) if purl.kind == "npm" => vec![with_namespace(Some(own.clone())), with_namespace(None)],
        (said, own) => vec![with_namespace(said.or_else(|| own.clone()))],
    }
}

/// The segments of a name in a form that is the same for all spellings of a registry's one name.
fn plain_parts(kind: &str, text: &str) -> Vec<String> {
    let plain = |part: &str| match kind {
        "pypi" => pep503::normal_name(part).into_owned(),
        "cargo" => part.to_ascii_lowercase().replace('-', "_"),
        _ => part.trim_start_matches('@').to_ascii_lowercase(),
    };
    text.split(['/', ':']).filter(|part| !part.is_empty()).map(plain).collect()
}

/// The purl with the group beside it, where that is another one.
fn of_group(purl: &Purl, beside: &Beside<'_>) -> Option<Purl> {
    let group = beside.group.filter(|group| !group.is_empty())?;
    let plain = |group: &str| group.trim_start_matches('@').trim_end_matches('/').to_ascii_lowercase();
    let namespace = purl.namespace.as_deref().unwrap_or_default();
    if !GROUPED.contains(&purl.kind.as_str()) || plain(group) == plain(namespace) {
        return None;
    }
    let mut other = purl.clone();
    let at = if purl.kind == "npm" && !group.starts_with('@') { "@" } else { "" };
    other.namespace = Some(format!("{at}{group}"));
    Some(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(purl: &str, group: Option<&str>, name: &str, version: &str) -> Vec<String> {
        let purl = Purl::parse(purl).expect(purl);
        others(&purl, &Beside { group, name, version })
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_purl_that_disagrees_with_the_fields_beside_it_does_not_count_alone() {
        assert_eq!(said("pkg:npm/evil@2.0.0", None, "evil", "1.0.0"), ["pkg:npm/evil@1.0.0"]);
        assert_eq!(said("pkg:npm/good@1.0.0", None, "evil", "1.0.0"), ["pkg:npm/evil@1.0.0"]);
        assert_eq!(
            said("pkg:npm/good@2.0.0", None, "evil", "1.0.0"),
            ["pkg:npm/evil@2.0.0", "pkg:npm/evil@1.0.0"]
        );
        assert_eq!(
            said("pkg:maven/org.good/lib@1", Some("org.evil"), "lib", "1"),
            ["pkg:maven/org.evil/lib@1"]
        );
        assert_eq!(
            said("pkg:maven/org.good/lib@1", None, "org.evil:other", "1"),
            ["pkg:maven/org.evil/other@1"]
        );
        assert_eq!(said("pkg:npm/evil@1", None, "@acme/evil", "1"), ["pkg:npm/%40acme/evil@1"]);
        assert_eq!(
            said("pkg:npm/%40evil/good@1", None, "evil", "1"),
            ["pkg:npm/%40evil/evil@1", "pkg:npm/evil@1"]
        );
        assert_eq!(
            said("pkg:npm/lodash-merge@1", None, "lodash.merge", "1"),
            ["pkg:npm/lodash.merge@1"]
        );
        assert_eq!(said("pkg:npm/good@1", None, " evil", "1"), ["pkg:npm/evil@1"]);
        assert_eq!(said("pkg:npm/good@1", None, "evil@1", "1"), ["pkg:npm/evil@1"]);
        assert_eq!(said("pkg:npm/evil@2", None, "evil@1", "2"), ["pkg:npm/evil@1"]);
        assert_eq!(
            said("pkg:composer/evil/good@1", None, "acme/evil", "1"),
            ["pkg:composer/acme/evil@1"]
        );
        assert_eq!(
            said("pkg:maven/evil/good@1", Some("org.evil"), "evil", "1"),
            ["pkg:maven/org.evil/evil@1"]
        );
        assert_eq!(
            said("pkg:deb/debian/bash@1:5.2-2", None, "bash", "0:5.2-2"),
            ["pkg:deb/debian/bash@0:5.2-2"]
        );
        assert_eq!(said("pkg:deb/debian/bash@5.2-2?epoch=1", None, "bash", "0:5.2-2").len(), 1);
        assert_eq!(said("pkg:deb/debian/bash@5.2-2%2Bdeb12u5", None, "bash", "5.2-2").len(), 1);
        assert_eq!(said("pkg:deb/debian/bash@5.2-2?epoch=1", None, "bash", "1:5.1-2").len(), 1);
        assert_eq!(said("pkg:golang/example.org/a@v1.2.3", None, "example.org/a", "1.2.4").len(), 1);
    }

    #[test]
    fn spellings_of_syft_trivy_and_cdxgen_are_no_disagreement() {
        for (purl, group, name, version) in [
            ("pkg:deb/debian/bash@5.2.15-2?arch=amd64&epoch=1", None, "bash", "1:5.2.15-2"),
            ("pkg:deb/debian/bash@1:5.2.15-2", None, "bash", "5.2.15-2"),
            ("pkg:deb/debian/libc6@2.36-9%2Bdeb12u4", None, "libc6", "2.36-9+deb12u4"),
            ("pkg:rpm/rocky/bash@5.1.8-6.el9?epoch=0", None, "bash", "0:5.1.8-6.el9"),
            ("pkg:rpm/rocky/bash@5.1.8-6.el9", None, "bash", "5.1.8"),
            ("pkg:apk/alpine/musl@1.2.4-r2", None, "musl", "1.2.4-r2"),
            ("pkg:golang/github.com/acme/x@v1.2.3", None, "github.com/acme/x", "v1.2.3"),
            ("pkg:golang/github.com/acme/x@v1.2.3", Some("github.com/acme"), "x", "1.2.3"),
            (
                "pkg:golang/github.com/acme/x@v2.0.0%2Bincompatible",
                None,
                "github.com/acme/x",
                "v2.0.0+incompatible",
            ),
            (
                "pkg:golang/github.com/acme/x@v2.0.0#v2/sub",
                None,
                "github.com/acme/x/v2/sub",
                "v2.0.0",
            ),
            ("pkg:golang/stdlib@1.22.1", None, "stdlib", "go1.22.1"),
            ("pkg:npm/%40babel/core@7.1.0", Some("@babel"), "core", "7.1.0"),
            ("pkg:npm/%40babel/core@7.1.0", Some("babel"), "core", "7.1.0"),
            ("pkg:npm/%40babel/core@7.1.0", None, "@babel/core", "7.1.0"),
            ("pkg:npm/jsonstream@1.0.0", None, "JSONStream", "1.0.0"),
            ("pkg:pypi/flask-sqlalchemy@3.0", None, "Flask_SQLAlchemy", "3.0"),
            ("pkg:maven/commons-io/commons-io@2.11", Some("commons-io"), "commons-io", "2.11"),
            ("pkg:maven/org.acme/lib@1.0", None, "org.acme:lib", "1.0"),
            ("pkg:gem/nokogiri@1.15.0?platform=java", None, "nokogiri", "1.15.0-java"),
            ("pkg:composer/acme/lib@v1.0", Some("acme"), "lib", "1.0"),
            ("pkg:github/actions/checkout@v4", None, "actions/checkout", "v4"),
            ("pkg:swift/github.com/Alamofire/Alamofire@5.0", None, "Alamofire", "5.0"),
            ("pkg:cocoapods/AFNetworking@4.0#Security", None, "AFNetworking/Security", "4.0"),
            ("pkg:cargo/serde@1.0.0", None, "serde", ""),
            ("pkg:cargo/serde", None, "serde", "1.0.0"),
            ("pkg:npm/left-pad@1.0.0", None, "npm:left-pad", "1.0.0"),
            ("pkg:npm/left-pad@1.0.0", None, "left-pad@1.0.0", "1.0.0"),
            ("pkg:maven/org.acme/lib@1.0", None, "Acme's library", "1.0"),
            ("pkg:githubactions/actions/checkout@v4", None, "actions:actions/checkout", "v4"),
        ] {
            assert_eq!(said(purl, group, name, version), Vec::<String>::new(), "{purl} {name} {version}");
        }
    }
}
