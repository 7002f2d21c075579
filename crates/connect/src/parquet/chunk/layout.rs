//! What the footer says about a column chunk: where its pages are, and what is in them.

use super::kind::{Bounds, Counts, Kind, widen};
use crate::parquet::options::Statistics;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::PageWriteSpec;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::schema::types::ColumnDescPtr;

/// Collects what is known of pages, in the order in which they lie.
pub(super) struct Layout<K: Kind> {
    descr: ColumnDescPtr,
    statistics: Statistics,
    encodings: Vec<Encoding>,
    uncompressed: usize,
    bytes: u64,
    rows: usize,
    /// Where the first page of data is, behind the dictionary.
    data: u64,
    offsets: OffsetIndexBuilder,
    index: ColumnIndexBuilder,
    /// Whether the bounds of all pages are kept: there is no index without.
    is_bounded: bool,
    counts: Counts,
    bounds: Option<Bounds<K>>,
}

impl<K: Kind> Layout<K> {
    pub(super) fn new(descr: &ColumnDescPtr, statistics: Statistics) -> Self {
        Layout {
            descr: descr.clone(),
            statistics,
            encodings: vec![Encoding::RLE],
            uncompressed: 0,
            bytes: 0,
            rows: 0,
            data: 0,
            offsets: OffsetIndexBuilder::new(),
            index: ColumnIndexBuilder::new(descr.physical_type()),
            is_bounded: true,
            counts: Counts::default(),
            bounds: None,
        }
    }

    fn add(&mut self, spec: &PageWriteSpec, encoding: Encoding) {
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
        self.uncompressed += spec.uncompressed_size;
        self.bytes += spec.bytes_written;
    }

    /// The dictionary, which comes before the pages.
    pub(super) fn dictionary(&mut self, spec: &PageWriteSpec) {
        self.add(spec, Encoding::PLAIN);
        self.data = self.bytes;
    }

    pub(super) fn page(
        &mut self,
        spec: &PageWriteSpec,
        encoding: Encoding,
        rows: usize,
        counts: Counts,
        bounds: Option<Bounds<K>>,
    ) {
        self.add(spec, encoding);
        self.rows += rows;
        self.offsets.append_row_count(rows as i64);
        self.offsets.append_offset_and_size(spec.offset as i64, spec.compressed_size as i32);
        self.counts = Counts {
            nulls: self.counts.nulls + counts.nulls,
            nans: counts.nans.map(|nans| nans + self.counts.nans.unwrap_or(0)),
            ..counts
        };
        let is_null = counts.nulls == rows as u64;
        let (mut min, mut max) = (Vec::new(), Vec::new());
        match &bounds {
            Some((least, most)) if K::can_bound(K::item(least)) && K::can_bound(K::item(most)) => {
                let statistics = K::statistics(counts, bounds.as_ref());
                min.extend_from_slice(statistics.min_bytes_opt().unwrap_or_default());
                max.extend_from_slice(statistics.max_bytes_opt().unwrap_or_default());
            }
            None if is_null => {}
            _ => self.is_bounded = false,
        }
        let nans = counts.nans.map(|nans| nans as i64);
        self.index.append(is_null, min, max, counts.nulls as i64, nans);
        if let Some((least, most)) = &bounds {
            widen::<K>(&mut self.bounds, K::item(least));
            widen::<K>(&mut self.bounds, K::item(most));
        }
    }

    /// `value_bytes` is how long all texts together are.
    pub(super) fn close(self, codec: Compression, value_bytes: i64) -> Result<ColumnCloseResult> {
        let mut metadata = ColumnChunkMetaData::builder(self.descr)
            .set_compression(codec)
            .set_encodings(self.encodings)
            .set_total_compressed_size(self.bytes as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_num_values(self.rows as i64)
            .set_data_page_offset(self.data as i64)
            .set_dictionary_page_offset((self.data > 0).then_some(0));
        if self.statistics != Statistics::None {
            let bounds = self
                .bounds
                .filter(|(min, max)| K::can_bound(K::item(min)) && K::can_bound(K::item(max)));
            metadata = metadata
                .set_statistics(K::statistics(self.counts, bounds.as_ref()))
                .set_unencoded_byte_array_data_bytes(K::IS_BYTES.then_some(value_bytes));
        }
        let has_index = self.statistics == Statistics::Page && self.is_bounded;
        Ok(ColumnCloseResult {
            bytes_written: self.bytes,
            rows_written: self.rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: has_index.then(|| self.index.build()).transpose()?,
            offset_index: Some(self.offsets.build()),
        })
    }
}
