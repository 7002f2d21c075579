//! Where lines end.

use crate::input::{Cut, scanned};
use memchr::{memchr_iter, memrchr};

#[derive(Debug, Clone, Default)]
pub(super) struct Cutter {
    at: usize,
    end: usize,
    rows: usize,
    last: (usize, usize),
}

/// The line without the `\r` that it ends in.
#[inline]
pub(super) fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl Cutter {
    fn row(&mut self, data: &[u8], stop: usize) {
        let length = without_return(&data[self.end..stop]).len();
        self.last = (self.end, self.end + length);
        self.rows += 1;
    }
}

impl Cut for Cutter {
    scanned!();

    fn walk(&mut self, data: &[u8], rows: usize) {
        let from = self.at;
        for stop in memchr_iter(b'\n', &data[from..]) {
            if self.rows >= rows {
                return;
            }
            self.row(data, from + stop);
            self.end = from + stop + 1;
            self.at = self.end;
        }
        if self.rows < rows {
            self.at = data.len();
        }
    }

    fn skim(&mut self, data: &[u8]) {
        let rest = &data[self.at..];
        if let Some(last) = memrchr(b'\n', rest) {
            self.rows += memchr_iter(b'\n', rest).count();
            self.end = self.at + last + 1;
        }
        self.at = data.len();
    }

    fn finish(&mut self, data: &[u8]) {
        if self.end < data.len() {
            self.row(data, data.len());
        }
        self.at = data.len();
        self.end = data.len();
    }

    fn cut(&mut self) {
        self.at -= self.end;
        self.end = 0;
        self.rows = 0;
    }

    fn skip(&mut self) {
        self.at = 1;
        self.end = 0;
    }

    fn parsed_bytes(&self, _average: f64) -> f64 {
        0.0
    }
}
