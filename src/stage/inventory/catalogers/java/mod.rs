//! Java archives, and what they say of which artifacts they are.

mod cataloger;
mod coordinates;
mod programs;
mod properties;
#[cfg(test)]
mod tests;

pub use cataloger::Java;
