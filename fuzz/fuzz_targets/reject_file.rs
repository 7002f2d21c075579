//! Whatever is in a reject file: each line is a reject or an error that names it, what is a reject
//! can be written and read again, and a replay gives the rows up to the first error.

#![no_main]

#[path = "../../crates/connect/tests/rejects_support/mod.rs"]
mod rejects_support;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());

fuzz_target!(|input: &[u8]| rejects_support::check(FOLDER.path(), input));
