//! Which layers are the base image's and which are the application's, by the image's documents and by what is in the layers.

use super::facts::LayerFacts;
use crate::model::image::{BaseImage, PlatformImage};
use crate::model::inventory::Part;

/// What is known of an image's base, and of each of its layers.
pub(in crate::stage::inventory) struct Parts {
    /// None where nothing is known.
    pub(in crate::stage::inventory) base: Option<BaseImage>,
    of_layers: Vec<Option<Part>>,
}

impl Parts {
    /// The documents count first. Where they name no end of the base, the layer with the operating system's release is still the base's,
    /// and where there is no operating system in any layer, there is no base.
    pub(in crate::stage::inventory) fn new(image: &PlatformImage, facts: &[&LayerFacts]) -> Self {
        let mut base = image.config.base.clone();
        let count = image.layers.len();
        let has_release = |facts: &&LayerFacts| facts.files.iter().any(|file| file.os_release.is_some());
        let release = facts.iter().position(has_release);
        if let Some(end) = base.as_ref().and_then(|base| base.layers).filter(|end| *end <= count) {
            let part = |at| if at < end { Part::Base } else { Part::Application };
            return Self {
                base,
                of_layers: (0..count).map(|at| Some(part(at))).collect(),
            };
        }
        let of_layers = match (release, &base) {
            (Some(release), _) => (0..count).map(|at| (at <= release).then_some(Part::Base)).collect(),
            (None, None) => vec![Some(Part::Application); count],
            (None, Some(_)) => vec![None; count],
        };
        if release.is_none() && base.is_none() && count > 0 {
            base = Some(BaseImage {
                layers: Some(0),
                evidence: vec!["no layer holds an operating system".to_owned()],
                ..BaseImage::default()
            });
        }
        Self { base, of_layers }
    }

    /// The part that a layer is, where that is known.
    pub(in crate::stage::inventory) fn of(&self, layer: usize) -> Option<Part> {
        self.of_layers.get(layer).copied().flatten()
    }
}
