//! The work of a source of bytes: reading, scanning, handing over.

use super::block::Block;
use super::bytes::Got;
use super::cut::Cut;
use super::inputs::Inputs;
use super::place::{Place, line_ends};
use super::skip::Skip;
use super::window::Window;
use std::fmt;
use std::time::{Duration, Instant};
use trommel::{Error, ErrorKind, Fill, Limit, Result};

/// Bytes read at once when batches are small: a system call costs as much as copying 10 KiB.
const READ_AHEAD: usize = 128 * 1024;

/// Bytes read at once when a block is large.
const LARGEST_STEP: usize = 4 << 20;

/// Bytes of the largest record that is read at all, so that places in a block fit 30 bits.
pub(super) const LARGEST: usize = 1 << 29;

/// Bytes of the largest header.
const LARGEST_HEADER: usize = 16 << 20;

/// How long to wait for a stream before looking whether the run was cancelled.
const LOOK_UP: Duration = Duration::from_millis(10);

/// The same while complete rows are at hand, which idle workers should get at once.
const LOOK_UP_WITH_ROWS: Duration = Duration::from_millis(1);

/// Cuts inputs into blocks of whole records, file after file. No block spans two files.
pub(crate) struct Feeder<C> {
    pub(super) inputs: Inputs,
    /// As it is at the start of a file.
    pub(super) fresh: C,
    pub(super) cutter: C,
    pub(super) window: Window,
    /// Where the window starts.
    pub(super) place: Place,
    /// Where the block filled last ended.
    pub(super) done: Place,
    /// Whether what the file begins with has been looked at, and a byte order mark been passed.
    pub(super) start_checked: bool,
    pub(super) ended: bool,
    /// The file to go on with, before anything else.
    pending: Option<usize>,
    /// Why reading failed, while rows read before are handed over.
    failed: Option<Error>,
    /// The record that is being passed over because it is too large.
    pub(super) skipping: Option<Skip>,
    /// Bytes per record, of the last blocks.
    average: f64,
    /// Bytes per block, 0 to go by the rows that are wanted.
    block_bytes: usize,
}

impl<C: Cut> Feeder<C> {
    /// Before it has read anything.
    pub(crate) fn new(inputs: Inputs, cutter: C, block_bytes: usize) -> Self {
        Feeder {
            inputs,
            fresh: cutter.clone(),
            cutter,
            window: Window::default(),
            place: Place::default(),
            done: Place::default(),
            start_checked: false,
            ended: false,
            pending: None,
            failed: None,
            skipping: None,
            average: 64.0,
            block_bytes,
        }
    }

    /// The cutter with which every file begins. To be called before anything else is read.
    pub(crate) fn set_cutter(&mut self, cutter: C) {
        self.fresh = cutter.clone();
        self.cutter = cutter;
    }

    /// Goes to the next file before anything of it has been read; says whether there is one.
    pub(crate) fn next_file(&mut self) -> Result<bool> {
        let Some(next) = self.inputs.next() else { return Ok(false) };
        self.open(next)?;
        Ok(true)
    }

    /// Starts at the start of a file.
    pub(super) fn open(&mut self, index: usize) -> Result<()> {
        self.inputs.open(index)?;
        self.restart(Place::default(), false);
        Ok(())
    }

    /// Forgets all that was read: the input is at `place`.
    pub(super) fn restart(&mut self, place: Place, is_over: bool) {
        self.place = place;
        self.done = place;
        self.window.clear();
        self.cutter = self.fresh.clone();
        if place.record > 0 {
            self.cutter = self.fresh.clone().resumed(is_over);
        }
        self.start_checked = place.offset > 0;
        self.ended = false;
        self.pending = None;
        self.failed = None;
        self.skipping = None;
    }

    /// The first record of a file, as a block of one row; empty when there is none. It is read again
    /// as the first row unless it is `taken`.
    pub(crate) fn first_record(&mut self, taken: bool) -> Result<Block> {
        loop {
            self.check_start()?;
            if self.start_checked {
                self.cutter.walk(self.window.data(), 1);
            }
            if self.cutter.rows() == 1 {
                break;
            }
            if self.ended {
                self.cutter.finish(self.window.data());
                break;
            }
            if self.window.len() > LARGEST_HEADER {
                let say = "check `quote` and `delimiter`";
                let message = format!("the first record is over {LARGEST_HEADER} bytes: {say}");
                return Err(Error::config(message).at(self.place.origin(self.inputs.name())));
            }
            let wanted = self.read_size(READ_AHEAD, READ_AHEAD, usize::MAX);
            let input = &mut self.inputs.input;
            match self.window.space(wanted).and_then(|space| input.read_blocking(space)) {
                Ok(Got::Bytes(count)) => self.window.grew(count),
                Ok(_) => self.ended = true,
                Err(error) => return Err(self.read_error(error)),
            }
        }
        let mut block = Block::default();
        block.clear(self.inputs.name(), self.place);
        block.copy(&self.window.data()[..self.cutter.end()], self.cutter.rows());
        if taken {
            // The header is not a record.
            self.place = self.place.after(block.data(), 0);
            self.window.consume(self.cutter.end());
            self.cutter.cut();
        } else {
            self.cutter = self.fresh.clone();
        }
        self.done = self.place;
        Ok(block)
    }

    /// Fills a block: see [`fill`](trommel::Source::fill). `begin` is called at the start of every
    /// file but the first, before anything of it has been read.
    pub(crate) fn fill(
        &mut self,
        block: &mut Block,
        limit: &Limit<'_>,
        begin: &mut dyn FnMut(&mut Self) -> Result<()>,
    ) -> Result<Fill> {
        block.clear(self.inputs.name(), self.place);
        loop {
            if let Some(next) = self.pending {
                self.open(next)?;
                // It stays so until the start of the file is known to be good.
                self.pending = Some(next);
                begin(self)?;
                self.pending = None;
            }
            if self.fill_block(block, limit)? == Fill::More {
                return Ok(Fill::More);
            }
            self.pending = self.inputs.next();
            match self.pending {
                None => return Ok(Fill::End),
                Some(_) if block.rows() > 0 => return Ok(Fill::More),
                Some(_) => {}
            }
        }
    }

    /// As [`fill`](Self::fill), within one file.
    fn fill_block(&mut self, block: &mut Block, limit: &Limit<'_>) -> Result<Fill> {
        let cap = self.block_cap(limit);
        let largest = limit.bytes().min(LARGEST);
        let goal = (limit.rows() as f64 * self.average * 1.0625) as usize;
        let mut first_row = None;
        loop {
            self.check_start()?;
            if self.cutter.in_comment() && self.cutter.at() == 0 {
                self.drop_comment();
            }
            if self.skipping.is_some() {
                if self.skip(block) {
                    return Ok(Fill::More);
                }
            } else if self.start_checked {
                self.scan(limit.rows(), cap, largest);
                let rows = self.cutter.rows();
                if rows == limit.rows() || rows > 0 && self.cutter.at() >= cap {
                    self.deliver(block, cap);
                    return Ok(Fill::More);
                }
                if rows == 0 && self.cutter.end() > 0 {
                    self.drop_bytes(self.cutter.end());
                    self.cutter.cut();
                    continue;
                }
                if rows == 0 && self.cutter.at() > largest {
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
                        self.deliver(block, cap);
                        if self.cutter.is_cut_off() {
                            block.set_cut_off();
                        }
                        // A format may leave its last bytes, which are no record, to be looked at
                        // apart from what is before them.
                        return Ok(if self.window.len() == 0 { Fill::End } else { Fill::More });
                    }
                    if rows > 0 {
                        self.deliver(block, cap);
                        return Ok(Fill::More);
                    }
                }
            }
            if let Some(error) = self.failed.take() {
                // Whoever calls again gets what reading then gives, not a clean end.
                self.ended = false;
                return Err(error);
            }
            let has_rows = self.cutter.rows() > 0;
            let mut wait = LOOK_UP;
            if has_rows && self.inputs.input.may_wait() {
                let first_row = *first_row.get_or_insert_with(Instant::now);
                wait = match limit.is_cancelled() || limit.should_flush(first_row) {
                    true => Duration::ZERO,
                    false => LOOK_UP_WITH_ROWS,
                };
            }
            let size = self.read_size(goal, cap, largest);
            let came = self.read(size, wait);
            if !came && has_rows && wait.is_zero() {
                self.deliver(block, cap);
                return Ok(Fill::More);
            }
            // Also while a record goes on and on, in a file whose quote is never closed for example.
            if !has_rows && limit.is_cancelled() {
                return Ok(Fill::More);
            }
        }
    }

    /// Passes the byte order mark that some programs write first, and looks whether it is text that
    /// begins here.
    #[inline]
    fn check_start(&mut self) -> Result<()> {
        match self.start_checked {
            true => Ok(()),
            false => self.look_at_start(),
        }
    }

    /// Scans up to `rows` records in up to `cap` bytes, or one record of up to `largest`.
    fn scan(&mut self, rows: usize, cap: usize, largest: usize) {
        let (data, cutter) = (self.window.data(), &mut self.cutter);
        let block = data.len().min(cap);
        let record = data.len().min(largest + 1);
        while cutter.rows() < rows {
            let missing = rows - cutter.rows();
            if cutter.at() >= block {
                if cutter.rows() > 0 || cutter.end() > 0 || cutter.at() >= record {
                    return;
                }
                cutter.walk(&data[..record], 1);
            } else if missing < 16 {
                cutter.walk(&data[..block], rows);
            } else {
                // Most of what is missing in one go, the rest one by one: so a block gets the very
                // number of rows that is wanted, and is rarely scanned twice.
                let most = (missing - missing / 16) as f64 * self.average;
                let stop = block.min(cutter.at().saturating_add(most as usize).saturating_add(1));
                let before = cutter.clone();
                cutter.skim(&data[..stop]);
                if cutter.rows() > rows {
                    *cutter = before;
                    cutter.walk(&data[..stop], rows);
                }
            }
        }
    }

    /// Bytes to read next for a block of `goal` bytes.
    fn read_size(&self, goal: usize, cap: usize, largest: usize) -> usize {
        let have = self.window.len();
        if self.block_bytes > 0 {
            return self.block_bytes;
        }
        let block = goal.min(cap).saturating_sub(have).max(READ_AHEAD.min(cap));
        let record = largest.saturating_add(1).saturating_sub(have);
        // In steps that grow, so that neither is a small file given a large buffer nor a large
        // block moved again and again.
        block.max((have / 2).min(record)).min((have / 2).max(LARGEST_STEP))
    }

    /// Reads what comes next; says whether there was anything.
    fn read(&mut self, size: usize, wait: Duration) -> bool {
        match self.window.space(size).and_then(|space| self.inputs.input.read(space, wait)) {
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
            self.inputs.name(),
            self.place.offset + self.window.len() as u64
        );
        Error::new(ErrorKind::Io, message).caused_by(error)
    }

    /// Hands the complete records over: copied, or with the buffer they are in if that saves copying
    /// and it is not larger than a block of `cap` bytes needs.
    fn deliver(&mut self, block: &mut Block, cap: usize) {
        let (end, rows) = (self.cutter.end(), self.cutter.rows());
        block.clear(self.inputs.name(), self.place);
        let data = &self.window.data()[..end];
        let lines = self.cutter.lines().unwrap_or_else(|| line_ends(data));
        debug_assert_eq!(lines, line_ends(data));
        self.place = self.place.after_lines(end, rows, lines);
        if rows > 0 {
            self.done = self.place;
            self.average = (self.average * 3.0 + end as f64 / rows as f64) / 4.0;
        }
        let tail = self.window.len() - end;
        let is_fit = |bytes: &&mut Vec<u8>| tail < end && bytes.len() <= cap + cap / 8;
        match self.window.untouched().filter(is_fit) {
            Some(bytes) => {
                let tail = block.swap(bytes, end, rows, tail);
                self.window.restart(tail);
            }
            None => {
                block.copy(&self.window.data()[..end], rows);
                self.window.consume(end);
            }
        }
        if self.cutter.opens() {
            block.set_opens();
        }
        self.cutter.cut();
    }

    /// Passes `count` bytes that belong to no row.
    pub(super) fn drop_bytes(&mut self, count: usize) {
        self.place = self.place.after(&self.window.data()[..count], 0);
        self.window.consume(count);
    }

    /// Bytes of a block that, parsed, is expected to stay within the limit.
    fn block_cap(&self, limit: &Limit<'_>) -> usize {
        let bytes = limit.bytes().min(LARGEST);
        if self.block_bytes > 0 {
            return self.block_bytes.min(bytes);
        }
        let parsed = self.cutter.parsed_bytes(self.average);
        let share = self.average / (self.average * 1.125 + parsed);
        ((bytes as f64 * share) as usize).max(1)
    }
}

impl<C> fmt::Debug for Feeder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeder")
            .field("name", self.inputs.name())
            .field("place", &self.done)
            .finish_non_exhaustive()
    }
}
