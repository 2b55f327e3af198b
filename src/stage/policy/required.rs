//! What a policy fixes beside its rules.

use schemars::JsonSchema;
use serde::Deserialize;

/// What the configuration of a repository may not weaken: a policy from outside of it fixes more than rules. How old advisories may be is
/// `[rules.stale-feed] max_age`, whether cached layers are believed is `[inventory]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Required {
    /// Where advisories may come from, as `[feeds] osv` writes it. Empty: from anywhere.
    pub(crate) osv: Vec<String>,
    /// The one file that may hold waivers, relative to the repository: `policies/waivers.toml`. Without it any file may.
    pub(crate) waivers: Option<String>,
    /// False: VEX documents that the configuration names do not count. They do if nothing is said, as far as `[vex]` trusts them.
    pub(crate) vex: Option<bool>,
    /// False: `[[inventory.exclude]]` of the configuration is refused. It is allowed, and shown in every report, if nothing is said.
    pub(crate) exclusions: Option<bool>,
}

/// What a run reads of what `[require]` may fix.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reads<'r> {
    /// Where its advisories come from, as written.
    pub osv: &'r str,
    /// Its waiver file's path in the repository.
    pub waivers: Option<&'r str>,
    /// How many VEX documents it names.
    pub vex: usize,
    /// How many folders and files it leaves out.
    pub exclusions: usize,
}

impl Required {
    /// Whether the sources of a run are those that are fixed.
    pub(super) fn check(&self, reads: &Reads<'_>) -> Result<(), String> {
        let osv = reads.osv;
        if !self.osv.is_empty()
            && !self
                .osv
                .iter()
                .any(|allowed| allowed.trim_end_matches('/') == osv.trim_end_matches('/'))
        {
            return Err(format!("advisories come from {osv}, and the policy allows {}", self.osv.join(", ")));
        }
        if let (Some(fixed), Some(found)) = (&self.waivers, reads.waivers)
            && fixed != found
        {
            return Err(format!("waivers are read from {found}, and the policy allows {fixed}"));
        }
        if self.vex == Some(false) && reads.vex > 0 {
            return Err("the configuration names VEX documents, and the policy allows none".to_owned());
        }
        if self.exclusions == Some(false) && reads.exclusions > 0 {
            return Err("the configuration leaves out what [[inventory.exclude]] names, and the policy allows no exclusion".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Reads;
    use crate::stage::policy::Policy;

    fn reads<'r>(osv: &'r str, waivers: Option<&'r str>, vex: usize) -> Reads<'r> {
        Reads {
            osv,
            waivers,
            vex,
            exclusions: 0,
        }
    }

    #[test]
    fn a_configuration_cannot_replace_what_the_policy_fixes() {
        let policy = Policy::from_text(
            "p",
            "[require]\nosv = [\"https://mirror.example/osv\"]\nwaivers = \"policies/waivers.toml\"\nvex = false\n",
        )
        .expect("valid");
        let (osv, file) = ("https://mirror.example/osv/", Some("policies/waivers.toml"));
        assert!(policy.allows(&reads(osv, file, 0)).is_ok());
        assert!(policy.allows(&reads(osv, None, 0)).is_ok(), "no waivers are stricter than any");
        assert!(policy.allows(&reads("feed", file, 0)).is_err());
        assert!(policy.allows(&reads(osv, Some("mine.toml"), 0)).is_err());
        assert!(policy.allows(&reads(osv, file, 1)).is_err());
        // What fixes nothing allows all of it.
        let open = Policy::from_text("p", "").expect("valid");
        assert!(open.allows(&reads("feed", Some("mine.toml"), 1)).is_ok());
    }

    #[test]
    fn a_configuration_excludes_nothing_where_the_policy_forbids_it() {
        let policy = Policy::from_text("p", "[require]\nexclusions = false\n").expect("valid");
        let leaves_out = |exclusions| Reads {
            exclusions,
            ..Reads::default()
        };
        let refused = policy.allows(&leaves_out(1)).expect_err("refused").to_string();
        assert!(refused.contains("inventory.exclude"), "{refused}");
        assert!(policy.allows(&leaves_out(0)).is_ok());
        assert!(Policy::from_text("p", "").expect("valid").allows(&leaves_out(1)).is_ok());
    }
}
