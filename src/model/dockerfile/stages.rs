//! The images that a Dockerfile builds upon or copies from.

use std::collections::BTreeMap;

use super::flags::split_flags;
use super::lines::{Dockerfile, Problem};
use super::words::{expand, shell_words};

/// An image of somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name, variables filled in where a default decides them.
    pub name: String,
    /// Line of the instruction that names it.
    pub line: u32,
}

/// Every image that `FROM`, `COPY --from` and `RUN --mount=…,from=` name, also in `ONBUILD`, and that is no earlier stage; and what of these
/// could not be read.
#[must_use]
pub fn images(file: &Dockerfile) -> (Vec<Image>, Vec<Problem>) {
    let mut reader = Reader {
        file,
        args: BTreeMap::new(),
        stages: Vec::new(),
        count: 0,
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

struct Reader<'f> {
    file: &'f Dockerfile,
    /// Arguments before the first stage that have a value.
    args: BTreeMap<String, String>,
    stages: Vec<String>,
    count: usize,
    found: Vec<Image>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn argument(&mut self, arguments: &str, line: u32) {
        let Some(words) = shell_words(arguments) else {
            return self.problem(line, "a quote does not end");
        };
        for (name, value) in words.iter().filter_map(|word| word.split_once('=')) {
            let mut unknown = Vec::new();
            let value = expand(value, self.file.escape, &self.args, &mut unknown);
            // One that hangs on an argument without a default has none either.
            if unknown.is_empty() {
                self.args.insert(name.to_owned(), value);
            } else {
                self.args.remove(name);
            }
        }
    }

    fn stage(&mut self, arguments: &str, line: u32) {
        let flags = split_flags(arguments);
        let mut words = flags.rest.split_whitespace();
        match words.next() {
            Some(image) => self.image(image, line),
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
            "COPY" | "ADD" => flags.values("from").for_each(|image| self.image(image, line)),
            "RUN" => {
                for option in flags.values("mount").flat_map(fields) {
                    if let Some((name, image)) = option.split_once('=')
                        && name.trim().eq_ignore_ascii_case("from")
                    {
                        self.image(image.trim(), line);
                    }
                }
            }
            _ => {}
        }
    }

    fn image(&mut self, written: &str, line: u32) {
        let name = expand(written, self.file.escape, &self.args, &mut Vec::new());
        if name.is_empty() {
            return self.problem(line, "an image has no name");
        }
        let is_stage = self.stages.contains(&name.to_lowercase()) || name.parse::<usize>().is_ok_and(|number| number < self.count);
        if !is_stage && name != "scratch" {
            self.found.push(Image { name, line });
        }
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
