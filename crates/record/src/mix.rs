//! The two bit mixers that content and checksums rest on.
//!
//! They are written out here, not taken from a crate, because the records of a seed must stay the
//! same for as long as the crate lives: `tests/generator.rs` pins them.

/// Odd, no bit pattern: the golden ratio in 64 bits, the step of splitmix64.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The splitmix64 finaliser (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014; constants of Stafford's variant 13): a bijection in which every input bit
/// reaches every output bit, so that neighbouring ids give unrelated records.
#[inline]
pub(crate) const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Folded multiplication, as in wyhash: the two halves of the 128-bit product, xor-ed.
#[inline]
pub(crate) const fn fold(left: u64, right: u64) -> u64 {
    let product = (left as u128) * (right as u128);
    (product as u64) ^ ((product >> 64) as u64)
}
