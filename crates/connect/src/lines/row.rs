//! What a line is to the transform.

use trommel::Result;

/// What a line is handed over as: [`Bytes`] or [`Text`].
pub trait Kind: sealed::Sealed + Send + Default + std::fmt::Debug + 'static {
    /// The row.
    type Row<'a>;

    /// Makes a row of a line.
    ///
    /// # Errors
    /// A row error when the line can't be one.
    fn row(line: &[u8]) -> Result<Self::Row<'_>>;
}

/// Rows are `&[u8]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bytes;

/// Rows are `&str`; a line that is not UTF-8 is a bad row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text;

impl Kind for Bytes {
    type Row<'a> = &'a [u8];

    #[inline]
    fn row(line: &[u8]) -> Result<&[u8]> {
        Ok(line)
    }
}

impl Kind for Text {
    type Row<'a> = &'a str;

    #[inline]
    fn row(line: &[u8]) -> Result<&str> {
        Ok(std::str::from_utf8(line)?)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Bytes {}
    impl Sealed for super::Text {}
}
