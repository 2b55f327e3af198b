//! Every id that a feed speaks of, once, with a number.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

use super::cursor::{Cursor, put_text};
use super::strings::{PoolFull, Ready, hash};

/// Ids and their numbers, in the order in which they were first spoken of.
#[derive(Default)]
pub(in crate::stage::matching) struct Ids {
    bytes: Vec<u8>,
    starts: Vec<u32>,
    seen: HashMap<u64, u32, BuildHasherDefault<Ready>>,
    /// Those of which another one has the hash.
    others: BTreeMap<String, u32>,
}

impl Ids {
    /// The number of an id, which is added where it is new.
    pub(in crate::stage::matching) fn intern(&mut self, text: &str) -> Result<u32, PoolFull> {
        self.intern_hashed(text, hash(text))
    }

    pub(super) fn intern_hashed(&mut self, text: &str, hash: u64) -> Result<u32, PoolFull> {
        match self.seen.get(&hash) {
            Some(known) if self.get(*known) == text => Ok(*known),
            Some(_) => {
                if let Some(known) = self.others.get(text) {
                    return Ok(*known);
                }
                let new = self.push(text)?;
                self.others.insert(text.to_owned(), new);
                Ok(new)
            }
            None => {
                let new = self.push(text)?;
                self.seen.insert(hash, new);
                Ok(new)
            }
        }
    }

    fn push(&mut self, text: &str) -> Result<u32, PoolFull> {
        let number = u32::try_from(self.starts.len()).map_err(|_| PoolFull)?;
        self.starts.push(u32::try_from(self.bytes.len()).map_err(|_| PoolFull)?);
        put_text(&mut self.bytes, text);
        Ok(number)
    }

    /// The text of a number that was given.
    pub(in crate::stage::matching) fn get(&self, number: u32) -> &str {
        let at = self.starts[number as usize] as usize;
        Cursor(&self.bytes[at..]).text().expect("ids are texts")
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Where the text is among the bytes.
    pub(super) fn start(&self, number: u32) -> u32 {
        self.starts[number as usize]
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what is needed to add more.
    pub(super) fn seal(&mut self) {
        self.seen = HashMap::default();
        self.others = BTreeMap::new();
    }

    /// Makes room for so many.
    pub(super) fn reserve(&mut self, count: usize) {
        self.seen.reserve(count);
        self.starts.reserve(count);
        self.bytes.reserve(count * 20);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ids_of_one_hash_are_two_and_stay_two() {
        let mut ids = Ids::default();
        let one = ids.intern_hashed("A-1", 7).expect("room");
        let other = ids.intern_hashed("B-1", 7).expect("room");
        assert_ne!(one, other);
        assert_eq!(ids.intern_hashed("A-1", 7).expect("room"), one);
        assert_eq!(ids.intern_hashed("B-1", 7).expect("room"), other);
        assert_eq!((ids.get(one), ids.get(other), ids.len()), ("A-1", "B-1", 2));
    }
}
