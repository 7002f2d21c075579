//! Settings of tables, whatever the database.

use crate::url::Settings;
use engine::{Error, Result};

/// The table of a sink, which must be named.
pub(super) fn name(settings: &mut Settings) -> Result<String> {
    settings.take("table").ok_or_else(|| Error::config("table: name it, as in …?table=NAME"))
}

/// What happens to rows that are there already.
pub(super) enum Mode {
    Append,
    Replace,
    Upsert,
    IgnoreDuplicates,
}

impl Mode {
    pub(super) fn of(settings: &mut Settings) -> Result<Self> {
        let expected = "append, replace, upsert or ignore_duplicates";
        let mode = settings.read("mode", expected, |text| match text {
            "append" => Some(Mode::Append),
            "replace" => Some(Mode::Replace),
            "upsert" => Some(Mode::Upsert),
            "ignore_duplicates" => Some(Mode::IgnoreDuplicates),
            _ => None,
        })?;
        Ok(mode.unwrap_or(Mode::Append))
    }
}

/// Takes the settings of a table that rows go into.
macro_rules! table_settings {
    ($table:ident, $settings:ident) => {
        match Mode::of(&mut $settings)? {
            Mode::Append => {}
            Mode::Replace => $table = $table.replace(),
            Mode::Upsert => $table = $table.upsert(),
            Mode::IgnoreDuplicates => $table = $table.ignore_duplicates(),
        }
        if let Some(key) = $settings.list("key") {
            $table = $table.key(key);
        }
        if let Some(rows) = $settings.number("commit_rows")? {
            $table = $table.commit_rows(rows);
        }
        if let Some(bytes) = $settings.number("commit_bytes")? {
            $table = $table.commit_bytes(bytes);
        }
        if let Some(interval) = $settings.millis("commit_interval_ms")? {
            $table = $table.commit_interval(interval);
        }
    };
}
pub(super) use table_settings;
