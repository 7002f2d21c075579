//! Pages of encoded records that go out over a network.

use trommel::{Error, Page, Result};

/// Encoded records, one behind the other.
#[derive(Debug, Default)]
pub struct Records {
    pub(crate) bytes: Vec<u8>,
    /// Where each record ends, so that they can be counted, taken back and cut apart.
    pub(crate) ends: Vec<usize>,
}

impl Records {
    /// Appends a record that must be a single line, and ends it.
    #[inline]
    pub(crate) fn push_line(&mut self, record: &[u8]) -> Result<()> {
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        if let Some(at) = memchr::memchr(b'\n', record) {
            return Err(Error::row(format!(
                "the record has a line break at byte {at}, where its reader would cut it in two; \
                 escape it or send JSON"
            )));
        }
        self.bytes.extend_from_slice(record);
        self.bytes.push(b'\n');
        self.ends.push(self.bytes.len());
        Ok(())
    }
}

#[cfg(feature = "http")]
impl Records {
    /// Appends a record as it is.
    #[inline]
    pub(crate) fn push(&mut self, record: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// The bytes of some records.
    pub(crate) fn of(&self, rows: &std::ops::Range<usize>) -> &[u8] {
        let start = rows.start.checked_sub(1).map_or(0, |before| self.ends[before]);
        let end = rows.end.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[start..end.max(start)]
    }

    /// Appends records of `other` from number `from` on: up to `rows`, and none after that with
    /// which there are `bytes` or more. Answers how many.
    pub(crate) fn take(
        &mut self,
        other: &Records,
        from: usize,
        rows: usize,
        bytes: usize,
    ) -> usize {
        let mut taken = 0;
        while taken < rows && from + taken < other.ends.len() {
            self.bytes.extend_from_slice(other.of(&(from + taken..from + taken + 1)));
            self.ends.push(self.bytes.len());
            taken += 1;
            if self.bytes.len() >= bytes {
                break;
            }
        }
        taken
    }
}

impl Page for Records {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&self.ends[..])
    }

    fn mark(&self) -> usize {
        self.ends.len()
    }

    fn rewind(&mut self, mark: usize) {
        self.ends.truncate(mark);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line_and_can_be_taken_back() {
        let mut page = Records::default();
        page.push_line(b"a").unwrap();
        let mark = page.mark();
        page.push_line(b"bc\n").unwrap();
        page.push_line(b"").unwrap();
        assert_eq!((&page.bytes[..], &page.ends[..]), (&b"a\nbc\n\n"[..], &[2, 5, 6][..]));
        let error = page.push_line(b"d\ne").unwrap_err();
        assert!(error.to_string().contains("line break at byte 1"), "{error}");
        page.rewind(mark);
        assert_eq!((&page.bytes[..], &page.ends[..]), (&b"a\n"[..], &[2][..]));
    }
}
