//! An allocator that counts. A binary that uses it measures the whole process: its tests take
//! turns.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

pub(crate) struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TURN: Mutex<()> = Mutex::new(());

fn took(bytes: usize) {
    CALLS.fetch_add(1, Relaxed);
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe to implement; it only passes on to the system's"
)]
// SAFETY: every call goes to `System` with its arguments unchanged; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        LIVE.fetch_sub(layout.size(), Relaxed);
        took(bytes);
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What a piece of work took from the heap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    /// Allocations, reallocations included.
    pub(crate) calls: u64,
    /// Most bytes held at once beyond those held before.
    pub(crate) peak_bytes: usize,
}

/// Measures `work`, with no other measurement at the same time.
pub(crate) fn measure<R>(work: impl FnOnce() -> R) -> (R, Used) {
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let live = LIVE.load(Relaxed);
    let calls = CALLS.load(Relaxed);
    PEAK.store(live, Relaxed);
    let result = work();
    let used = Used {
        calls: CALLS.load(Relaxed) - calls,
        peak_bytes: PEAK.load(Relaxed).saturating_sub(live),
    };
    (result, used)
}
