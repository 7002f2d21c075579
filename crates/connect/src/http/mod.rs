//! HTTP and HTTPS, both ways.
//!
//! - [`get`] reads a body of any format as it arrives ([`Get::source`], [`Get::lines`]), or page
//!   after page ([`Get::pages`]);
//! - [`post`] sends what a pipeline emits, many rows to a request ([`Sink`]).
//!
//! What passes is tried again: no connection, a timeout, the statuses 408, 425, 429, 500, 502, 503
//! and 504, after as long as `Retry-After` says or with growing pauses. Messages name the URL
//! without its query, user and password.

mod body;
mod client;
mod error;
mod fetcher;
mod get;
mod link;
mod page;
mod pages;
mod post;
mod sender;
mod settings;
mod sink;
mod stored;
mod url;
mod watch;

pub use crate::guarded::Guarded;
pub use crate::records::Records;
pub use body::Body;
pub use get::{Get, get};
pub use page::{Page, Request};
pub use pages::{Pages, PagesBuilder};
pub use post::{Post, post};
pub use sink::{Encoding, JsonArray, Lines, Ndjson, Raw, Sink};
