//! An image: its layers looked at one by one, then laid over each other.

pub(super) mod base;
pub(super) mod behind_links;
mod by_hash;
pub(super) mod each_layer;
pub(super) mod engine;
pub(super) mod facts;
mod hard_linked;
pub(super) mod hash_codec;
pub(super) mod inodes;
pub(super) mod interest;
pub(super) mod landing;
pub(super) mod layer_cache;
pub(super) mod layout;
pub(super) mod links;
pub(super) mod merge;
pub(super) mod owners;
pub(super) mod paths;
pub(super) mod progress;
pub(super) mod requests;
pub(super) mod scan;
pub(super) mod second_look;
pub(super) mod sink;
pub(super) mod streamed;
mod view;
