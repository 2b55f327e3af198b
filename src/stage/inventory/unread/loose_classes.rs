//! Programs of Java that lie in folders, on no archive that says which artifact they are.
//!
//! An application's own classes are its author's: no advisory is about them, and they lie where builds put them (`BOOT-INF/classes`, Jib's
//! `/app/classes`, `target/classes`). A library that was unpacked elsewhere is known to be there, and nothing says which one it is.

use crate::model::coverage::GapKind;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Says of each class of Java that nobody knows whose it is.
pub(in super::super) struct LooseClasses;

const DETAIL: &str = "classes of Java: nothing here says which artifact they are, and they were not looked up";

/// Segments with which names of packages begin: what stands before them is the folder of the classes.
const TOPS: [&str; 16] = [
    "org", "com", "net", "io", "edu", "gov", "dev", "me", "info", "java", "javax", "jakarta", "kotlin", "scala", "groovy", "akka",
];

impl Cataloger for LooseClasses {
    fn id(&self) -> &'static str {
        "loose-classes"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Image
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if is_loose(head.path) { Want::Path } else { Want::No }
    }

    fn catalog(&self, _: &LayerFile<'_>, sink: &mut dyn Sink) {
        sink.gap(GapKind::UnreadPackageStore, DETAIL.to_owned());
    }
}

/// True for a class that is not the application's own, nor what Spring Boot or Jython put there themselves.
pub(in super::super) fn is_loose(path: &str) -> bool {
    let Some(stem) = path.strip_suffix(".class") else { return false };
    let is_own = path.split('/').any(|part| matches!(part, "classes" | "test-classes"));
    !is_own && !stem.ends_with("$py") && !path.contains("org/springframework/boot/loader/")
}

/// The folder that the packages of a class begin in.
pub(super) fn folder(path: &str) -> Option<String> {
    is_loose(path).then(|| {
        let folders: Vec<&str> = path.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect());
        let is_top = |part: &&str| TOPS.contains(part) || (part.len() == 2 && part.bytes().all(|b| b.is_ascii_lowercase()));
        let end = folders.iter().position(is_top).unwrap_or(folders.len());
        folders[..end].join("/")
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::recorder::Recorder;
    use super::*;

    #[test]
    fn unpacked_classes_alone_are_a_gap_and_an_applications_own_are_none() {
        let gaps = |path: &str| Recorder::of(&LooseClasses, path, b"x").gaps.len();
        for path in [
            "opt/lib/org/acme/Evil.class",
            "srv/Evil.class",
            "Evil.class",
            "app/classes.d/a/B.class",
        ] {
            assert_eq!(gaps(path), 1, "{path}");
        }
        for path in [
            "app/BOOT-INF/classes/com/acme/App.class",
            "usr/local/tomcat/webapps/ROOT/WEB-INF/classes/com/acme/App.class",
            "app/classes/com/acme/App.class",
            "app/target/classes/com/acme/App.class",
            "app/org/springframework/boot/loader/launch/JarLauncher.class",
            "opt/jython/Lib/os$py.class",
            "opt/java/openjdk/lib/modules",
            "opt/classes/readme.txt",
            "system/framework/core.dex",
        ] {
            assert_eq!(gaps(path), 0, "{path}");
        }
    }

    #[test]
    fn classes_are_told_by_the_folder_that_their_packages_begin_in() {
        let of = |path: &str| folder(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(of("opt/lib/org/acme/a/Evil.class"), "opt/lib");
        assert_eq!(of("opt/lib/de/acme/Evil.class"), "opt/lib");
        assert_eq!((of("opt/x/Evil.class"), of("Evil.class")), ("opt/x".to_owned(), String::new()));
    }
}
