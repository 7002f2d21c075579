//! Where certain bytes stand among 64: one bit per byte, the first byte being the lowest bit.

/// Bytes looked at in one go.
pub(super) const LANES: usize = 64;

/// Bits of the bytes that equal one of `wanted`.
///
/// The comparisons become vector instructions; the one that gathers their results would need `unsafe`,
/// so that is done eight bytes at a time in plain arithmetic.
#[inline(always)]
pub(super) fn any_of<const N: usize>(chunk: &[u8; LANES], wanted: [u8; N]) -> u64 {
    // Moves the lowest bit of each byte to its place in the top byte; no two meet.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let hits = chunk.map(|byte| wanted.iter().fold(0, |hit, other| hit | u8::from(byte == *other)));
    let (words, _) = hits.as_chunks::<8>();
    (0..).zip(words).fold(0, |mask, (index, word)| {
        mask | (u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56) << (index * 8)
    })
}

/// Bits that have an odd number of set bits at and below them: with quotes set, those from an opening
/// quote up to the byte before the closing one.
#[inline(always)]
pub(super) fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Bits of the lanes from `from` on, of which `length` hold data.
#[inline(always)]
pub(super) fn valid(from: usize, length: usize) -> u64 {
    let until = match length < LANES {
        true => (1 << length) - 1,
        false => u64::MAX,
    };
    u64::MAX << from & until
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_byte_and_no_other() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let alphabet = [0, 1, b',', b'-', b'\n', 0x0b, 0x80, 0xac, 0xff, b'"', b'#'];
            let chunk: [u8; LANES] =
                std::array::from_fn(|_| alphabet[random.usize(..alphabet.len())]);
            let wanted = [b',', b'\n', b'"'];
            let naive =
                (0..LANES).fold(0, |mask, at| mask | u64::from(wanted.contains(&chunk[at])) << at);
            assert_eq!(any_of(&chunk, wanted), naive);
            let naive = (0..LANES).fold(0, |mask, at| mask | u64::from(chunk[at] == 0x80) << at);
            assert_eq!(any_of(&chunk, [0x80]), naive);
        }
    }
}
