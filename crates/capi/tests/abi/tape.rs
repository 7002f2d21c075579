//! The bytes that make a random program.

use std::ffi::CString;

/// Bytes to be taken from the front; zeros when there are no more.
#[derive(Debug)]
pub(crate) struct Tape<'a>(pub(crate) &'a [u8]);

impl Tape<'_> {
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Less than `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit.max(1)
    }

    /// True once in `times`.
    pub(crate) fn rarely(&mut self, times: u8) -> bool {
        self.byte() % times == times - 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Mostly 0, the default of options; else a number of any magnitude.
    pub(crate) fn number(&mut self) -> u64 {
        const NUMBERS: [u64; 12] =
            [1, 2, 7, 16, 128, 4096, 100_000, 1 << 24, 1 << 31, 0xffff_ffff, 1 << 40, u64::MAX];
        if self.rarely(3) { self.pick(&NUMBERS) } else { 0 }
    }

    /// The size of a struct, mostly the true one.
    pub(crate) fn size(&mut self, size: u32) -> u32 {
        if self.rarely(12) {
            self.pick(&[0, 3, 4, size - 1, size + 8, 4096, 4097, u32::MAX])
        } else {
            size
        }
    }

    /// `None` is NULL.
    pub(crate) fn text(&mut self, of: &[&str]) -> Option<CString> {
        match self.byte() {
            b if b % 16 == 14 => None,
            b if b % 16 == 15 => {
                let length = self.below(16);
                // Whatever it names stays in the current folder.
                let bytes = (0..length).map(|_| self.byte()).filter(|b| !b"\0/.".contains(b));
                Some(CString::new(bytes.collect::<Vec<u8>>()).unwrap_or_default())
            }
            b => Some(CString::new(of[usize::from(b) % of.len()]).unwrap_or_default()),
        }
    }
}
