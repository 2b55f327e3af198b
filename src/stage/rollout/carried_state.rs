//! The state folder as a target keeps it: one text, base64 of gzip of JSON, with the journal and the templates.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{BoxError, RolloutError};
use super::journal::{self, Record};
use super::journal_place::JournalPlace;

const SCHEMA: &str = "portcullis/rollout-state/v1";
/// Bytes of the longest text: a cluster stores 256 KiB of annotations of an object, those of others among them.
const LONGEST: usize = 192 * 1024;
/// Bytes of what it may unpack to.
const LARGEST: u64 = 32 << 20;

/// What a target keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Carried {
    schema: String,
    /// Whose it is, as the target tells it from a copy of it.
    of: String,
    /// The journal's lines.
    journal: String,
    /// As the state folder has them.
    templates: Value,
    /// Where it was read, for errors.
    #[serde(skip)]
    place: JournalPlace,
}

impl Carried {
    /// What there is of the service `of`.
    pub(super) fn new(of: &str, journal: String, templates: Value) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            of: of.to_owned(),
            journal,
            templates,
            place: JournalPlace::default(),
        }
    }

    /// As it was read at this place.
    pub(super) fn read_at(self, place: JournalPlace) -> Self {
        Self { place, ..self }
    }

    /// As it is kept; `None` where it is longer than there is room for.
    pub(super) fn packed(&self) -> Result<Option<String>, BoxError> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&serde_json::to_vec(self)?)?;
        let text = STANDARD.encode(packer.finish()?);
        Ok(Some(text).filter(|text| text.len() <= LONGEST))
    }

    /// The journal's text.
    pub(super) fn journal(&self) -> &str {
        &self.journal
    }

    pub(super) const fn templates(&self) -> &Value {
        &self.templates
    }

    /// `None` for the state of something that this one is a copy of.
    pub(super) fn unpacked(text: &str, of: &str) -> Result<Option<Self>, BoxError> {
        let bytes = STANDARD.decode(text.trim())?;
        let mut json = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice())
            .take(LARGEST + 1)
            .read_to_end(&mut json)?;
        if json.len() as u64 > LARGEST {
            return Err(format!("it has more than {LARGEST} bytes").into());
        }
        let carried: Self = serde_json::from_slice(&json)?;
        if carried.schema != SCHEMA {
            return Err(format!("it is written as {:?}, and this version reads {SCHEMA}", carried.schema).into());
        }
        Ok(Some(carried).filter(|carried| carried.of == of))
    }

    /// What the journal says.
    ///
    /// # Errors
    /// As [`journal::parse`], and where its last line is torn: it was kept whole.
    pub(super) fn records(&self) -> Result<Vec<Record>, RolloutError> {
        let (records, whole) = journal::parse(&self.place, self.journal.as_bytes())?;
        match whole == self.journal.len() as u64 {
            true => Ok(records),
            false => Err(RolloutError::Journal {
                place: self.place.clone(),
                line: records.len() + 1,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_for_the_same_one_alone_and_damage_is_told() {
        let text = Carried::new("uid", "line\n".to_owned(), Value::Null)
            .packed()
            .expect("packed")
            .expect("room");
        let carried = Carried::unpacked(&text, "uid").expect("whole").expect("ours");
        assert_eq!(carried.journal, "line\n");
        let error = carried
            .read_at(JournalPlace::kept_by("the swarm", "docker config rm x"))
            .records()
            .expect_err("no journal's line");
        assert_eq!(error.to_string(), "line 1 of the journal that the swarm keeps is damaged");
        let help = miette::Diagnostic::help(&error).expect("help").to_string();
        assert!(help.contains("`docker config rm x`") && !help.contains("file"), "{help}");
        assert_eq!(Carried::unpacked(&text, "another").expect("whole"), None);
        for damaged in [&text[..text.len() / 2], "", "bm8="] {
            assert!(Carried::unpacked(damaged, "uid").is_err(), "{damaged}");
        }
    }
}
