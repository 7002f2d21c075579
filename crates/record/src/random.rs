//! Records from the thread's own random number generator.

use std::cell::RefCell;

use fastrand::Rng;

use crate::draft::Draft;
use crate::user::UserRecord;

thread_local! {
    // Not fastrand's own thread-local generator: seeding that one would also seed every other
    // user of the crate in the program.
    static RNG: RefCell<Rng> = RefCell::new(Rng::new());
}

/// Ids below this have at most ten digits, which keeps a record within 100 bytes.
const IDS: u64 = 10_000_000_000;

/// A random user with a random id below ten billion, from the thread's generator.
///
/// Ids are drawn, not counted: two records can have the same. For records that can be made again
/// use a [`Generator`](crate::Generator).
///
/// ```
/// trommel_record::seed_random(7);
/// let first = trommel_record::random();
/// trommel_record::seed_random(7);
/// assert_eq!(trommel_record::random(), first);
/// ```
#[must_use]
pub fn random() -> UserRecord {
    RNG.with_borrow_mut(|rng| {
        let id = rng.u64(..IDS);
        draft(rng, id).boxed()
    })
}

/// A random user with the given id, from the thread's generator.
#[must_use]
pub fn random_with_id(id: u64) -> UserRecord {
    RNG.with_borrow_mut(|rng| draft(rng, id).boxed())
}

/// Seeds the generator of the calling thread, and of no other; without it each thread starts from
/// a seed of its own.
pub fn seed_random(seed: u64) {
    RNG.with_borrow_mut(|rng| rng.seed(seed));
}

fn draft(rng: &mut Rng, id: u64) -> Draft {
    Draft::new(id, [rng.u64(..), rng.u64(..), rng.u64(..)])
}
