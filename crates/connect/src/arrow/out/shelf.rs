//! What there is of one key.

use super::{Building, Rows};
use crate::partition::{name_in_folder, rolled_name};
use std::path::{Path, PathBuf};

/// The file of a key that is being written, and the rows that wait for it.
#[derive(Debug)]
pub(super) struct Shelf<W> {
    pub(super) key: Box<str>,
    pub(super) file: Option<W>,
    /// Files begun: the number of the next one.
    pub(super) begun: u32,
    waiting: Vec<Rows>,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    /// When something was last written, in writes.
    pub(super) used: u64,
}

impl<W: Building> Shelf<W> {
    pub(super) fn new(key: &str, begun: u32) -> Self {
        Shelf {
            key: key.into(),
            file: None,
            begun,
            waiting: Vec::new(),
            rows: 0,
            bytes: 0,
            used: 0,
        }
    }

    /// Where its next file goes.
    pub(super) fn next_path(
        &mut self,
        path: &Path,
        is_folder: bool,
        rolls: bool,
        extension: &str,
    ) -> PathBuf {
        let number = self.begun;
        self.begun += 1;
        if is_folder {
            return path.join(name_in_folder(&self.key, number, extension));
        }
        match path.file_name().filter(|_| rolls) {
            Some(name) => path.with_file_name(rolled_name(&name.to_string_lossy(), number)),
            None => path.into(),
        }
    }

    /// Keeps rows for later; answers the bytes that they take.
    pub(super) fn keep(&mut self, rows: Rows) -> usize {
        let bytes = rows.bytes();
        self.rows += rows.len();
        self.bytes += bytes;
        self.waiting.push(rows);
        bytes
    }

    /// Takes the first `most` of the rows that wait; answers the bytes that they took, too.
    pub(super) fn take(&mut self, most: usize) -> (Vec<Rows>, usize) {
        let before = self.bytes;
        let mut taken = std::mem::take(&mut self.waiting);
        (self.rows, self.bytes) = (0, 0);
        let mut rows = 0;
        let end = taken.iter().position(|next| {
            rows += next.len();
            rows >= most
        });
        if let Some(end) = end {
            let rest = taken.split_off(end + 1);
            let over = rows - most;
            if let Some(last) = taken.last_mut().filter(|_| over > 0) {
                let at = last.len() - over;
                let rest = last.split_off(at);
                self.keep(rest);
            }
            for rows in rest {
                self.keep(rows);
            }
        }
        (taken, before - self.bytes)
    }
}
