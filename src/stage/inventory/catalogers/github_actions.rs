//! The actions and reusable workflows that workflows use: programs with the workflow's token and secrets, of which advisories know.
//!
//! Source: the runner's own reading of `uses` (actions/runner, `PipelineTemplateConverter`).

use crate::io::encoding;
use crate::io::workflow::{action_uses, is_workflow};
use crate::model::context::ActionUse;
use crate::model::coverage::GapKind;
use crate::model::inventory::{Component, Ecosystem, Scope};
use crate::model::purl::Purl;
use crate::stage::inventory::cataloger::{Cataloger, Domain, EntryHead, LayerFile, Sink, Want};

/// Reads workflows, and `action.yml` wherever it lies.
pub(super) struct GithubActions;

impl Cataloger for GithubActions {
    fn id(&self) -> &'static str {
        "github-actions"
    }

    fn version(&self) -> u32 {
        1
    }

    fn domain(&self) -> Domain {
        Domain::Source
    }

    fn reads(&self) -> Option<(&'static str, &'static str)> {
        Some(("`.github/workflows/*.yml`, `action.yml`", Ecosystem::GITHUB_ACTIONS))
    }

    fn wants(&self, head: &EntryHead<'_>) -> Want {
        if is_workflow(head.path) { Want::Whole } else { Want::No }
    }

    fn catalog(&self, file: &LayerFile<'_>, sink: &mut dyn Sink) {
        match encoding::decode(file.content) {
            Ok(text) => {
                let (uses, gaps) = action_uses(file.head.path, &text);
                uses.iter().filter_map(component).for_each(|component| sink.component(component));
                for gap in gaps {
                    sink.gap(gap.kind, gap.detail);
                }
            }
            Err(problem) => sink.gap(GapKind::UnreadableWorkflow, problem),
        }
    }
}

/// The component of an action; none for one of the repository's own, for an image, and for what the runner refuses.
pub(in super::super) fn component(action: &ActionUse) -> Option<Component> {
    let uses = action.uses.trim();
    let is_image = uses.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("docker://"));
    if is_image || uses.starts_with("./") || uses.starts_with(".\\") {
        return None;
    }
    let (path, reference) = uses.split_once('@').unwrap_or((uses, ""));
    // The runner takes both slashes, and any number of them.
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let (name, above) = parts.split_last().filter(|(_, above)| !above.is_empty())?;
    let version = action.version.as_deref().unwrap_or(reference);
    let purl = Purl::new("githubactions", name, version).with_namespace(&above.join("/"));
    let mut component = Component::new(purl, Some(Ecosystem::new(Ecosystem::GITHUB_ACTIONS)), "github-actions");
    component.scope = Scope::Build;
    component.locations = vec![action.location.clone()];
    Some(component)
}

#[cfg(test)]
mod tests {
    use super::super::super::recorder::Recorder;
    use super::*;

    fn purls(text: &str) -> Vec<String> {
        let seen = Recorder::of(&GithubActions, ".github/workflows/x.yml", text.as_bytes());
        assert!(seen.gaps.is_empty(), "{text}: {:?}", seen.gaps);
        seen.components.iter().map(|component| component.purl.to_string()).collect()
    }

    #[test]
    fn actions_and_reusable_workflows_are_components_by_the_version_of_their_reference_or_its_comment() {
        let commit = "11bd71901bbe5b1630ceea73d27597364c9af683";
        for (uses, purl) in [
            ("acme/act@v1.2.3".to_owned(), "pkg:githubactions/acme/act@v1.2.3".to_owned()),
            (
                format!("acme/act@{commit} # v1.2.3"),
                "pkg:githubactions/acme/act@v1.2.3".to_owned(),
            ),
            (format!("acme/act@{commit}"), format!("pkg:githubactions/acme/act@{commit}")),
            ("acme/act/sub@v1".to_owned(), "pkg:githubactions/acme/act/sub@v1".to_owned()),
            ("acme//act\\sub@v1".to_owned(), "pkg:githubactions/acme/act/sub@v1".to_owned()),
            ("acme/act".to_owned(), "pkg:githubactions/acme/act".to_owned()),
        ] {
            assert_eq!(purls(&format!("jobs: {{a: {{steps: [\n{{uses: {uses}\n}}]}}}}")), [purl], "{uses}");
        }
        assert!(purls("jobs: {a: {steps: [{uses: ./own}, {uses: 'docker://alpine:3'}, {uses: nothing}]}}").is_empty());
    }

    #[test]
    fn a_workflow_that_cannot_be_read_is_a_gap() {
        let seen = Recorder::of(&GithubActions, "action.yml", b"runs: [");
        assert_eq!(seen.gaps.iter().map(|gap| gap.0).collect::<Vec<_>>(), [GapKind::UnreadableWorkflow]);
    }
}
