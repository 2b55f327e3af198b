//! Writing a tar in one form: ustar, with one PAX header where a value does not fit. Every reader that we know takes it alike.
//!
//! Source: POSIX pax, "ustar Interchange Format" and "pax Extended Header".

mod field;
mod pax;
mod writer;

pub(in crate::stage::build) use writer::{CanonicalTar, Header};
