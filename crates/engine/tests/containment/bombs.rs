//! A source, a batch, a page and a sink that panic wherever they are told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use trommel::{
    Batch, Checkpoint, Commit, Durability, Encode, Error, Fill, Limit, Origin, Page, Position,
    Result, Sink, Size, Source,
};

/// Every place at which the driver calls user code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Size,
    SourceMayBlock,
    Fill,
    Position,
    BytesRead,
    BatchLen,
    BatchBytes,
    ForEachBefore,
    ForEachAfter,
    SplitOff,
    Locate,
    Transform,
    Encode,
    PageMark,
    PageBytes,
    PageClear,
    PageRewind,
    SinkMayBlock,
    Encoder,
    Write,
    TakeFaults,
    Commit,
    Finish,
    Abort,
}

pub(crate) const PLACES: [Place; 24] = [
    Place::Size,
    Place::SourceMayBlock,
    Place::Fill,
    Place::Position,
    Place::BytesRead,
    Place::BatchLen,
    Place::BatchBytes,
    Place::ForEachBefore,
    Place::ForEachAfter,
    Place::SplitOff,
    Place::Locate,
    Place::Transform,
    Place::Encode,
    Place::PageMark,
    Place::PageBytes,
    Place::PageClear,
    Place::PageRewind,
    Place::SinkMayBlock,
    Place::Encoder,
    Place::Write,
    Place::TakeFaults,
    Place::Commit,
    Place::Finish,
    Place::Abort,
];

/// Panics at one place, from a row on.
#[derive(Debug, Default)]
pub(crate) struct Bomb {
    pub(crate) place: Option<Place>,
    /// Set when the row has been read; before, all is quiet.
    pub(crate) armed: AtomicBool,
}

impl Bomb {
    pub(crate) fn check(&self, place: Place) {
        if self.place == Some(place) && self.armed.load(SeqCst) {
            panic!("boom in {place:?}");
        }
    }
}

/// Yields rows in batches and arms the bomb at row `armed_at`.
pub(crate) struct Rows {
    pub(crate) bomb: Arc<Bomb>,
    pub(crate) at: u64,
    pub(crate) armed_at: u64,
    pub(crate) blocks: bool,
}

const ROWS: u64 = 3_000;

#[derive(Default)]
pub(crate) struct RowsBatch {
    ids: Vec<u64>,
    bomb: Option<Arc<Bomb>>,
}

impl RowsBatch {
    fn check(&self, place: Place) {
        if let Some(bomb) = &self.bomb {
            bomb.check(place);
        }
    }
}

impl Batch for RowsBatch {
    type Row<'a> = u64;
    fn len(&self) -> usize {
        self.check(Place::BatchLen);
        self.ids.len()
    }
    fn bytes(&self) -> usize {
        self.check(Place::BatchBytes);
        self.ids.len() * 8
    }
    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        self.check(Place::ForEachBefore);
        for id in &self.ids[from..] {
            visit(Ok(*id))?;
        }
        self.check(Place::ForEachAfter);
        Ok(())
    }
    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        self.check(Place::SplitOff);
        tail.ids = self.ids.split_off(at);
        tail.bomb.clone_from(&self.bomb);
        true
    }
    fn locate(&self, _: &[usize], _: &mut dyn FnMut(usize, Origin, &[u8])) {
        self.check(Place::Locate);
    }
}

impl Source for Rows {
    type Batch = RowsBatch;
    fn fill(&mut self, batch: &mut RowsBatch, limit: &Limit<'_>) -> Result<Fill> {
        self.bomb.check(Place::Fill);
        let end = (self.at + limit.rows() as u64).min(ROWS);
        batch.ids.clear();
        batch.ids.extend(self.at..end);
        batch.bomb = Some(Arc::clone(&self.bomb));
        self.at = end;
        if end > self.armed_at {
            self.bomb.armed.store(true, SeqCst);
        }
        Ok(if end == ROWS { Fill::End } else { Fill::More })
    }
    fn may_block(&self) -> bool {
        self.bomb.check(Place::SourceMayBlock);
        self.blocks
    }
    fn position(&self) -> Option<Position> {
        self.bomb.check(Place::Position);
        Some(Position::from_numbers(&[self.at]))
    }
    fn size(&self) -> Size {
        self.bomb.check(Place::Size);
        Size::default()
    }
    fn bytes_read(&self) -> u64 {
        self.bomb.check(Place::BytesRead);
        self.at * 8
    }
}

pub(crate) struct Store {
    pub(crate) bomb: Arc<Bomb>,
    pub(crate) blocks: bool,
}

#[derive(Default)]
pub(crate) struct StorePage {
    values: Vec<u64>,
    bomb: Option<Arc<Bomb>>,
}

impl StorePage {
    fn check(&self, place: Place) {
        if let Some(bomb) = &self.bomb {
            bomb.check(place);
        }
    }
}

impl Page for StorePage {
    fn clear(&mut self) {
        self.check(Place::PageClear);
        self.values.clear();
    }
    fn bytes(&self) -> usize {
        self.check(Place::PageBytes);
        self.values.len() * 8
    }
    fn mark(&self) -> usize {
        self.check(Place::PageMark);
        self.values.len()
    }
    fn rewind(&mut self, mark: usize) {
        self.check(Place::PageRewind);
        self.values.truncate(mark);
    }
}

impl Sink for Store {
    type Page = StorePage;
    type Encoder = Arc<Bomb>;
    fn encoder(&mut self) -> Result<Arc<Bomb>> {
        self.bomb.check(Place::Encoder);
        Ok(Arc::clone(&self.bomb))
    }
    fn write(&mut self, _: &mut StorePage) -> Result<()> {
        self.bomb.check(Place::Write);
        Ok(())
    }
    fn take_faults(&mut self, _: &mut Vec<(usize, Error)>) {
        self.bomb.check(Place::TakeFaults);
    }
    fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
        self.bomb.check(Place::Commit);
        Ok(Durability::Stored)
    }
    fn finish(&mut self) -> Result<()> {
        self.bomb.check(Place::Finish);
        Ok(())
    }
    fn abort(&mut self) -> Durability {
        self.bomb.check(Place::Abort);
        Durability::Stored
    }
    fn may_block(&self) -> bool {
        self.bomb.check(Place::SinkMayBlock);
        self.blocks
    }
}

impl Encode<u64> for Store {
    fn encode(bomb: &Arc<Bomb>, page: &mut StorePage, value: u64) -> Result<()> {
        bomb.check(Place::Encode);
        page.bomb.get_or_insert_with(|| Arc::clone(bomb));
        page.values.push(value);
        Ok(())
    }
}
