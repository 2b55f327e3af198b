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
}

impl Required {
    /// Whether the sources of a run are those that are fixed.
    pub(super) fn check(&self, osv: &str, waivers: Option<&str>, vex: usize) -> Result<(), String> {
        if !self.osv.is_empty()
            && !self
                .osv
                .iter()
                .any(|allowed| allowed.trim_end_matches('/') == osv.trim_end_matches('/'))
        {
            return Err(format!("advisories come from {osv}, and the policy allows {}", self.osv.join(", ")));
        }
        if let (Some(fixed), Some(found)) = (&self.waivers, waivers)
            && fixed != found
        {
            return Err(format!("waivers are read from {found}, and the policy allows {fixed}"));
        }
        match self.vex {
            Some(false) if vex > 0 => Err("the configuration names VEX documents, and the policy allows none".to_owned()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::policy::Policy;

    #[test]
    fn a_configuration_cannot_replace_what_the_policy_fixes() {
        let policy = Policy::from_text(
            "p",
            "[require]\nosv = [\"https://mirror.example/osv\"]\nwaivers = \"policies/waivers.toml\"\nvex = false\n",
        )
        .expect("valid");
        let (osv, file) = ("https://mirror.example/osv/", Some("policies/waivers.toml"));
        assert!(policy.allows(osv, file, 0).is_ok());
        assert!(policy.allows(osv, None, 0).is_ok(), "no waivers are stricter than any");
        assert!(policy.allows("feed", file, 0).is_err());
        assert!(policy.allows(osv, Some("mine.toml"), 0).is_err());
        assert!(policy.allows(osv, file, 1).is_err());
        // What fixes nothing allows all of it.
        let open = Policy::from_text("p", "").expect("valid");
        assert!(open.allows("feed", Some("mine.toml"), 1).is_ok());
    }
}
