//! Many files of columns as one source.

#![cfg(feature = "parquet")]

mod columnar_support;
mod parquet_support;

use columnar_support::{event, load};
use parquet_support::engine;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use trommel::{Batch, ErrorKind, Fill, Limit, Pipeline, Result, RunReport, Source, sinks, sources};
use trommel_connect::arrow::Row;
use trommel_connect::{arrow, parquet};

/// Rows of a source from where it is, each batch with the position behind it.
fn walk<S>(source: &mut S) -> Vec<(u64, trommel::Position)>
where
    S: Source,
    for<'a> S::Batch: Batch<Row<'a> = Row<'a>>,
{
    let mut rows = Vec::new();
    let mut batch = S::Batch::default();
    loop {
        let fill = source.fill(&mut batch, &Limit::of_rows(50)).unwrap();
        let position = source.position().unwrap();
        batch
            .for_each(0, |row| {
                rows.push((row?.get::<u64>("id")?, position.clone()));
                Ok(())
            })
            .unwrap();
        if fill == Fill::End {
            return rows;
        }
    }
}

fn ids(rows: &[(u64, trommel::Position)]) -> Vec<u64> {
    rows.iter().map(|(id, _)| *id).collect()
}

/// Writes the rows of each range into a file of its own.
fn write_files(directory: &Path, kind: &str, ranges: &[std::ops::Range<u64>]) -> Vec<PathBuf> {
    ranges
        .iter()
        .enumerate()
        .map(|(number, range)| {
            let path = directory.join(format!("f{number:03}.{kind}"));
            let (from, value) = (range.start, arrow::DataType::Float64);
            let rows = Pipeline::from(sources::generate(range.end - from, |id| id));
            let make = move |id| event(from + id);
            if kind.ends_with("parquet") {
                let sink = parquet::Sink::create(&path).row_group_rows(40).column("value", value);
                rows.map(make).load_into(sink).run(&engine(1))
            } else {
                let sink = arrow::Sink::create(&path).batch_rows(40).column("value", value);
                rows.map(make).load_into(sink).run(&engine(1))
            }
            .unwrap();
            path
        })
        .collect()
}

macro_rules! many_as_one {
    ($source:ty, $kind:literal) => {
        // More than stay open; one is empty.
        let directory = TempDir::new().unwrap();
        let ranges: Vec<_> = (0..70).map(|n| n * 100..(n + 1) * 100).collect();
        let mut paths = write_files(directory.path(), $kind, &ranges);
        paths.push(
            write_files(&directory.path(), concat!("x.", $kind), &[7_000..7_001, 0..0][..1])[0]
                .clone(),
        );
        paths.sort();
        let pattern = format!("{}/*.{}", directory.path().display(), $kind);
        fs::write(directory.path().join("_SUCCESS"), "").unwrap();
        fs::write(directory.path().join("notes.txt"), "").unwrap();
        let sources = [
            <$source>::open_many(&paths),
            <$source>::open_glob(&pattern),
            <$source>::open_directory(directory.path()),
        ];
        let order = ids(&walk(&mut <$source>::open_many(&paths).unwrap()));
        for source in sources {
            let mut source = source.unwrap();
            let stored: u64 = paths.iter().map(|path| path.metadata().unwrap().len()).sum();
            assert_eq!((source.size().rows, source.size().bytes), (Some(7_001), Some(stored)));
            assert_eq!(source.bytes_read(), 0);
            assert_eq!(ids(&walk(&mut source)), order);
            assert_eq!(source.bytes_read(), stored);
        }
        // Taken up behind any batch it gives the rest, and says how far it was.
        let rows = walk(&mut <$source>::open_many(&paths).unwrap());
        for (at, pair) in rows.windows(2).enumerate().filter(|(_, pair)| pair[0].1 != pair[1].1) {
            let mut source = <$source>::open_many(&paths).unwrap();
            source.seek(&pair[0].1).unwrap();
            assert!(source.bytes_read() > 0);
            if at % 16 == 0 {
                assert_eq!(ids(&walk(&mut source)), order[at + 1..]);
            }
        }
        // Another order is another source, and so is one file alone.
        let position = &rows[150].1;
        let mut swapped = paths.clone();
        swapped.swap(2, 3);
        let error = <$source>::open_many(&swapped).unwrap().seek(position).unwrap_err();
        let says = "is not the one in which the earlier run stopped";
        assert!(error.message().contains(says), "{error}");
        let error = <$source>::open(&paths[1]).unwrap().seek(position).unwrap_err();
        assert!(error.message().contains(says), "{error}");
        // Its fingerprint does not grow with the files, and tells that one has changed.
        let print = <$source>::open_many(&paths).unwrap().fingerprint().unwrap();
        assert!(format!("{print:?}").len() < 400, "{print:?}");
        assert_eq!(<$source>::open_many(&paths).unwrap().fingerprint().unwrap(), print);
        fs::File::open(&paths[69]).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_ne!(<$source>::open_many(&paths).unwrap().fingerprint().unwrap(), print);
        // One that is replaced while others are read is not taken for what it was.
        let mut source = <$source>::open_many(&paths).unwrap();
        fs::copy(&paths[0], &paths[68]).unwrap();
        let mut batch = Default::default();
        let error = loop {
            match source.fill(&mut batch, &Limit::of_rows(50)) {
                Ok(fill) => assert_eq!(fill, Fill::More),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("has changed since the run began"), "{error}");
    };
}

#[test]
fn many_parquet_files_are_one_source_whose_positions_name_the_file() {
    many_as_one!(parquet::Source, "parquet");
}

#[test]
fn many_arrow_files_are_one_source_whose_positions_name_the_file() {
    many_as_one!(arrow::Source, "arrow");
}

#[test]
fn rows_say_in_which_file_they_are() {
    let directory = TempDir::new().unwrap();
    let check = |result: Result<RunReport>, path: &Path| {
        let error = result.unwrap_err();
        let origin = error.origin().unwrap();
        assert_eq!(origin.source.as_deref(), path.to_str());
        assert_eq!(origin.record, Some(5));
    };
    // Row 105 of all is row 5 of the second file.
    fn refuse(row: Row<'_>) -> Result<u64> {
        match row.get::<u64>("id")? {
            105 => Err(trommel::Error::row("bad")),
            id => Ok(id),
        }
    }
    let paths = write_files(directory.path(), "parquet", &[0..100, 100..200]);
    let pipeline = Pipeline::from(parquet::Source::open_many(&paths).unwrap());
    let pipeline = pipeline.transform(|row: Row<'_>, out| out.emit(refuse(row)?));
    check(pipeline.load_into(sinks::count()).run(&engine(1)), &paths[1]);
    let paths = write_files(directory.path(), "arrow", &[0..100, 100..200]);
    let pipeline = Pipeline::from(arrow::Source::open_many(&paths).unwrap());
    let pipeline = pipeline.transform(|row: Row<'_>, out| out.emit(refuse(row)?));
    check(pipeline.load_into(sinks::count()).run(&engine(1)), &paths[1]);
}

#[test]
fn files_with_other_columns_are_refused_at_once() {
    #[derive(Serialize)]
    struct More {
        year: u16,
        place: Option<String>,
        id: u64,
        value: Option<f64>,
        more: bool,
    }
    #[derive(Serialize)]
    struct Other {
        year: u16,
        place: String,
        id: i32,
        value: Option<f64>,
    }
    #[derive(Serialize)]
    struct Swapped {
        place: &'static str,
        year: u16,
        id: u64,
        value: f64,
    }
    let directory = TempDir::new().unwrap();
    let one = write_files(directory.path(), "parquet", &[0..10, 10..20]).remove(0);
    fn write<T: Serialize>(path: &Path, make: impl Fn() -> T + Send + Sync + 'static) {
        let pipeline = Pipeline::from(sources::generate(1, |id| id));
        let pipeline = pipeline.transform(move |_, out| out.emit(make()));
        pipeline.load_into(parquet::Sink::create(path)).run(&engine(1)).unwrap();
    }
    let two = directory.path().join("two.parquet");
    let says = |expected: &str| {
        let error = parquet::Source::open_many([&one, &two]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        for part in [expected, one.to_str().unwrap(), two.to_str().unwrap()] {
            assert!(error.to_string().contains(part), "{error}");
        }
    };
    let text = String::new;
    write(&two, move || More { year: 1, place: Some(text()), id: 1, value: Some(1.0), more: true });
    says("`more` is only in");
    write(&two, move || Other { year: 1, place: text(), id: 1, value: Some(1.0) });
    says("`id` of type UInt64 and `id` of type Int32");
    write(&two, || Swapped { place: "x", year: 1, id: 1, value: 1.0 });
    says("`place` where the first one has `year`");
    write(&two, || (1, 2));
    says("`year` is missing in");

    // Nulls may come or not; record batches have one schema all the same.
    #[derive(Serialize)]
    struct NeverNull {
        year: u16,
        place: &'static str,
        id: u64,
        value: f64,
    }
    write(&two, || NeverNull { year: 1, place: "x", id: 1, value: 1.0 });
    for order in [[&one, &two], [&two, &one]] {
        let source = parquet::Source::open_many(order).unwrap();
        let joined = directory.path().join("joined.arrow");
        Pipeline::from(source.columnar())
            .transform(|batch, out| out.emit(batch))
            .load_into(arrow::Sink::create(&joined).columnar())
            .run(&engine(2))
            .unwrap();
        assert_eq!(arrow::Source::open(&joined).unwrap().size().rows, Some(11));
    }

    // A stream knows no rows to be taken up at.
    let stream = directory.path().join("s.arrow");
    load(1, 10, 10, arrow::Sink::create(&stream).stream()).unwrap();
    let error = arrow::Source::open_many([&stream]).unwrap_err();
    assert!(error.to_string().contains("is an Arrow stream"), "{error}");
    let error = arrow::Source::open_directory(directory.path().join("none")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let error = arrow::Source::open_many(Vec::<PathBuf>::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
