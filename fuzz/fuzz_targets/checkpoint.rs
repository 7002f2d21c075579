//! Whatever a checkpoint says: the job goes on, or says why it can't.
//!
//! The first byte tells what the rest is: the checkpoint file of a job, or a position as a database
//! stores it.

#![no_main]

#[path = "../../crates/connect/tests/checkpoint_support/mod.rs"]
mod checkpoint_support;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    checkpoint_support::prepare(folder.path());
    folder
});

fuzz_target!(|input: &[u8]| match input.split_first() {
    Some((b'p', position)) => checkpoint_support::seek(FOLDER.path(), position),
    Some((_, text)) => _ = checkpoint_support::go_on(FOLDER.path(), text),
    None => {}
});
