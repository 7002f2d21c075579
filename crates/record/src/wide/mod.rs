//! The wide original: the user record that [`UserRecord`](crate::UserRecord) replaces.
//!
//! [`WideUser`] is what such a record tends to grow into: about 55 KB in more than a hundred
//! allocations, almost all of it dragged along by programs that need the 64 bytes of the packed
//! record. It is here so that the two can be compared, and so that packing one into the other can
//! be run as a job.
//!
//! ```
//! use trommel_record::{Generator, UserRecord, UserRecordRef};
//!
//! let generator = Generator::seeded(7);
//! let wide = generator.wide(12);
//!
//! // What is packed from the wide record of an id is the packed record of that id.
//! assert_eq!(UserRecord::from(&wide), generator.record(12));
//! // Without a copy, while the wide record lives:
//! assert_eq!(UserRecordRef::from(&wide).email(), wide.email);
//! ```

mod convert;
mod generate;
#[cfg(feature = "serde")]
mod serde_form;
mod user;

pub use user::{Address, Session, WideUser};
