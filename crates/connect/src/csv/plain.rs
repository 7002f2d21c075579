//! Fields that need no closer look, for destinations that take them over as they are.

use super::number;
use super::shape::Nulls;

/// A field that is all that lies between two delimiters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<'a> {
    /// The block from the field on.
    rest: &'a [u8],
    length: usize,
    nulls: &'a Nulls,
}

impl<'a> Plain<'a> {
    /// The field at `from..to` of `block`; `None` when it ends behind the block, which none does.
    #[inline(always)]
    pub(super) fn new(
        block: &'a [u8],
        (from, to): (usize, usize),
        nulls: &'a Nulls,
    ) -> Option<Self> {
        let length = to.wrapping_sub(from);
        let rest = block.get(from..)?;
        (length <= rest.len()).then_some(Plain { rest, length, nulls })
    }

    #[inline(always)]
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    #[inline(always)]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        &self.rest[..self.length]
    }

    /// As many bytes from the field's start on, whatever is behind it, if the block has them.
    #[inline(always)]
    pub(crate) fn chunk<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.rest.first_chunk()
    }

    #[inline(always)]
    pub(crate) fn is_null(&self) -> bool {
        self.nulls.may_be(self.length) && self.nulls.contains(self.bytes())
    }

    /// The whole number that the field is, if it has no more than eight digits.
    #[inline(always)]
    pub(crate) fn short_number(&self) -> Option<i32> {
        number::signed(u64::from_le_bytes(*self.chunk()?), self.length)
    }
}
