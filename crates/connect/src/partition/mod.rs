//! One file for each key.

mod folder;
mod key;

#[cfg(any(feature = "csv", feature = "ndjson", feature = "parquet"))]
pub(crate) use folder::each_folder;
pub(crate) use folder::{Folder, Limits, name_in_folder, rolled_name};

use std::collections::HashMap;
use std::fmt;
use trommel::{Checkpoint, Commit, Durability, Encode, Error, Page as _, Reject, Result, Sink};

/// Keys that a page remembers from one use to the next.
const REMEMBERED: usize = 256;

/// A sink of files, for what wraps it.
pub(crate) trait FileSink: Sink {
    type Output: Folder;

    fn output(&mut self) -> &mut Self::Output;
}

/// What a record says of the folder that it belongs into.
///
/// Implemented for all [`serde::Serialize`] structs and maps and, with the feature `csv`, for rows
/// that are passed through.
pub trait PartitionKey {
    /// Appends the value of a column as text; `false` when it is null.
    ///
    /// # Errors
    /// A row error when there is no such column, or it holds something nested.
    fn write_column(&self, column: &str, text: &mut String) -> Result<bool>;
}

/// A value with a key that the transform has made: the folders, one in another, that its file lies
/// in, as in `year=2013/month=1`.
#[derive(Debug, Clone, Copy)]
pub struct Keyed<'k, T> {
    key: &'k str,
    value: T,
}

impl<'k, T> Keyed<'k, T> {
    /// A value for the file of `key`.
    pub fn new(key: &'k str, value: T) -> Self {
        Keyed { key, value }
    }
}

/// Writes one file, or several, for each key; made by `partition_by` of a sink of files.
///
/// ```
/// use serde::Serialize;
/// use trommel::{Engine, Pipeline, sources};
/// use trommel_connect::csv;
///
/// #[derive(Serialize)]
/// struct Event {
///     day: u64,
///     id: u64,
/// }
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("events");
/// Pipeline::from(sources::generate(4, |id| id))
///     .transform(|id, out| out.emit(Event { day: 1 + id / 3, id }))
///     .load_into(csv::Sink::create(&path)?.partition_by(["day"]))
///     .run(&Engine::new()?)?;
/// assert_eq!(std::fs::read_to_string(path.join("day=1/part-0.csv"))?, "day,id\n1,0\n1,1\n1,2\n");
/// assert_eq!(std::fs::read_to_string(path.join("day=2/part-0.csv"))?, "day,id\n2,3\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until a pipeline loads into it"]
pub struct Partitioned<K> {
    sink: K,
    columns: Vec<String>,
    faults: Vec<(usize, Error)>,
}

#[expect(private_bounds, reason = "only sinks of files can be partitioned")]
impl<K: FileSink> Partitioned<K> {
    pub(crate) fn new(mut sink: K, columns: Vec<String>) -> Self {
        sink.output().make_folder(&columns);
        Partitioned { sink, columns, faults: Vec::new() }
    }

    /// Files that are open at the same time. Default: 256. Others are closed and opened again, where
    /// the format allows it; where not, the key goes on with a further file.
    pub fn max_open_files(mut self, files: usize) -> Self {
        self.sink.output().limits().open = files;
        self
    }

    /// Files in all; one more is an error, since most likely a column has more values than was
    /// thought. Default: 10,000.
    pub fn max_files(mut self, files: usize) -> Self {
        self.sink.output().limits().all = files;
        self
    }
}

/// Pages of one batch, one for each key.
pub struct KeyedPage<P> {
    parts: Vec<(Box<str>, P)>,
    index: HashMap<Box<str>, usize>,
    /// Which part each value went to, in order.
    owners: Vec<u32>,
    bytes: usize,
    key: String,
    text: String,
}

/// What encoding into files by keys needs.
pub struct KeyedEncoder<E> {
    encoder: E,
    columns: Vec<String>,
}

impl<P: trommel::Page> KeyedPage<P> {
    /// The part for a key.
    fn part(&mut self, key: &str) -> Result<usize> {
        if let Some(part) = self.index.get(key) {
            return Ok(*part);
        }
        check_key(key)?;
        self.parts.push((key.into(), P::default()));
        self.index.insert(key.into(), self.parts.len() - 1);
        Ok(self.parts.len() - 1)
    }

    fn encode<T, K: Encode<T, Page = P>>(
        &mut self,
        encoder: &K::Encoder,
        key: &str,
        value: T,
    ) -> Result<()> {
        let part = self.part(key)?;
        let page = &mut self.parts[part].1;
        let before = page.bytes();
        K::encode(encoder, page, value)?;
        self.bytes += page.bytes() - before;
        self.owners.push(part as u32);
        Ok(())
    }
}

/// A key must stay inside the destination.
fn check_key(key: &str) -> Result<()> {
    let is_bad = |part: &str| part.is_empty() || part == "." || part == "..";
    if key.split('/').any(is_bad) || key.contains(['\0', '\\']) || key.len() > 1024 {
        let shown: String = key.chars().take(60).collect();
        return Err(Error::row(format!(
            "`{shown}` is no key: it must be one or more names of folders, as in \
             `year=2013/month=1`"
        )));
    }
    Ok(())
}

/// Appends `column=value/`, with what a file name can't hold as `%2F`, as Hive does.
fn push_folder(key: &mut String, column: &str, value: Option<&str>) {
    if !key.is_empty() {
        key.push('/');
    }
    push_escaped(key, column);
    key.push('=');
    match value {
        None | Some("") => key.push_str("__HIVE_DEFAULT_PARTITION__"),
        Some(value) => push_escaped(key, value),
    }
}

fn push_escaped(key: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '"'
            | '#'
            | '%'
            | '\''
            | '*'
            | '/'
            | ':'
            | '='
            | '?'
            | '\\'
            | '\u{7f}'
            | '{'
            | '['
            | ']'
            | '^'
            | '<'
            | '>'
            | '|'
            | '\0'..='\x1f' => {
                key.push_str(&format!("%{:02X}", u32::from(character)));
            }
            _ => key.push(character),
        }
    }
}

impl<P: trommel::Page> Default for KeyedPage<P> {
    fn default() -> Self {
        KeyedPage {
            parts: Vec::new(),
            index: HashMap::new(),
            owners: Vec::new(),
            bytes: 0,
            key: String::new(),
            text: String::new(),
        }
    }
}

impl<P: trommel::Page> trommel::Page for KeyedPage<P> {
    fn clear(&mut self) {
        if self.parts.len() > REMEMBERED {
            self.parts.clear();
            self.index.clear();
        }
        self.parts.iter_mut().for_each(|(_, page)| page.clear());
        self.owners.clear();
        self.bytes = 0;
    }

    fn bytes(&self) -> usize {
        self.bytes + self.owners.len() * size_of::<u32>()
    }

    fn mark(&self) -> usize {
        self.owners.len()
    }

    fn rewind(&mut self, mark: usize) {
        while self.owners.len() > mark {
            let Some(owner) = self.owners.pop() else { return };
            let page = &mut self.parts[owner as usize].1;
            let before = page.bytes();
            page.rewind(page.mark() - 1);
            self.bytes -= before - page.bytes();
        }
    }

    fn seal(&mut self) {
        self.parts.iter_mut().for_each(|(_, page)| page.seal());
        self.bytes = self.parts.iter().map(|(_, page)| page.bytes()).sum();
    }
}

impl<K: FileSink> Sink for Partitioned<K> {
    type Page = KeyedPage<K::Page>;
    type Encoder = KeyedEncoder<K::Encoder>;

    fn encoder(&mut self) -> Result<Self::Encoder> {
        Ok(KeyedEncoder { encoder: self.sink.encoder()?, columns: self.columns.clone() })
    }

    fn write(&mut self, page: &mut Self::Page) -> Result<()> {
        self.faults.clear();
        let mut refused = Vec::new();
        for (index, (key, part)) in page.parts.iter_mut().enumerate() {
            if part.mark() == 0 {
                continue;
            }
            self.sink.output().select(key)?;
            self.sink.write(part)?;
            self.sink.take_faults(&mut refused);
            for (value, error) in refused.drain(..) {
                let mut mine = page.owners.iter().enumerate();
                let found = mine.by_ref().filter(|(_, owner)| **owner == index as u32).nth(value);
                self.faults.push((found.map_or(0, |(place, _)| place), error));
            }
        }
        self.faults.sort_by_key(|(value, _)| *value);
        Ok(())
    }

    fn refuses_values(&self) -> bool {
        self.sink.refuses_values()
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        faults.append(&mut self.faults);
    }

    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.sink.commit(checkpoint, when)
    }

    fn finish(&mut self) -> Result<()> {
        self.sink.finish()
    }

    fn abort(&mut self) -> Durability {
        self.sink.abort()
    }

    fn keeps_rejects(&self) -> bool {
        self.sink.keeps_rejects()
    }

    fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.sink.keep_reject(reject)
    }

    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.sink.resume(job)
    }
}

/// Values whose columns say where they belong.
impl<K, T> Encode<T> for Partitioned<K>
where
    K: FileSink + Encode<T>,
    T: PartitionKey,
{
    fn encode(encoder: &Self::Encoder, page: &mut Self::Page, value: T) -> Result<()> {
        let mut key = std::mem::take(&mut page.key);
        key.clear();
        if encoder.columns.is_empty() {
            let message = "partition_by: name columns, or emit `files::Keyed` values";
            return Err(Error::config(message));
        }
        for column in &encoder.columns {
            page.text.clear();
            let is_there = value.write_column(column, &mut page.text)?;
            push_folder(&mut key, column, is_there.then_some(page.text.as_str()));
        }
        let encoded = page.encode::<T, K>(&encoder.encoder, &key, value);
        page.key = key;
        encoded
    }
}

impl<K, T> Encode<Keyed<'_, T>> for Partitioned<K>
where
    K: FileSink + Encode<T>,
{
    fn encode(encoder: &Self::Encoder, page: &mut Self::Page, value: Keyed<'_, T>) -> Result<()> {
        page.encode::<T, K>(&encoder.encoder, value.key, value.value)
    }
}

impl<P> fmt::Debug for KeyedPage<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedPage").field("keys", &self.parts.len()).finish_non_exhaustive()
    }
}

impl<E> fmt::Debug for KeyedEncoder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedEncoder").field("columns", &self.columns).finish_non_exhaustive()
    }
}
