//! TCP and Unix sockets, both ways: records that are lines, or any format that reads a stream.
//!
//! [`tcp`] and [`unix`] name an address; the [`Builder`] they return connects to it
//! ([`lines`](Builder::lines), [`source`](Builder::source), [`sink`](Builder::sink)) or listens
//! there ([`listen`](Builder::listen)).
//!
//! ```
//! use std::io::Write;
//! use trommel::{Engine, Pipeline, sinks};
//! use trommel_connect::socket;
//!
//! let listener = socket::tcp("127.0.0.1:0").listen()?;
//! let address = listener.local_addr().to_owned();
//! let sender = std::thread::spawn(move || {
//!     let mut peer = std::net::TcpStream::connect(address)?;
//!     peer.write_all(b"sand\ngravel\nclay\n")
//! });
//! let mut lengths = sinks::collect();
//! Pipeline::from(listener.lines()?.text())
//!     .map(|line: &str| line.len())
//!     .load_into(&mut lengths)
//!     .run(&Engine::new()?)?;
//! assert_eq!(lengths.into_vec(), [4, 6, 4]);
//! # sender.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod builder;
mod connection;
mod listener;
mod peers;
mod reader;
mod sink;

pub use crate::guarded::Guarded;
pub use crate::records::Records;
pub use builder::{Builder, tcp, unix};
pub use listener::Listener;
pub use reader::Reader;
pub use sink::Sink;
