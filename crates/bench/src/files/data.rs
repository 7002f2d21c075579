//! The inputs: the body of a table of flights, again and again, in a temporary folder.

use super::flight::{Line, NULLS};
use crate::{Result, sibling};
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Rows of `flights10`: ten times the flights that left New York City in 2013.
pub const ROWS: u64 = 3_367_760;

/// What the repository ships: 19,811 of those flights.
const SAMPLE: &[u8] = include_bytes!("../../../connect/data/flights-sample.csv.gz");

/// Files of flights, each made when it is first asked for.
#[derive(Debug)]
pub struct Data {
    folder: TempDir,
    header: String,
    body: String,
    /// Rows of `body`.
    body_rows: u64,
    rows: u64,
}

impl Data {
    /// Files of at least `rows` rows each, made of the table at `path` (CSV, also gzip) or of the
    /// sample.
    ///
    /// # Errors
    /// When the table can't be read or has no rows.
    pub fn new(path: Option<&Path>, rows: u64) -> Result<Self> {
        let packed = path.is_none_or(|path| path.extension().is_some_and(|end| end == "gz"));
        let bytes = match path {
            None => SAMPLE.to_vec(),
            Some(path) => fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?,
        };
        let mut text = String::new();
        match packed {
            true => MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text)?,
            false => bytes.as_slice().read_to_string(&mut text)?,
        };
        let (header, body) = text.split_once('\n').ok_or("a table of flights needs a header")?;
        let mut body = body.to_owned();
        if !body.ends_with('\n') {
            body.push('\n');
        }
        let body_rows = body.lines().count() as u64;
        if body_rows < 2 {
            return Err("a table of flights needs rows".into());
        }
        let folder = tempfile::Builder::new().prefix("trommel-bench-").tempdir()?;
        Ok(Data {
            folder,
            header: format!("{header}\n"),
            body,
            body_rows,
            rows: rows.div_ceil(body_rows) * body_rows,
        })
    }

    /// Rows of each file.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Where outputs go.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The rows as CSV, as many times over.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn csv(&self, times: u64) -> Result<PathBuf> {
        let path = self.folder().join(format!("flights-{times}.csv"));
        self.made(&path, |file| {
            file.write_all(self.header.as_bytes())?;
            for _ in 0..times * self.rows / self.body_rows {
                file.write_all(self.body.as_bytes())?;
            }
            Ok(())
        })?;
        Ok(path)
    }

    /// A tenth of the rows as NDJSON, about 100 MB, as many times over.
    ///
    /// # Errors
    /// When it can't be written, or the table is not one of flights.
    pub fn ndjson(&self, times: u64) -> Result<PathBuf> {
        let path = self.folder().join(format!("flights-{times}.ndjson"));
        self.made(&path, |file| {
            let mut lines = Vec::new();
            self.each(|line| {
                serde_json::to_writer(&mut lines, line)?;
                lines.push(b'\n');
                Ok(())
            })?;
            for _ in 0..self.tenth(times) {
                file.write_all(&lines)?;
            }
            Ok(())
        })?;
        Ok(path)
    }

    /// Rows of the NDJSON.
    pub fn lines(&self) -> u64 {
        self.tenth(1) * self.body_rows
    }

    /// How often the body makes a tenth of the rows.
    fn tenth(&self, times: u64) -> u64 {
        (times * self.rows / self.body_rows).div_ceil(10)
    }

    /// The flights that flew, as many times over, as the example `csv_to_parquet` writes them.
    ///
    /// # Errors
    /// When they can't be written.
    pub fn parquet(&self, times: u64) -> Result<PathBuf> {
        let path = self.folder().join(format!("flights-{times}.parquet"));
        if !path.exists() {
            let writer = sibling::example("csv_to_parquet", "csv,parquet")?;
            sibling::output(Command::new(writer).arg(self.csv(times)?).arg(&path))?;
        }
        Ok(path)
    }

    /// Calls `take` with each row of the body.
    fn each(&self, mut take: impl FnMut(&Line<'_>) -> Result<()>) -> Result<()> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).from_reader(self.body.as_bytes());
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            take(&line(&record)?)?;
        }
        Ok(())
    }

    /// Writes the file unless it is there, and leaves it on the disk and in the cache.
    fn made(
        &self,
        path: &Path,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
    ) -> Result<()> {
        if path.exists() {
            return Ok(());
        }
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        write(&mut file)?;
        file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        Ok(())
    }
}

fn line(record: &csv::StringRecord) -> Result<Line<'_>> {
    fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
        text.parse().map_err(|_| format!("`{text}` is no number of a flight").into())
    }
    fn maybe<T: std::str::FromStr>(text: &str) -> Result<Option<T>> {
        match NULLS.contains(&text) {
            true => Ok(None),
            false => number(text).map(Some),
        }
    }
    let at = |column: usize| record.get(column).unwrap_or_default();
    Ok(Line {
        year: number(at(0))?,
        month: number(at(1))?,
        day: number(at(2))?,
        dep_time: maybe(at(3))?,
        sched_dep_time: number(at(4))?,
        dep_delay: maybe(at(5))?,
        arr_time: maybe(at(6))?,
        sched_arr_time: number(at(7))?,
        arr_delay: maybe(at(8))?,
        carrier: at(9),
        flight: number(at(10))?,
        tailnum: Some(at(11)).filter(|text| !NULLS.contains(text)),
        origin: at(12),
        dest: at(13),
        air_time: maybe(at(14))?,
        distance: number(at(15))?,
        hour: number(at(16))?,
        minute: number(at(17))?,
        time_hour: at(18),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_repeated_until_there_are_enough_rows() {
        let data = Data::new(None, 20_000).unwrap();
        assert_eq!(data.rows(), 2 * 19_811);
        let text = fs::read_to_string(data.csv(1).unwrap()).unwrap();
        assert_eq!(text.lines().count(), 1 + 2 * 19_811);
        assert!(text.lines().all(|line| line.split(',').count() == 19));

        let lines = fs::read_to_string(data.ndjson(1).unwrap()).unwrap();
        assert_eq!(lines.lines().count(), 19_811);
        assert_eq!(data.lines(), 19_811);
        let first: Line<'_> = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!((first.carrier, first.air_time, first.distance), ("UA", Some(227), 1400));
    }
}
