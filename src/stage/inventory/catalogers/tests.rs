//! The table of catalogers as a whole.

use std::collections::BTreeSet;

use super::{CATALOGERS, Cataloger as _, pinned};

#[test]
fn every_format_of_pins_is_among_the_catalogers_and_no_id_is_there_twice() {
    let ids: BTreeSet<&str> = CATALOGERS.iter().map(|cataloger| cataloger.id()).collect();
    let left_out: Vec<&str> = pinned::LOCK_FILES
        .iter()
        .map(|format| format.id())
        .filter(|id| !ids.contains(id))
        .collect();
    assert_eq!((left_out, ids.len()), (Vec::new(), CATALOGERS.len()));
}
