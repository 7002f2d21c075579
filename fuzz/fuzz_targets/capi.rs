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
use std::env::{current_dir, set_current_dir, temp_dir};
use std::path::PathBuf;
use std::sync::LazyLock;

/// The fuzzer's folder, and that of the programs' files.
static FOLDERS: LazyLock<(PathBuf, PathBuf)> = LazyLock::new(|| {
    let files = temp_dir().join(format!("trommel-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&files).expect("the temporary folder can be written to");
    (current_dir().expect("the fuzzer is somewhere"), files)
});

fuzz_target!(|program: &[u8]| {
    let (fuzzer, files) = &*FOLDERS;
    set_current_dir(files).expect("it was made before");
    abi::world::play(program);
    // The fuzzer names its corpus relatively.
    set_current_dir(fuzzer).expect("it was there before");
});
