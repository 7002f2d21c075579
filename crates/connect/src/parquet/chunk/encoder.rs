//! One column chunk: values become keys, keys pages, pages a chunk.

use super::codec::Codec;
use super::keys::Keys;
use super::kind::{Bounds, Counts, Kind, widen};
use super::layout::Layout;
use super::{Chunk, runs};
use crate::parquet::options::Statistics;
use arrow_array::{Array, ArrayRef};
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use std::ops::Range;

/// Rows of a page.
const PAGE_ROWS: usize = 1 << 15;
/// Rows after which the bytes of a page are looked at, counted from its first, so that pages end with the
/// same rows whatever the pieces were that the column came in.
const LOOK_ROWS: usize = 256;
/// Bytes at which a page of values that lie there as they are ends, and a dictionary stops growing.
const MOST_BYTES: usize = 1 << 20;

/// Bytes of a dictionary that is small whatever it saves.
const WORTH_A_LOOK: usize = MOST_BYTES / 64;

/// What chunks of a file have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) codec: Codec,
    pub(crate) statistics: Statistics,
}

/// A column chunk under construction.
pub(super) struct Encoder<K: Kind, D> {
    descr: ColumnDescPtr,
    settings: Settings,
    /// Gone when it has been found not to pay.
    keys: Option<D>,
    /// Whether values lie there as they are from here on.
    is_plain: bool,
    /// Keys of the page's values.
    page_keys: Vec<u32>,
    /// The page's values as they are.
    page_plain: Vec<u8>,
    /// Smallest and largest of the page's values as they are.
    page_bounds: Option<Bounds<K>>,
    /// By row of the page, 1 or for a null 0; empty while there are no nulls.
    page_levels: Vec<u32>,
    page_rows: usize,
    page_nulls: usize,
    page_nans: u64,
    /// Bytes of the dictionary when the page began.
    keys_before: usize,
    pages: Vec<Done<K>>,
    /// Bytes of all values, as they are, without lengths.
    value_bytes: i64,
}

/// A page that is compressed.
struct Done<K: Kind> {
    page: CompressedPage,
    rows: usize,
    counts: Counts,
    bounds: Option<Bounds<K>>,
}

impl<K: Kind, D: Keys<K>> Encoder<K, D> {
    pub(super) fn new(descr: &ColumnDescPtr, settings: Settings) -> Self {
        Encoder {
            descr: descr.clone(),
            settings,
            keys: Some(D::new()),
            is_plain: false,
            page_keys: Vec::new(),
            page_plain: Vec::new(),
            page_bounds: None,
            page_levels: Vec::new(),
            page_rows: 0,
            page_nulls: 0,
            page_nans: 0,
            keys_before: 0,
            pages: Vec::new(),
            value_bytes: 0,
        }
    }

    /// Appends rows of an array, no more than the page has room for.
    fn push(&mut self, array: &K::Array, rows: Range<usize>) {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        if let Some(nulls) = nulls {
            self.page_levels.resize(self.page_rows, 1);
            let valid = rows.clone().map(|row| u32::from(nulls.is_valid(row)));
            self.page_levels.extend(valid);
            self.page_nulls += rows.clone().filter(|row| nulls.is_null(*row)).count();
        } else if !self.page_levels.is_empty() {
            self.page_levels.resize(self.page_rows + rows.len(), 1);
        }
        self.page_rows += rows.len();
        let is_valid = |row: &usize| nulls.is_none_or(|nulls| nulls.is_valid(*row));
        match &mut self.keys {
            Some(keys) if !self.is_plain => {
                self.page_keys.reserve(rows.len());
                match nulls {
                    None => self.page_keys.extend(rows.map(|row| keys.key(K::value(array, row)))),
                    Some(_) => self
                        .page_keys
                        .extend(rows.filter(is_valid).map(|row| keys.key(K::value(array, row)))),
                }
            }
            _ => rows.filter(is_valid).for_each(|row| self.push_plain(K::value(array, row))),
        }
    }

    fn push_plain(&mut self, item: K::Item<'_>) {
        K::plain(item, &mut self.page_plain);
        match K::is_nan(item) {
            true => self.page_nans += 1,
            false => widen::<K>(&mut self.page_bounds, item),
        }
    }

    /// Ends the page.
    fn end_page(&mut self) -> Result<()> {
        if self.page_rows == 0 {
            return Ok(());
        }
        self.choose();
        let mut data = Vec::new();
        if self.descr.max_def_level() > 0 {
            data.extend_from_slice(&[0; 4]);
            match self.page_nulls {
                0 => runs::repeat(1, self.page_rows, 1, &mut data),
                _ => runs::encode(&self.page_levels, 1, &mut data),
            }
            let length = data.len() as u32 - 4;
            data[..4].copy_from_slice(&length.to_le_bytes());
        } else if self.page_nulls > 0 {
            return Err(ParquetError::General("a null in a column that has none".into()));
        }
        let encoding = match &self.keys {
            Some(keys) if !self.is_plain => {
                let width = width(keys.len());
                data.push(width as u8);
                runs::encode(&self.page_keys, width, &mut data);
                if K::IS_FLOAT {
                    let nans = self.page_keys.iter().filter(|key| K::is_nan(keys.get(**key)));
                    self.page_nans = nans.count() as u64;
                }
                if self.settings.statistics != Statistics::None {
                    // Each different value is looked at once.
                    let mut seen = vec![false; keys.len()];
                    self.page_keys.iter().for_each(|key| seen[*key as usize] = true);
                    let seen = (0..).zip(seen).filter(|(_, is)| *is).map(|(key, _)| keys.get(key));
                    seen.filter(|item| !K::is_nan(*item))
                        .for_each(|item| widen::<K>(&mut self.page_bounds, item));
                }
                if K::IS_BYTES {
                    let bytes =
                        self.page_keys.iter().map(|key| K::width(keys.get(*key)) as i64 - 4);
                    self.value_bytes += bytes.sum::<i64>();
                }
                Encoding::RLE_DICTIONARY
            }
            _ => {
                let values = self.page_rows - self.page_nulls;
                self.value_bytes += self.page_plain.len() as i64 - 4 * values as i64;
                data.append(&mut self.page_plain);
                Encoding::PLAIN
            }
        };
        let length = data.len();
        let page = Page::DataPage {
            buf: self.settings.codec.compress(data)?.into(),
            num_values: self.page_rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.pages.push(Done {
            page: CompressedPage::new(page, length),
            rows: self.page_rows,
            counts: Counts {
                nulls: self.page_nulls as u64,
                nans: K::IS_FLOAT.then_some(self.page_nans),
                is_signed: self.descr.sort_order().is_signed(),
            },
            bounds: self.page_bounds.take(),
        });
        self.page_keys.clear();
        self.page_levels.clear();
        (self.page_rows, self.page_nulls, self.page_nans) = (0, 0, 0);
        self.keys_before = self.keys.as_ref().map_or(0, D::bytes);
        // What comes now lies there as it is; the dictionary is there for the pages before.
        self.is_plain |= self.keys_before > MOST_BYTES;
        Ok(())
    }

    /// Whether the page should end before it has all its rows.
    fn is_full(&self) -> bool {
        let keys = self.keys.as_ref().filter(|_| !self.is_plain).map_or(0, D::bytes);
        self.page_plain.len() >= MOST_BYTES || keys > self.keys_before + 4 * MOST_BYTES
    }

    /// Throws the dictionary away if, after the first page, it takes more than it saves and nearly
    /// every value was a new one; otherwise later pages may make up for it.
    fn choose(&mut self) {
        let Some(keys) = self.keys.as_ref().filter(|_| self.pages.is_empty()) else { return };
        let with = keys.bytes() + self.page_keys.len() * width(keys.len()) as usize / 8;
        if keys.bytes() <= WORTH_A_LOOK
            || 4 * keys.len() < 3 * self.page_keys.len()
            || with < self.page_keys.iter().map(|key| K::width(keys.get(*key))).sum()
        {
            return;
        }
        let Some(keys) = self.keys.take() else { return };
        self.is_plain = true;
        for key in std::mem::take(&mut self.page_keys) {
            self.push_plain(keys.get(key));
        }
    }
}

/// Bits that keys of so many values take.
fn width(values: usize) -> u32 {
    u32::BITS - (values.saturating_sub(1) as u32).leading_zeros()
}

impl<K: Kind, D: Keys<K>> Chunk for Encoder<K, D> {
    fn write(&mut self, array: &ArrayRef) -> Result<()> {
        let Some(array) = array.as_any().downcast_ref::<K::Array>() else {
            let message = format!("an array of {} in another column", array.data_type());
            return Err(ParquetError::General(message));
        };
        let mut from = 0;
        while from < array.len() {
            // Texts may be large; numbers never fill a page before it has all its rows.
            let look = if K::IS_BYTES { LOOK_ROWS } else { PAGE_ROWS };
            let rows = (look - self.page_rows % look).min(array.len() - from);
            self.push(array, from..from + rows);
            from += rows;
            let is_time = self.page_rows.is_multiple_of(look);
            if self.page_rows == PAGE_ROWS || is_time && self.is_full() {
                self.end_page()?;
            }
        }
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(Bytes, ColumnCloseResult)> {
        self.end_page()?;
        let codec = self.settings.codec;
        let mut layout = Layout::<K>::new(&self.descr, self.settings.statistics);
        let mut file = TrackedWrite::new(Vec::new());
        let mut writer = SerializedPageWriter::new(&mut file);
        if let Some(keys) = &self.keys {
            let mut plain = Vec::with_capacity(keys.bytes());
            (0..keys.len() as u32).for_each(|key| K::plain(keys.get(key), &mut plain));
            let bytes = plain.len();
            let page = Page::DictionaryPage {
                buf: codec.compress(plain)?.into(),
                num_values: keys.len() as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            layout.dictionary(&writer.write_page(CompressedPage::new(page, bytes))?);
        }
        for done in std::mem::take(&mut self.pages) {
            let encoding = done.page.encoding();
            let spec = writer.write_page(done.page)?;
            layout.page(&spec, encoding, done.rows, done.counts, done.bounds);
        }
        let bytes = file.into_inner()?;
        Ok((bytes.into(), layout.close(codec.stored, self.value_bytes)?))
    }
}
