//! Records, as `serde` hands them over, become rows of a destination.
//!
//! A destination is a [`Target`]: it takes the values of fields, and is told where a row begins and
//! ends and what its columns are called.

mod layouts;
mod record;
mod target;
mod value;

pub use layouts::Columns;
pub(crate) use layouts::Layouts;
pub(crate) use record::encode_into;
pub(crate) use target::{Target, Values};
pub(crate) use value::{Fault, push, push_key, write_json};

/// Methods of a `serde::Serializer` that all fail.
macro_rules! refuse {
    ($($what:expr => { $($method:ident($($type:ty),*) -> $ok:ty),* $(,)? })*) => {$($(
        fn $method(self, $(_: $type),*) -> Result<$ok, Self::Error> {
            Err($what)
        }
    )*)*};
}
pub(crate) use refuse;
