//! The instruction of a Dockerfile that made a layer.

use super::SourceLocation;
use crate::model::dockerfile::{is_dockerfile, parse};
use crate::model::finding::Finding;
use crate::model::outcome::SourceFile;

pub(super) fn place(finding: &Finding, sources: &[SourceFile]) -> Option<SourceLocation> {
    let dockerfile = sources.iter().find(|source| is_dockerfile(&source.path))?;
    let instructions = instructions(&dockerfile.text);
    let steps = finding.locations.iter().filter_map(|location| location.created_by.as_deref());
    let line = steps
        .map(bare_step)
        .find_map(|step| {
            instructions
                .iter()
                .rev()
                .find(|(_, text)| same_step(text, &step))
                .map(|(line, _)| *line)
        })
        .or_else(|| {
            // A layer that no instruction made came with the base image of the last stage.
            let of_layer = finding.locations.iter().any(|location| location.layer.is_some());
            let from = instructions
                .iter()
                .rev()
                .find(|(_, text)| text.to_ascii_uppercase().starts_with("FROM "));
            from.filter(|_| of_layer).map(|(line, _)| *line)
        })?;
    Some(SourceLocation {
        file: dockerfile.path.clone(),
        line,
    })
}

/// Each instruction on one line with the line that it begins on.
fn instructions(text: &str) -> Vec<(u32, String)> {
    let read = parse(text).instructions.into_iter();
    read.map(|instruction| (instruction.line, instruction.text)).collect()
}

/// A history entry without what engines add: `RUN /bin/sh -c x # buildkit`, `/bin/sh -c #(nop) COPY …`, `|1 ARG=v /bin/sh -c x`.
fn bare_step(step: &str) -> String {
    let step = step.trim_end_matches("# buildkit").trim();
    let step = match step.split_once("#(nop)") {
        Some((_, rest)) => rest,
        None => step.split_once("/bin/sh -c").map_or(step, |(_, rest)| rest),
    };
    words(step)
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// True when an instruction is what a step says, or (for COPY and ADD, whose sources become hashes) has its destination.
fn same_step(instruction: &str, step: &str) -> bool {
    let instruction = words(instruction);
    let (verb, rest) = instruction.split_once(' ').unwrap_or((&instruction, ""));
    if step.is_empty() {
        return false;
    }
    if verb.eq_ignore_ascii_case("RUN") {
        return rest == step || step.strip_prefix("RUN ") == Some(rest);
    }
    let copies = ["COPY", "ADD"]
        .iter()
        .any(|name| verb.eq_ignore_ascii_case(name) && step.to_ascii_uppercase().starts_with(*name));
    instruction == step || (copies && rest.split(' ').next_back() == step.split(' ').next_back())
}
