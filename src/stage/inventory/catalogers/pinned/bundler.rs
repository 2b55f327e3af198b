//! Bundler's `Gemfile.lock` and `gems.locked`. Source: Bundler's own parser of lock files.

use crate::model::inventory::Origin;

use super::pin::{Pin, Pins};

pub(super) fn is_file(name: &str) -> bool {
    matches!(name, "Gemfile.lock" | "gems.locked")
}

pub(super) fn read(text: &str) -> Result<Pins, String> {
    let mut found = Pins::default();
    let (mut section, mut remote, mut in_specs) = ("", "", false);
    for (at, line) in text.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        if line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>") {
            found.troubles.push(format!("line {number} is left of a merge"));
        }
        match line.len() - line.trim_start_matches(' ').len() {
            0 => (section, remote, in_specs) = (line.trim_end(), "", false),
            2 => {
                in_specs = line.trim() == "specs:";
                remote = line.trim().strip_prefix("remote: ").unwrap_or(remote);
            }
            4 if in_specs => match spec(line.trim()) {
                Some((name, version)) => found.pins.push(Pin {
                    origin: origin(section, remote),
                    ..Pin::new(name, version, Some(number))
                }),
                None => found.troubles.push(format!("line {number} names no gem with a version")),
            },
            // `rack (~> 1.6)`, which the gem above needs.
            6 if in_specs => {
                if let (Some(name), Some(pin)) = (line.split_whitespace().next(), found.pins.last_mut()) {
                    pin.needs.push(name.trim_end_matches('!').to_owned());
                }
            }
            _ => {}
        }
    }
    found.pins.dedup_by(|a, b| {
        // One of a folder beside a published one of its name is another.
        let is_same = a.name == b.name && a.version == b.version && a.origin == b.origin;
        if is_same {
            b.needs.append(&mut a.needs);
        }
        is_same
    });
    Ok(found)
}

/// `nokogiri (1.15.0-x86_64-linux)`: what follows the hyphen is the platform.
fn spec(line: &str) -> Option<(&str, &str)> {
    let (name, version) = line.split_once(" (")?;
    let version = version.strip_suffix(')')?;
    let version = version.split('-').next().filter(|version| !version.is_empty())?;
    Some((name, version))
}

fn origin(section: &str, remote: &str) -> Origin {
    match section {
        "GIT" => Origin::Git(remote.to_owned()),
        "PATH" => Origin::Local,
        _ => Origin::Registry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gems_are_read_once_whatever_their_platforms_are() {
        let text = "GIT\n  remote: https://example.org/g.git\n  revision: abc\n  specs:\n    g (0.1.0)\n\nGEM\n  remote: https://example.org/\n  specs:\n    rails (4.2.0)\n      \
                    rack (~> 1.6)\n    nokogiri (1.15.0)\n    nokogiri (1.15.0-x86_64-linux)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rails\n\nBUNDLED WITH\n   2.4.1\n";
        let read = read(text).expect("text");
        let seen: Vec<_> = read
            .pins
            .iter()
            .map(|pin| (pin.name.as_str(), pin.version.as_str(), pin.line))
            .collect();
        assert_eq!(
            seen,
            [
                ("g", "0.1.0", Some(5)),
                ("rails", "4.2.0", Some(10)),
                ("nokogiri", "1.15.0", Some(12))
            ]
        );
        assert!(read.troubles.is_empty() && matches!(read.pins[0].origin, Origin::Git(_)));
        assert_eq!(read.pins[1].needs, ["rack"]);
    }

    #[test]
    fn a_gem_of_a_folder_is_not_the_published_one_that_follows_it() {
        let text = "PATH\n  remote: v/rack\n  specs:\n    rack (2.0.0)\n\nGEM\n  remote: https://example.org/\n  specs:\n    rack (2.0.0)\n    rack (2.0.0-java)\n";
        let origins: Vec<_> = read(text).expect("text").pins.into_iter().map(|pin| pin.origin).collect();
        assert_eq!(origins, [Origin::Local, Origin::Registry]);
    }
}
