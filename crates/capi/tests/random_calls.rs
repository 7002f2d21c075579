//! Random calls in random order within the contract; `fuzz/fuzz_targets/capi.rs` looks for programs
//! that this test does not come upon.
#![cfg(all(feature = "arrow", feature = "csv", feature = "sqlite"))]

mod abi;
mod panics;

// The functions of the header.
use trommel as _;

/// Bytes of a generator with a known sequence.
fn program(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    let length = usize::from(byte()) * 4;
    (0..length).map(|_| byte()).collect()
}

#[test]
fn random_calls_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(&folder).unwrap();
    let programs = std::env::var("TROMMEL_PROGRAMS").ok().and_then(|text| text.parse().ok());
    for seed in 0..programs.unwrap_or(400) {
        println!("seed {seed}");
        abi::world::play(&program(seed));
    }
}
