//! What one program says of one advisory.

use std::collections::BTreeSet;

use super::asked::Asked;
use super::rust_functions::{Function, Hidden};
use super::sources::Files;
use crate::model::linked::{LinkedCrate, LinkedProgram, Reachability, ReachabilityAnswer};

/// So many definitions are named where nothing was found.
const SHOWN: usize = 3;

/// A crate of a program, and what its sources hold.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) program: &'p LinkedProgram,
    pub(super) name: &'p str,
    pub(super) version: &'p str,
    pub(super) linked: &'p LinkedCrate,
    /// Or why they cannot be read.
    pub(super) sources: &'p Result<Files, String>,
}

impl Place<'_> {
    /// Whether any of these functions is in it; without functions, whether anything of the crate is.
    pub(super) fn answer(&self, functions: &[String]) -> Reachability {
        if functions.is_empty() {
            return self.whole_crate();
        }
        let mut answers = functions.iter().map(|path| match Asked::of(path) {
            Some(asked) => self.function(path, &asked),
            None => self.unknown(format!("`{path}` is no path of a function")),
        });
        let first = answers.next().unwrap_or_else(|| unreachable!("some function is named"));
        let rest: Vec<Reachability> = answers.collect();
        joined(std::iter::once(first).chain(rest))
    }

    /// Lines that instructions are of are the proof: they have the file, and so the version. Names alone count for what no source of the crate
    /// spells: a build script or a macro wrote it.
    fn function(&self, path: &str, asked: &Asked<'_>) -> Reachability {
        let files = match self.sources {
            Ok(files) => files.as_slice(),
            Err(_) => &[],
        };
        let all = files
            .iter()
            .flat_map(|(file, source)| source.functions.iter().map(move |function| (file.as_str(), function)));
        let named: Vec<(&str, &Function)> = all.filter(|(_, function)| function.name == asked.name).collect();
        let meant = asked.among(&named);
        if let Some((file, line)) = self.touched(&meant) {
            let is_only_one = meant.len() == named.len();
            return match self.linked.functions.contains_key(asked.name) && is_only_one {
                true => self.by_name(asked.name),
                false => self.linked(format!("an instruction is of `{}` ({} {file}:{line})", asked.name, self.release())),
            };
        }
        if named.is_empty() && self.linked.functions.contains_key(asked.name) {
            return self.by_name(asked.name);
        }
        if let Err(why) = self.sources {
            return self.unknown(format!("the sources of {} {why}", self.release()));
        }
        if meant.is_empty() {
            return self.unknown(format!(
                "the sources of {} have no function `{}`: a type, a trait or a macro leaves no line of its own",
                self.release(),
                asked.name
            ));
        }
        let with_body = meant.iter().filter(|(_, function)| function.hidden != Some(Hidden::Elsewhere));
        let hidden = with_body.clone().find_map(|(_, function)| function.hidden);
        let hidden = hidden.or_else(|| (with_body.count() == 0).then_some(Hidden::Elsewhere));
        if let Some(hidden) = hidden {
            return self.unknown(format!("`{path}` {}", hidden.words()));
        }
        if let Some(why) = self.blind() {
            return self.unknown(why);
        }
        if let Some((file, line)) = self.touched(&named) {
            let words = "is linked, which may be the one: a type has what its traits have";
            return self.unknown(format!("another `{}` of {} ({file}:{line}) {words}", asked.name, self.release()));
        }
        if let Some(version) = self.other_version(asked.name) {
            return self.unknown(format!(
                "`{}` of {} {version} is linked, and the linker keeps equal code once",
                asked.name, self.name
            ));
        }
        let places: Vec<String> = meant
            .iter()
            .take(SHOWN)
            .map(|(file, at)| format!("{file}:{}-{}", at.first, at.last))
            .collect();
        self.not_linked(format!(
            "no instruction is of `{}` ({} {})",
            asked.name,
            self.release(),
            places.join(", ")
        ))
    }

    fn whole_crate(&self) -> Reachability {
        let touched = self.linked.lines.iter().find_map(|(file, lines)| Some((file, lines.first()?)));
        if let Some((file, line)) = touched {
            return self.linked(format!(
                "the record names no function, and instructions are of {} {file}:{line}",
                self.release()
            ));
        }
        let files = match self.sources {
            Ok(files) => files,
            Err(why) => return self.unknown(format!("the sources of {} {why}", self.release())),
        };
        if let Some(why) = self.blind() {
            return self.unknown(why);
        }
        if let Some(data) = files.iter().find_map(|(_, source)| source.data.as_ref()) {
            return self.unknown(format!(
                "{} has data for others (`{data}`), which is in a program without a line",
                self.release()
            ));
        }
        let has_code = files
            .iter()
            .any(|(_, source)| source.functions.iter().any(|function| function.hidden.is_none()));
        if !has_code {
            return self.unknown(format!("{} has no function that must leave a line", self.release()));
        }
        self.not_linked(format!(
            "the record names no function, and no instruction is of any of the {} source files of {}",
            files.len(),
            self.release()
        ))
    }

    /// The first line of these that an instruction is of.
    fn touched<'f>(&self, functions: &[(&'f str, &Function)]) -> Option<(&'f str, u32)> {
        functions.iter().find_map(|(file, function)| {
            let lines: &BTreeSet<u32> = self.linked.lines.get(*file)?;
            Some((*file, *lines.range(function.first..=function.last).next()?))
        })
    }

    fn by_name(&self, name: &str) -> Reachability {
        let instance = self.linked.functions.get(name);
        let symbol = instance.map_or(name, |instance| &instance.symbol);
        let place = match instance.and_then(|instance| instance.inlined_at.as_ref()) {
            Some(place) => format!("inlined at {place}"),
            None => "as a function of its own".to_owned(),
        };
        self.linked(format!("`{symbol}` of {}, {place}", self.release()))
    }

    fn blind(&self) -> Option<String> {
        let blind = self.linked.blind.as_ref()?;
        Some(format!("{} {blind}", self.release()))
    }

    fn other_version(&self, function: &str) -> Option<&str> {
        let others = self
            .program
            .crates
            .iter()
            .filter(|((name, version), _)| name == self.name && version != self.version);
        others
            .filter(|(_, linked)| linked.functions.contains_key(function))
            .map(|((_, version), _)| version.as_str())
            .next()
    }

    fn release(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    fn linked(&self, evidence: String) -> Reachability {
        self.says(ReachabilityAnswer::Linked, evidence)
    }

    fn unknown(&self, evidence: String) -> Reachability {
        self.says(ReachabilityAnswer::Unknown, evidence)
    }

    fn not_linked(&self, evidence: String) -> Reachability {
        self.says(
            ReachabilityAnswer::NotLinked,
            format!("{evidence}, of {} functions looked at", self.program.functions),
        )
    }

    fn says(&self, answer: ReachabilityAnswer, evidence: String) -> Reachability {
        Reachability {
            answer,
            evidence: format!("{}: {evidence}", self.program.path),
            applied: None,
        }
    }
}

/// What several answers come to: linked where one is, not linked where all are not.
pub(super) fn joined(answers: impl Iterator<Item = Reachability>) -> Reachability {
    let rank = |answer| match answer {
        ReachabilityAnswer::Linked => 2,
        ReachabilityAnswer::Unknown => 1,
        ReachabilityAnswer::NotLinked => 0,
    };
    let joined = answers.reduce(|one, other| match rank(other.answer).cmp(&rank(one.answer)) {
        std::cmp::Ordering::Greater => other,
        std::cmp::Ordering::Less => one,
        std::cmp::Ordering::Equal if one.answer == ReachabilityAnswer::NotLinked && one.evidence != other.evidence => Reachability {
            evidence: format!("{}; {}", one.evidence, other.evidence),
            ..one
        },
        std::cmp::Ordering::Equal => one,
    });
    joined.unwrap_or_else(|| Reachability {
        answer: ReachabilityAnswer::Unknown,
        evidence: "no program that was built here has it".to_owned(),
        applied: None,
    })
}
