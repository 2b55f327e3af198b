//! `Link` headers. Source: RFC 8288.

/// The targets of the links in a header that lead to the next page; none where the header cannot be read, or does not say what a link is: one that is
/// passed over may have been the next page.
pub(super) fn next(header: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = header.trim_start();
    while !rest.is_empty() {
        let (target, after) = rest.strip_prefix('<')?.split_once('>')?;
        let (parameters, after) = parameters(after)?;
        let rels = parameters
            .iter()
            .filter(|(name, _)| name == "rel")
            .flat_map(|(_, value)| value.split_ascii_whitespace());
        let rels: Vec<String> = rels.map(str::to_ascii_lowercase).collect();
        // `'next'`, `next,last`, the URL of `next`: what somebody means by it is not known.
        if rels.is_empty() || rels.iter().any(|rel| rel != "next" && rel.contains("next")) {
            return None;
        }
        if rels.iter().any(|rel| rel == "next") {
            found.push(target.trim().to_owned());
        }
        rest = after.trim_start();
    }
    Some(found)
}

/// `; name=value; name="value"` up to the next link, names in small letters; and what follows.
fn parameters(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some((found, rest));
        }
        if let Some(after) = rest.strip_prefix(',') {
            return Some((found, after));
        }
        rest = rest.strip_prefix(';')?.trim_start();
        let end = rest.find(['=', ';', ',']).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        let name = name.trim().to_ascii_lowercase();
        let Some(value) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let value = value.trim_start();
        if let Some(quoted) = value.strip_prefix('"') {
            let (text, after) = quoted.split_once('"')?;
            found.push((name, text.to_owned()));
            rest = after;
        } else {
            let end = value.find([';', ',']).unwrap_or(value.len());
            let (text, after) = value.split_at_checked(end)?;
            found.push((name, text.trim().to_owned()));
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn a_next_page_is_found_however_the_header_is_written() {
        for header in [
            "</v2/a?n=1>; rel=\"next\"",
            "</v2/a?n=1>; rel=next",
            "</v2/a?n=1>;REL=NEXT",
            "</v2/a?n=1>; title=\"a, b; c\"; rel=\"prev next\"",
            "</v2/x>; rel=first, </v2/a?n=1> ; rel = \"next\"",
        ] {
            assert_eq!(next(header), Some(vec!["/v2/a?n=1".to_owned()]), "{header}");
        }
        for header in [
            "</v2/a>; rel=prev",
            "</v2/a>; rel=first; title=next",
            "</docs>; rel=\"describedby license\"",
            "",
        ] {
            assert_eq!(next(header), Some(Vec::new()), "{header}");
        }
        for header in [
            "/v2/a; rel=next",
            "<v2",
            "</v2/a> rel=next",
            "</v2/a>; rel=\"next",
            "</v2/a>; rel='next'",
            "</v2/a>; rel*=UTF-8''next",
            "</v2/a>; rel=\"next,last\"",
            "</v2/a>; rel=\"http://www.iana.org/assignments/relation/next\"",
            "</v2/a>; title=next",
            "</v2/next>",
        ] {
            assert_eq!(next(header), None, "{header}");
        }
    }
}
