//! Reading from SQLite: what arrives, from where on, and what is said to what is wrong.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sqlite_support::{ids, says};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trommel::{
    CancelToken, Engine, Error, ErrorKind, Limit, Options, Pipeline, Reject, RejectPolicy, Result,
    Source as _, sinks,
};
use trommel_connect::sqlite::{self, rusqlite};
use trommel_connect::table::{Row, Value};

/// A database with what `sql` makes.
fn database(sql: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("source.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    (directory, path)
}

/// A table `t` of ids from 1 to `rows`, with a name each.
fn numbered(rows: u32) -> (TempDir, PathBuf) {
    database(&format!(
        "PRAGMA journal_mode = WAL;
         CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO t SELECT i, 'item ' || i FROM n;"
    ))
}

/// All rows that `read` makes of a source.
fn collect<T: Send + 'static>(
    source: sqlite::Source,
    read: impl Fn(Row<'_>) -> Result<T> + Send + Sync,
) -> Result<Vec<T>> {
    let mut sink = sinks::collect();
    Pipeline::from(source)
        .transform(|row: Row<'_>, out| out.emit(read(row)?))
        .load_into(&mut sink)
        .run(&Engine::builder().workers(2).build()?)?;
    Ok(sink.into_vec())
}

#[test]
fn values_are_read_by_name_by_index_and_by_column() {
    let (_directory, path) = database(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, size REAL, raw BLOB, flag INT);
         INSERT INTO t VALUES (1, 'one', 1.5, x'00ff', 1), (2, '', 2, x'', 0),
             (3, NULL, NULL, NULL, NULL);",
    );
    let source = sqlite::Source::table(&path, "t").unwrap();
    let flag = source.column("flag").unwrap();
    let rows = collect(source, |row| {
        Ok((
            row.get::<u8>("id")?,
            row.get::<Option<String>>(1)?,
            row.get::<Option<f64>>("size")?,
            row.get::<Option<Vec<u8>>>("raw")?,
            row.get::<Option<bool>>(flag)?,
            row.is_null("name")?,
        ))
    })
    .unwrap();
    assert_eq!(
        rows,
        [
            (1, Some("one".into()), Some(1.5), Some(vec![0, 255]), Some(true), false),
            (2, Some(String::new()), Some(2.0), Some(vec![]), Some(false), false),
            (3, None, None, None, None, true),
        ]
    );
}

#[test]
fn rows_are_decoded_into_structs_tuples_and_enums() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
        Large,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Item {
        name: Option<String>,
        id: u32,
        size: Size,
        #[serde(default)]
        missing: Vec<u8>,
    }
    let (_directory, path) = database(
        "CREATE TABLE t (id INT, name TEXT, size TEXT);
         INSERT INTO t VALUES (1, 'one', 'small'), (2, NULL, 'large');",
    );
    let items = collect(sqlite::Source::table(&path, "t").unwrap(), |row| row.decode::<Item>());
    assert_eq!(
        items.unwrap(),
        [
            Item { name: Some("one".into()), id: 1, size: Size::Small, missing: vec![] },
            Item { name: None, id: 2, size: Size::Large, missing: vec![] },
        ]
    );
    let tuples = collect(sqlite::Source::table(&path, "t").unwrap(), |row| {
        row.decode::<(f32, Option<String>, Size)>()
    });
    assert_eq!(tuples.unwrap()[0], (1.0, Some("one".into()), Size::Small));

    #[derive(Debug, Deserialize)]
    struct Wrong {
        #[expect(dead_code, reason = "only asked for")]
        weight: u8,
    }
    let wrong = collect(sqlite::Source::table(&path, "t").unwrap(), |row| row.decode::<Wrong>());
    says(wrong, ErrorKind::Config, &["no column `weight`", "id, name, size"]);
}

#[test]
fn what_was_loaded_comes_back_as_it_was() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct All {
        int: i64,
        float: f64,
        text: String,
        #[serde(serialize_with = "trommel_connect::table::blob")]
        blob: Vec<u8>,
        none: Option<u8>,
        flag: bool,
        letter: char,
    }
    let all = [
        All {
            int: i64::MIN,
            float: f64::MIN_POSITIVE,
            text: "a\0b \u{1f980}".into(),
            blob: vec![0, 255],
            none: None,
            flag: true,
            letter: 'ß',
        },
        All {
            int: i64::MAX,
            float: f64::NEG_INFINITY,
            text: String::new(),
            blob: vec![],
            none: Some(7),
            flag: false,
            letter: '\'',
        },
    ];
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("all.db");
    Pipeline::from(trommel::sources::slice(&all))
        .transform(|record: &All, out| out.emit(record))
        .load_into(sqlite::Sink::create(&path).unwrap().table::<All>("t"))
        .run(&Engine::new().unwrap())
        .unwrap();
    // `visit_bytes` of a `Vec<u8>` wants a sequence, so the blob is read by itself.
    let back = collect(sqlite::Source::table(&path, "t").unwrap(), |row| {
        Ok(All {
            int: row.get("int")?,
            float: row.get("float")?,
            text: row.get("text")?,
            blob: row.get("blob")?,
            none: row.get("none")?,
            flag: row.get("flag")?,
            letter: row.str("letter")?.chars().next().unwrap_or('?'),
        })
    });
    assert_eq!(back.unwrap(), all);
}

#[test]
fn a_value_that_does_not_fit_rejects_its_row_and_says_which() {
    let (_directory, path) = database(
        "CREATE TABLE t (id, n);
         INSERT INTO t VALUES (1, 10), (2, 'ten'), (3, 300), (4, CAST(x'ff' AS TEXT)), (5, 50);",
    );
    let rejects = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let keep = std::sync::Arc::clone(&rejects);
    let options = Options::builder()
        .on_reject(RejectPolicy::dead_letter(
            move |reject: &Reject| {
                keep.lock().unwrap().push(reject.clone());
                Ok(())
            },
            10,
        ))
        .build()
        .unwrap();
    let report = Pipeline::from(sqlite::Source::table(&path, "t").unwrap())
        .options(options)
        .transform(|row: Row<'_>, out| out.emit(row.get::<u8>("n")?))
        .load_into(sinks::count())
        .run(&Engine::new().unwrap())
        .unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (2, 3));
    let rejects = rejects.lock().unwrap();
    let said: Vec<_> = rejects.iter().map(|r| (r.record, r.reason.as_str())).collect();
    assert_eq!(said[0], (Some(1), "the text `ten` is not a whole number (u8)"));
    assert_eq!(said[1], (Some(2), "the number 300 is not a whole number (u8)"));
    assert!(said[2].1.starts_with("not valid UTF-8"), "{said:?}");
    assert_eq!(rejects[0].column.as_deref(), Some("n"));
    assert_eq!(rejects[0].raw, br#"{"id":2,"n":"ten"}"#);
    assert_eq!(rejects[2].raw, br#"{"id":4,"n":[255]}"#);
    assert!(rejects[0].source.as_deref().unwrap().contains("source.db"), "{rejects:?}");
}

#[test]
fn a_query_goes_on_after_the_key_it_was_at() {
    let (_directory, path) = numbered(100);
    let open = || {
        let sql = "SELECT name, id FROM t WHERE id <> ?1 -- all but one";
        sqlite::Source::query(&path, sql).unwrap().bind([50]).unwrap().key("id").unwrap()
    };
    let mut first = open();
    assert_eq!(first.position().unwrap().as_bytes(), b"", "before the first row");
    let mut batch = Default::default();
    first.fill(&mut batch, &Limit::of_rows(60)).unwrap();
    let position = first.position().unwrap();

    let mut second = open();
    assert_eq!(first.fingerprint().unwrap(), second.fingerprint().unwrap());
    second.seek(&position).unwrap();
    assert_eq!(second.position().unwrap(), position);
    let rest = collect(second, |row| row.get::<u32>("id")).unwrap();
    assert_eq!(rest, (62..=100).collect::<Vec<_>>());

    let mut start = open();
    start.seek(&Default::default()).unwrap();
    assert_eq!(collect(start, |row| row.get::<u32>("id")).unwrap().len(), 99);
}

#[test]
fn keys_of_every_type_are_positions() {
    let (_directory, path) = database(
        "CREATE TABLE t (k PRIMARY KEY) WITHOUT ROWID;
         INSERT INTO t VALUES (-5), (2.5), ('A'), ('a'), ('ä'), (x'00'), (x'ff');",
    );
    let keys = |source| collect(source, |row| Ok(format!("{:?}", row.get::<Value<'_>>("k")?)));
    let open = || sqlite::Source::table(&path, "t").unwrap().key("k").unwrap();
    let all = keys(open()).unwrap();
    assert_eq!(all.len(), 7);
    for done in 1..7 {
        let mut source = open();
        source.fill(&mut Default::default(), &Limit::of_rows(done)).unwrap();
        let mut rest = open();
        rest.seek(&source.position().unwrap()).unwrap();
        assert_eq!(keys(rest).unwrap(), all[done..], "after {done}");
    }
}

/// Copies table `t` into table `t` of another database; the row with id `fails_at` ends it.
fn copy(from: &Path, to: &Path, fails_at: u64) -> Result<trommel::RunReport> {
    #[derive(Serialize)]
    struct Item<'a> {
        id: u64,
        name: &'a str,
    }
    Pipeline::from(sqlite::Source::table(from, "t")?.key("id")?)
        .options(Options::builder().fixed_batch_size(100).build()?)
        .transform(|row: Row<'_>, out| {
            let id = row.get("id")?;
            if id == fails_at {
                return Err(Error::fatal("the power went"));
            }
            out.emit(&Item { id, name: row.str("name")? })
        })
        .load_into(sqlite::Sink::create(to)?.table::<Item<'_>>("t").commit_interval(Duration::ZERO))
        .resumable("copy")
        .run(&Engine::builder().workers(2).build()?)
}

#[test]
fn a_copy_that_was_cut_off_goes_on_and_every_row_is_there_once() {
    let (directory, path) = numbered(5_000);
    let target = directory.path().join("target.db");
    for fails_at in [1_234, 4_321] {
        copy(&path, &target, fails_at).unwrap_err();
        assert_eq!(
            ids(&Connection::open(&target).unwrap()).len() as u64,
            (fails_at - 1) / 100 * 100
        );
    }
    // Rows that come meanwhile are read too, as long as their keys are new.
    Connection::open(&path).unwrap().execute("INSERT INTO t VALUES (5001, 'late')", []).unwrap();
    copy(&path, &target, u64::MAX).unwrap();
    let all: Vec<i64> = (1..=5_001).collect();
    assert_eq!(ids(&Connection::open(&target).unwrap()), all);
    assert_eq!(copy(&path, &target, u64::MAX).unwrap().counts.read, 0);
}

#[test]
fn rows_are_of_one_moment_also_when_the_same_file_is_loaded() {
    let (_directory, path) = numbered(2_000);
    let source = sqlite::Source::query(&path, "SELECT id + 2000, name FROM t").unwrap();
    let report = Pipeline::from(source)
        .options(Options::builder().fixed_batch_size(10).build().unwrap())
        .transform(|row: Row<'_>, out| out.emit((row.get::<u32>(0)?, row.str(1)?)))
        .load_into(
            sqlite::Sink::open(&path)
                .unwrap()
                .table::<(u32, &str)>("t")
                .commit_interval(Duration::ZERO),
        )
        .run(&Engine::builder().workers(2).build().unwrap())
        .unwrap();
    assert_eq!(report.counts.loaded, 2_000);
    assert_eq!(ids(&Connection::open(&path).unwrap()).len(), 4_000);
}

#[test]
fn a_query_that_takes_for_ever_can_be_cancelled() {
    let (_directory, path) = numbered(1);
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                   SELECT max(i) FROM n";
    let token = CancelToken::new();
    let cancel = token.clone();
    let waiting = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        cancel.cancel();
    });
    let began = Instant::now();
    let result = Pipeline::from(sqlite::Source::query(&path, endless).unwrap())
        .transform(|_: Row<'_>, out| out.emit(()))
        .load_into(sinks::null())
        .cancel_with(&token)
        .run(&Engine::new().unwrap());
    waiting.join().unwrap();
    assert_eq!(
        result.err().map_or(ErrorKind::Cancelled, |error| error.kind()),
        ErrorKind::Cancelled
    );
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn what_is_wrong_is_said_before_the_first_row() {
    let (directory, path) = numbered(3);
    let query = |sql: &str| sqlite::Source::query(&path, sql).map(drop);
    let config = ErrorKind::Config;
    says(query("SELECT * FROM nowhere"), config, &["no such table: nowhere", "source.db"]);
    says(query("SELECT weight FROM t"), config, &["no such column: weight"]);
    says(query("SELEC 1"), config, &["syntax error"]);
    says(query("DELETE FROM t"), config, &["use a SELECT"]);
    says(query("DELETE FROM t RETURNING id"), config, &["use a SELECT"]);
    says(query(""), config, &["use a SELECT"]);
    says(query("SELECT 1; SELECT 2"), config, &["Multiple statements"]);
    let missing = directory.path().join("missing.db");
    says(sqlite::Source::table(&missing, "t"), ErrorKind::Io, &["no such file", "missing.db"]);
    let text = directory.path().join("text.db");
    std::fs::write(&text, "this is no database, but it is long enough to be taken for one")
        .unwrap();
    says(sqlite::Source::table(&text, "t"), ErrorKind::Io, &["not an SQLite database"]);

    let table = || sqlite::Source::table(&path, "t").unwrap();
    says(table().key("ID"), config, &["no column `ID`", "id, name"]);
    says(table().column("x").map(drop), config, &["no column `x`"]);
    let twice = sqlite::Source::query(&path, "SELECT id, id FROM t").unwrap();
    says(twice.column("id").map(drop), config, &["several columns"]);
    let mut source = table();
    says(source.seek(&Default::default()), ErrorKind::Unsupported, &["`key`"]);
    let run = |source| collect(source, |row| row.get::<u32>("id"));
    says(run(table().bind([1]).unwrap()), config, &["has 0 parameters, 1 were given"]);
    let wanting = sqlite::Source::query(&path, "SELECT id FROM t WHERE id > ?1").unwrap();
    says(run(wanting), config, &["has 1 parameters, 0 were given"]);
}

#[test]
fn a_key_that_would_lose_rows_ends_the_run() {
    let (_directory, path) =
        database("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, NULL), (2, 'x'), (2, 'y');");
    let run = |key| {
        collect(sqlite::Source::table(&path, "t").unwrap().key(key).unwrap(), |row| {
            row.get::<Option<u32>>("a")
        })
    };
    says(run("a"), ErrorKind::Config, &["column `a` has a value twice"]);
    says(run("b"), ErrorKind::Config, &["column `b` has a NULL"]);
}
