//! `sqlite:PATH?table=NAME`.

use crate::page::{Form, Page};
use crate::plan::Column;
use crate::sink::Output;
use crate::url::Url;
use engine::{Checkpoint, Commit, Durability, Error, Reject, Result, Sink as _};
use std::time::Duration;
use trommel_connect::sqlite::{self, Table};

/// Opens, or makes, a database.
pub(super) fn open(url: &Url, columns: &[Column]) -> Result<Box<dyn Output>> {
    let mut settings = url.settings();
    let Some(name) = settings.take("table") else {
        return Err(Error::config("table: name it, as in sqlite:PATH?table=NAME"));
    };
    let durability = settings.read("durability", "full, normal or off", |text| match text {
        "full" => Some(sqlite::Durability::Full),
        "normal" => Some(sqlite::Durability::Normal),
        "off" => Some(sqlite::Durability::Off),
        _ => None,
    })?;
    let mode = settings.take("mode");
    let key = settings.list("key");
    let strict = settings.flag("strict")?.unwrap_or(false);
    let wal = settings.flag("wal")?.unwrap_or(false);
    let busy_timeout = settings.number("busy_timeout_ms")?;
    let cache_bytes = settings.number("cache_bytes")?;
    let commit_rows = settings.number("commit_rows")?;
    let commit_bytes = settings.number("commit_bytes")?;
    let commit_interval = settings.number("commit_interval_ms")?;
    settings.end()?;

    let millis = |millis: usize| Duration::from_millis(millis as u64);
    let mut database = sqlite::Sink::create(&url.path)?;
    if let Some(durability) = durability {
        database = database.durability(durability);
    }
    if let Some(timeout) = busy_timeout {
        database = database.busy_timeout(millis(timeout));
    }
    if let Some(bytes) = cache_bytes {
        database = database.cache_bytes(bytes);
    }
    if wal {
        database = database.wal();
    }
    let mut table: Table<()> = database.table(name);
    for column in columns {
        table = table.column(&column.to, &column.declaration);
    }
    if let Some(key) = key {
        table = table.key(key);
    }
    if strict {
        table = table.strict();
    }
    table = match mode.as_deref() {
        None | Some("append") => table,
        Some("replace") => table.replace(),
        Some("upsert") => table.upsert(),
        Some("ignore_duplicates") => table.ignore_duplicates(),
        Some(other) => {
            return Err(Error::config(format!(
                "mode: `{other}` is not append, replace, upsert or ignore_duplicates"
            )));
        }
    };
    if let Some(rows) = commit_rows {
        table = table.commit_rows(rows);
    }
    if let Some(bytes) = commit_bytes {
        table = table.commit_bytes(bytes);
    }
    if let Some(interval) = commit_interval {
        table = table.commit_interval(millis(interval));
    }
    Ok(Box::new(Sqlite { table, width: columns.len() }))
}

struct Sqlite {
    table: Table<()>,
    width: usize,
}

impl Output for Sqlite {
    fn begin(&mut self) -> Result<Form> {
        self.table.encoder()?;
        Ok(Form::Table(self.width))
    }

    fn write(&mut self, page: &mut Page) -> Result<()> {
        match page {
            Page::Table(page) => self.table.write(page),
            _ => Ok(()),
        }
    }

    fn refuses_values(&self) -> bool {
        self.table.refuses_values()
    }

    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        self.table.take_faults(faults);
    }

    fn keeps_rejects(&self) -> bool {
        self.table.keeps_rejects()
    }

    fn keep_reject(&mut self, reject: &Reject) -> Result<()> {
        self.table.keep_reject(reject)
    }

    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.table.commit(checkpoint, when)
    }

    fn finish(&mut self) -> Result<()> {
        self.table.finish()
    }

    fn abort(&mut self) -> Durability {
        self.table.abort()
    }

    fn resume(&mut self, job: &str) -> Result<Option<Checkpoint>> {
        self.table.resume(job)
    }
}
