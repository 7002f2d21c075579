//! Rows until the schema is settled, and then into the files.

use super::{Files, Format, Named, Rows};
use crate::arrow::gather::{Declared, Gather, check_schema};
use crate::arrow::page::Page;
#[cfg(feature = "parquet")]
use crate::partition::each_folder;
use crate::partition::{Folder, Limits};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use std::path::PathBuf;
use std::sync::Arc;
use trommel::Result;

/// What the sinks of all formats do once rows are in a page.
#[derive(Debug)]
pub(crate) struct Output<F: Format> {
    pub(crate) format: F,
    pub(crate) declared: Declared,
    pub(crate) files: Files<F>,
    gather: Gather,
    /// The columns that the key is made of, if there are keys.
    keys: Option<Vec<String>>,
    /// The key that was chosen last; without keys there is one all the same.
    key: usize,
}

impl<F: Format> Output<F> {
    pub(crate) fn new(path: PathBuf, format: F) -> Self {
        Output {
            format,
            declared: Declared::default(),
            files: Files::new(path),
            gather: Gather::default(),
            keys: None,
            key: 0,
        }
    }

    /// Begins a run; of a job, behind the files of these keys that it has already.
    pub(crate) fn start(&mut self, job: Option<impl Iterator<Item = Box<str>>>) -> Result<()> {
        self.format.check()?;
        self.declared.check()?;
        self.forget();
        match job {
            Some(keys) => return self.go_on(keys),
            None => self.files.start()?,
        }
        if !self.files.is_folder {
            self.key = self.files.key("");
        }
        Ok(())
    }

    /// Goes on with a job behind its files of these keys.
    pub(crate) fn go_on(&mut self, keys: impl Iterator<Item = Box<str>>) -> Result<()> {
        self.files.go_on(keys)?;
        if !self.files.is_folder {
            self.key = self.files.key("");
        }
        Ok(())
    }

    /// Which rows share a file, in so many words.
    #[cfg(feature = "parquet")]
    pub(crate) fn form(&self) -> String {
        match &self.keys {
            None => "without partitions".into(),
            Some(keys) => each_folder(keys),
        }
    }

    fn forget(&mut self) {
        self.gather = Gather::new(self.declared.schema.clone());
    }

    /// Takes the rows of a page.
    pub(crate) fn write(&mut self, page: &mut Page) -> Result<()> {
        self.gather.take_for(self.key, page);
        self.flush(false)
    }

    /// Takes whole record batches.
    pub(crate) fn write_batches(&mut self, page: &mut Page) -> Result<()> {
        page.batches.drain(..).try_for_each(|batch| self.add(batch))
    }

    /// Takes a record batch.
    pub(crate) fn add(&mut self, batch: RecordBatch) -> Result<()> {
        if self.gather.schema().is_none() {
            self.gather = Gather::new(Some(batch.schema()));
        }
        let schema = self.gather.schema().cloned().unwrap_or_else(|| batch.schema());
        check_schema(&batch, &schema)?;
        self.files.put(&self.format, &schema, self.key, Rows::Batch(batch))
    }

    /// Hands rows on as soon as the schema is settled, or when told.
    fn flush(&mut self, now: bool) -> Result<()> {
        let chunks = self.gather.chunks(self.format.group_rows(), now)?;
        let Some(schema) = self.gather.schema().cloned() else {
            return Ok(());
        };
        for chunk in chunks {
            let key = chunk.key;
            self.files.put(&self.format, &schema, key, Rows::Columns(chunk))?;
        }
        Ok(())
    }

    /// Ends the files, see [`Files::publish`]; without rows there is one all the same, if `makes_one`.
    pub(crate) fn publish(
        &mut self,
        makes_one: bool,
        reads_back: bool,
        before: impl FnOnce() -> Result<()>,
    ) -> Result<Vec<Named>> {
        let is_empty = self.files.are_none();
        if self.gather.rows() > 0 || is_empty && makes_one {
            self.flush(true)?;
        }
        let schema = self.gather.schema().cloned().unwrap_or_else(|| Arc::new(Schema::empty()));
        if self.files.are_none() && makes_one && !self.files.is_folder {
            self.files.file(&self.format, &schema, self.key)?;
        }
        let published = self.files.publish(&self.format, &schema, reads_back, before)?;
        if !self.files.is_folder {
            self.key = self.files.key("");
        }
        Ok(published)
    }

    /// Takes back what has not been published.
    pub(crate) fn abort(&mut self) {
        self.forget();
        self.files.abort();
    }
}

impl<F: Format> Folder for Output<F> {
    fn make_folder(&mut self, keys: &[String]) {
        self.keys = Some(keys.to_vec());
        self.files.is_folder = true;
    }

    fn select(&mut self, key: &str) -> Result<()> {
        self.key = self.files.key(key);
        Ok(())
    }

    fn limits(&mut self) -> &mut Limits {
        &mut self.files.limits
    }
}
