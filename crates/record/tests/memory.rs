//! What records cost in memory, counted by the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use trommel_record::{Generator, UserRecord};

/// Counts, for each thread by itself, what is asked of the system's allocator.
///
/// All counting wraps: a thread that frees what another one allocated goes below zero, and a panic
/// inside an allocator would abort. Only differences on one thread are read.
struct Counting;

#[derive(Clone, Copy, Debug, Default)]
struct Live {
    /// Allocations made so far; freeing takes none back, a reallocation counts as one.
    allocations: usize,
    /// Bytes asked for and not yet freed.
    requested_bytes: usize,
    /// Bytes that the chunks behind them take up, where the C library tells; else the same.
    occupied_bytes: usize,
}

thread_local! {
    static LIVE: Cell<Live> = const {
        Cell::new(Live { allocations: 0, requested_bytes: 0, occupied_bytes: 0 })
    };
}

fn add(bytes: usize, occupied: usize) {
    LIVE.with(|cell| {
        let mut live = cell.get();
        live.allocations = live.allocations.wrapping_add(1);
        live.requested_bytes = live.requested_bytes.wrapping_add(bytes);
        live.occupied_bytes = live.occupied_bytes.wrapping_add(occupied);
        cell.set(live);
    });
}

fn remove(bytes: usize, occupied: usize) {
    LIVE.with(|cell| {
        let mut live = cell.get();
        live.requested_bytes = live.requested_bytes.wrapping_sub(bytes);
        live.occupied_bytes = live.occupied_bytes.wrapping_sub(occupied);
        cell.set(live);
    });
}

/// Bytes of the chunk behind an allocation, its header included.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
#[expect(unsafe_code, reason = "only the C library knows the true size of a chunk")]
fn occupied(pointer: *mut u8, _bytes: usize) -> usize {
    unsafe extern "C" {
        fn malloc_usable_size(pointer: *mut core::ffi::c_void) -> usize;
    }
    // SAFETY: the callers pass a live pointer that the system's allocator returned, which on this
    // platform is malloc's.
    let usable = unsafe { malloc_usable_size(pointer.cast()) };
    usable + size_of::<usize>()
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
fn occupied(_pointer: *mut u8, bytes: usize) -> usize {
    bytes
}

// SAFETY: every call goes to the system's allocator unchanged; counting neither allocates nor
// unwinds, since the thread-local is a constant without a destructor. `realloc` is the default
// one, made of the two methods here.
#[expect(unsafe_code, reason = "a counting allocator is an allocator")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        let pointer = unsafe { System.alloc(layout) };
        if !pointer.is_null() {
            add(layout.size(), occupied(pointer, layout.size()));
        }
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        remove(layout.size(), occupied(pointer, layout.size()));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What making a value costs, of what is still live when it is made.
fn cost<T>(make: impl FnOnce() -> T) -> (T, Live) {
    let before = LIVE.get();
    let value = black_box(make());
    let after = LIVE.get();
    let cost = Live {
        allocations: after.allocations - before.allocations,
        requested_bytes: after.requested_bytes.wrapping_sub(before.requested_bytes),
        occupied_bytes: after.occupied_bytes.wrapping_sub(before.occupied_bytes),
    };
    (value, cost)
}

const RECORDS: usize = 100_000;

fn records(first_id: u64) -> (Vec<UserRecord>, Live) {
    cost(|| {
        let mut records = Vec::with_capacity(RECORDS);
        Generator::seeded(1).batch(first_id, &mut records, RECORDS);
        records
    })
}

#[test]
fn a_record_is_at_most_100_bytes_all_in() {
    // The second range has the longest ids that the promise covers: ten digits.
    for first_id in [0, 10_000_000_000 - RECORDS as u64] {
        let (records, cost) = records(first_id);
        assert_eq!(records.len(), RECORDS);
        let each = |bytes: usize| bytes as f64 / RECORDS as f64;
        println!(
            "ids from {first_id}: {:.2} bytes per record asked for, {:.2} occupied",
            each(cost.requested_bytes),
            each(cost.occupied_bytes),
        );
        assert!(cost.requested_bytes <= 100 * RECORDS, "{cost:?}");
        // No spare capacity anywhere: what was asked for is exactly what the records hold.
        let text: usize =
            records.iter().map(|user| user.username().len() + user.email().len()).sum();
        assert_eq!(cost.requested_bytes, 64 * RECORDS + text);
    }
}

#[test]
fn a_boxed_record_is_two_allocations_and_a_batch_recycles_its_vector() {
    let (mut batch, first) = records(0);
    assert_eq!(first.allocations, 1 + 2 * RECORDS, "one vector, two strings a record");
    let (_, second) = cost(|| Generator::seeded(2).batch(7, &mut batch, RECORDS));
    assert_eq!(second.allocations, 2 * RECORDS, "the strings alone");
    let (_, thread_local) = cost(|| {
        trommel_record::seed_random(1);
        trommel_record::random()
    });
    assert_eq!(thread_local.allocations, 2);
}

#[test]
fn a_warm_arena_takes_a_batch_without_an_allocation() {
    let generator = Generator::seeded(1);
    let mut arena = bumpalo::Bump::with_capacity(128 * 1024);
    for first_id in [0, 1_000, 2_000] {
        arena.reset();
        let (rows, cost) = cost(|| generator.batch_in(first_id, &arena, 1_000).len());
        assert_eq!((rows, cost.allocations), (1_000, 0));
    }
}

#[cfg(feature = "wide")]
#[test]
fn a_wide_record_is_about_55_kb_in_more_than_100_allocations() {
    let generator = Generator::seeded(1);
    for id in 0..20 {
        let (user, cost) = cost(|| Box::new(generator.wide(id)));
        if id == 0 {
            println!("wide: {cost:?}");
        }
        assert!((50_000..=60_000).contains(&cost.requested_bytes), "{cost:?}");
        // A clone makes no temporary values: these are the allocations that the record holds.
        let (_, cost) = self::cost(|| user.clone());
        if id == 0 {
            println!("its clone: {cost:?}");
        }
        assert!((100..=200).contains(&cost.allocations), "{cost:?}");
    }
}
