//! Compressed input.

use super::head::{self, Head, foreign};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use trommel::{Error, Result};

/// Compressed bytes read at once.
const READ: usize = 64 * 1024;

/// How a file is compressed, or is to be.
///
/// Each method is a Cargo feature of its name in small letters; one that the program was built
/// without is an error when the source is opened or the sink starts. gzip and zstd are written as
/// well: each page becomes a gzip member or a zstd frame of its own, in the worker that made the
/// page, so compression is as parallel as the transform. Every reader of gzip and zstd reads such
/// files as one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// By the extension of a file: `.gz`, `.zst` (or `.zstd`), `.bz2`, `.lz4`, `.xz`; anything else
    /// is not compressed, nor is a reader, a writer or standard input. What is read and begins like
    /// something compressed, or like UTF-16, is an error that says so, and so is a file whose
    /// extension stands for another method (`.br`, `.zip`, `.Z`, …).
    #[default]
    Auto,
    /// Not compressed, whatever it is called and begins with.
    None,
    /// gzip, of any number of members; written at this level from 0 to 9.
    Gzip(u8),
    /// Zstandard, of any number of frames; written at this level from -7 (fastest) to 22.
    Zstd(i8),
    /// bzip2, of any number of streams. Only read.
    Bzip2,
    /// LZ4 in the frame format, of any number of frames. Only read.
    Lz4,
    /// xz, of any number of streams. Only read.
    Xz,
}

impl Compression {
    /// gzip at its usual level, 6.
    pub const GZIP: Self = Compression::Gzip(6);
    /// zstd at its usual level, 3.
    pub const ZSTD: Self = Compression::Zstd(3);

    /// The method that the extension of `path` stands for; [`None`](Self::None) for any other.
    ///
    /// ```
    /// # #[cfg(feature = "csv")] {
    /// use trommel_connect::input::Compression;
    /// assert_eq!(Compression::of_path("flights.csv.gz"), Compression::GZIP);
    /// assert_eq!(Compression::of_path("flights.csv"), Compression::None);
    /// # }
    /// ```
    pub fn of_path(path: impl AsRef<Path>) -> Self {
        let extension = path.as_ref().extension().and_then(|it| it.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "gz" => Compression::GZIP,
            "zst" | "zstd" => Compression::ZSTD,
            "bz2" => Compression::Bzip2,
            "lz4" => Compression::Lz4,
            "xz" => Compression::Xz,
            _ => Compression::None,
        }
    }

    /// What it comes to for a file, or for a reader, which has no path. What comes to no method stays
    /// [`Auto`](Self::Auto), so that the first bytes can be looked at.
    pub(super) fn resolve(self, path: Option<&Path>) -> Result<Self> {
        let (Compression::Auto, Some(path)) = (self, path) else { return Ok(self) };
        match Self::of_path(path) {
            Compression::None => {}
            method => return Ok(method),
        }
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        match foreign(&extension.to_ascii_lowercase()) {
            None => Ok(Compression::Auto),
            Some((name, tool)) => Err(Error::config(format!(
                "compression: {} is {name} by its name, which is not read here: unpack it first, \
                 with `{tool}`, say, or `Compression::None` if it is text all the same",
                path.display()
            ))),
        }
    }

    /// Whether there is a method by which to decompress.
    pub(super) fn is_some(self) -> bool {
        !matches!(self, Compression::Auto | Compression::None)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Compression::Auto | Compression::None => "uncompressed",
            Compression::Gzip(_) => "gzip",
            Compression::Zstd(_) => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Lz4 => "lz4",
            Compression::Xz => "xz",
        }
    }

    /// The content of `reader`, decompressed; it counts the compressed bytes in `taken`.
    #[allow(unreachable_code, unused_variables, reason = "without any method built in")]
    pub(crate) fn decoder(
        self,
        reader: impl Read + Send + 'static,
        taken: Arc<AtomicU64>,
        source: &str,
    ) -> Result<Box<dyn Read + Send>> {
        let head = Arc::new(Mutex::new(Vec::new()));
        let counted = Counted { reader, taken: Arc::clone(&taken), head: Arc::clone(&head) };
        let decoder: Box<dyn Read + Send> = match self {
            Compression::Auto | Compression::None => return Ok(Box::new(counted)),
            #[cfg(feature = "gzip")]
            Compression::Gzip(_) => {
                Box::new(flate2::bufread::MultiGzDecoder::new(buffered(counted)))
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd(_) => {
                let decoder = zstd::stream::read::Decoder::with_buffer(buffered(counted));
                Box::new(decoder.map_err(|error| {
                    Error::fatal("cannot start the zstd decoder").caused_by(error)
                })?)
            }
            #[cfg(feature = "bzip2")]
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered(counted))),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => Box::new(super::lz4::Frames::new(buffered(counted))),
            #[cfg(feature = "xz")]
            Compression::Xz => Box::new(lzma_rust2::XzReader::new(buffered(counted), true)),
            #[allow(unreachable_patterns, reason = "all methods may be built in")]
            _ => {
                let name = self.name();
                let message = format!(
                    "compression: {source} is {name}, and this program was built without the \
                     feature `{name}` of trommel-connect"
                );
                return Err(Error::config(message));
            }
        };
        Ok(Box::new(Decoder { decoder, name: self.name(), taken, head, failed: false }))
    }
}

#[allow(dead_code, reason = "used by whatever methods are built in")]
fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(READ, reader)
}

/// Counts what is read, and keeps its first bytes.
struct Counted<R> {
    reader: R,
    taken: Arc<AtomicU64>,
    head: Arc<Mutex<Vec<u8>>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(space)?;
        let before = self.taken.fetch_add(count as u64, Ordering::Relaxed);
        if before < head::LONGEST as u64 {
            let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
            let missing = head::LONGEST.saturating_sub(head.len());
            head.extend_from_slice(&space[..count.min(missing)]);
        }
        Ok(count)
    }
}

/// A decoder that says where it failed, and goes on failing: what a decoder gives after an error is
/// not to be trusted.
struct Decoder {
    decoder: Box<dyn Read + Send>,
    name: &'static str,
    taken: Arc<AtomicU64>,
    head: Arc<Mutex<Vec<u8>>>,
    failed: bool,
}

impl Read for Decoder {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let name = self.name;
        if self.failed {
            return Err(io::Error::other(format!("the {name} stream was damaged before")));
        }
        self.decoder.read(space).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            self.failed = true;
            let at = self.taken.load(Ordering::Relaxed);
            let what = match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    format!("the {name} stream ends too early: it was cut off")
                }
                _ => format!("not a sound {name} stream"),
            };
            let mut message =
                format!("{what} (at or up to 64 KiB before compressed byte {at}): {error}");
            let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(remedy) = Head::of(&head, true).remedy(name) {
                message = format!("{message}; {remedy}");
            }
            io::Error::new(error.kind(), message)
        })
    }
}
