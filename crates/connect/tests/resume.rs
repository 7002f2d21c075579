//! A job that was cut off and is run again: every row is there once.
#![cfg(all(feature = "csv", feature = "sqlite"))]

use rusqlite::Connection;
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trommel::{
    Checkpoint, Commit, Counts, Engine, Error, ErrorKind, Options, Order, Pipeline, Reject,
    RejectPolicy, Result, RunReport, Sink as _, sources,
};
use trommel_connect::files::Compression;
use trommel_connect::sqlite::rusqlite;
use trommel_connect::{csv, sqlite};

const ROWS: u64 = 20_000;

#[derive(Serialize)]
struct Item<'a> {
    id: u64,
    name: &'a str,
}

fn write_csv(path: &Path) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(file, "id,name").unwrap();
    for id in 0..ROWS {
        writeln!(file, "{id},\"item, {id}\"").unwrap();
    }
}

/// Runs the job; row `fails_at` ends it.
fn run(dir: &Path, fails_at: u64, order: Order) -> Result<RunReport> {
    let sink = sqlite::Sink::create(dir.join("items.db"))?
        .table::<Item<'_>>("items")
        .commit_interval(Duration::ZERO);
    let options = Options::builder().fixed_batch_size(500).order(order).build()?;
    Pipeline::from(csv::Source::open(dir.join("items.csv"))?)
        .options(options)
        .transform(|row, out| {
            let id = row.get::<u64>("id")?;
            if id == fails_at {
                return Err(Error::fatal("the power went"));
            }
            out.emit(&Item { id, name: row.str("name")? })
        })
        .load_into(sink)
        .resumable("items")
        .run(&Engine::builder().workers(2).build()?)
}

fn ids(dir: &Path) -> (u64, u64) {
    let database = Connection::open(dir.join("items.db")).unwrap();
    database
        .query_row("SELECT count(*), count(DISTINCT id) FROM items", [], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64))
        })
        .unwrap()
}

#[test]
fn a_job_goes_on_from_its_checkpoint_and_a_finished_one_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write_csv(&dir.path().join("items.csv"));
    let mut loaded = 0;
    for fails_at in [7_777, 12_345] {
        let error = run(dir.path(), fails_at, Order::Ordered).unwrap_err();
        loaded += error.report().unwrap().counts.loaded;
        let (rows, distinct) = ids(dir.path());
        // Whole batches, up to the one that failed.
        assert_eq!((rows, distinct), (fails_at / 500 * 500, rows));
        assert_eq!(loaded, rows, "reports of the runs add up to what is stored");
    }
    let report = run(dir.path(), u64::MAX, Order::Ordered).unwrap();
    assert_eq!(loaded + report.counts.loaded, ROWS);
    assert_eq!(ids(dir.path()), (ROWS, ROWS));

    let again = run(dir.path(), u64::MAX, Order::Ordered).unwrap();
    assert_eq!((again.counts.read, again.before.loaded), (0, ROWS));
    assert_eq!(ids(dir.path()), (ROWS, ROWS));
}

#[test]
fn a_job_that_cannot_go_on_says_so_and_loads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write_csv(&dir.path().join("items.csv"));
    let error = run(dir.path(), u64::MAX, Order::Completion).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(error.report().unwrap().counts.read, 0);
}

#[test]
fn rows_that_the_table_refuses_are_kept_with_their_place_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("items.csv");
    std::fs::write(&path, "id,name\n1,one\n2,two\nx,three\n1,again\n5,five\n").unwrap();
    let report = Pipeline::from(csv::Source::open(&path).unwrap())
        .options(Options::builder().on_reject(RejectPolicy::with_data(10)).build().unwrap())
        .transform(|row, out| {
            let (id, name) = (row.get::<u64>("id")?, row.str("name")?);
            out.emit(&Item { id, name })?;
            // Two values of one row, both refused or both stored.
            if id == 1 { out.emit(&Item { id: 100, name }) } else { Ok(()) }
        })
        .load_into(
            sqlite::Sink::create(dir.path().join("items.db"))
                .unwrap()
                .table::<Item<'_>>("items")
                .key(["id"]),
        )
        .resumable("items")
        .run(&Engine::new().unwrap())
        .unwrap();
    assert_eq!((report.counts.read, report.counts.loaded, report.counts.rejected), (5, 3, 2));
    assert_eq!(report.counts.emitted, 4);
    let database = Connection::open(dir.path().join("items.db")).unwrap();
    let mut rejects = database
        .prepare(
            "SELECT record, line, \"offset\", \"column\", stage, raw, source FROM trommel_reject",
        )
        .unwrap();
    type Place = (u64, u64, u64, Option<String>, String, Vec<u8>, String);
    let rejects: Vec<Place> = rejects
        .query_map([], |row| {
            let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
            let (record, line, offset) = (number(0)?, number(1)?, number(2)?);
            Ok((record, line, offset, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let source = path.display().to_string();
    let place = |record, line, offset, column: Option<&str>, stage: &str, raw: &str| {
        let column = column.map(Into::into);
        (record, line, offset, column, stage.into(), raw.as_bytes().to_vec(), source.clone())
    };
    let expected = [
        place(2, 4, 20, Some("id"), "transform", "x,three"),
        place(3, 5, 28, Some("id"), "sink", "1,again"),
    ];
    assert_eq!(rejects, expected);
}

// Symptom: a job into a file that was killed after the commit of its last row had no counts and no
// source when it was finished, so that a run after that reported nothing of it and would not have
// noticed another source. Cause: where nothing is left to read the sink is offered no checkpoint, and
// it stored an empty one. Fix: it goes on from the one that it has found.
#[test]
fn a_job_that_has_only_to_be_finished_keeps_its_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let sink = || csv::Sink::create(directory.path().join("out.csv")).unwrap().columns(["id"]);
    let counts = Counts { read: 7, loaded: 7, emitted: 7, ..Counts::default() };
    let stored = Checkpoint { counts, ..Checkpoint::default() };
    let mut first = sink();
    assert_eq!(first.resume("load").unwrap(), None);
    first.encoder().unwrap();
    first.commit(&stored, Commit::Now).unwrap();
    drop(first);

    let mut second = sink();
    second.resume("load").unwrap().expect("a checkpoint");
    second.encoder().unwrap();
    second.finish().unwrap();
    drop(second);

    let found = sink().resume("load").unwrap().expect("a checkpoint");
    assert_eq!((found.counts, found.finished), (counts, true));
}

// Symptom: rejects of a job that read a query and was resumed had record numbers from 0 again, those
// of rows that the run before had read. Cause: the source counted the rows of its own run, and what
// the source says of a row's place goes before what the driver knows. Fix: a position in a query
// holds the number of rows before it.
#[test]
fn rejects_of_a_resumed_query_are_numbered_from_the_first_row_of_the_job() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from.db"), directory.path().join("to.db"));
    Connection::open(&from)
        .unwrap()
        .execute_batch(
            "CREATE TABLE t (id INTEGER PRIMARY KEY);
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
             INSERT INTO t SELECT i FROM n;",
        )
        .unwrap();
    let rejected = Arc::new(Mutex::new(Vec::new()));
    let run = |fails_at: u64| {
        let kept = Arc::clone(&rejected);
        let keep = move |reject: &Reject| {
            kept.lock().unwrap().push((reject.record, reject.reason.clone()));
            Ok(())
        };
        let policy = RejectPolicy::dead_letter(keep, 1_000);
        Pipeline::from(sqlite::Source::table(&from, "t")?.key("id")?)
            .options(Options::builder().fixed_batch_size(100).on_reject(policy).build()?)
            .transform(move |row, out| match row.get::<u64>("id")? {
                id if id == fails_at => Err(Error::fatal("the power went")),
                id if id % 100 == 50 => Err(Error::row(format!("{id} is bad"))),
                id => out.emit(&Item { id, name: "" }),
            })
            .load_into(
                sqlite::Sink::create(&to)?
                    .table::<Item<'_>>("items")
                    .commit_interval(Duration::ZERO),
            )
            .resumable("copy")
            .run(&Engine::builder().workers(2).build()?)
    };
    run(350).unwrap_err();
    run(720).unwrap_err();
    run(u64::MAX).unwrap();
    let expected = (50..1_000).step_by(100).map(|id| (Some(id), format!("{id} is bad")));
    assert!(expected.eq(rejected.lock().unwrap().iter().cloned()), "{rejected:?}");
}

// A job whose sink was set up otherwise for its second run ended well: its file was plain text up to
// the checkpoint and gzip behind it, or had two delimiters, or two kinds of folders. The checkpoint says
// now what the files are written as, and a job goes on only as that.
#[test]
fn a_job_goes_on_only_as_its_files_were_begun() {
    type Change = fn(csv::Sink) -> csv::Sink;
    let changes: [(Change, &str); 4] = [
        (|sink| sink.compression(Compression::GZIP), "gzip"),
        (|sink| sink.delimiter(b';'), "delimiter `;`"),
        (|sink| sink.null("NULL"), "null `NULL`"),
        (|sink| sink.header(false), "no header"),
    ];
    for (change, named) in changes {
        let dir = tempfile::tempdir().unwrap();
        let sink = || csv::Sink::create(dir.path().join("out.csv")).unwrap().commit_bytes(1);
        refused(numbers(50, sink()), numbers(100, change(sink())), named);
        assert_eq!(numbers(100, sink()).unwrap().counts.read, 50, "as it was begun");
        let lines = std::fs::read_to_string(dir.path().join("out.csv")).unwrap();
        assert_eq!(lines.lines().count(), 101);
    }
    let dir = tempfile::tempdir().unwrap();
    let by = |key: &str| {
        let sink = csv::Sink::create(dir.path().join("out")).unwrap().commit_bytes(1);
        sink.partition_by([key])
    };
    refused(numbers(50, by("part")), numbers(100, by("id")), "a folder for each id");
    assert_eq!(numbers(100, by("part")).unwrap().counts.read, 50);
    let dir = tempfile::tempdir().unwrap();
    let sink = || csv::Sink::create(dir.path().join("out")).unwrap().commit_bytes(1);
    let keyed = sink().partition_by(Vec::<String>::new());
    refused(numbers(50, sink()), numbers(100, keyed), "a folder for each key");
    assert_eq!(numbers(100, sink()).unwrap().counts.read, 50);
}

#[test]
fn a_job_goes_on_only_into_its_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("numbers.db");
    let into = |table: &str| {
        sqlite::Sink::create(&path).unwrap().table::<Number>(table).commit_interval(Duration::ZERO)
    };
    refused(numbers(50, into("numbers")), numbers(100, into("others")), "\"others\"");
    assert_eq!(numbers(100, into("numbers")).unwrap().counts.read, 50, "as it was begun");
    let error = numbers(100, into("others")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "a finished job: {error}");
    assert_eq!(error.report().unwrap().counts.read, 0);
    let database = Connection::open(&path).unwrap();
    let count = |sql| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(DISTINCT id) FROM numbers"), 100);
    assert_eq!(count("SELECT count(*) FROM sqlite_schema WHERE name = 'others'"), 0);
}

#[derive(Serialize)]
struct Number {
    id: u64,
    part: u64,
}

/// Loads a hundred numbers, and fails at the one called `fails_at`.
fn numbers<K>(fails_at: u64, sink: K) -> Result<RunReport>
where
    K: trommel::Sink + for<'a> trommel::Encode<&'a Number>,
{
    Pipeline::from(sources::generate(100, |id| id))
        .options(Options::builder().fixed_batch_size(10).build()?)
        .transform(|id, out| match id == fails_at {
            true => Err(Error::fatal("the power went")),
            false => out.emit(&Number { id, part: id % 3 }),
        })
        .load_into(sink)
        .resumable("numbers")
        .run(&Engine::builder().workers(1).build()?)
}

fn refused(first: Result<RunReport>, second: Result<RunReport>, named: &str) {
    assert!(first.unwrap_err().to_string().contains("the power went"));
    let error = second.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains(named), "{error}");
}

// Symptom: rows lost. Cause: a sink that had been asked for a job which was finished, or whose source had
// changed, took its next run, which was of no job, for one of that job, and stored its checkpoint. Fix: a job
// that is not run leaves nothing behind.
#[test]
fn a_run_of_no_job_leaves_the_job_before_it_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (database, input) = (directory.path().join("items.db"), directory.path().join("in.csv"));
    let load = |table: &mut sqlite::Table<Item<'_>>, job: Option<&str>| {
        let loading = Pipeline::from(csv::Source::open(&input).unwrap())
            .transform(|row: csv::Row<'_>, out| {
                out.emit(&Item { id: row.get("id")?, name: row.str("name")? })
            })
            .load_into(table);
        match job {
            Some(job) => loading.resumable(job).run(&Engine::new().unwrap()),
            None => loading.run(&Engine::new().unwrap()),
        }
    };
    let checkpoint = || -> (Vec<u8>, i64, String, bool) {
        let select = "SELECT position, loaded, source, finished FROM trommel_checkpoint";
        let connection = Connection::open(&database).unwrap();
        let found = connection
            .query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        found.unwrap()
    };
    std::fs::write(&input, "id,name\n1,one\n2,two\n").unwrap();
    let mut table = sqlite::Sink::create(&database).unwrap().table::<Item<'_>>("items");
    assert_eq!(load(&mut table, Some("job")).unwrap().counts.loaded, 2);
    let before = checkpoint();

    assert_eq!(load(&mut table, Some("job")).unwrap().counts.read, 0, "it is finished");
    assert_eq!(load(&mut table, None).unwrap().counts.loaded, 2);
    std::fs::write(&input, "id,name\n3,another file\n").unwrap();
    let error = load(&mut table, Some("job")).unwrap_err();
    assert!(error.to_string().contains("has changed"), "{error}");
    assert_eq!(load(&mut table, None).unwrap().counts.loaded, 1);
    assert_eq!(checkpoint(), before);
    assert_eq!(ids(directory.path()), (5, 3));
}
