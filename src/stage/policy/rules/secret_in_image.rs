//! `secret-in-image`: credentials in a layer, in the configuration, or in tracked files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::finding::Level;
use crate::model::image::ImageConfig;
use crate::model::inventory::{Fact, FactKind};
use crate::model::secret_name::holds_secret;
use crate::model::visible::shortened;
use crate::stage::policy::Evidence;
use crate::stage::policy::pattern::TextPattern;

/// Where a fact says that it stands that is about a variable of the image's configuration.
const VARIABLE: &str = "config: Env ";

/// Settings of `secret-in-image`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SecretInImage {
    /// How hard it weighs.
    pub level: Level,
    /// Paths that are fine (keys of test fixtures); `*` stands for any characters but `/`, `**` for any.
    pub allow: Vec<TextPattern>,
    /// Variables of the image's configuration that are fine, by name.
    pub allow_env: Vec<TextPattern>,
}

impl Default for SecretInImage {
    fn default() -> Self {
        Self {
            level: Level::Deny,
            allow: Vec::new(),
            allow_env: Vec::new(),
        }
    }
}

impl Settings for SecretInImage {
    const ABOUT: RuleText = RuleText {
        code: "secret-in-image",
        summary: "A secret is in the image or in a tracked file: a private key, credentials, an `.env` file.",
        why: "Whoever can pull the image has the secret. Deleting the file in a later layer hides it from a shell, not from anybody who unpacks \
              the layers.",
        fix: "Rotate the secret first: it is known. Then keep it out of the build context and mount it at run time (`RUN --mount=type=secret` \
              for builds).",
    };
}

impl Rule for SecretInImage {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        let in_image = evidence.inventory.facts.iter().filter(|fact| fact.kind == FactKind::Secret);
        for fact in in_image.chain(&evidence.context.tracked_secrets) {
            let variable = fact.location.path.strip_prefix(VARIABLE);
            let fine = variable.is_some_and(|name| self.allow_env.iter().any(|pattern| pattern.matches(name)));
            if !fine && !self.allow.iter().any(|pattern| pattern.matches(&fact.location.path)) {
                self.object(fact, objections);
            }
        }
        let is_told = |name: &str| {
            let place = format!("{VARIABLE}{name}");
            evidence.inventory.facts.iter().any(|fact| fact.location.path == place)
        };
        for platform in &evidence.inventory.platforms {
            for (what, name, value) in named_values(&platform.config) {
                let allowed = self.allow_env.iter().any(|pattern| pattern.matches(name));
                let told = what == "env" && is_told(name);
                if !allowed && holds_secret(name, value) && !told {
                    let name = shortened(name, 80);
                    let mut finding = Self::ABOUT.finding(self.level, format!("the image's configuration sets {name} to a value"));
                    finding.subject = Some(format!("{what} {name}"));
                    finding.help = Some("rotate it, and give it to the container when it starts".to_owned());
                    objections.findings.push(finding);
                }
            }
        }
    }
}

/// What a configuration gives a value to: variables, labels, and the arguments of what it runs (`--password=…`).
fn named_values(config: &ImageConfig) -> impl Iterator<Item = (&'static str, &str, &str)> {
    let variables = config.env.iter().filter_map(|pair| pair.split_once('='));
    let variables = variables.map(|(name, value)| ("env", name, value));
    let labels = config.labels.iter().map(|(name, value)| ("label", name.as_str(), value.as_str()));
    let health = config.healthcheck.iter().flatten();
    let arguments = config.entrypoint.iter().chain(&config.cmd).chain(health);
    let arguments = arguments
        .flat_map(|words| words.split_whitespace())
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| ("argument", name.trim_start_matches('-'), value.trim_matches(['"', '\''])));
    variables.chain(labels).chain(arguments)
}

impl SecretInImage {
    fn object(&self, fact: &Fact, objections: &mut Objections) {
        let path = &fact.location.path;
        let message = match fact.deleted {
            true => format!(
                "{path} holds a secret ({}); a later layer deletes the file, the layer still has it",
                fact.detail
            ),
            false => format!("{path} holds a secret ({})", fact.detail),
        };
        let mut finding = Self::ABOUT.finding(self.level, message);
        finding.subject = Some(path.clone());
        finding.help = Some("rotate it, then keep it out of the build context".to_owned());
        finding.locations = vec![fact.location.clone()];
        objections.findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_labels_and_arguments_are_held_against_their_names() {
        let config = ImageConfig {
            env: vec!["PGPASSWORD=hunter22".to_owned(), "PATH=/bin".to_owned()],
            labels: [("db_password".to_owned(), "hunter22".to_owned())].into(),
            entrypoint: vec!["/app".to_owned(), "--password=hunter22".to_owned(), "--port=8080".to_owned()],
            cmd: vec!["/bin/sh".to_owned(), "-c".to_owned(), "API_TOKEN=abcdef exec app".to_owned()],
            ..ImageConfig::default()
        };
        let secret = named_values(&config).filter(|(_, name, value)| holds_secret(name, value));
        let found: Vec<_> = secret.map(|(what, name, _)| (what, name)).collect();
        assert_eq!(
            found,
            [
                ("env", "PGPASSWORD"),
                ("label", "db_password"),
                ("argument", "password"),
                ("argument", "API_TOKEN")
            ]
        );
    }
}
