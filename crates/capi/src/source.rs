//! Sources: connectors, and a C callback.

use crate::batch::Batch;
use crate::call::{Call, CallPointer, Work};
use crate::cast::Sized32;
use crate::plan::Plan;
use crate::rows::Rows;
use crate::status::Status;
use crate::user::{DropFn, User};
use engine::{Fill, Fingerprint, Limit, Position, Result, Size};
use std::ffi::{c_int, c_void};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A source of any kind: fills rows.
pub(crate) trait Input: Send {
    fn fill(&mut self, rows: &mut Rows, limit: &Limit<'_>, plan: &Plan) -> Result<Fill>;
    fn may_block(&self) -> bool {
        true
    }
    fn position(&self) -> Option<Position> {
        None
    }
    fn seek(&mut self, position: &Position) -> Result<()> {
        let _ = position;
        let message = "this source cannot be resumed";
        Err(engine::Error::new(engine::ErrorKind::Unsupported, message))
    }
    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        Ok(None)
    }
    fn size(&self) -> Size {
        Size::default()
    }
    fn bytes_read(&self) -> u64 {
        0
    }
}

/// The source as the engine sees it.
pub(crate) struct Source {
    pub(crate) input: Box<dyn Input>,
    pub(crate) plan: Arc<Plan>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl engine::Source for Source {
    type Batch = Batch;

    fn fill(&mut self, batch: &mut Batch, limit: &Limit<'_>) -> Result<Fill> {
        batch.refilled(&self.plan);
        self.input.fill(&mut batch.rows, limit, &self.plan)
    }

    fn may_block(&self) -> bool {
        self.input.may_block()
    }

    fn position(&self) -> Option<Position> {
        self.input.position()
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        self.input.seek(position)
    }

    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        self.input.fingerprint()
    }

    fn size(&self) -> Size {
        self.input.size()
    }

    fn bytes_read(&self) -> u64 {
        self.input.bytes_read()
    }
}

type FillFn =
    unsafe extern "C-unwind" fn(*mut c_void, *mut c_void, usize, *mut usize, CallPointer) -> c_int;

/// `trommel_source`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct SourceSpec {
    size: u32,
    record_size: u32,
    rows: u64,
    fill: Option<FillFn>,
    user: *mut c_void,
    drop: Option<DropFn>,
}

// SAFETY: `repr(C)`, begins with its size, holds numbers, pointers and nullable functions.
unsafe impl Sized32 for SourceSpec {
    const LEAST: usize = size_of::<SourceSpec>();
    const NAME: &'static str = "trommel_source";
}

/// Calls of the callback between two looks at the clock, at most: a look costs as much as three
/// calls, and a row may wait for this many slow calls before its batch is handed over.
const CALLS_PER_LOOK: u32 = 16;
/// Calls that take longer than this together are looked at each time.
const QUICK: Duration = Duration::from_micros(20);

/// A source that asks a C callback.
#[derive(Debug)]
pub(crate) struct CallbackSource {
    fill: FillFn,
    user: User,
    pub(crate) record_size: usize,
    rows: Option<u64>,
    ended: bool,
}

impl CallbackSource {
    /// Takes `user` over; `None` when there is no function.
    pub(crate) fn new(spec: SourceSpec) -> Option<Self> {
        let fill = spec.fill?;
        Some(CallbackSource {
            fill,
            user: User::new(spec.user, spec.drop),
            record_size: spec.record_size as usize,
            rows: (spec.rows > 0).then_some(spec.rows),
            ended: false,
        })
    }

    /// One call: `Ok(records)`. It sets `ended`.
    // A source may give one record per call, and a call of this costs as much as that of the callback.
    #[inline(always)]
    fn call(&mut self, room: *mut u8, records: usize, call: &mut Call<'_>) -> Result<usize> {
        let mut count = 0;
        let pointer = call.pointer();
        // SAFETY: the header obliges the caller that the function takes these arguments and its
        // `user`; there is room for that many records, all bytes of it initialised.
        let code = unsafe {
            (self.fill)(self.user.pointer(), room.cast(), records, &raw mut count, pointer)
        };
        if code != Status::Ok.code() {
            self.says(code, call)?;
        }
        match count > records {
            false => Ok(count),
            true => Err(too_many(count, records)),
        }
    }

    /// What an answer other than 0 means.
    #[cold]
    fn says(&mut self, code: c_int, call: &mut Call<'_>) -> Result<()> {
        if code == Status::End.code() {
            self.ended = true;
            return Ok(());
        }
        call.ended(code, "the source callback failed")
    }
}

#[cold]
fn too_many(count: usize, room: usize) -> engine::Error {
    engine::Error::fatal(format!(
        "the source callback says it has filled {count} records where there was room for {room}"
    ))
}

/// When a batch that is being put together should be handed over.
struct Patience<'a> {
    limit: &'a Limit<'a>,
    first_row: Instant,
    looked: Instant,
    calls: u32,
    per_look: u32,
}

impl<'a> Patience<'a> {
    fn new(limit: &'a Limit<'a>) -> Self {
        let now = Instant::now();
        Patience { limit, first_row: now, looked: now, calls: 0, per_look: 1 }
    }

    /// After a call that has brought something.
    fn is_over(&mut self) -> bool {
        self.calls += 1;
        if self.calls < self.per_look {
            return false;
        }
        self.calls = 0;
        let now = Instant::now();
        let slow = now - self.looked > QUICK;
        self.looked = now;
        self.per_look = if slow { 1 } else { (self.per_look * 2).min(CALLS_PER_LOOK) };
        self.limit.is_cancelled() || (slow && self.limit.should_flush(self.first_row))
    }
}

impl Input for CallbackSource {
    fn fill(&mut self, rows: &mut Rows, limit: &Limit<'_>, plan: &Plan) -> Result<Fill> {
        let mut patience = Patience::new(limit);
        if self.record_size == 0 {
            let records = rows.records();
            while !self.ended && records.ends.len() < limit.rows() {
                let before = records.ends.len();
                let mut call = Call::new(&plan.cancel, Work::Push(records));
                self.call(std::ptr::null_mut(), 0, &mut call)?;
                let came = records.ends.len() > before;
                if !came || records.data.len() >= limit.bytes() || patience.is_over() {
                    break;
                }
            }
        } else {
            let size = self.record_size;
            let wanted = limit.rows().min((limit.bytes() / size).max(1));
            let records = rows.fixed(size);
            records.reserve(wanted * size);
            let mut count = 0;
            // One for all calls of a batch: to make it anew costs as much as the call.
            let mut call = Call::new(&plan.cancel, Work::Plain);
            while !self.ended && count < wanted {
                let came = self.call(records.pointer(count * size), wanted - count, &mut call)?;
                count += came;
                if came == 0 || (count < wanted && patience.is_over()) {
                    break;
                }
            }
            records.commit(count * size);
        }
        Ok(if self.ended { Fill::End } else { Fill::More })
    }

    fn size(&self) -> Size {
        Size { rows: self.rows, bytes: None }
    }
}
