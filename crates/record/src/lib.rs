//! Packed records: one user in one cache line, and the generators that make millions of them.
//!
//! - [`UserRecord`] is 64 bytes inline and at most 100 with its heap (ids below ten billion); its
//!   byte map is in [`User`] and in `docs/record-layout.md`. [`UserRecordRef`] is the same record
//!   with its strings in an arena.
//! - [`Profile`] packs age, country, language, plan, role, sixteen flags and the logins into one
//!   `u64`, behind typed accessors.
//! - [`Generator`] makes records as a pure function of seed and id, so that batch size, worker
//!   count and thread never change them. [`random`] draws from the thread's own generator.
//!
//! ```
//! use trommel_record::{Flag, Generator, UserRecord};
//!
//! let generator = Generator::seeded(7);
//! let mut batch: Vec<UserRecord> = Vec::new();
//! generator.batch(1, &mut batch, 50);
//!
//! for user in &mut batch {
//!     user.record_login(20_000);
//!     user.set_flag(Flag::Newsletter, false);
//! }
//! assert_eq!(size_of_val(&batch[..]), 50 * 64);
//! assert!(batch.iter().all(|user| user.flag(Flag::Active) && user.profile().logins().value() > 0));
//! let score: u32 = batch.iter().map(UserRecord::activity_score).sum();
//! assert!(score > 0);
//!
//! // The same seed and id give the same record, alone or in a batch, boxed or in an arena.
//! let arena = bumpalo::Bump::new();
//! assert_eq!(generator.record(3), generator.generate_in(3, &arena));
//! ```
//!
//! Features: `serde` (default) reads and writes records by field names; `wide` adds the original
//! record of about 55 KB that the packed one replaces, its generator and the conversion.

#![forbid(unsafe_code)]

mod checksum;
#[macro_use]
mod coded;
mod country;
mod counts;
mod draft;
mod error;
mod flag;
mod generator;
mod language;
#[cfg(test)]
mod layout_test;
mod mix;
mod parts;
mod plan;
mod profile;
mod random;
mod role;
#[cfg(feature = "serde")]
mod serde_form;
mod user;
#[cfg(feature = "wide")]
pub mod wide;

pub use arbitrary_int::{u7, u12};
pub use country::Country;
pub use counts::Counts;
pub use error::RecordError;
pub use flag::Flag;
pub use generator::{BATCH_ROWS, Generator, Records};
pub use language::Language;
pub use parts::UserParts;
pub use plan::Plan;
pub use profile::Profile;
pub use random::{random, random_with_id, seed_random};
pub use role::Role;
pub use user::{User, UserRecord, UserRecordRef, data_hash};
