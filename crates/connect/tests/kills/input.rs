//! The forms in which rows come. All but plain CSV are read into the same file.

use crate::data::{self, BATCH, Line, Twins};
use crate::victim;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use trommel::{Encode, Engine, Pipeline, Result, RunReport, Sink, sources};
use trommel_connect::sqlite::rusqlite::{Connection, params};
use trommel_connect::{csv, ndjson, parquet, sqlite};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    Gzip,
    ManyFiles,
    Ndjson,
    /// A query that goes on by its key.
    Sqlite,
    Parquet,
}

impl Input {
    pub(crate) const ALL: [Input; 5] =
        [Input::Gzip, Input::ManyFiles, Input::Ndjson, Input::Sqlite, Input::Parquet];

    /// The destination that is fed by it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Input::Gzip => "csv-from-gzip",
            Input::ManyFiles => "csv-from-many-files",
            Input::Ndjson => "csv-from-ndjson",
            Input::Sqlite => "csv-from-sqlite",
            Input::Parquet => "csv-from-parquet",
        }
    }

    pub(crate) fn write(self, folder: &Path, rows: u64) {
        let lines = || (0..rows).map(data::line);
        match self {
            Input::Gzip => {
                let mut plain = Vec::new();
                data::write_csv(&mut plain, 0..rows);
                let file = File::create(folder.join("input.csv.gz")).unwrap();
                let mut packed = GzEncoder::new(file, flate2::Compression::fast());
                packed.write_all(&plain).unwrap();
                packed.finish().unwrap();
            }
            Input::ManyFiles => (0..5).for_each(|number| {
                let file = File::create(folder.join(format!("input-{number}.csv"))).unwrap();
                data::write_csv(file, rows * number / 5..rows * (number + 1) / 5);
            }),
            Input::Ndjson => {
                let mut file = File::create(folder.join("input.ndjson")).unwrap();
                lines().for_each(|line| {
                    writeln!(file, "{}", serde_json::to_string(&line).unwrap()).unwrap();
                });
            }
            Input::Sqlite => {
                let database = Connection::open(folder.join("input.db")).unwrap();
                let create = "CREATE TABLE input (id INTEGER PRIMARY KEY, kind, distance, note); \
                              BEGIN";
                database.execute_batch(create).unwrap();
                for Line { id, kind, distance, note } in lines() {
                    let values = params![id as i64, kind, distance, note];
                    database.execute("INSERT INTO input VALUES (?, ?, ?, ?)", values).unwrap();
                }
                database.execute_batch("COMMIT").unwrap();
            }
            Input::Parquet => {
                let sink = parquet::Sink::create(folder.join("input.parquet"));
                Pipeline::from(sources::generate(rows, data::line))
                    .transform(|line, out| out.emit(&line))
                    .load_into(sink.row_group_rows(50))
                    .run(&Engine::builder().workers(1).build().unwrap())
                    .unwrap();
            }
        }
    }

    pub(crate) fn load<K>(self, sink: K) -> Result<RunReport>
    where
        K: Sink + for<'a, 'b> Encode<&'a data::Item<'b>>,
    {
        let none = Twins::Unknown;
        match self {
            Input::Gzip => {
                let source = csv::Source::open("input.csv.gz")?;
                victim::pipeline_from(source, BATCH, none, |row| row.decode(), sink)
            }
            Input::ManyFiles => {
                let source = csv::Source::open_glob("input-*.csv")?;
                victim::pipeline_from(source, BATCH, none, |row| row.decode(), sink)
            }
            Input::Ndjson => {
                let source = ndjson::Source::open("input.ndjson")?;
                victim::pipeline_from(source, BATCH, none, |row| row.decode(), sink)
            }
            Input::Sqlite => {
                let source = sqlite::Source::query("input.db", "SELECT * FROM input")?.key("id")?;
                victim::pipeline_from(source, BATCH, none, |row| row.decode(), sink)
            }
            Input::Parquet => {
                let source = parquet::Source::open("input.parquet")?;
                victim::pipeline_from(source, BATCH, none, |row| row.decode(), sink)
            }
        }
    }
}
