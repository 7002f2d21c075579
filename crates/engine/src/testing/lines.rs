//! A source of bytes.

use crate::batch::Batch;
use crate::error::{Error, Origin, Result};
use crate::position::Position;
use crate::source::{Fill, Limit, Size, Source};

/// Lines of a text in memory: the fill copies whole lines, the worker cuts them, rows are `&[u8]`
/// borrowed from the batch. A line that is not UTF-8 is a row that could not be decoded.
///
/// It knows where each row came from, counts bytes, and can be restarted.
///
/// ```
/// use trommel::testing::Lines;
/// use trommel::{Engine, Pipeline, sinks};
/// let mut lengths = sinks::collect();
/// Pipeline::from(Lines::new("sand\ngravel\nclay"))
///     .map(|line| line.len())
///     .load_into(&mut lengths)
///     .run(&Engine::new()?)?;
/// assert_eq!(lengths.into_vec(), [4, 6, 4]);
/// # Ok::<(), trommel::Error>(())
/// ```
#[derive(Debug)]
pub struct Lines {
    text: Vec<u8>,
    at: usize,
    record: u64,
    cuttable: bool,
}

impl Lines {
    /// The name that rejects bear as their source.
    pub const NAME: &'static str = "lines";

    /// Lines of this text, without their `\n`.
    pub fn new(text: impl Into<Vec<u8>>) -> Self {
        Lines { text: text.into(), at: 0, record: 0, cuttable: true }
    }

    /// Its batches refuse to be cut over several workers, as most batches of bytes do.
    #[must_use]
    pub fn uncuttable(mut self) -> Self {
        self.cuttable = false;
        self
    }
}

/// Some of the [`Lines`].
#[derive(Debug, Default)]
pub struct LinesBatch {
    bytes: Vec<u8>,
    rows: usize,
    first_offset: u64,
    first_record: u64,
    cuttable: bool,
}

impl LinesBatch {
    /// Offset and content of each line.
    fn lines(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let mut offset = 0;
        self.bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
            let start = offset;
            offset += line.len();
            (start, line.strip_suffix(b"\n").unwrap_or(line))
        })
    }
}

impl Batch for LinesBatch {
    type Row<'a> = &'a [u8];

    fn len(&self) -> usize {
        self.rows
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<&'a [u8]>) -> Result<()>,
    {
        let batch = &*self;
        for (_, line) in batch.lines().skip(from) {
            match std::str::from_utf8(line) {
                Ok(_) => visit(Ok(line))?,
                Err(error) => visit(Err(Error::from(error)))?,
            }
        }
        Ok(())
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let Some((offset, _)) = self.lines().nth(at).filter(|_| self.cuttable) else {
            return false;
        };
        tail.bytes.clear();
        tail.bytes.extend(self.bytes.drain(offset..));
        tail.rows = self.rows - at;
        tail.first_offset = self.first_offset + offset as u64;
        tail.first_record = self.first_record + at as u64;
        tail.cuttable = true;
        self.rows = at;
        true
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        let mut rows = rows.iter().copied().peekable();
        for (row, (offset, line)) in self.lines().enumerate() {
            if rows.next_if_eq(&row).is_none() {
                continue;
            }
            let record = self.first_record + row as u64;
            let origin = Origin {
                source: Some(Lines::NAME.into()),
                record: Some(record),
                line: Some(record + 1),
                offset: Some(self.first_offset + offset as u64),
            };
            found(row, origin, line);
        }
    }
}

impl Source for Lines {
    type Batch = LinesBatch;

    fn fill(&mut self, batch: &mut LinesBatch, limit: &Limit<'_>) -> Result<Fill> {
        batch.bytes.clear();
        batch.rows = 0;
        batch.first_offset = self.at as u64;
        batch.first_record = self.record;
        batch.cuttable = self.cuttable;
        let lines = self.text[self.at..].split_inclusive(|byte| *byte == b'\n');
        for line in lines.take(limit.rows()) {
            if batch.rows > 0 && batch.bytes.len() + line.len() > limit.bytes() {
                break;
            }
            batch.bytes.extend_from_slice(line);
            batch.rows += 1;
        }
        self.at += batch.bytes.len();
        self.record += batch.rows as u64;
        Ok(if self.at == self.text.len() { Fill::End } else { Fill::More })
    }

    fn position(&self) -> Option<Position> {
        Some(Position::from_numbers(&[self.at as u64, self.record]))
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        match position.numbers().as_deref() {
            Some(&[at, record]) if at as usize <= self.text.len() => {
                (self.at, self.record) = (at as usize, record);
                Ok(())
            }
            _ => Err(Error::fatal("not a position of these lines")),
        }
    }

    fn size(&self) -> Size {
        Size { rows: None, bytes: Some(self.text.len() as u64) }
    }

    fn bytes_read(&self) -> u64 {
        self.at as u64
    }
}
