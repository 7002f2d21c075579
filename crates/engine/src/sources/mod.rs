//! Sources of records that a program has or makes itself.

mod channel;
mod generate;
mod iter;
mod slice;

pub use channel::{Channel, ChannelBatch, channel};
pub use generate::{
    Generate, GenerateBatch, GenerateIn, GenerateInBatch, Generator, generate, generate_in,
};
pub use iter::{Iter, OwnedBatch, OwnedIter, iter};
pub use slice::{Slice, SliceBatch, SliceMut, SliceMutBatch, slice, slice_mut};
