//! The RLE and bit-packing hybrid: how Parquet lays down keys and definition levels.
//!
//! Runs of one value are a count and the value; between them, values lie packed in groups of eight.

/// Equal values that are worth a run of their own. Groups of eight are looked at, so a run that is
/// found has at least one group; shorter ones cost more than they save.
const WORTH_A_RUN: usize = 16;

/// Appends values of `width` bits.
pub(super) fn encode(values: &[u32], width: u32, into: &mut Vec<u8>) {
    let (mut packed, mut at) = (0, 0);
    while at + WORTH_A_RUN <= values.len() {
        let value = values[at];
        // Most columns have no runs: one look at a group tells.
        if values[at + 1] != value || values[at..at + WORTH_A_RUN].iter().any(|v| *v != value) {
            at += 8;
            continue;
        }
        let rest = &values[at..];
        let run = rest.iter().position(|other| *other != value).unwrap_or(rest.len());
        pack(&values[packed..at], width, into);
        repeat(value, run, width, into);
        at += run;
        packed = at;
    }
    pack(&values[packed..], width, into);
}

/// Appends `count` times a value.
pub(super) fn repeat(value: u32, count: usize, width: u32, into: &mut Vec<u8>) {
    varint((count as u64) << 1, into);
    into.extend_from_slice(&value.to_le_bytes()[..width.div_ceil(8) as usize]);
}

fn pack(values: &[u32], width: u32, into: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, into);
    into.reserve(groups * width as usize);
    let (mut bits, mut held) = (0_u64, 0);
    // The last group is filled up with zeros.
    for value in values.iter().copied().chain(std::iter::repeat_n(0, groups * 8 - values.len())) {
        bits |= u64::from(value) << held;
        held += width;
        if held >= 32 {
            into.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            held -= 32;
        }
    }
    into.extend_from_slice(&bits.to_le_bytes()[..held.div_ceil(8) as usize]);
}

fn varint(mut number: u64, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the format describes it.
    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[0];
                bytes = &bytes[1..];
                header |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            let number = (header >> 1) as usize;
            if header & 1 == 1 {
                for index in 0..number * 8 {
                    let bit = |bit: usize| u32::from(bytes[bit / 8] >> (bit % 8) & 1);
                    let at = index * width as usize;
                    values.push((0..width as usize).map(|b| bit(at + b) << b).sum());
                }
                bytes = &bytes[number * width as usize..];
            } else {
                let length = width.div_ceil(8) as usize;
                let mut value = [0; 4];
                value[..length].copy_from_slice(&bytes[..length]);
                bytes = &bytes[length..];
                values.extend(std::iter::repeat_n(u32::from_le_bytes(value), number));
            }
        }
        assert!(bytes.is_empty(), "{} bytes left", bytes.len());
        values.truncate(count);
        values
    }

    #[test]
    fn what_is_encoded_is_decoded_whatever_the_width_and_the_runs() {
        let mut random = fastrand::Rng::with_seed(7);
        for width in 0..=32_u32 {
            let mask = u32::MAX.checked_shr(32 - width).unwrap_or(0);
            for length in [0, 1, 7, 8, 9, 15, 16, 17, 31, 100, 1000] {
                for longest in [1, 3, 40, 2000] {
                    let mut values = Vec::new();
                    while values.len() < length {
                        let run = random.usize(1..=longest);
                        values.extend(std::iter::repeat_n(random.u32(..) & mask, run));
                    }
                    values.truncate(length);
                    let mut bytes = Vec::new();
                    encode(&values, width, &mut bytes);
                    assert_eq!(decode(&bytes, width, length), values, "{width} bits, {length}");
                }
            }
        }
    }

    #[test]
    fn a_run_takes_a_few_bytes() {
        let mut bytes = Vec::new();
        encode(&[5; 100_000], 12, &mut bytes);
        assert!(bytes.len() <= 5, "{bytes:?}");
    }
}
