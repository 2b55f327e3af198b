//! `unpinned-base`: every base image by digest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Objections, Rule, RuleText, Settings};
use crate::model::context::DeclaredBase;
use crate::model::coverage::{Gap, GapKind};
use crate::model::digest::Digest;
use crate::model::finding::Level;
use crate::model::logins;
use crate::stage::policy::Evidence;
use crate::stage::policy::pattern::TextPattern;

/// Settings of `unpinned-base`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UnpinnedBase {
    /// How hard it weighs.
    pub level: Level,
    /// Base images that are allowed, without tag and digest: `debian`, `registry.acme.example/base/*`. Empty: all.
    pub allow: Vec<TextPattern>,
}

impl Default for UnpinnedBase {
    fn default() -> Self {
        Self {
            level: Level::Warn,
            allow: Vec::new(),
        }
    }
}

impl Settings for UnpinnedBase {
    const ABOUT: RuleText = RuleText {
        code: "unpinned-base",
        summary: "A base image is not pinned by digest, or is not one that the policy allows.",
        why: "A tag is whatever its owner says today. The same Dockerfile then builds another image tomorrow, and nobody has seen that one.",
        fix: "Write `FROM name:tag@sha256:…`; a bot can keep the digest up to date in reviewed changes.",
    };
}

impl Rule for UnpinnedBase {
    fn check(&self, evidence: &Evidence<'_>, objections: &mut Objections) {
        if self.level == Level::Off {
            return;
        }
        for base in &evidence.context.base_images {
            let Some((mut message, mut help)) = self.objection(base) else {
                continue;
            };
            let mut image = base.image.clone();
            for text in [&mut message, &mut help, &mut image] {
                logins::clean(text);
            }
            let mut finding = Self::ABOUT.finding(self.level, message);
            finding.subject = Some(image);
            finding.help = Some(help);
            finding.locations = vec![base.location.clone()];
            objections.findings.push(finding);
        }
    }

    /// What cannot be read weighs what a missing pin in it would: off, it is listed and blocks nothing.
    fn weigh(&self, gap: &Gap) -> Option<Level> {
        (gap.kind == GapKind::UnreadableDockerfile).then_some(self.level.max(Level::Warn))
    }
}

impl UnpinnedBase {
    fn objection(&self, base: &DeclaredBase) -> Option<(String, String)> {
        let image = base.image.as_str();
        if image == "scratch" {
            return None;
        }
        if image.contains('$') {
            let help = "write the image with its digest, or give the ARG a default that has one".to_owned();
            return Some((format!("the base image `{image}` is decided by a build argument"), help));
        }
        let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
        if digest.is_none_or(|digest| Digest::parse(digest).is_err()) {
            return Some((
                format!("the base image `{image}` is not pinned"),
                format!("write `{name}@sha256:…`"),
            ));
        }
        // A colon after the last slash begins a tag, one before it a port.
        let repository = match name.rfind(':') {
            Some(colon) if name.rfind('/').is_none_or(|slash| slash < colon) => &name[..colon],
            _ => name,
        };
        let allowed = self.allow.is_empty() || self.allow.iter().any(|pattern| pattern.matches(repository));
        (!allowed).then(|| {
            (
                format!("the base image `{repository}` is not one that the policy allows"),
                "build on one of [rules.unpinned-base] allow".to_owned(),
            )
        })
    }
}
