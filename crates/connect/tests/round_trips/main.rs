//! What a sink has stored, the source of the same kind makes the same records of: every type, in
//! every place that can hold it. So whatever source and sink are put together, a record that was
//! decoded is stored as what it is.
#![cfg(all(
    feature = "arrow",
    feature = "csv",
    feature = "gzip",
    feature = "ndjson",
    feature = "parquet",
    feature = "sqlite",
    feature = "zstd"
))]

mod every;
#[cfg(any(feature = "postgres", feature = "postgres-system"))]
#[path = "../postgres_support/mod.rs"]
mod postgres_support;

use every::{ALL, Every, Holds, every};
use std::path::Path;
use tempfile::TempDir;
use trommel::{Encode, Engine, Pipeline, Result, sinks, sources};
use trommel_connect::{arrow, csv, ndjson, parquet, sqlite};

fn engine() -> Engine {
    Engine::builder().workers(2).build().unwrap()
}

fn load<K: for<'a> Encode<&'a Every>>(records: &[Every], sink: K) -> Result<()> {
    Pipeline::from(sources::slice(records))
        .transform(|record: &Every, out| out.emit(record))
        .load_into(sink)
        .run(&engine())
        .map(drop)
}

/// All records of a source.
macro_rules! read {
    ($source:expr) => {{
        let mut records = sinks::collect::<Every>();
        Pipeline::from($source)
            .transform(|row, out| out.emit(row.decode::<Every>()?))
            .load_into(&mut records)
            .run(&engine())?;
        Ok(records.into_vec())
    }};
}

/// A kind of place: what it can hold, and how it is written and read.
struct Place {
    name: &'static str,
    holds: Holds,
    write: fn(&[Every], &Path) -> Result<()>,
    read: fn(&Path) -> Result<Vec<Every>>,
}

const SQLITE: Holds = Holds { big: false, huge: false, ..ALL };
const COLUMNS: Holds = Holds { huge: false, variants: false, ..ALL };

const PLACES: &[Place] = &[
    Place {
        name: "out.csv",
        holds: ALL,
        write: |records, path| load(records, csv::Sink::create(path)?),
        read: |path| read!(csv::Source::builder().quoted_nulls(false).open(path)?),
    },
    Place {
        name: "out.tsv.gz",
        holds: ALL,
        write: |records, path| {
            let style = csv::QuoteStyle::Always;
            load(records, csv::Sink::create(path)?.delimiter(b'\t').quote_style(style).null("NULL"))
        },
        read: |path| {
            let builder = csv::Source::builder().delimiter(b'\t').nulls(["NULL"]);
            read!(builder.quoted_nulls(false).open(path)?)
        },
    },
    Place {
        name: "out.ndjson.zst",
        holds: Holds { infinite: false, ..ALL },
        write: |records, path| load(records, ndjson::Sink::create(path)?),
        read: |path| read!(ndjson::Source::open(path)?),
    },
    Place {
        name: "plain.db",
        holds: SQLITE,
        write: |records, path| load(records, sqlite::Sink::create(path)?.table::<Every>("t")),
        read: |path| read!(sqlite::Source::table(path, "t")?),
    },
    Place {
        name: "keyed.db",
        holds: SQLITE,
        write: |records, path| {
            let table = sqlite::Sink::create(path)?.table::<Every>("t").key(["id"]).upsert();
            load(records, table)
        },
        read: |path| read!(sqlite::Source::table(path, "t")?.key("id")?),
    },
    Place {
        name: "out.parquet",
        holds: COLUMNS,
        write: |records, path| load(records, parquet::Sink::create(path)),
        read: |path| read!(parquet::Source::open(path)?),
    },
    Place {
        name: "out.arrow",
        holds: COLUMNS,
        write: |records, path| load(records, arrow::Sink::create(path)),
        read: |path| read!(arrow::Source::open(path)?),
    },
    Place {
        name: "out.arrows",
        holds: COLUMNS,
        write: |records, path| load(records, arrow::Sink::create(path).stream()),
        read: |path| read!(arrow::Source::open(path)?),
    },
];

#[track_caller]
fn same(name: &str, given: &[Every], back: Result<Vec<Every>>) {
    let back = back.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(given.len(), back.len(), "{name}");
    for (given, back) in given.iter().zip(&back) {
        assert_eq!(given, back, "{name}");
    }
}

#[test]
fn every_type_comes_back_from_every_place_that_holds_it() {
    let directory = TempDir::new().unwrap();
    for place in PLACES {
        let (records, path) = (every(place.holds), directory.path().join(place.name));
        (place.write)(&records, &path).unwrap_or_else(|error| panic!("{}: {error}", place.name));
        same(place.name, &records, (place.read)(&path));
    }
}

/// The pages of the connectors name what they don't hold; here is that they refuse it.
#[test]
fn what_a_place_does_not_hold_is_refused_and_not_changed() {
    let directory = TempDir::new().unwrap();
    for (at, place) in PLACES.iter().enumerate() {
        let beyond = [
            (place.holds.big, Holds { big: true, ..place.holds }, "out of range"),
            (place.holds.variants, Holds { variants: true, ..place.holds }, "has no column type"),
        ];
        for (held, holds, says) in beyond {
            let path = directory.path().join(format!("{at}-{}", place.name));
            let loaded = (place.write)(&every(holds), &path);
            match held {
                true => loaded.unwrap(),
                false => {
                    let error = loaded.unwrap_err().to_string();
                    assert!(error.contains(says), "{}: {error}", place.name);
                }
            }
        }
    }
}

#[cfg(any(feature = "postgres", feature = "postgres-system"))]
#[test]
fn every_type_comes_back_from_postgresql() {
    use trommel_connect::postgres::{Sink, Source};

    let server = server_or_return!();
    let plain = Holds { big: false, huge: false, nul: false, ..ALL };
    let typed = [
        ("i128", "numeric"),
        ("u64", "numeric"),
        ("u128", "numeric"),
        ("f32", "real"),
        ("flag", "boolean"),
        ("list", "smallint[]"),
        ("texts", "text[]"),
        ("nested", "jsonb"),
        ("maybe_nested", "json"),
        ("map", "jsonb"),
        ("day", "date"),
        ("wait", "jsonb"),
    ];
    type Columns<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Holds, Columns<'_>); 2] =
        [("learnt", plain, &[]), ("typed", Holds { big: true, ..plain }, &typed)];
    for (name, holds, columns) in cases {
        let (records, conninfo) = (every(holds), server.schema(name));
        let table = || Sink::connect(&conninfo).unwrap().table::<Every>("t");
        // Makes the table.
        load(&every(plain), table()).unwrap();
        if !columns.is_empty() {
            let alter = columns.iter().map(|(column, kind)| {
                format!("DROP COLUMN \"{column}\", ADD COLUMN \"{column}\" {kind}")
            });
            let alter = alter.collect::<Vec<_>>().join(", ");
            server.sql("trommel", &format!("TRUNCATE {name}.t; ALTER TABLE {name}.t {alter}"));
            load(&records, table()).unwrap();
        }
        let read = || read!(Source::query(&conninfo, "SELECT * FROM t ORDER BY id")?);
        same(name, &records, read());
    }
}
