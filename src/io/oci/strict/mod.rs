//! From bytes to a typed document, and back.

mod decode;
mod refused;

#[cfg(test)]
mod tests;

pub use decode::{decode, to_bytes};
pub use refused::Refused;
