//! Whatever the bytes and the places at which they are cut: `ndjson::Source` and a plain loop over
//! `serde_json` see the same rows at the same places, and nothing crashes.
//!
//! The first bytes of the input make the case, the rest is the file.

#![no_main]

#[path = "../../crates/connect/tests/ndjson_support/mod.rs"]
mod ndjson_support;

use libfuzzer_sys::fuzz_target;
use ndjson_support::{Case, compare};

fuzz_target!(|input: &[u8]| {
    if let Some((seed, data)) = input.split_first_chunk::<{ Case::BYTES }>() {
        compare(&Case::from_bytes(*seed), data);
    }
});
