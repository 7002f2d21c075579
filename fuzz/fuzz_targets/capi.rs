//! Random calls of the C ABI in random order, within the contract of `trommel.h`: nothing crashes,
//! hangs or leaks, every `user` is dropped once, and what was read is loaded, rejected, filtered or
//! abandoned.
//!
//! The bytes are the program: which calls, with which arguments, and what the callbacks do.

#![no_main]

#[path = "../../crates/capi/tests/abi/mod.rs"]
mod abi;

// The functions of the header.
use capi as _;

use libfuzzer_sys::fuzz_target;
use std::sync::Once;

/// Where the programs' files lie.
static FOLDER: Once = Once::new();

fuzz_target!(|program: &[u8]| {
    FOLDER.call_once(|| {
        let folder = std::env::temp_dir().join(format!("trommel-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written to");
        std::env::set_current_dir(folder).expect("it was made just now");
    });
    abi::world::play(program);
});
