//! Compression of pages.

use super::super::options::Compression;
use parquet::basic;
use parquet::errors::{ParquetError, Result};
use std::cell::RefCell;
use zstd::bulk::Compressor;

/// How pages are compressed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Codec {
    compression: Compression,
    /// What the file says of it.
    pub(super) stored: basic::Compression,
}

thread_local! {
    /// Its tables take long to make, so each thread keeps one.
    static ZSTD: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
}

impl Codec {
    pub(crate) fn new(compression: Compression) -> trommel::Result<Self> {
        Ok(Codec { compression, stored: compression.stored()? })
    }

    pub(super) fn compress(self, page: Vec<u8>) -> Result<Vec<u8>> {
        match self.compression {
            Compression::None => Ok(page),
            Compression::Snappy => snap::raw::Encoder::new()
                .compress_vec(&page)
                .map_err(|error| ParquetError::External(Box::new(error))),
            Compression::Zstd(level) => ZSTD
                .with_borrow_mut(|kept| {
                    let compressor = match kept {
                        Some((of, compressor)) if *of == level => compressor,
                        other => &mut other.insert((level, Compressor::new(level)?)).1,
                    };
                    compressor.compress(&page)
                })
                .map_err(|error| ParquetError::External(Box::new(error))),
        }
    }
}
