//! The notations of package managers' lock files, as far as they are no standard ones. Takes text. Gives what stands in it, borrowed.
//! Invariant: what is not understood is told, never passed over in silence.

pub mod yaml;
pub mod yarn;
