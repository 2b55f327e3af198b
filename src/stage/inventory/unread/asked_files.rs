//! Files that another file asks for, and that the walk did not come to: they are missing, or lie in a folder that is passed over.

use crate::model::coverage::{Gap, GapKind};
use crate::stage::inventory::image::facts::{FileFacts, LayerFacts};

/// A gap for each. Requirements files of pip name each other so; they are read by themselves, where they are of the tree.
pub(in super::super) fn not_reached(facts: &LayerFacts) -> Vec<Gap> {
    let is_list = |file: &&FileFacts| file.path.ends_with(".txt");
    let mut gaps = Vec::new();
    for file in facts.files.iter().filter(is_list) {
        for (asked, _) in &file.needs {
            if !facts.paths.at(asked.as_bytes()).file {
                gaps.push(Gap {
                    kind: GapKind::PartialDatabase,
                    subject: file.path.clone(),
                    detail: format!("it asks for `{asked}`, which is not among the files that were read"),
                    location: None,
                });
            }
        }
    }
    gaps
}
