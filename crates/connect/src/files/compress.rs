//! Compression of the output, a page at a time.

use crate::input::Compression;
use std::fmt;
use trommel::{Error, Result};

impl Compression {
    /// The extension that says so, with its dot.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Compression::Gzip(_) => ".gz",
            Compression::Zstd(_) => ".zst",
            _ => "",
        }
    }

    /// Whether output is compressed.
    pub(super) fn packs(self) -> bool {
        matches!(self, Compression::Gzip(_) | Compression::Zstd(_))
    }

    /// Checks that it can be written: the level, and that it was compiled in.
    pub(crate) fn check(self) -> Result<()> {
        let refuse = |message: String| Err(Error::config(message));
        match self {
            Compression::Gzip(_) if cfg!(not(feature = "gzip")) => {
                refuse("compression: gzip needs the feature `gzip` of trommel-connect".into())
            }
            Compression::Zstd(_) if cfg!(not(feature = "zstd")) => {
                refuse("compression: zstd needs the feature `zstd` of trommel-connect".into())
            }
            Compression::Gzip(level @ 10..) => {
                refuse(format!("compression: gzip has levels from 0 to 9, not {level}"))
            }
            Compression::Zstd(level) if !(-7..=22).contains(&level) => {
                refuse(format!("compression: zstd has levels from -7 to 22, not {level}"))
            }
            Compression::Bzip2 | Compression::Lz4 | Compression::Xz => refuse(format!(
                "compression: {} is read but not written: choose gzip, zstd, or none \
                 (`compression`)",
                self.name()
            )),
            _ => Ok(()),
        }
    }
}

/// The state of a compressor, kept from page to page: it is larger than most pages.
#[derive(Default)]
pub(super) struct Packer {
    #[cfg(feature = "gzip")]
    gzip: Option<(u8, flate2::Compress)>,
    #[cfg(feature = "zstd")]
    zstd: Option<(i8, zstd::bulk::Compressor<'static>)>,
}

impl Packer {
    /// Replaces `packed` by one member or frame that holds `data`.
    ///
    /// # Panics
    /// When the compressor fails, which it has no reason to: memory is the only thing it asks for.
    pub(super) fn pack(&mut self, compression: Compression, data: &[u8], packed: &mut Vec<u8>) {
        packed.clear();
        match compression {
            #[cfg(feature = "gzip")]
            Compression::Gzip(level) => self.gzip(level, data, packed),
            #[cfg(feature = "zstd")]
            Compression::Zstd(level) => self.zstd(level, data, packed),
            _ => packed.extend_from_slice(data),
        }
    }

    /// RFC 1952: ten bytes of header without name and time, deflated data, CRC-32, length.
    #[cfg(feature = "gzip")]
    fn gzip(&mut self, level: u8, data: &[u8], packed: &mut Vec<u8>) {
        use flate2::{Compress, FlushCompress, Status};
        let known = self.gzip.take_if(|(known, _)| *known == level);
        let (_, mut compress) = known.unwrap_or_else(|| {
            (level, Compress::new(flate2::Compression::new(level.into()), false))
        });
        compress.reset();
        packed.extend_from_slice(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff");
        packed.reserve(data.len() / 2 + 64);
        loop {
            let done = compress.total_in() as usize;
            match compress.compress_vec(&data[done..], packed, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => break,
                Ok(_) => packed.reserve(data.len() / 4 + 64),
                Err(error) => panic!("deflate failed: {error}"),
            }
        }
        let mut crc = flate2::Crc::new();
        crc.update(data);
        packed.extend_from_slice(&crc.sum().to_le_bytes());
        packed.extend_from_slice(&(data.len() as u32).to_le_bytes());
        self.gzip = Some((level, compress));
    }

    #[cfg(feature = "zstd")]
    fn zstd(&mut self, level: i8, data: &[u8], packed: &mut Vec<u8>) {
        let known = self.zstd.take_if(|(known, _)| *known == level);
        let (_, mut compressor) = known.unwrap_or_else(|| {
            let made = zstd::bulk::Compressor::new(level.into());
            (level, made.expect("a zstd compressor takes nothing but memory"))
        });
        packed.reserve(zstd::zstd_safe::compress_bound(data.len()));
        compressor.compress_to_buffer(data, packed).expect("the bound leaves enough room");
        self.zstd = Some((level, compressor));
    }
}

/// Reads a file that was written so.
pub(crate) fn open_compressed(
    path: &std::path::Path,
    compression: Compression,
) -> Result<Box<dyn std::io::Read + Send>> {
    let file =
        std::fs::File::open(path).map_err(|error| super::place::explain("read", path, error))?;
    compression.decoder(file, Default::default(), &path.display().to_string())
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Packer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(feature = "gzip", feature = "zstd"))]
    #[test]
    fn what_cannot_be_written_is_refused() {
        let error = Compression::Gzip(10).check().unwrap_err();
        assert!(error.to_string().contains("from 0 to 9"), "{error}");
        assert!(Compression::Zstd(-8).check().is_err());
        assert!(Compression::Zstd(-7).check().is_ok());
        let error = Compression::of_path("a.csv.bz2").check().unwrap_err();
        assert!(error.to_string().contains("not written"), "{error}");
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn members_follow_on_each_other() {
        use std::io::Read;
        let (mut packer, mut packed, mut file) = (Packer::default(), Vec::new(), Vec::new());
        let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(n) >> 3) as u8).collect();
        for (level, data) in [(6, &noise[..]), (6, b""), (0, &noise), (9, b"end")] {
            packer.pack(Compression::Gzip(level), data, &mut packed);
            file.extend_from_slice(&packed);
        }
        let mut read = Vec::new();
        flate2::read::MultiGzDecoder::new(&file[..]).read_to_end(&mut read).unwrap();
        assert_eq!(read, [&noise[..], &noise, b"end"].concat());
    }
}
