//! Which parts of an argument for rustc or the linker, and of a script for it, may be paths.
//!
//! Source: ld(1), "Command-line Options", "Linker Scripts"; gcc(1), "Link Options"; ar(5) (thin archives).

/// Flags whose next part is written, or looked for by what runs, and never read.
const UNREAD: [&str; 6] = ["-Map", "--Map", "--dependency-file", "--out-implib", "-rpath", "-soname"];

/// Parts of one argument that may be paths: all of it, and what follows a separator, a flag of one letter, an `@` or a colon. A path may have blanks.
pub(super) fn of_argument(argument: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let starts = argument
        .char_indices()
        .filter(|(_, c)| [',', '='].contains(c))
        .map(|(at, _)| at + 1);
    for start in [0].into_iter().chain(starts) {
        let rest = &argument[start..];
        let before = argument[..start].trim_end_matches([',', '=']);
        if UNREAD.iter().any(|flag| before.ends_with(flag)) {
            continue;
        }
        for end in [rest.find([',', '=']).unwrap_or(rest.len()), rest.len()] {
            behind_flags(&rest[..end], &mut found);
        }
    }
    found.extend(of_script(argument));
    found
}

/// Words of a linker's script, a list of arguments (`@file`) or a thin archive's list of members that may be paths.
pub(super) fn of_script(text: &str) -> Vec<&str> {
    let is_between = |c: char| c.is_whitespace() || c.is_control() || ",=;(){}\"'`".contains(c);
    let mut found = Vec::new();
    let mut is_unread = false;
    for word in text.split(is_between).filter(|word| !word.is_empty()) {
        if !is_unread {
            // A thin archive ends a name with a slash.
            behind_flags(word.trim_end_matches('/'), &mut found);
        }
        is_unread = UNREAD.contains(&word);
    }
    found
}

/// Words of a list of arguments as gcc and ld read it (`@file`): within quotes blanks are the word's own, and a backslash takes what follows as it is. Then what
/// stands between the quotes of a script. Source: libiberty's `buildargv`; ld's manual, "Linker Scripts".
pub(super) fn of_list(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut word, mut quote) = (String::new(), None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            _ if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            _ if quote.is_none() && c.is_whitespace() => found.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    found.push(word);
    found.extend(text.split('"').skip(1).map(str::to_owned));
    found.retain(|word| !word.is_empty());
    found
}

/// The name of a library that a word asks for: `-lz`.
pub(super) fn library(word: &str) -> Option<&str> {
    word.strip_prefix("-l").filter(|name| !name.is_empty() && !name.starts_with(':'))
}

fn behind_flags<'w>(word: &'w str, found: &mut Vec<&'w str>) {
    let mut put = |part: &'w str| {
        if !part.is_empty() {
            found.push(part);
        }
    };
    put(word);
    if let Some(named) = word.strip_prefix('@') {
        put(named);
    }
    let Some(flag) = word.strip_prefix('-').filter(|_| library(word).is_none()) else {
        return;
    };
    let flag = flag.trim_start_matches('-');
    let mut letters = flag.chars();
    letters.next();
    put(letters.as_str());
    if let Some((_, named)) = flag.split_once(':') {
        put(named);
    }
    for start in ["/", "./", "../"].into_iter().filter_map(|start| flag.find(start)) {
        put(&flag[start..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_argument_names_is_among_its_parts() {
        for (argument, path) in [
            ("gen/x.o", "gen/x.o"),
            ("gen/x y,z=1.o", "gen/x y,z=1.o"),
            ("-Wl,-T,gen/x.ld", "gen/x.ld"),
            ("-Wl,-Tgen/x.ld", "gen/x.ld"),
            ("-Wl,--version-script=gen/v.map", "gen/v.map"),
            ("-Wl,--whole-archive,gen/libx.a,--no-whole-archive", "gen/libx.a"),
            ("-Lgen", "gen"),
            ("-L/a/b c", "/a/b c"),
            ("-l:x.a", "x.a"),
            ("@gen/args", "gen/args"),
            ("-Wl,@gen/args", "gen/args"),
            ("--just-symbols=gen/x", "gen/x"),
            ("-dT../x.ld", "../x.ld"),
            ("-C link-arg=gen/x.o -L native=gen/l", "gen/x.o"),
            ("-C link-arg=gen/x.o -L native=gen/l", "gen/l"),
            ("pay=gen/x.o", "gen/x.o"),
        ] {
            assert!(of_argument(argument).contains(&path), "{argument}");
        }
        for argument in ["-Wl,-Map=out.map", "-Wl,-Map,out.map", "-Wl,-rpath,gen"] {
            let parts = of_argument(argument);
            assert!(!parts.contains(&"out.map") && !parts.contains(&"gen"), "{argument}: {parts:?}");
        }
        assert_eq!((library("-lz"), library("-l:z.a"), library("z")), (Some("z"), None, None));
    }

    #[test]
    fn words_of_scripts_and_thin_archives_are_found() {
        let script = "/* x */ INPUT(gen/a.o, -lfoo \"gen/b.o\") GROUP ( gen/c.a )\nINCLUDE gen/d.ld\n";
        for path in ["gen/a.o", "gen/b.o", "gen/c.a", "gen/d.ld", "-lfoo"] {
            assert!(of_script(script).contains(&path), "{path}");
        }
        assert!(of_script("!<thin>\n//    20        `\n../gen/x.o/\n\n/0     0").contains(&"../gen/x.o"));
        assert!(!of_script("-Map out.map").contains(&"out.map"));
    }

    #[test]
    fn a_list_of_arguments_is_read_with_its_quotes_and_backslashes() {
        for text in [
            "gen/bl\\ ob.o",
            "-s \"gen/bl ob.o\"",
            "'gen/bl ob.o'\n-s",
            "gen/\"bl \"ob.o",
            "\\g\\e\\n/bl\\ ob.o",
        ] {
            assert!(of_list(text).contains(&"gen/bl ob.o".to_owned()), "{text}");
        }
        assert!(of_list("INPUT(\"gen/bl ob.o\")").contains(&"gen/bl ob.o".to_owned()));
        assert!(!of_list("gen/bl ob.o").contains(&"gen/bl ob.o".to_owned()), "the control");
    }
}
