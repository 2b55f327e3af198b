//! Installed gems: the specifications that RubyGems writes, `specifications/NAME-VERSION.gemspec`. Source: `Gem::Specification#to_ruby`.

use super::pin::{Pin, Pins};

/// Also those of Ruby's own gems, in `specifications/default`.
pub(super) fn is_file(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let is_gemspec = parts.next().is_some_and(|name| name.ends_with(".gemspec"));
    let folder = parts.next();
    is_gemspec && (folder == Some("specifications") || folder == Some("default") && parts.next() == Some("specifications"))
}

/// RubyGems itself goes by the line `# stub: name version platform paths` where there is one, and evaluates the rest when the gem is used.
pub(super) fn read(text: &str) -> Result<Pins, String> {
    let stub = text.lines().find_map(|line| line.strip_prefix("# stub: ")).and_then(|stub| {
        let mut words = stub.split(' ');
        Some((words.next()?, words.next()?))
    });
    let (name, version) = (assigned(text, "name"), assigned(text, "version"));
    let (Some((name, line)), Some((version, _))) = (name, version) else {
        return Err("it gives no name or no version as a plain text".to_owned());
    };
    let mut found = Pins::default();
    found.pins.push(Pin::new(name, version, Some(line)));
    if let Some((other_name, other_version)) = stub.filter(|stub| *stub != (name, version)) {
        found.troubles.push(format!(
            "it calls itself `{name}` {version} at line {line}, and `{other_name}` {other_version} in its first lines"
        ));
        found.pins.push(Pin::new(other_name, other_version, None));
    }
    Ok(found)
}

/// The text that is assigned to a field: `s.name = "rss".freeze`, `s.version = Gem::Version.new("1.0")`. The last one holds.
fn assigned<'a>(text: &'a str, field: &str) -> Option<(&'a str, u32)> {
    let mut found = None;
    for (at, line) in text.lines().enumerate() {
        let Some((object, rest)) = line.trim().split_once('.') else {
            continue;
        };
        let is_object = !object.is_empty() && object.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let Some(value) = rest.strip_prefix(field).filter(|_| is_object) else {
            continue;
        };
        let Some(value) = value.trim_start().strip_prefix('=').filter(|value| !value.starts_with('=')) else {
            continue;
        };
        found = literal(value.trim()).map(|value| (value, u32::try_from(at + 1).unwrap_or(u32::MAX)));
    }
    found
}

fn literal(value: &str) -> Option<&str> {
    let value = value.strip_prefix("Gem::Version.new(").unwrap_or(value);
    let value = value.strip_prefix("%q<").map_or_else(
        || {
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            value[1..].split_once(quote)
        },
        |rest| rest.split_once('>'),
    );
    let (text, behind) = value?;
    let is_plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    (is_plain && matches!(behind.trim(), "" | ".freeze" | ")" | ".freeze)")).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_known_by_where_they_lie() {
        assert!(is_file("usr/lib/ruby/gems/3.1.0/specifications/rss-0.2.9.gemspec") && is_file("specifications/a.gemspec"));
        assert!(is_file("usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec"));
        assert!(!is_file("gems/rss-0.2.9/rss.gemspec") && !is_file("default/a.gemspec") && !is_file("specifications/a.rb"));
    }

    #[test]
    fn name_and_version_are_read_as_rubygems_writes_them() {
        for (name, version) in [
            ("\"rss\".freeze", "\"0.2.9\""),
            ("'rss'", "Gem::Version.new(\"0.2.9\".freeze)"),
            ("%q<rss>.freeze", "'0.2.9'.freeze"),
        ] {
            let text = format!(
                "# -*- encoding: utf-8 -*-\n# stub: rss 0.2.9 ruby lib\n\nGem::Specification.new do |s|\n  s.name = {name}\n  s.version = {version}\n  s.version_of = \"9\"\nend\n"
            );
            let read = read(&text).expect(&text);
            assert_eq!((&*read.pins, read.troubles.len()), (&[Pin::new("rss", "0.2.9", Some(5))][..], 0));
        }
    }

    #[test]
    fn a_specification_that_computes_or_contradicts_itself_is_told() {
        assert!(read("Gem::Specification.new do |s|\n  s.name = \"a\"\n  s.version = VERSION\nend\n").is_err());
        assert!(read("s.name = \"a\"\ns.version = \"1\" + x\n").is_err());
        assert!(read("s.name = \"a\"\ns.version = \"1\"\ns.version = ENV[\"V\"]\n").is_err());
        let two = read("# stub: evil 1.0 ruby lib\ns.name = \"a\"\ns.version = \"1\"\n").expect("both");
        assert_eq!((two.pins.len(), two.troubles.len()), (2, 1));
    }
}
