//! Where links of an entry lead, by way of one another.

use std::collections::BTreeMap;

/// Links that are followed on the way to one place.
const MOST: usize = 40;

/// The first link, by its place in the entry, that leads out of it when those on its way are followed, or nowhere.
pub(super) fn leads_out(links: &BTreeMap<String, String>) -> Option<&str> {
    links.keys().map(String::as_str).find(|link| !stays(links, link))
}

fn stays(links: &BTreeMap<String, String>, link: &str) -> bool {
    let mut rest: Vec<&str> = link.split('/').rev().collect();
    let mut at: Vec<&str> = Vec::new();
    let mut followed = 0;
    while let Some(part) = rest.pop() {
        match part {
            "" | "." => continue,
            ".." if at.pop().is_none() => return false,
            ".." => continue,
            name => at.push(name),
        }
        if let Some(target) = links.get(&at.join("/")) {
            followed += 1;
            if followed > MOST || target.starts_with('/') {
                return false;
            }
            at.pop();
            rest.extend(target.split('/').rev());
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_through_another_link_stays_or_is_found_out() {
        let of = |links: &[(&str, &str)]| -> BTreeMap<String, String> {
            links.iter().map(|(at, to)| ((*at).to_owned(), (*to).to_owned())).collect()
        };
        assert_eq!(leads_out(&of(&[("y/z", "l/../secret"), ("y/l", "../..")])), Some("y/l"));
        // Each of the two stays by its text, and the way through the one leaves.
        assert_eq!(leads_out(&of(&[("a/b/l", "../../c"), ("x", "a/b/l/../../s")])), Some("x"));
        assert_eq!(leads_out(&of(&[("a/l", "../c/d"), ("x", "a/l/../s")])), None);
        assert_eq!(leads_out(&of(&[("a", "b"), ("b", "a")])), Some("a"));
    }
}
