//! Paths of tables: `**/specifications/*.gemspec`.

/// A pattern of paths: `**/` in front stands for any folders, one `*` in a part for any characters of that part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern(pub(super) &'static str);

impl Pattern {
    /// Whether a clean path fits. Compared from the end, where most paths differ, so that the answer is quick for every file of an image.
    pub(super) fn fits(self, path: &str) -> bool {
        let ends = self.0.as_bytes().last();
        (ends == Some(&b'*') || ends == path.as_bytes().last()) && self.prefix_of(path).is_some()
    }

    /// The part of a path that `**/` stands for, without a slash at its end.
    fn prefix_of(self, path: &str) -> Option<&str> {
        let (anywhere, wanted) = match self.0.strip_prefix("**/") {
            Some(rest) => (true, rest),
            None => (false, self.0),
        };
        let mut rest = Some(path);
        for part in wanted.rsplit('/') {
            let (above, name) = match rest? {
                "" => return None,
                path => path.rsplit_once('/').map_or((None, path), |(above, name)| (Some(above), name)),
            };
            if !part_fits(part, name) {
                return None;
            }
            rest = above;
        }
        match rest {
            None => Some(""),
            Some(above) => anywhere.then_some(above),
        }
    }

    /// The folder or file that the path is one piece of: everything up to the first part with a `*` behind `**/`.
    pub(super) fn store(self, path: &str) -> Option<String> {
        let above = self.prefix_of(path)?;
        let fixed = self.0.strip_prefix("**/").unwrap_or(self.0);
        let fixed: Vec<&str> = fixed.split('/').take_while(|part| !part.contains('*')).collect();
        let parts = Some(above).into_iter().chain(fixed).filter(|part| !part.is_empty());
        Some(parts.collect::<Vec<_>>().join("/"))
    }

    /// Some path that fits, for tests.
    #[cfg(test)]
    pub(super) fn example(self) -> String {
        self.0.replace("**/", "srv/app/").replace('*', "x")
    }
}

fn part_fits(part: &str, name: &str) -> bool {
    match part.split_once('*') {
        None => part == name,
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_compared_part_by_part() {
        let gems = Pattern("**/specifications/*.gemspec");
        assert!(gems.fits("usr/lib/ruby/specifications/rails-4.gemspec") && gems.fits("specifications/a.gemspec"));
        assert!(!gems.fits("specifications/default/a.gemspec") && !gems.fits("my-specifications/a.gemspec"));
        assert!(!gems.fits("a.gemspec") && !gems.fits("specifications/.gemspecs"));
        let opkg = Pattern("usr/lib/opkg/status");
        assert!(opkg.fits("usr/lib/opkg/status"));
        assert!(!opkg.fits("srv/usr/lib/opkg/status") && !opkg.fits("lib/opkg/status") && !opkg.fits(""));
    }

    #[test]
    fn the_store_is_what_stands_before_the_first_star() {
        let store = |pattern, path| Pattern(pattern).store(path);
        assert_eq!(
            store("**/specifications/*.gemspec", "a/b/specifications/x.gemspec").as_deref(),
            Some("a/b/specifications")
        );
        assert_eq!(
            store("nix/store/*/bin/*", "nix/store/h-curl/bin/curl").as_deref(),
            Some("nix/store")
        );
        assert_eq!(store("**/*.deps.json", "app/x.deps.json").as_deref(), Some("app"));
        assert_eq!(store("**/.pnp.cjs", "app/.pnp.cjs").as_deref(), Some("app/.pnp.cjs"));
    }
}
