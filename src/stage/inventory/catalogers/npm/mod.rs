//! Packages of JavaScript: installed ones, and the lock files of npm, pnpm and yarn.

mod component;
pub mod installed;
pub mod lock_files;
pub mod manifest;
#[cfg(test)]
mod tests;
