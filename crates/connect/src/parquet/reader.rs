//! One file that several workers read at once.

use crate::arrow::at::At;
use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

/// A handle on a file, read by offset: the file's own position, which all handles share, is left
/// alone. The length is that of the moment when it was opened.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) file: Arc<File>,
    pub(super) length: u64,
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Shared {
    type T = BufReader<At>;

    fn get_read(&self, start: u64) -> Result<BufReader<At>> {
        Ok(BufReader::new(At::new(&self.file, start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        // A damaged footer may ask for more than there is.
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            let error = io::Error::from(io::ErrorKind::UnexpectedEof);
            return Err(error.into());
        }
        let mut bytes = vec![0; length];
        At::new(&self.file, start).read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
