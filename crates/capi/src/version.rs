//! Which version this is, and what was built in.

use crate::boundary::export;
use crate::error::c_text;
use std::ffi::{CString, c_char};
use std::sync::LazyLock;

/// Major, minor and patch version of the package as one number: 1.2.3 is 1002003.
pub const ABI_VERSION: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
    + number(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
    + number(env!("CARGO_PKG_VERSION_PATCH"));

const fn number(digits: &str) -> u32 {
    let (digits, mut number, mut index) = (digits.as_bytes(), 0, 0);
    while index < digits.len() {
        number = number * 10 + (digits[index] - b'0') as u32;
        index += 1;
    }
    number
}

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// The parts that were built in, separated by blanks.
const FEATURES: &[(&str, bool)] = &[
    ("arrow", cfg!(feature = "arrow")),
    ("bzip2", cfg!(feature = "bzip2")),
    ("csv", cfg!(feature = "csv")),
    ("gzip", cfg!(feature = "gzip")),
    ("http", cfg!(feature = "http")),
    ("lines", cfg!(feature = "lines")),
    ("lz4", cfg!(feature = "lz4")),
    ("ndjson", cfg!(feature = "ndjson")),
    ("parquet", cfg!(feature = "parquet")),
    ("postgres", cfg!(feature = "postgres-common")),
    ("socket", cfg!(feature = "socket")),
    ("sqlite", cfg!(feature = "sqlite")),
    ("xz", cfg!(feature = "xz")),
    ("zstd", cfg!(feature = "zstd")),
];

static BUILT_IN: LazyLock<CString> = LazyLock::new(|| {
    let names = FEATURES.iter().filter(|(_, built)| *built).map(|(name, _)| *name);
    c_text(&names.collect::<Vec<_>>().join(" "))
});

export! {
    /// [`ABI_VERSION`].
    value fn trommel_abi_version() -> u32, or ABI_VERSION => { Some(ABI_VERSION) }

    /// The version as text.
    value fn trommel_version() -> *const c_char, or VERSION.as_ptr().cast() => {
        Some(VERSION.as_ptr().cast())
    }

    /// The parts that were built in, separated by blanks.
    value fn trommel_features() -> *const c_char, or c"".as_ptr() => {
        Some(BUILT_IN.as_ptr())
    }
}
