//! What the footer will say of row groups that are written, held as compactly as it will lie there.
//!
//! The crate's own writer keeps its structures until the file ends: some 1.7 KB a column and row
//! group, page indexes included, which makes a load of many row groups grow with its input. Here a
//! row group that is done becomes the bytes of its Thrift structures at once, an eighth of that. Those
//! that say where its page indexes lie count from their own start, since the indexes of all row
//! groups come last in the file; at the end each row group is taken up once more, alone, and told
//! where they came to lie.
//!
//! The crate writes and reads whole footers only. So a row group is written as a footer of its own,
//! and cut out of it:
//!
//! ```text
//! head                  | rows          | row groups           | tail
//! version, schema         0x16 number     0x19 list, elements    metadata, creator, orders
//! ```

use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::page_index::PageIndexBuilder;
use parquet::file::metadata::{
    FileMetaData, ParquetMetaDataBuilder, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::SchemaDescPtr;
use std::io::Write;
use std::sync::Arc;

/// Begins a file, and ends it, behind the footer and its length.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";
/// Field 3, the rows of the file, a number; and field 4, its row groups, a list.
const ROWS: u8 = 0x16;
const GROUPS: u8 = 0x19;
/// The element type of a list of structures.
const STRUCTS: u8 = 0x0c;

/// The footer of a file that is being written.
pub(super) struct Footer {
    about: FileMetaData,
    /// What lies before the number of rows and behind the last row group.
    head: Vec<u8>,
    tail: Vec<u8>,
    groups: Vec<Group>,
    rows: u64,
}

/// A row group that is written.
struct Group {
    /// Its column indexes, its offset indexes, and what the footer says of it.
    bytes: Box<[u8]>,
    /// Where the second and the third begin.
    offsets: usize,
    about: usize,
}

impl Footer {
    pub(super) fn new(schema: SchemaDescPtr, properties: &WriterProperties) -> Result<Self> {
        let about = FileMetaData::new(
            properties.writer_version().as_num(),
            0,
            Some(properties.created_by().to_owned()),
            properties.key_value_metadata().cloned(),
            schema,
            None,
        );
        let mut footer = Footer { about, head: vec![], tail: vec![], groups: vec![], rows: 0 };
        let (empty, _) = footer.written(vec![], None)?;
        // Texts behind it hold no such bytes.
        let nothing = [ROWS, 0, GROUPS, STRUCTS];
        let at = empty.windows(nothing.len()).rposition(|bytes| bytes == nothing);
        let at = at.ok_or_else(unknown)?;
        footer.tail = empty[at + nothing.len()..].to_vec();
        footer.head = empty;
        footer.head.truncate(at);
        Ok(footer)
    }

    /// Row groups so far.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Notes a row group that has been written, and what is known of its pages, by column.
    pub(super) fn add(
        &mut self,
        group: RowGroupMetaData,
        columns: Vec<Option<ColumnIndexMetaData>>,
        offsets: Vec<Option<OffsetIndexMetaData>>,
    ) -> Result<()> {
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let mut index = PageIndexBuilder::new(1, columns.len());
        for (column, (about, offsets)) in columns.into_iter().zip(offsets).enumerate() {
            if let Some(about) = about {
                index.put_column_index(about, 0, column);
            }
            if let Some(offsets) = offsets {
                index.put_offset_index(offsets, 0, column);
            }
        }
        let (footer, mut bytes) = self.written(vec![group], Some(index))?;
        let about = bytes.len();
        bytes.extend_from_slice(self.cut_out(&footer, rows)?);
        let known = self.read(&bytes[about..])?;
        let offsets =
            known.columns().iter().filter_map(|column| column.offset_index_offset()).min();
        let offsets = offsets.map_or(about, |offset| offset as usize);
        self.groups.push(Group { bytes: bytes.into(), offsets, about });
        self.rows += rows;
        Ok(())
    }

    /// Writes page indexes and footer, which end the file.
    pub(super) fn write<W: Write>(self, file: &mut TrackedWrite<W>) -> Result<()> {
        // Those of one kind together, since readers take all of a kind at once.
        let mut places = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            places.push([file.bytes_written() as i64, 0]);
            file.write_all(&group.bytes[..group.offsets])?;
        }
        for (group, place) in self.groups.iter().zip(&mut places) {
            place[1] = (file.bytes_written() - group.offsets) as i64;
            file.write_all(&group.bytes[group.offsets..group.about])?;
        }
        let start = file.bytes_written();
        file.write_all(&self.head)?;
        file.write_all(&[ROWS])?;
        file.write_all(&number(self.rows << 1))?;
        file.write_all(&[GROUPS])?;
        match self.groups.len() {
            count @ 0..15 => file.write_all(&[(count as u8) << 4 | STRUCTS])?,
            count => {
                file.write_all(&[0xf0 | STRUCTS])?;
                file.write_all(&number(count as u64))?;
            }
        }
        for (group, place) in self.groups.iter().zip(places) {
            let moved = self.moved(&group.bytes[group.about..], place)?;
            let rows = u64::try_from(moved.num_rows()).unwrap_or(0);
            let (footer, _) = self.written(vec![moved], None)?;
            file.write_all(self.cut_out(&footer, rows)?)?;
        }
        file.write_all(&self.tail)?;
        let length = u32::try_from(file.bytes_written() - start).map_err(|_| {
            ParquetError::General("the footer has more than 4 GiB: use larger row groups".into())
        })?;
        file.write_all(&length.to_le_bytes())?;
        file.write_all(MAGIC)?;
        Ok(())
    }

    /// A row group that has been cut out of its footer.
    fn read(&self, group: &[u8]) -> Result<RowGroupMetaData> {
        let mut footer = self.head.clone();
        footer.extend_from_slice(&[ROWS, 0, GROUPS, 1 << 4 | STRUCTS]);
        footer.extend_from_slice(group);
        footer.extend_from_slice(&self.tail);
        let options = ParquetMetaDataOptions::new()
            .with_schema(self.about.schema_descr_ptr())
            .with_encoding_stats_as_mask(false);
        let metadata =
            ParquetMetaDataReader::decode_metadata_with_options(&footer, Some(&options))?;
        metadata.row_groups().first().cloned().ok_or_else(unknown)
    }

    /// The same, with its column and offset indexes moved by so many bytes.
    fn moved(&self, group: &[u8], by: [i64; 2]) -> Result<RowGroupMetaData> {
        let group = self.read(group)?;
        let moved = |offset: Option<i64>, by: i64| offset.map(|offset| offset + by);
        let columns = group.columns().iter().map(|column| {
            let (index, offsets) = (column.column_index_offset(), column.offset_index_offset());
            let mut builder = column.clone().into_builder();
            if let Some(statistics) = column.statistics() {
                let is_signed = column.column_descr().sort_order().is_signed();
                builder = builder.set_statistics(for_old_readers(statistics.clone(), is_signed));
            }
            builder
                .set_column_index_offset(moved(index, by[0]))
                .set_offset_index_offset(moved(offsets, by[1]))
                .build()
        });
        let mut builder = RowGroupMetaData::builder(self.about.schema_descr_ptr())
            .set_column_metadata(columns.collect::<Result<_>>()?)
            .set_num_rows(group.num_rows())
            .set_total_byte_size(group.total_byte_size());
        if let Some(offset) = group.file_offset() {
            builder = builder.set_file_offset(offset);
        }
        // All row groups say which one they are, or none does: a footer has 16 bits for it.
        if let Some(ordinal) = group.ordinal().filter(|_| i16::try_from(self.len()).is_ok()) {
            builder = builder.set_ordinal(ordinal);
        }
        builder.build()
    }

    /// A footer of these row groups, and their page indexes, which it takes to begin at byte 0.
    fn written(
        &self,
        groups: Vec<RowGroupMetaData>,
        index: Option<PageIndexBuilder>,
    ) -> Result<(Vec<u8>, Vec<u8>)> {
        let metadata = ParquetMetaDataBuilder::new(self.about.clone())
            .set_row_groups(groups)
            .set_page_index(index.map(|index| Arc::new(index.build()) as _))
            .build();
        let mut indexes = Vec::new();
        ParquetMetaDataWriter::new(&mut indexes, &metadata).finish()?;
        let end = indexes.len().checked_sub(8).ok_or_else(unknown)?;
        let length: [u8; 4] = indexes[end..end + 4].try_into().map_err(|_| unknown())?;
        let start = end.checked_sub(u32::from_le_bytes(length) as usize).ok_or_else(unknown)?;
        indexes.truncate(end);
        let footer = indexes.split_off(start);
        Ok((footer, indexes))
    }

    /// The one row group, of so many rows, of a footer.
    fn cut_out<'f>(&self, footer: &'f [u8], rows: u64) -> Result<&'f [u8]> {
        let mut before = vec![ROWS];
        before.extend(number(rows << 1));
        before.extend([GROUPS, 1 << 4 | STRUCTS]);
        footer
            .strip_prefix(&self.head[..])
            .and_then(|rest| rest.strip_prefix(&before[..]))
            .and_then(|rest| rest.strip_suffix(&self.tail[..]))
            .ok_or_else(unknown)
    }
}

/// Writes bounds twice where the order of the type is the one that readers of old assumed. The crate
/// does so, but does not read that it did.
fn for_old_readers(statistics: Statistics, is_signed: bool) -> Statistics {
    macro_rules! each {
        ($($kind:ident),*) => {
            match statistics {
                $(Statistics::$kind(it) => {
                    Statistics::$kind(it.with_backwards_compatible_min_max(is_signed))
                })*
            }
        };
    }
    each!(Boolean, Int32, Int64, Int96, Float, Double, ByteArray, FixedLenByteArray)
}

/// A number, seven bits a byte, the lowest first.
fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn unknown() -> ParquetError {
    ParquetError::General("the crate writes footers in a form that is not known here".into())
}
