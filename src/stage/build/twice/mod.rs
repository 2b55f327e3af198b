//! Whether a second build gives the same image, and the first thing that differs.
//!
//! Takes a plan and the image that it gave. Builds again from nothing, beside it. Gives the first difference: the layer, the file, the bytes, and
//! what is most likely behind it. Invariant: the first image stays as it is.

mod cause;
mod check;
mod compare;
mod entries;

pub(super) use check::check;
