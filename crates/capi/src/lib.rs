//! The C ABI of Trommel: what `trommel.h` declares.
//!
//! `docs/c-api.md` is the contract. C programs need nothing of this page; a Rust crate that builds a
//! library of its own finds [`EXPORTS`] and [`ABI_VERSION`] here.

#[cfg(feature = "arrow")]
mod arrow;
mod batch;
mod boundary;
mod buffer;
mod call;
mod cast;
mod engines;
mod error;
mod handle;
mod job;
mod knobs;
mod numbers;
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "some of it serves some connectors"))]
mod page;
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "some of it serves some connectors"))]
mod parts;
mod pipeline;
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "some of it serves some connectors"))]
mod plan;
mod report;
mod rows;
mod run;
mod sink;
mod source;
mod status;
mod stretch;
mod transform;
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "some of it serves some connectors"))]
mod url;
mod user;
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "some of it serves some connectors"))]
mod value;
mod version;

pub use boundary::EXPORTS;
pub use version::ABI_VERSION;
