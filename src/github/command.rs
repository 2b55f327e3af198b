//! Workflow commands: `::name key=value::text`. Source: "Workflow commands for GitHub Actions", and the runner's `ActionCommand`.

use std::fmt::Write as _;

use crate::model::excused::Excused as _;

/// A command with properties. Everything in it is escaped.
#[must_use]
pub(super) fn command(name: &str, properties: &[(&str, String)], text: &str) -> String {
    let mut line = format!("::{name}");
    for (at, (key, value)) in properties.iter().enumerate() {
        write!(line, "{}{key}={}", if at == 0 { ' ' } else { ',' }, property(value)).dismissed("a string takes everything");
    }
    line.push_str("::");
    line.push_str(&data(text));
    line
}

/// Begins a part of the log that can be folded.
#[must_use]
pub fn group(title: &str) -> String {
    command("group", &[], title)
}

/// Ends the group that was begun last; groups do not nest.
#[must_use]
pub fn endgroup() -> &'static str {
    "::endgroup::"
}

/// Escapes the text of a command: it ends with its line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property: it ends with a comma or two colons.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_command() {
        let evil = "a%0A\r\n::set-output name=x::y,file=/etc/passwd:z";
        let line = command("error", &[("file", evil.to_owned()), ("line", "1".to_owned())], evil);
        assert_eq!(line.lines().count(), 1);
        assert_eq!(
            line,
            "::error file=a%250A%0D%0A%3A%3Aset-output name=x%3A%3Ay%2Cfile=/etc/passwd%3Az,line=1::a%250A%0D%0A::set-output name=x::y,file=/etc/passwd:z"
        );
    }
}
