//! Version orderings, one file each. Each says which tool it agrees with.

pub mod dpkg;
