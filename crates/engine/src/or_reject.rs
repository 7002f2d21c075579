//! Rejecting a row for any error.

use crate::error::{Error, Result};

/// Turns any error, or a missing value, into a reject of the row at hand.
///
/// ```
/// use trommel::OrReject;
/// fn port(text: &str) -> trommel::Result<std::net::Ipv4Addr> {
///     text.parse().or_reject("not an IPv4 address")
/// }
/// assert!(port("10.0.0.300").is_err());
/// ```
pub trait OrReject<T> {
    /// The value, or a row error with this message and the original error as its cause.
    ///
    /// # Errors
    /// [`ErrorKind::Row`](crate::ErrorKind::Row) when there is no value.
    fn or_reject(self, message: &'static str) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> OrReject<T>
    for std::result::Result<T, E>
{
    fn or_reject(self, message: &'static str) -> Result<T> {
        self.map_err(|error| Error::row(message).caused_by(error))
    }
}

impl<T> OrReject<T> for Option<T> {
    fn or_reject(self, message: &'static str) -> Result<T> {
        self.ok_or_else(|| Error::row(message))
    }
}
