//! The source: reads, cuts, hands over.

use super::batch::Batch;
use super::cutter::Cutter;
use super::headers::Column;
use super::input::{Got, Input};
use super::options::Builder;
use super::shape::{Place, Shape};
use super::window::Window;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trommel::{Error, ErrorKind, Fill, Limit, Position, Result, Size};

/// Bytes read at once when batches are small: a system call costs as much as copying 10 KiB.
const READ_AHEAD: usize = 128 * 1024;

/// Bytes of the largest record that is read at all, so that places in a batch fit 32 bits.
const LARGEST: usize = 1 << 29;

/// Bytes of the largest header.
const LARGEST_HEADER: usize = 16 << 20;

/// Bytes kept of a record that is too large to be read.
const KEPT: usize = 4096;

/// How long to wait for a stream before looking whether the run was cancelled.
const LOOK_UP: Duration = Duration::from_millis(10);

/// The same while complete rows are at hand, which idle workers should get at once.
const LOOK_UP_WITH_ROWS: Duration = Duration::from_millis(1);

/// Reads CSV and cuts it into batches of whole records, which the workers parse.
///
/// It agrees with the [`csv`](https://docs.rs/csv) crate on what the records are, except where that
/// would lose data silently: a record that the end of the input cuts off within quotes, one with
/// too few or too many fields, and one that doesn't fit the memory limit are errors of their row
/// (rejects), with file, line and byte offset.
///
/// ```
/// use trommel::{Batch as _, Fill, Limit, Source as _};
/// use trommel_connect::csv;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("flights.csv");
/// # std::fs::write(&path, "carrier,distance\nUA,1400\nB6,1089\n")?;
/// let mut source = csv::Source::open(path)?;
/// let distance = source.column("distance")?;
/// let mut batch = csv::Batch::default();
/// let mut sum = 0;
/// loop {
///     let fill = source.fill(&mut batch, &Limit::of_rows(1000))?;
///     batch.for_each(0, |row| {
///         sum += row?.get::<u64>(distance)?;
///         Ok(())
///     })?;
///     if fill == Fill::End {
///         break;
///     }
/// }
/// assert_eq!(sum, 2489);
/// # trommel::Result::Ok(())
/// ```
///
/// A regular file can be resumed from a [`position`](trommel::Source::position). Anything else
/// (a pipe, standard input, a [`Read`]) is read on a thread of its own, so that rows that have
/// arrived never wait for those that have not.
pub struct Source {
    shape: Arc<Shape>,
    input: Input,
    /// Bytes in all, of a regular file.
    length: Option<u64>,
    window: Window,
    cutter: Cutter,
    /// Where the window starts.
    place: Place,
    /// Where the batch filled last ended.
    done: Place,
    start_checked: bool,
    ended: bool,
    /// Why reading failed, while rows read before are handed over.
    failed: Option<Error>,
    /// The record that is being passed over because it is too large.
    skipping: Option<Skip>,
    /// Bytes per record, of the last batches.
    average: f64,
    /// Bytes per block, 0 to go by the rows that are wanted.
    block_bytes: usize,
}

/// A record that is too large.
#[derive(Debug)]
struct Skip {
    head: Vec<u8>,
    start: Place,
    limit: usize,
    /// The quote that was open where the limit was reached.
    quote: Option<Place>,
}

impl Source {
    /// Opens a file with the options of [`Builder::new`]: commas, double quotes, a header.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it can't be opened or is a directory; [`ErrorKind::Config`] when the
    /// header can't be used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Builder::new().open(path)
    }

    /// Reads from anything; `name` is what messages call it. The header is read at once.
    ///
    /// ```
    /// use trommel_connect::csv;
    /// let source = csv::Source::from_reader("cities", "name,people\nOslo,709037\n".as_bytes())?;
    /// assert_eq!(source.headers().collect::<Vec<_>>(), ["name", "people"]);
    /// # trommel::Result::Ok(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when reading fails; [`ErrorKind::Config`] when the header can't be used.
    pub fn from_reader(
        name: impl Into<Box<str>>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self> {
        Builder::new().from_reader(name, reader)
    }

    /// Reads standard input. The header is waited for.
    ///
    /// # Errors
    /// As [`from_reader`](Self::from_reader).
    pub fn stdin() -> Result<Self> {
        Builder::new().stdin()
    }

    /// Options other than the defaults.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The names of the columns, in order; none without a header.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.shape.headers.names.iter().map(|name| &**name)
    }

    /// The column with this name, to be found once and used for every row.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when there is none, or more than one.
    pub fn column(&self, name: &str) -> Result<Column> {
        self.shape
            .headers
            .require(name, &self.shape.name)
            .map(Column)
    }

    /// A source before it has read anything; `shape` knows no headers yet.
    pub(super) fn new(shape: Shape, input: Input, length: Option<u64>, block_bytes: usize) -> Self {
        Source {
            cutter: Cutter::new(shape.rules),
            shape: Arc::new(shape),
            input,
            length,
            window: Window::default(),
            place: Place::default(),
            done: Place::default(),
            start_checked: false,
            ended: false,
            failed: None,
            skipping: None,
            average: 64.0,
            block_bytes,
        }
    }

    /// The first record, as a batch of one row; empty when there is none. It is read again as the
    /// first row unless it is `taken`.
    pub(super) fn first_record(&mut self, taken: bool) -> Result<Batch> {
        loop {
            self.check_start();
            if self.start_checked {
                self.cutter.walk(self.window.data(), 1);
            }
            if self.cutter.rows == 1 {
                break;
            }
            if self.ended {
                self.cutter.finish(self.window.data());
                break;
            }
            if self.window.len() > LARGEST_HEADER {
                let message = format!(
                    "the first record is larger than {LARGEST_HEADER} bytes: check `quote` and \
                     `delimiter`"
                );
                return Err(Error::config(message).at(self.place.origin(&self.shape.name)));
            }
            let wanted = self.read_size(READ_AHEAD, READ_AHEAD, usize::MAX);
            match self.input.read_blocking(self.window.space(wanted)) {
                Ok(Got::Bytes(count)) => self.window.grew(count),
                Ok(_) => self.ended = true,
                Err(error) => return Err(self.read_error(error)),
            }
        }
        let mut batch = Batch::default();
        batch.clear(&self.shape, self.place);
        batch.copy(&self.window.data()[..self.cutter.end], self.cutter.rows);
        if taken {
            // The header is not a record.
            self.place = self.place.after(batch.data(), 0);
            self.window.consume(self.cutter.end);
            self.cutter.cut();
        } else {
            self.cutter = Cutter::new(self.shape.rules);
        }
        self.done = self.place;
        Ok(batch)
    }

    pub(super) fn shape_mut(&mut self) -> Option<&mut Shape> {
        Arc::get_mut(&mut self.shape)
    }

    /// Passes the byte order mark that some programs write first.
    fn check_start(&mut self) {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if self.start_checked {
            return;
        }
        let data = self.window.data();
        if data.starts_with(MARK) {
            self.window.consume(MARK.len());
            self.place.offset += MARK.len() as u64;
        } else if MARK.starts_with(data) && !self.ended {
            return;
        }
        self.start_checked = true;
    }

    /// Scans up to `rows` records in up to `cap` bytes, or one record of up to `largest`.
    fn scan(&mut self, rows: usize, cap: usize, largest: usize) {
        let (data, cutter) = (self.window.data(), &mut self.cutter);
        let block = data.len().min(cap);
        let record = data.len().min(largest + 1);
        while cutter.rows < rows {
            let missing = rows - cutter.rows;
            if cutter.at >= block {
                if cutter.rows > 0 || cutter.end > 0 || cutter.at >= record {
                    return;
                }
                cutter.walk(&data[..record], 1);
            } else if missing < 16 {
                cutter.walk(&data[..block], rows);
            } else {
                // Most of what is missing in one go, the rest one by one: so a batch gets the very
                // number of rows that is wanted, and is rarely scanned twice.
                let most = (missing - missing / 16) as f64 * self.average;
                let stop = block.min(cutter.at.saturating_add(most as usize).saturating_add(1));
                let before = *cutter;
                cutter.skim(&data[..stop]);
                if cutter.rows > rows {
                    *cutter = before;
                    cutter.walk(&data[..stop], rows);
                }
            }
        }
    }

    /// Bytes to read next for a batch of `goal` bytes.
    fn read_size(&self, goal: usize, cap: usize, largest: usize) -> usize {
        let have = self.window.len();
        if self.block_bytes > 0 {
            return self.block_bytes;
        }
        let wanted = goal.min(cap).saturating_sub(have).max(READ_AHEAD.min(cap));
        // A long record is read in steps that grow, so that it is not moved again and again.
        wanted.max((have / 2).min(largest.saturating_add(1).saturating_sub(have)))
    }

    /// Reads what comes next; says whether there was anything.
    fn read(&mut self, size: usize, wait: Duration) -> bool {
        match self.input.read(self.window.space(size), wait) {
            Ok(Got::Bytes(count)) => self.window.grew(count),
            Ok(Got::Nothing) => return false,
            Ok(Got::End) => self.ended = true,
            Err(error) => {
                self.failed = Some(self.read_error(error));
                self.ended = true;
            }
        }
        true
    }

    #[cold]
    fn read_error(&self, error: std::io::Error) -> Error {
        let message = format!(
            "cannot read {} beyond byte {}",
            self.shape.name,
            self.place.offset + self.window.len() as u64
        );
        Error::new(ErrorKind::Io, message).caused_by(error)
    }

    /// Hands the complete records over.
    fn deliver(&mut self, batch: &mut Batch) {
        let (end, rows) = (self.cutter.end, self.cutter.rows);
        batch.clear(&self.shape, self.place);
        self.place = self.place.after(&self.window.data()[..end], rows);
        self.done = self.place;
        if rows > 0 {
            self.average = (self.average * 3.0 + end as f64 / rows as f64) / 4.0;
        }
        let tail = self.window.len() - end;
        match self.window.untouched().filter(|_| tail < end) {
            Some(bytes) => {
                let tail = batch.swap(bytes, end, rows, tail);
                self.window.restart(tail);
            }
            None => {
                batch.copy(&self.window.data()[..end], rows);
                self.window.consume(end);
            }
        }
        self.cutter.cut();
    }

    /// Passes `count` bytes that belong to no row.
    fn drop_bytes(&mut self, count: usize) {
        self.place = self.place.after(&self.window.data()[..count], 0);
        self.window.consume(count);
    }

    /// Passes a comment that is longer than a record may be, as far as it has been read.
    fn drop_comment(&mut self) {
        let count = self.cutter.drop_comment(self.window.data());
        self.drop_bytes(count);
    }

    /// Starts to pass over the record in the window, which is longer than `limit`.
    fn start_skipping(&mut self, limit: usize) {
        let data = self.window.data();
        let quote = self.cutter.open_quote();
        self.skipping = Some(Skip {
            head: data[..data.len().min(KEPT)].to_vec(),
            start: self.place,
            limit,
            quote: quote.map(|at| self.place.after(&data[..at], 0)),
        });
    }

    /// Goes on passing over a record; once it is behind, the batch says what was wrong with it.
    fn skip(&mut self, batch: &mut Batch) -> bool {
        self.cutter.walk(self.window.data(), 1);
        if self.cutter.rows == 0 && self.ended {
            self.cutter.finish(self.window.data());
        }
        if self.cutter.rows == 0 {
            // The last byte stays: it decides whether a quote that follows opens a field.
            self.drop_bytes(self.window.len() - 1);
            self.cutter.skip();
            return false;
        }
        if let Some(skip) = self.skipping.take() {
            let end = self.place.offset + self.cutter.last.1 as u64;
            let mut reason = format!(
                "the record of {} bytes is larger than the limit of {} bytes; raise memory_limit",
                end - skip.start.offset,
                skip.limit
            );
            if let Some(quote) = skip.quote {
                reason.push_str(&format!(
                    ", or close the quote at line {}, byte {}",
                    quote.line, quote.offset
                ));
            }
            batch.clear(&self.shape, skip.start);
            batch.refuse(&skip.head, reason);
        }
        let end = self.cutter.end;
        self.place = self.place.after(&self.window.data()[..end], 1);
        self.done = self.place;
        self.window.consume(end);
        self.cutter.cut();
        true
    }

    /// Bytes of a block that, parsed, stays within the limit: every field adds 4 bytes, every row
    /// 12, and text in quotes is copied.
    fn block_cap(&self, limit: &Limit<'_>) -> usize {
        let bytes = limit.bytes().min(LARGEST);
        if self.block_bytes > 0 {
            return self.block_bytes.min(bytes);
        }
        let fields = self.shape.width.unwrap_or(self.shape.headers.names.len()) as f64;
        let parsed = 4.0 * (fields + 1.0) + 12.0;
        let copied = if self.cutter.quoted {
            self.average
        } else {
            0.0
        };
        let share = self.average / (self.average + parsed + copied);
        ((bytes as f64 * share) as usize).max(1)
    }
}

impl trommel::Source for Source {
    type Batch = Batch;

    fn fill(&mut self, batch: &mut Batch, limit: &Limit<'_>) -> Result<Fill> {
        batch.clear(&self.shape, self.place);
        let cap = self.block_cap(limit);
        let largest = limit.bytes().min(LARGEST);
        let goal = (limit.rows() as f64 * self.average * 1.0625) as usize;
        let mut first_row = None;
        loop {
            self.check_start();
            if self.cutter.starts_in_comment() {
                self.drop_comment();
            }
            if self.skipping.is_some() {
                if self.skip(batch) {
                    return Ok(Fill::More);
                }
            } else if self.start_checked {
                self.scan(limit.rows(), cap, largest);
                let rows = self.cutter.rows;
                if rows == limit.rows() || rows > 0 && self.cutter.at >= cap {
                    self.deliver(batch);
                    return Ok(Fill::More);
                }
                if rows == 0 && self.cutter.end > 0 {
                    self.drop_bytes(self.cutter.end);
                    self.cutter.cut();
                    continue;
                }
                if rows == 0 && self.cutter.at > largest {
                    if self.cutter.in_comment() {
                        self.drop_comment();
                    } else {
                        self.start_skipping(largest);
                    }
                    continue;
                }
                if self.ended {
                    if self.failed.is_none() {
                        self.cutter.finish(self.window.data());
                        self.deliver(batch);
                        return Ok(Fill::End);
                    }
                    if rows > 0 {
                        self.deliver(batch);
                        return Ok(Fill::More);
                    }
                }
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let has_rows = self.cutter.rows > 0;
            let mut wait = LOOK_UP;
            if has_rows && self.input.may_wait() {
                let first_row = *first_row.get_or_insert_with(Instant::now);
                wait = match limit.is_cancelled() || limit.should_flush(first_row) {
                    true => Duration::ZERO,
                    false => LOOK_UP_WITH_ROWS,
                };
            }
            let size = self.read_size(goal, cap, largest);
            if !self.read(size, wait) {
                if has_rows && wait.is_zero() {
                    self.deliver(batch);
                    return Ok(Fill::More);
                }
                if !has_rows && limit.is_cancelled() {
                    return Ok(Fill::More);
                }
            }
        }
    }

    /// Byte offset, record and line; for regular files only.
    fn position(&self) -> Option<Position> {
        let Place {
            offset,
            record,
            line,
        } = self.done;
        (!self.input.may_wait()).then(|| Position::from_numbers(&[offset, record, line]))
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        let name = &self.shape.name;
        let numbers = position.numbers().unwrap_or_default();
        let [offset, record, line] = numbers[..] else {
            let message =
                format!("not a position in a CSV file, so {name} can't be resumed from it");
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let Some(length) = self.length else {
            let message = format!("{name} is not a regular file and can't be resumed");
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        if offset > length {
            let message = format!(
                "cannot resume {name} at byte {offset}: it has only {length} bytes; is it another \
                 file?"
            );
            return Err(Error::fatal(message));
        }
        self.input.seek(offset)?;
        self.place = Place {
            offset,
            record,
            line,
        };
        self.done = self.place;
        self.window.clear();
        self.cutter = Cutter::new(self.shape.rules);
        self.start_checked = offset > 0;
        self.ended = false;
        self.failed = None;
        self.skipping = None;
        Ok(())
    }

    fn size(&self) -> Size {
        Size {
            rows: None,
            bytes: self.length,
        }
    }

    /// Bytes from the start of the input, those before a position it was resumed from included.
    fn bytes_read(&self) -> u64 {
        self.place.offset + self.window.len() as u64
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.shape.name)
            .field("place", &self.done)
            .finish_non_exhaustive()
    }
}
