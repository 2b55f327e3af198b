//! Cabal's `cabal.project.freeze`: constraints such as `any.aeson ==2.0.3.0`. Source: Cabal's "cabal freeze".

use super::format::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    name == "cabal.project.freeze"
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let mut found = Pins::default();
    let mut in_constraints = false;
    for (at, line) in text.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let bare = line.split("--").next().unwrap_or(line);
        let rest = match bare.split_once(':') {
            Some((field, rest)) if !bare.starts_with([' ', '\t']) => {
                in_constraints = field.trim() == "constraints";
                rest
            }
            _ => bare,
        };
        for constraint in rest.split(',').map(str::trim).filter(|text| in_constraints && !text.is_empty()) {
            let (name, version) = constraint.split_once("==").unwrap_or((constraint, ""));
            let name = name.trim().trim_start_matches("any.").trim_start_matches("setup.");
            match version.trim() {
                // A flag of a package: `aeson +cffi -fast`.
                "" if constraint.contains([' ', '+', '-']) && !constraint.contains(['<', '>', '^']) => {}
                version if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
                    found.pins.push(Pin::new(name, version, Some(number)));
                }
                _ => found
                    .troubles
                    .push(format!("`{constraint}` at line {number} pins no single version")),
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_with_one_version_are_pins() {
        let text = "active-repositories: example.org:merge\nconstraints: any.aeson ==2.0.3.0,\n             aeson -cffi +ordered-keymap,\n             any.base ==4.16.4.0,\n             odd >=1\nindex-state: x\n";
        let read = read(text).expect("text");
        assert_eq!(
            read.pins,
            [Pin::new("aeson", "2.0.3.0", Some(2)), Pin::new("base", "4.16.4.0", Some(4))]
        );
        assert_eq!(read.troubles, ["`odd >=1` at line 5 pins no single version"]);
    }
}
