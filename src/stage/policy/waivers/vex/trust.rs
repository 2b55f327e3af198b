//! Which documents count: those whose author or key the policy trusts.

use super::opened::Opened;
use super::vex_document::VexDocument;
use crate::io::dsse::PublicKey;
use crate::io::hash;
use crate::model::verdict::VexInput;
use crate::stage::policy::waivers::{Waiver, Waivers};
use crate::stage::policy::{Policy, PolicyError};

/// What became of a VEX document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VexOutcome {
    /// It counts, with so many statements that waive something.
    Counted(usize),
    /// The policy does not trust its author, so it says nothing here.
    Untrusted {
        /// The author, as written.
        author: String,
    },
}

impl Waivers {
    /// Takes a VEX document into account if the policy trusts it: by a signature, or by its author's name where the policy asks for no key.
    ///
    /// # Errors
    /// [`PolicyError::Waivers`] for a document that is neither OpenVEX nor CycloneDX, or is broken: the run is undecidable then.
    pub fn add_vex(&mut self, policy: &Policy, name: &str, text: &str) -> Result<VexOutcome, PolicyError> {
        let settings = &policy.document.vex;
        let keys: Vec<PublicKey> = settings.trusted_keys.iter().map(|key| key.0.clone()).collect();
        let Opened {
            mut document,
            signed_by,
            is_signed,
        } = Opened::read(name, text, &keys).map_err(PolicyError::Waivers)?;
        let trusted = document.authors.iter().find(|author| settings.trusted_authors.contains(author));
        let author = match (&signed_by, trusted) {
            // The signature is asked for, or it is there and says nothing that the policy knows.
            (None, _) if !keys.is_empty() || is_signed => None,
            (None, trusted) => trusted.cloned(),
            (Some(key), None) if settings.trusted_authors.is_empty() => Some(key.clone()),
            (Some(_), trusted) => trusted.cloned(),
        };
        let Some(author) = author else {
            return Ok(VexOutcome::Untrusted {
                author: document.authors.join(", "),
            });
        };
        let days = i64::try_from(settings.max_age.0.as_secs() / 86_400).unwrap_or(i64::MAX);
        let (waiving, against): (Vec<_>, Vec<_>) = (1..)
            .zip(std::mem::take(&mut document.statements))
            .partition(|(_, statement)| statement.status.waives());
        let statements: Vec<Waiver> = waiving
            .into_iter()
            .filter_map(|(place, statement)| statement.into_waiver(place, name, &author, days, signed_by.is_some()))
            .collect();
        let against = against.into_iter();
        let retractions = against
            .filter_map(|(place, statement)| statement.into_retraction(place, name))
            .collect();
        let count = statements.len();
        self.vex.push(VexDocument {
            input: VexInput {
                name: name.to_owned(),
                author,
                signed_by,
                digest: hash::sha256(text.as_bytes()),
            },
            text: text.to_owned(),
            statements,
            retractions,
        });
        self.vex.sort_by(|a, b| a.input.cmp(&b.input));
        Ok(VexOutcome::Counted(count))
    }

    /// Every document that counts, as the verdict states it.
    #[must_use]
    pub fn vex_inputs(&self) -> Vec<VexInput> {
        self.vex.iter().map(|document| document.input.clone()).collect()
    }

    /// Name and text of every document that counts.
    pub fn vex_documents(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vex
            .iter()
            .map(|document| (document.input.name.as_str(), document.text.as_str()))
    }
}
