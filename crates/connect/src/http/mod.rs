//! HTTP and HTTPS, both ways.
//!
//! - [`get`] reads a body of any format as it arrives ([`Get::source`], [`Get::lines`]), or page
//!   after page ([`Get::pages`]);
//! - [`post`] sends what a pipeline emits, many rows to a request ([`Sink`]).
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//! use trommel::{Engine, Pipeline};
//! use trommel_connect::http;
//!
//! #[derive(Deserialize)]
//! struct Order<'a> {
//!     id: u64,
//!     customer: &'a str,
//! }
//!
//! #[derive(Serialize)]
//! struct Parcel<'a> {
//!     order: u64,
//!     to: &'a str,
//! }
//!
//! // A line of JSON each, read as it arrives; parcels go out in requests of up to 500.
//! Pipeline::from(http::get("https://shop.example/orders.ndjson").lines()?)
//!     .transform(|line: &[u8], out| {
//!         let order: Order<'_> = serde_json::from_slice(line)
//!             .map_err(|error| trommel::Error::row("not an order").caused_by(error))?;
//!         out.emit(&Parcel { order: order.id, to: order.customer })
//!     })
//!     .load_into(http::post("https://depot.example/parcels").rows_per_request(500).ndjson())
//!     .run(&Engine::new()?)?;
//! # Ok::<(), trommel::Error>(())
//! ```
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
