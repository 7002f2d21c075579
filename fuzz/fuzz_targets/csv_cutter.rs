//! Whatever the options, the bytes and the places at which they are cut: `csv::Source` and the `csv`
//! crate see the same rows at the same places.
//!
//! The first bytes of the input make the case, the rest is the file.

#![no_main]

#[path = "../../crates/connect/tests/csv_support/mod.rs"]
mod csv_support;

use csv_support::{Case, compare};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Some((seed, data)) = input.split_first_chunk::<{ Case::BYTES }>() {
        compare(&Case::from_bytes(*seed), data);
    }
});
