//! From the line tables of programs to an answer for each match.

use std::collections::BTreeMap;
use std::path::Path;

use super::of_program::{Place, joined};
use super::sources::{self, Files};
use crate::io::limits::Limits;
use crate::model::advisory::{AdvisoryKind, Match};
use crate::model::inventory::{Component, Inventory, Scope};
use crate::model::linked::{LinkedImage, LinkedInput, LinkedProgram, LinkedProgramInput, Reachability, ReachabilityAnswer};
use crate::model::matching::Matching;

/// Adds to each match of a crate whether what it is about was linked into the programs that were just built. What is no crate, what no code of a
/// program could answer for (unmaintained, malicious: that may run in the build), and crates of programs from elsewhere have no answer.
pub fn add(matching: &mut Matching, inventory: &Inventory, image: &LinkedImage, limits: &Limits) {
    let mut answers = Answers {
        image,
        sources: BTreeMap::new(),
        limits,
    };
    for matched in &mut matching.matches {
        let component = inventory.components.get(matched.component);
        matched.reachability = component.and_then(|component| answers.of(component, matched));
    }
    let mut programs: Vec<LinkedProgramInput> = image.programs.iter().map(input).collect();
    programs.sort();
    matching.linked = Some(LinkedInput {
        toolchain: image.toolchain.clone(),
        programs,
    });
}

fn input(program: &LinkedProgram) -> LinkedProgramInput {
    LinkedProgramInput {
        path: program.path.clone(),
        functions: program.functions,
        unread: program.unread.clone(),
    }
}

struct Answers<'i> {
    image: &'i LinkedImage,
    /// Sources that were read, by their folders: one crate can have several advisories.
    sources: BTreeMap<&'i Path, Result<Files, String>>,
    limits: &'i Limits,
}

impl<'i> Answers<'i> {
    fn of(&mut self, component: &Component, matched: &Match) -> Option<Reachability> {
        let is_asked = matches!(matched.advisory.kind, AdvisoryKind::Vulnerability | AdvisoryKind::Unsound);
        let is_here = |path: &str| self.image.programs.iter().any(|program| program.path == path);
        let here = component.locations.iter().any(|location| is_here(&location.path));
        if component.purl.kind != "cargo" || !is_asked || !here {
            return None;
        }
        if let Some(elsewhere) = component.locations.iter().find(|location| !is_here(&location.path)) {
            return Some(unknown(format!("it is in {} too, which was not built here", elsewhere.path)));
        }
        if component.scope != Scope::Runtime {
            return Some(unknown(
                "it runs in the build, and what it writes into a program has no lines of its own".to_owned(),
            ));
        }
        let image = self.image;
        let programs = image
            .programs
            .iter()
            .filter(|program| component.locations.iter().any(|location| location.path == program.path));
        let answers: Vec<Reachability> = programs
            .filter_map(|program| self.of_program(program, component, matched))
            .collect();
        Some(joined(answers.into_iter()))
    }

    /// `None` for a program that it was not compiled for.
    fn of_program(&mut self, program: &'i LinkedProgram, component: &Component, matched: &Match) -> Option<Reachability> {
        if let Some(unread) = &program.unread {
            return Some(unknown(format!("{}: {unread}", program.path)));
        }
        let release = (component.name.clone(), component.version.clone());
        let ((name, version), linked) = program.crates.get_key_value(&release)?;
        let limits = self.limits;
        let read = || sources::of(&linked.sources, limits);
        let place = Place {
            program,
            name,
            version,
            linked,
            sources: self.sources.entry(&linked.sources).or_insert_with(read),
        };
        Some(place.answer(&matched.advisory.functions))
    }
}

fn unknown(evidence: String) -> Reachability {
    Reachability {
        answer: ReachabilityAnswer::Unknown,
        evidence,
        applied: None,
    }
}
