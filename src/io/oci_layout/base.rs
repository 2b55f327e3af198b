//! Where an image's base ends and the application begins, as far as the image's own documents tell.
//!
//! No document says it outright, so that each answer names what it rests on, and no answer is one of them.

use std::collections::BTreeMap;

use crate::model::digest::Digest;
use crate::model::excused::Excused as _;
use crate::model::image::BaseImage;

/// One step of an image's history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) created_by: String,
    pub(super) comment: String,
    /// True where it made no layer.
    pub(super) empty: bool,
}

/// What the history and the image's labels say of its base; none where they say nothing.
pub(super) fn base(steps: &[Step], labels: &BTreeMap<String, String>) -> Option<BaseImage> {
    let of_history = boundary(steps).map(|boundary| BaseImage {
        name: boundary.name,
        digest: None,
        layers: Some(boundary.layers),
        evidence: vec![boundary.evidence.to_owned()],
    });
    noted(of_history, labels, "a label")
}

/// The same with what annotations or labels name. Labels are inherited, so that annotations, which are not, count before them.
pub(super) fn noted(base: Option<BaseImage>, notes: &BTreeMap<String, String>, place: &str) -> Option<BaseImage> {
    let said = |key: &str| {
        let value = notes.get(&format!("org.opencontainers.image.base.{key}"));
        value.filter(|value| !value.is_empty())
    };
    let (name, digest) = (
        said("name"),
        said("digest").and_then(|digest| Digest::parse(digest).or_none("what is no digest names no base")),
    );
    if name.is_none() && digest.is_none() {
        return base;
    }
    let mut base = base.unwrap_or_default();
    base.name = name.cloned().or(base.name);
    base.digest = digest.or(base.digest);
    base.evidence.push(format!("{place} names it"));
    Some(base)
}

struct Boundary {
    /// How many of the lowest layers are the base's.
    layers: usize,
    name: Option<String>,
    evidence: &'static str,
}

/// The highest place at which one build ends and another begins.
fn boundary(steps: &[Step]) -> Option<Boundary> {
    let (start, name, evidence) = from_above(steps)
        .or_else(|| after_a_command(steps))
        .or_else(|| of_another_tool(steps))?;
    // Where nothing lies above, the image is its own base, or the trace is none.
    let layers = steps[..start].iter().filter(|step| !step.empty).count();
    let above = steps[start..].iter().any(|step| !step.empty);
    (layers > 0 && above).then_some(Boundary { layers, name, evidence })
}

/// The index of the first step above the base, its name, and what tells.
type Trace = (usize, Option<String>, &'static str);

/// buildah notes what it builds on at the first step that it makes.
fn from_above(steps: &[Step]) -> Option<Trace> {
    let at = steps.iter().rposition(|step| step.comment.starts_with("FROM "))?;
    let name = steps[at].comment.trim_start_matches("FROM ").trim();
    let name = (!name.is_empty() && name != "scratch").then(|| name.to_owned());
    Some((at, name, "the history names what was built on"))
}

/// A build ends with the command that its image runs: one below other layers is the end of the base.
fn after_a_command(steps: &[Step]) -> Option<Trace> {
    let last_layer = steps.iter().rposition(|step| !step.empty)?;
    let is_command = |step: &Step| {
        let text = step.created_by.trim_start_matches("/bin/sh -c #(nop)").trim_start();
        step.empty && ["CMD", "ENTRYPOINT"].iter().any(|word| text.starts_with(word))
    };
    let at = steps[..last_layer].iter().rposition(is_command)?;
    // What else configures the base comes right behind it.
    let rest = steps[at + 1..last_layer].iter().take_while(|step| is_command(step)).count();
    Some((at + 1 + rest, None, "the history sets a command below further layers"))
}

/// The topmost steps are one tool's, those below are another's.
fn of_another_tool(steps: &[Step]) -> Option<Trace> {
    let tool = |step: &Step| match step {
        step if step.comment.starts_with("buildkit.dockerfile") => "buildkit",
        step if step.created_by.starts_with("bazel build") => "bazel",
        step if step.created_by.starts_with("portcullis:") => "portcullis",
        step if step.created_by.starts_with("kaniko") || step.comment.starts_with("kaniko") => "kaniko",
        _ => "",
    };
    let top = tool(steps.last()?);
    let below = steps.iter().rposition(|step| tool(step) != top)?;
    (!top.is_empty()).then_some((below + 1, None, "the history has another tool's steps below"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(created_by: &str, comment: &str) -> Step {
        Step {
            created_by: created_by.to_owned(),
            comment: comment.to_owned(),
            empty: false,
        }
    }

    fn setting(created_by: &str) -> Step {
        Step {
            empty: true,
            ..layer(created_by, "buildkit.dockerfile.v0")
        }
    }

    fn layers_of(steps: &[Step]) -> Option<usize> {
        base(steps, &BTreeMap::new())?.layers
    }

    #[test]
    fn a_command_below_further_layers_ends_the_base() {
        let kit = "buildkit.dockerfile.v0";
        let of_node = [
            layer("# debian.sh --arch 'amd64' out/ 'bookworm'", "debuerreotype 0.15"),
            layer("RUN /bin/sh -c install node", kit),
            setting("ENTRYPOINT [\"docker-entrypoint.sh\"]"),
            setting("CMD [\"node\"]"),
            setting("WORKDIR /srv"),
            layer("COPY app /srv", kit),
            setting("CMD [\"node\" \"app\"]"),
        ];
        assert_eq!(layers_of(&of_node), Some(2));
        let of_docker = [
            layer("/bin/sh -c #(nop) ADD file:1 in / ", ""),
            Step {
                empty: true,
                ..layer("/bin/sh -c #(nop)  CMD [\"bash\"]", "")
            },
            layer("/bin/sh -c make", ""),
        ];
        assert_eq!(layers_of(&of_docker), Some(1));
    }

    #[test]
    fn buildah_names_its_base() {
        let steps = [
            layer("/bin/sh -c #(nop) ADD file:1 in / ", ""),
            layer("/bin/sh -c install", ""),
            layer("/bin/sh -c #(nop) COPY x", "FROM docker.io/library/alpine:3.20"),
            layer("/bin/sh -c y", ""),
        ];
        let base = base(&steps, &BTreeMap::new()).expect("a base");
        assert_eq!(
            (base.layers, base.name.as_deref()),
            (Some(2), Some("docker.io/library/alpine:3.20"))
        );
    }

    #[test]
    fn steps_of_another_tool_are_the_base() {
        let kit = "buildkit.dockerfile.v0";
        let steps = [layer("", "Imported from -"), layer("COPY a /", kit), layer("RUN b", kit)];
        assert_eq!(layers_of(&steps), Some(1));
        let steps = [
            layer("bazel build //a", ""),
            layer("bazel build //b", ""),
            layer("portcullis: user", ""),
        ];
        assert_eq!(layers_of(&steps), Some(2));
    }

    #[test]
    fn what_the_history_does_not_tell_is_not_guessed() {
        let kit = "buildkit.dockerfile.v0";
        for steps in [
            vec![],
            vec![layer("ADD rootfs.tar / # buildkit", kit), setting("CMD [\"sh\"]")],
            vec![layer("COPY a /", kit), layer("COPY b /", kit)],
            vec![layer("", ""), layer("", "")],
        ] {
            assert_eq!(layers_of(&steps), None, "{steps:?}");
        }
    }

    #[test]
    fn a_note_names_the_base_also_where_its_end_is_not_known() {
        let note = |key: &str, value: &str| (format!("org.opencontainers.image.base.{key}"), value.to_owned());
        let notes = BTreeMap::from([note("name", "docker.io/library/debian:12"), note("digest", "sha256:zz")]);
        let base = base(&[], &notes).expect("a base");
        assert_eq!(
            (base.name.as_deref(), base.digest, base.layers),
            (Some("docker.io/library/debian:12"), None, None)
        );
    }
}
