//! The place of one finding, as a path in the repository.

use super::location::SourceLocation;
use super::{dockerfile, lock_file};
use crate::model::finding::Finding;
use crate::model::inventory::Location;
use crate::model::outcome::{Outcome, SourceFile};

/// Where to show a finding in the repository; none where no file of the tree brings it.
#[must_use]
pub fn place(finding: &Finding, outcome: &Outcome) -> Option<SourceLocation> {
    in_folder(finding, &outcome.sources).map(|place| SourceLocation {
        file: in_repository(outcome, &place.file),
        ..place
    })
}

/// The same; the configuration where no file of the tree brings it, for readers that want a place of everything.
#[must_use]
pub fn place_or_configuration(finding: &Finding, outcome: &Outcome) -> SourceLocation {
    place(finding, outcome).unwrap_or_else(|| configuration(outcome))
}

/// The file that is shown for what has no place of its own.
#[must_use]
pub fn configuration(outcome: &Outcome) -> SourceLocation {
    first_line(&in_repository(outcome, "portcullis.toml"))
}

/// A path in the service's folder as a path in the repository.
#[must_use]
pub fn in_repository(outcome: &Outcome, file: &str) -> String {
    match outcome.folder.trim_matches('/') {
        "" => file.to_owned(),
        folder => format!("{folder}/{file}"),
    }
}

fn in_folder(finding: &Finding, sources: &[SourceFile]) -> Option<SourceLocation> {
    let in_tree = finding
        .locations
        .iter()
        .find(|location| location.layer.is_none() && !location.path.starts_with('/'));
    if let Some(Location {
        path, line: Some(line), ..
    }) = in_tree
    {
        return Some(SourceLocation {
            file: path.clone(),
            line: *line,
        });
    }
    lock_file::place(finding, sources)
        .or_else(|| dockerfile::place(finding, sources))
        .or_else(|| in_tree.map(|location| first_line(&location.path)))
}

fn first_line(file: &str) -> SourceLocation {
    SourceLocation {
        file: file.to_owned(),
        line: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digest;
    use crate::model::finding::{Level, RuleCode};
    use crate::model::purl::Purl;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";
    const DOCKERFILE: &str = "# syntax\nFROM rust AS build\nRUN cargo build\n\nFROM debian:12\nRUN apt-get update \\\n # why\n && apt-get install -y curl\nCOPY --from=build /target/x /x\n";

    fn outcome() -> Outcome {
        let sources = [("Cargo.lock", LOCK), ("Dockerfile", DOCKERFILE)].map(|(path, text)| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        Outcome {
            sources: sources.to_vec(),
            ..Outcome::default()
        }
    }

    fn finding(purl: &str, step: Option<&str>) -> Finding {
        let mut finding = Finding::new(RuleCode::new("vulnerable-component"), Level::Deny, "x");
        finding.purl = Some(Purl::parse(purl).expect("a purl"));
        finding.locations = vec![Location {
            path: "/var/lib/dpkg/status".to_owned(),
            layer: Some(Digest::from_bytes([1; 32])),
            created_by: step.map(str::to_owned),
            line: None,
            part: None,
        }];
        finding
    }

    #[test]
    fn a_crate_is_shown_at_its_version_in_the_lock_file() {
        let at = place(&finding("pkg:cargo/a@2.0.0", None), &outcome()).expect("a place");
        assert_eq!((at.file.as_str(), at.line), ("Cargo.lock", 8));
        let nested = Outcome {
            folder: "services/pay".to_owned(),
            ..outcome()
        };
        let at = place(&finding("pkg:cargo/a@2.0.0", None), &nested).expect("a place");
        assert_eq!(at.file, "services/pay/Cargo.lock");
    }

    #[test]
    fn a_layer_is_shown_at_the_instruction_that_made_it() {
        for (step, line) in [
            ("RUN /bin/sh -c apt-get update && apt-get install -y curl # buildkit", 6),
            ("/bin/sh -c apt-get update  && apt-get install -y curl", 6),
            ("COPY /target/x /x # buildkit", 9),
            ("/bin/sh -c #(nop) COPY file:1234 in /x", 9),
            ("/bin/sh -c #(nop) ADD file:99 in / ", 5),
        ] {
            let at = place(&finding("pkg:deb/debian/curl@7", Some(step)), &outcome()).expect("a place");
            assert_eq!((at.file.as_str(), at.line), ("Dockerfile", line), "{step}");
        }
    }

    #[test]
    fn what_no_file_brings_has_no_place() {
        assert_eq!(place(&finding("pkg:deb/debian/curl@7", None), &Outcome::default()), None);
    }
}
