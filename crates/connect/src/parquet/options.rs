//! What a file shall be like.

use parquet::basic::{self, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use trommel::{Error, Result};

/// How the pages of a file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// Snappy: quick, and what every reader knows.
    Snappy,
    /// Zstandard at a level from 1 to 22.
    Zstd(i32),
}

impl Default for Compression {
    fn default() -> Self {
        Compression::Zstd(1)
    }
}

impl Compression {
    /// What the file says of it.
    pub(super) fn stored(self) -> Result<basic::Compression> {
        Ok(match self {
            Compression::None => basic::Compression::UNCOMPRESSED,
            Compression::Snappy => basic::Compression::SNAPPY,
            Compression::Zstd(level) => {
                basic::Compression::ZSTD(ZstdLevel::try_new(level).map_err(|error| {
                    Error::config(format!("compression: zstd has no level {level}"))
                        .caused_by(error)
                })?)
            }
        })
    }
}

/// For what smallest and largest values and null counts are kept, which let readers pass over what
/// they don't need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Statistics {
    /// For nothing.
    None,
    /// For each column of a row group.
    RowGroup,
    /// Also for each page.
    #[default]
    Page,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) compression: Compression,
    pub(super) statistics: Statistics,
    pub(super) row_group_rows: usize,
    pub(super) part_rows: usize,
    pub(super) verify: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            compression: Compression::default(),
            statistics: Statistics::default(),
            row_group_rows: 1 << 17,
            part_rows: 1 << 20,
            verify: false,
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<()> {
        if self.row_group_rows == 0 {
            return Err(Error::config("row_group_rows: 0 rows make no row group; give at least 1"));
        }
        if self.part_rows == 0 {
            return Err(Error::config("part_rows: 0 rows make no part; give at least 1"));
        }
        self.properties().map(drop)
    }

    pub(super) fn properties(&self) -> Result<WriterProperties> {
        Ok(WriterProperties::builder()
            .set_compression(self.compression.stored()?)
            .set_statistics_enabled(match self.statistics {
                Statistics::None => EnabledStatistics::None,
                Statistics::RowGroup => EnabledStatistics::Chunk,
                Statistics::Page => EnabledStatistics::Page,
            })
            .set_created_by(concat!("trommel-connect ", env!("CARGO_PKG_VERSION")).to_owned())
            .build())
    }
}
