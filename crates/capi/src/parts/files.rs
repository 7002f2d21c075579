//! Settings that every file which is written has.

use crate::url::Settings;
use engine::Result;
use trommel_connect::files::Compression;

/// Takes the settings of a file that is written.
macro_rules! file_settings {
    ($sink:ident, $settings:ident) => {
        if let Some(compression) = files::compression(&mut $settings)? {
            $sink = $sink.compression(compression);
        }
        let existing = $settings.read("existing", "replace, append or refuse", |text| {
            ["replace", "append", "refuse"].iter().position(|known| *known == text)
        })?;
        match existing {
            Some(1) => $sink = $sink.append(),
            Some(2) => $sink = $sink.refuse_existing(),
            _ => {}
        }
        if $settings.flag("sync")?.unwrap_or(false) {
            $sink = $sink.sync();
        }
        if let Some(bytes) = $settings.number("commit_bytes")? {
            $sink = $sink.commit_bytes(bytes as u64);
        }
        if let Some(interval) = $settings.millis("commit_interval_ms")? {
            $sink = $sink.commit_interval(interval);
        }
        if let Some(bytes) = $settings.number("roll_bytes")? {
            $sink = $sink.roll_bytes(bytes as u64);
        }
        if let Some(rows) = $settings.number("roll_rows")? {
            $sink = $sink.roll_rows(rows as u64);
        }
    };
}
pub(super) use file_settings;

/// The setting `compression`; without it, what the path's extension says.
pub(super) fn compression(settings: &mut Settings) -> Result<Option<Compression>> {
    settings.read("compression", "none, gzip or zstd", |text| match text {
        "none" => Some(Compression::None),
        "gzip" => Some(Compression::GZIP),
        "zstd" => Some(Compression::ZSTD),
        _ => None,
    })
}
