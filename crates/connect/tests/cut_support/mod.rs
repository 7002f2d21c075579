//! Reads an input through a source that is given it in pieces, and whose batches are split: wherever
//! it is cut, the rows and their places must be the same.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;
use trommel::{Batch, Fill, Limit, Result, Source};

/// Where to cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cuts {
    pub(crate) block_size: usize,
    /// Bytes of each read, in turn; 0 is an interruption.
    pub(crate) reads: Vec<u8>,
    pub(crate) rows: usize,
    pub(crate) largest: Option<usize>,
    /// Where to split batches, modulo their rows.
    pub(crate) split: usize,
}

impl Cuts {
    /// Any bytes make cuts; the flags ask for whole blocks, whole reads and many rows.
    pub(crate) fn from_bytes(
        [block, rows, split, largest]: [u8; 4],
        reads: &[u8],
        [whole_blocks, whole_reads, many_rows]: [bool; 3],
    ) -> Self {
        Cuts {
            block_size: if whole_blocks { 0 } else { usize::from(block) % 64 + 1 },
            reads: if whole_reads { vec![255] } else { reads.to_vec() },
            rows: if many_rows { 1000 } else { usize::from(rows) % 40 + 1 },
            largest: (largest % 4 == 3).then_some(usize::from(largest / 4) % 32 + 1),
            split: split.into(),
        }
    }

    fn limit(&self) -> Limit<'static> {
        let limit = Limit::of_rows(self.rows);
        self.largest.map_or(limit, |bytes| limit.with_bytes(bytes))
    }
}

/// A format, and how to read it.
pub(crate) trait Reading: Debug {
    type Source: Source;
    /// What a row is.
    type What: Debug + PartialEq;

    fn cuts(&self) -> &Cuts;
    fn source(&self, reader: impl Read + Send + 'static) -> Result<Self::Source>;
    fn open(&self, path: &Path) -> Result<Self::Source>;
    fn what(row: Result<<<Self::Source as Source>::Batch as Batch>::Row<'_>>) -> Self::What;
}

/// One row, as either side saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen<W> {
    pub(crate) record: u64,
    pub(crate) offset: u64,
    pub(crate) line: u64,
    pub(crate) what: W,
}

/// All rows of `data`, handed over in pieces.
pub(crate) fn rows<R: Reading>(how: &R, data: &[u8]) -> Vec<Seen<R::What>> {
    let reads = how.cuts().reads.clone();
    let reader = Chunky { data: data.iter().copied().collect(), reads, turn: 0 };
    let mut source = how.source(reader).expect("valid options");
    let mut seen = Vec::new();
    read(&mut source, how, data, &mut seen, &mut |_, _| {});
    seen
}

/// All rows of the file at `path`, which holds `data`; panics unless every position on the way
/// resumes exactly.
#[allow(dead_code, reason = "fuzz targets have no files")]
pub(crate) fn rows_resumed<R: Reading>(how: &R, path: &Path, data: &[u8]) -> Vec<Seen<R::What>> {
    let mut source = how.open(path).unwrap();
    let mut stops = vec![(source.position().unwrap(), 0)];
    let mut all = Vec::new();
    read(&mut source, how, data, &mut all, &mut |source, rows| {
        stops.push((source.position().unwrap(), rows));
    });
    for (position, rows) in stops {
        let mut source = how.open(path).unwrap();
        source.seek(&position).unwrap();
        assert_eq!(source.position(), Some(position));
        let mut tail = Vec::new();
        read(&mut source, how, data, &mut tail, &mut |_, _| {});
        assert_eq!(&tail[..], &all[rows..], "{how:?} {}", data.escape_ascii());
    }
    all
}

/// Reads to the end; calls `after` behind each batch with the rows seen so far.
fn read<R: Reading>(
    source: &mut R::Source,
    how: &R,
    data: &[u8],
    seen: &mut Vec<Seen<R::What>>,
    after: &mut dyn FnMut(&R::Source, usize),
) {
    let cuts = how.cuts();
    let mut batch = <R::Source as Source>::Batch::default();
    let mut tail = <R::Source as Source>::Batch::default();
    loop {
        let fill = source.fill(&mut batch, &cuts.limit()).expect("readable");
        let rows = batch.len();
        assert!(rows <= cuts.rows, "{rows} rows where {} were wanted", cuts.rows);
        let at = cuts.split % (rows + 1);
        if batch.split_off(at, &mut tail) {
            assert_eq!((batch.len(), tail.len()), (at, rows - at));
            visit::<R>(&mut batch, data, seen);
            visit::<R>(&mut tail, data, seen);
        } else {
            visit::<R>(&mut batch, data, seen);
        }
        after(source, seen.len());
        if fill == Fill::End {
            return;
        }
    }
}

fn visit<R: Reading>(
    batch: &mut <R::Source as Source>::Batch,
    data: &[u8],
    seen: &mut Vec<Seen<R::What>>,
) {
    let mut rows = Vec::new();
    batch
        .for_each(0, |row| {
            rows.push(R::what(row));
            Ok(())
        })
        .unwrap();
    assert_eq!(rows.len(), batch.len());
    let all: Vec<usize> = (0..rows.len()).collect();
    let mut rows = rows.into_iter();
    batch.locate(&all, &mut |_, origin, raw| {
        let start = origin.offset.unwrap() as usize;
        assert_eq!(&data[start..start + raw.len()], raw);
        seen.push(Seen {
            record: origin.record.unwrap(),
            line: origin.line.unwrap(),
            offset: start as u64,
            what: rows.next().unwrap(),
        });
    });
    assert!(rows.next().is_none(), "every row is located");
}

/// Gives as many bytes at once as `reads` says, in turn.
struct Chunky {
    data: VecDeque<u8>,
    reads: Vec<u8>,
    turn: usize,
}

impl Read for Chunky {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        self.turn += 1;
        let count = self.reads[self.turn % self.reads.len()];
        if count == 0 && self.turn.is_multiple_of(3) {
            return Err(Error::from(ErrorKind::Interrupted));
        }
        let count = usize::from(count).max(1).min(space.len());
        Read::take(&mut self.data, count as u64).read(space)
    }
}
