//! The sealed hand-off from policy to publish.

use crate::model::digest::Digest;
use crate::model::image::BuiltImage;
use crate::model::verdict::{Decision, Verdict};

/// An image whose verdict is cleared. Only [`clear`] makes one: publishing without a verdict does not compile.
///
/// ```compile_fail
/// use portcullis::stage::policy::Cleared;
/// fn skip_the_gate(image: portcullis::model::image::BuiltImage, verdict: portcullis::model::verdict::Verdict) -> Cleared {
///     Cleared { image, verdict }
/// }
/// ```
#[derive(Debug)]
pub struct Cleared {
    image: BuiltImage,
    verdict: Verdict,
}

/// Why an image is not cleared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCleared {
    /// The verdict says so.
    #[error("the verdict is {}", .0.as_str())]
    Verdict(Decision),
    /// The verdict looked at what a change introduces alone.
    #[error("the verdict looks at what the change introduces and no further")]
    OnlyNew,
    /// The verdict is about something else.
    #[error("the verdict is about {verdict:?}, the image is {image}")]
    Subject {
        /// The image's digest.
        image: Digest,
        /// The digest in the verdict.
        verdict: Option<Digest>,
    },
}

/// Hands an image over to publish if its own verdict is cleared.
///
/// # Errors
/// [`NotCleared`] for any other verdict, for one that looked at the change alone, and for one about another digest.
pub fn clear(image: BuiltImage, verdict: Verdict) -> Result<Cleared, NotCleared> {
    if verdict.subject.digest != Some(image.digest) {
        return Err(NotCleared::Subject {
            image: image.digest,
            verdict: verdict.subject.digest,
        });
    }
    if verdict.verdict != Decision::Cleared {
        return Err(NotCleared::Verdict(verdict.verdict));
    }
    if verdict.only_new {
        return Err(NotCleared::OnlyNew);
    }
    Ok(Cleared { image, verdict })
}

impl Cleared {
    /// The image whose digest the verdict names.
    #[must_use]
    pub const fn image(&self) -> &BuiltImage {
        &self.image
    }

    /// The verdict that cleared it.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}
