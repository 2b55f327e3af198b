//! Whether an advisory's release is the one that a package is of.
//!
//! Ubuntu's releases are written with and without `:LTS`. Red Hat files its advisories by repository (`enterprise_linux:9::baseos`), SUSE by
//! product and module (`Linux Enterprise Module for Basesystem 15 SP6`): all of those are of one release.

/// `written` as an advisory has it, `own` as [`Ecosystem::suffix`](crate::model::inventory::Ecosystem::suffix) has it, both without their ecosystem.
pub(in crate::stage::matching) fn is_same_release(base: &str, written: &str, own: &str) -> bool {
    match base {
        // Whoever names a repository of their own means that one.
        "Red Hat" if own.contains("::") => written == own,
        "Red Hat" => of_red_hat(written) == own,
        "SUSE" => {
            let release = of_suse(own);
            written == own || release.is_some() && of_suse(written) == release
        }
        _ => normal_release(base, written) == normal_release(base, own),
    }
}

/// Ubuntu's releases are written with and without `:LTS`.
pub(super) fn normal_release<'a>(base: &str, release: &'a str) -> &'a str {
    match base {
        "Ubuntu" => release.strip_suffix(":LTS").unwrap_or(release),
        _ => release,
    }
}

/// What stands before the repository.
fn of_red_hat(release: &str) -> &str {
    release.split_once("::").map_or(release, |(release, _)| release)
}

/// Number and service pack: 15 and 6 of `Linux Enterprise Server 15 SP6-LTSS`. Other products of SUSE's count otherwise: `Linux Micro 6.0`.
fn of_suse(release: &str) -> Option<(&str, &str)> {
    let mut words = release.split([' ', '-']);
    let major = words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let pack = words.next().and_then(|word| word.strip_prefix("SP")).unwrap_or("0");
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(major) && is_number(pack)).then_some((major, pack))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_and_modules_are_of_their_release() {
        for (base, written, own, is_same) in [
            ("Ubuntu", "22.04:LTS", "22.04", true),
            ("Ubuntu", "22.04:LTS", "22.10", false),
            ("Debian", "12", "12", true),
            ("Red Hat", "enterprise_linux:9::appstream", "enterprise_linux:9", true),
            ("Red Hat", "enterprise_linux:9::appstream", "enterprise_linux:9::baseos", false),
            ("Red Hat", "enterprise_linux:8::appstream", "enterprise_linux:9", false),
            ("Red Hat", "enterprise_linux:9.2::baseos", "enterprise_linux:9", false),
            ("Red Hat", "rhel_eus:9.2::baseos", "enterprise_linux:9", false),
            (
                "SUSE",
                "Linux Enterprise Module for Basesystem 15 SP6",
                "Linux Enterprise Server 15 SP6",
                true,
            ),
            (
                "SUSE",
                "Linux Enterprise Server 15 SP6-LTSS",
                "Linux Enterprise Server 15 SP6",
                true,
            ),
            (
                "SUSE",
                "Linux Enterprise Module for Basesystem 15 SP5",
                "Linux Enterprise Server 15 SP6",
                false,
            ),
            ("SUSE", "Linux Enterprise Server 15-LTSS", "Linux Enterprise Server 15", true),
            ("SUSE", "Linux Enterprise Server 15 SP6", "Linux Enterprise Server 15", false),
            ("SUSE", "Linux Micro 6.0", "Linux Enterprise Server 15 SP6", false),
        ] {
            assert_eq!(is_same_release(base, written, own), is_same, "{base}:{written} and {own}");
        }
    }
}
