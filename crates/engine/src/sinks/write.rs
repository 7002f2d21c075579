//! Bytes to any `Write`.

use crate::error::{Error, ErrorKind, Result};
use crate::sink::{Encode, Sink};
use std::fmt;

/// Appends emitted `&[u8]` and `&str` to a writer, a whole page at a time: the writer needs no
/// buffer of its own.
///
/// ```
/// use trommel::{Engine, Pipeline, sinks, sources};
/// let mut file = sinks::write(Vec::new());
/// Pipeline::from(sources::generate(3, |id| id))
///     .transform(|id, out| {
///         let line = out.text().int(id).char('\n').finish();
///         out.emit(line)
///     })
///     .load_into(&mut file)
///     .run(&Engine::new()?)?;
/// assert_eq!(file.into_inner(), b"0\n1\n2\n");
/// # Ok::<(), trommel::Error>(())
/// ```
pub fn write<W: std::io::Write + Send>(writer: W) -> Write<W> {
    Write { writer }
}

/// See [`write()`].
pub struct Write<W> {
    writer: W,
}

impl<W> Write<W> {
    /// The writer.
    pub fn into_inner(self) -> W {
        self.writer
    }
}

impl<W: std::io::Write + Send> Sink for Write<W> {
    type Page = Vec<u8>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, page: &mut Vec<u8>) -> Result<()> {
        self.writer.write_all(page).map_err(failed)
    }

    fn finish(&mut self) -> Result<()> {
        self.writer.flush().map_err(failed)
    }
}

/// Fatal even where the writer might accept more later: part of the page may have been written.
fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "writing failed").caused_by(error)
}

impl<W: std::io::Write + Send> Encode<&[u8]> for Write<W> {
    #[inline]
    fn encode(_: &(), page: &mut Vec<u8>, value: &[u8]) -> Result<()> {
        page.extend_from_slice(value);
        Ok(())
    }
}

impl<W: std::io::Write + Send> Encode<&str> for Write<W> {
    #[inline]
    fn encode(_: &(), page: &mut Vec<u8>, value: &str) -> Result<()> {
        page.extend_from_slice(value.as_bytes());
        Ok(())
    }
}

impl<W> fmt::Debug for Write<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Write")
    }
}
