//! Sinks for what stays in the program, and for any `Write`.

mod channel;
mod collect;
mod count;
mod fold;
mod for_each;
mod write;

pub use channel::{Channel, channel};
pub use collect::{Collect, collect};
pub use count::{Count, CountPage, Null, count, null};
pub use fold::{Fold, FoldEncoder, FoldPage, fold};
pub use for_each::{ForEach, for_each};
pub use write::{Write, write};
