//! The images that a Dockerfile builds upon or copies from.

use std::collections::BTreeMap;

use super::flags::split_flags;
use super::lines::{Dockerfile, Problem};
use super::words::{MOST_TEXT, PLATFORM, TooMuch, expand, shell_words};

/// An image of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name, variables filled in where a default decides them.
    pub name: String,
    /// Line of the instruction that names it.
    pub line: u32,
}

/// Every image that `FROM`, `COPY --from` and `RUN --mount=…,from=` name, also in `ONBUILD`, and that is no earlier stage; and what of these
/// could not be read. The arguments that the build gives win over their defaults.
#[must_use]
pub fn images(file: &Dockerfile, given: &BTreeMap<String, String>) -> (Vec<Image>, Vec<Problem>) {
    let mut reader = Reader {
        file,
        given,
        // BuildKit's own stand in `FROM` without an `ARG`, and what a build is given wins over what they would be.
        args: given
            .iter()
            .filter(|(name, _)| PLATFORM.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        stages: Vec::new(),
        count: 0,
        left: MOST_TEXT,
        found: Vec::new(),
        problems: Vec::new(),
    };
    for instruction in &file.instructions {
        let (keyword, arguments) = (instruction.keyword.as_str(), instruction.arguments());
        match keyword {
            "ONBUILD" => {
                let (trigger, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
                reader.sources(&trigger.to_ascii_uppercase(), rest.trim(), instruction.line);
            }
            "ARG" if reader.count == 0 => reader.argument(arguments, instruction.line),
            "FROM" => reader.stage(arguments, instruction.line),
            _ => reader.sources(keyword, arguments, instruction.line),
        }
    }
    (reader.found, reader.problems)
}

const TOO_MUCH: &str = "what its variables stand for is too long, or nests too deep";

/// As Go's `GOARCH` names them, in the platforms that images are built for.
const ARCHITECTURES: &[&str] = &["amd64", "arm64", "arm", "386", "ppc64le", "s390x", "riscv64"];

struct Reader<'f> {
    file: &'f Dockerfile,
    /// Arguments that the build gives.
    given: &'f BTreeMap<String, String>,
    /// Arguments before the first stage that have a value.
    args: BTreeMap<String, String>,
    stages: Vec<String>,
    count: usize,
    /// Bytes that variables may still be filled in with.
    left: usize,
    found: Vec<Image>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn argument(&mut self, arguments: &str, line: u32) {
        let Some(words) = shell_words(arguments) else {
            return self.problem(line, "a quote does not end");
        };
        for word in &words {
            let (name, value) = word
                .split_once('=')
                .map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            // As it is given: nothing in it is a variable.
            if let Some(given) = self.given.get(name) {
                self.args.insert(name.to_owned(), given.clone());
                continue;
            }
            let Some(value) = value else { continue };
            let mut unknown = Vec::new();
            let value = expand(value, self.file.escape, &self.args, &mut unknown, &mut self.left);
            // One that hangs on an argument without a default has none either.
            match value {
                Ok(value) if unknown.is_empty() => _ = self.args.insert(name.to_owned(), value),
                Ok(_) => _ = self.args.remove(name),
                Err(TooMuch) => {
                    self.args.remove(name);
                    return self.problem(line, TOO_MUCH);
                }
            }
        }
    }

    fn stage(&mut self, arguments: &str, line: u32) {
        let flags = split_flags(arguments);
        let mut words = flags.rest.split_whitespace();
        match words.next() {
            Some(image) => self.image(image, line, false),
            None => self.problem(line, "FROM names no image"),
        }
        self.count += 1;
        match (words.next(), words.next(), words.next()) {
            (None, ..) => {}
            (Some(word), Some(name), None) if word.eq_ignore_ascii_case("as") => self.stages.push(name.to_lowercase()),
            _ => self.problem(line, "FROM has words that are not understood"),
        }
    }

    fn sources(&mut self, keyword: &str, arguments: &str, line: u32) {
        let flags = split_flags(arguments);
        match keyword {
            "COPY" | "ADD" => flags.values("from").for_each(|image| self.image(image, line, true)),
            "RUN" => {
                for option in flags.values("mount").flat_map(fields) {
                    if let Some((name, image)) = option.split_once('=')
                        && name.trim().eq_ignore_ascii_case("from")
                    {
                        self.image(image.trim(), line, true);
                    }
                }
            }
            _ => {}
        }
    }

    /// `numbered`: where a number is an earlier stage. To `FROM` it is an image's name.
    fn image(&mut self, written: &str, line: u32, numbered: bool) {
        let mut unknown = Vec::new();
        let Ok(name) = expand(written, self.file.escape, &self.args, &mut unknown, &mut self.left) else {
            return self.problem(line, TOO_MUCH);
        };
        if name.is_empty() {
            return self.problem(line, "an image has no name");
        }
        let is_number = numbered && name.parse::<usize>().is_ok_and(|number| number < self.count);
        let is_stage = is_number || self.stages.contains(&name.to_lowercase()) || self.is_stage_of_an_architecture(written, &unknown);
        if !is_stage && name != "scratch" {
            self.found.push(Image { name, line });
        }
    }

    /// `base-${TARGETARCH}` beside a stage `base-amd64`.
    fn is_stage_of_an_architecture(&mut self, written: &str, unknown: &[String]) -> bool {
        if unknown.is_empty() || !unknown.iter().all(|name| matches!(name.as_str(), "TARGETARCH" | "BUILDARCH")) {
            return false;
        }
        let found = ARCHITECTURES.iter().any(|architecture| {
            for name in unknown {
                self.args.insert(name.clone(), (*architecture).to_owned());
            }
            expand(written, self.file.escape, &self.args, &mut Vec::new(), &mut self.left)
                .is_ok_and(|name| self.stages.contains(&name.to_lowercase()))
        });
        for name in unknown {
            self.args.remove(name);
        }
        found
    }

    fn problem(&mut self, line: u32, what: &str) {
        self.problems.push(Problem {
            line,
            what: what.to_owned(),
        });
    }
}

/// The fields of a line of comma separated values, without their quotes.
fn fields(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(String::new()),
            c => {
                if let Some(last) = all.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::lines::parse;
    use super::images;

    /// Names of the images, and how many problems there are.
    fn read(text: &str) -> (Vec<String>, usize) {
        let (images, problems) = images(&parse(text), &BTreeMap::new());
        (images.into_iter().map(|image| image.name).collect(), problems.len())
    }

    #[test]
    fn what_the_build_gives_wins_over_defaults_and_is_no_variable_itself() {
        let given = |value: &str| BTreeMap::from([("B".to_owned(), value.to_owned())]);
        let named = |text: &str, value: &str| images(&parse(text), &given(value)).0[0].name.clone();
        assert_eq!(named("ARG B=node@sha256:1\nFROM ${B}\n", "evil:latest"), "evil:latest");
        assert_eq!(named("ARG B\nFROM ${B}\n", "node@sha256:1"), "node@sha256:1");
        assert_eq!(named("ARG B\nARG C=x/$B\nFROM $C\n", "node"), "x/node");
        assert_eq!(named("FROM ${B}\n", "node"), "${B}", "nobody asks for it");
    }

    #[test]
    fn what_the_build_gives_for_an_argument_of_buildkits_own_needs_no_arg() {
        let given = |value: &str| BTreeMap::from([("TARGETARCH".to_owned(), value.to_owned())]);
        let named = |text: &str, value: &str| {
            let (found, _) = images(&parse(text), &given(value));
            found.into_iter().map(|image| image.name).collect::<Vec<_>>()
        };
        let stages = "FROM node@sha256:1 AS amd64\nFROM node@sha256:1 AS base-amd64\n";
        for (from, value, last) in [
            ("FROM ${TARGETARCH}\n", "evil.example/x:latest", "evil.example/x:latest"),
            ("FROM base-${TARGETARCH}\n", "evil:latest", "base-evil:latest"),
            ("FROM ${X:-$TARGETARCH}\n", "evil:latest", "evil:latest"),
            ("COPY --from=$TARGETARCH / /\n", "evil:latest", "evil:latest"),
        ] {
            assert_eq!(
                named(&format!("{stages}{from}"), value).last().map(String::as_str),
                Some(last),
                "{from}"
            );
        }
        // The control: one that names a stage.
        assert_eq!(named(&format!("{stages}FROM ${{TARGETARCH}}\n"), "amd64").len(), 2);
    }

    #[test]
    fn arguments_that_double_line_by_line_are_a_problem_and_no_crash() {
        let doubling = |lines: usize| {
            let lines: String = (0..lines).map(|at| format!("ARG A{}=$A{at}$A{at}\n", at + 1)).collect();
            format!("ARG A0=xxxxxxxxxxxxxxxx\n{lines}FROM debian\n")
        };
        assert!(read(&doubling(40)).1 > 0);
        assert_eq!(read(&doubling(4)), (vec!["debian".to_owned()], 0));
    }

    #[test]
    fn defaults_that_nest_without_end_are_a_problem_and_no_crash() {
        let nested = |depth: usize| format!("FROM {}x{}\n", "${a:-".repeat(depth), "}".repeat(depth));
        assert_eq!(read(&nested(20_000)), (Vec::new(), 1));
        assert_eq!(read(&nested(20)), (vec!["x".to_owned()], 0));
    }

    #[test]
    fn a_number_is_a_stage_to_copy_and_an_image_to_from() {
        assert_eq!(read("FROM debian AS a\nFROM 0\n").0, ["debian", "0"]);
        assert_eq!(read("FROM debian AS a\nFROM a\nCOPY --from=0 /x /x\n").0, ["debian"]);
    }

    #[test]
    fn the_default_of_what_buildkit_sets_never_counts() {
        assert_eq!(read("FROM ${TARGETARCH:-debian}\n").0, ["${TARGETARCH:-debian}"]);
        assert_eq!(read("ARG TARGETARCH=amd64\nFROM ${TARGETARCH:-debian}\n").0, ["amd64"]);
        assert_eq!(read("FROM ${BASE:-debian}\n").0, ["debian"]);
    }

    #[test]
    fn a_stage_named_by_the_architecture_is_no_image() {
        assert_eq!(read("FROM debian AS base-amd64\nFROM base-${TARGETARCH}\n").0, ["debian"]);
        assert_eq!(
            read("FROM debian AS other-amd64\nFROM base-${TARGETARCH}\n").0,
            ["debian", "base-${TARGETARCH}"]
        );
    }
}
