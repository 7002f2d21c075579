//! What the sources of bytes have in common: files and streams, one or many, compressed or not, cut
//! into blocks of whole records.
//!
//! A format says where its records end (`Cut`); everything else (reading, waiting, growing,
//! passing over what is too large, counting records, lines and bytes) is here. What programs see of
//! it is [`Compression`].

mod block;
mod bytes;
mod compression;
mod cut;
mod feed;
mod files;
mod inputs;
#[cfg(feature = "lz4")]
mod lz4;
mod place;
mod position;
mod shared;
mod skip;
mod window;

pub use compression::Compression;

pub(crate) use block::Block;
pub(crate) use cut::{Cut, scanned};
pub(crate) use feed::Feeder;
pub(crate) use inputs::Inputs;
pub(crate) use place::Place;
pub(crate) use shared::{LARGEST_BLOCK, forward_feeder, open_by_default, open_inputs};
