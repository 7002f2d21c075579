//! Loading into SQLite when something is wrong with the rows or the table.
#![cfg(feature = "sqlite")]

mod sqlite_support;

use serde::Serialize;
use sqlite_support::{Item, ids, items, page, prepared, says};
use trommel::{Class, Engine, Error, ErrorKind, Options, Pipeline, RejectPolicy, Sink};
use trommel_connect::sqlite;
use trommel_connect::table::{self, Page};

fn faults_of(table: &mut sqlite::Table<Item>, page: &mut Page) -> Vec<(usize, Error)> {
    table.write(page).unwrap();
    let mut faults = Vec::new();
    table.take_faults(&mut faults);
    faults
}

#[test]
fn bad_rows_are_found_and_cost_no_other_row() {
    let mut table = prepared("CREATE TABLE t (id INTEGER PRIMARY KEY, size CHECK (size <> 50))")
        .table::<Item>("t");
    // Bad: the first, a middle one, neighbours, the last, and one in what is left of a power of two.
    let numbers = [1, 1, 2, 3, 50].into_iter().chain(4..200).chain([7, 8, 199]);
    let faults = faults_of(&mut table, &mut items(numbers));
    let at: Vec<usize> = faults.iter().map(|(row, _)| *row).collect();
    // 50 comes twice, and its CHECK fails both times.
    assert_eq!(at, [1, 4, 51, 201, 202, 203]);
    assert!(faults.iter().all(|(_, error)| error.class() == Class::Row));
    assert_eq!(faults[0].1.column(), Some("id"));
    assert!(faults[0].1.to_string().contains("has a row with this key already"));
    assert!(faults[1].1.to_string().contains("CHECK"), "{}", faults[1].1);
    // The next page begins with no faults.
    assert_eq!(faults_of(&mut table, &mut items([200])).len(), 0);
    table.finish().unwrap();
    let expected: Vec<i64> = (1..=200).filter(|id| *id != 50).collect();
    assert_eq!(ids(&table.into_connection()), expected);
}

#[test]
fn every_row_may_be_bad() {
    let mut table = prepared("CREATE TABLE t (id CHECK (id < 0), size)").table::<Item>("t");
    assert_eq!(faults_of(&mut table, &mut items(0..500)).len(), 500);
    table.finish().unwrap();
    assert_eq!(ids(&table.into_connection()), [0; 0]);
}

#[test]
fn each_kind_of_constraint_is_the_row_s_fault_and_names_the_column() {
    for (sql, message, column) in [
        ("CREATE TABLE t (id, size NOT NULL)", "does not take NULL", Some("size")),
        ("CREATE TABLE t (id TEXT, size INT NOT NULL) STRICT", "does not take NULL", Some("size")),
        ("CREATE TABLE t (id BLOB, size INT) STRICT", "does not take this type", Some("id")),
        (
            "PRAGMA foreign_keys = ON; CREATE TABLE o (id INTEGER PRIMARY KEY);
             CREATE TABLE t (id REFERENCES o, size)",
            "refers to a row that does not exist",
            None,
        ),
        (
            "CREATE TABLE t (id, size); CREATE TRIGGER g BEFORE INSERT ON t
             BEGIN SELECT RAISE(ABORT, 'not today'); END",
            "has a trigger that refuses this row: not today",
            None,
        ),
    ] {
        let mut table = prepared(sql).table::<Item>("t");
        let bad = Item { id: 1, size: None };
        let faults = faults_of(&mut table, &mut page([bad]));
        assert_eq!(faults.len(), 1, "{sql}");
        let error = &faults[0].1;
        assert!(error.to_string().contains(message), "{sql}: {error}");
        assert_eq!(error.column(), column, "{sql}: {error}");
    }
}

#[test]
fn a_table_that_rolls_back_more_than_the_row_ends_the_run() {
    for what in ["ROLLBACK", "FAIL"] {
        let sql = format!("CREATE TABLE t (id UNIQUE ON CONFLICT {what}, size)");
        let mut table = prepared(&sql).table::<Item>("t");
        table.write(&mut items([1])).unwrap();
        // The duplicate is in the middle of a statement of eight rows.
        let written = table.write(&mut items([2, 3, 4, 5, 1, 6, 7, 8]));
        says(written, ErrorKind::Fatal, &["let it say ABORT"]);
        if what == "ROLLBACK" {
            // Nothing more goes in, outside of any transaction.
            says(table.write(&mut items([9])), ErrorKind::Fatal, &["taken the transaction back"]);
        }
        table.abort();
        assert_eq!(ids(&table.into_connection()), [0; 0]);
    }
}

#[test]
fn faults_are_numbered_through_records_of_several_kinds() {
    let mut table = prepared("CREATE TABLE t (id INTEGER PRIMARY KEY, size)").table::<Item>("t");
    let mut mixed = items([1, 2]);
    for id in [3, 1, 4] {
        let map = std::collections::BTreeMap::from([("id", id)]);
        table::encode(&mut mixed, &map).unwrap();
    }
    for id in [5, 4] {
        table::encode(&mut mixed, &Item { id, size: None }).unwrap();
    }
    let faults = faults_of(&mut table, &mut mixed);
    let at: Vec<usize> = faults.iter().map(|(row, _)| *row).collect();
    assert_eq!(at, [3, 6]);
}

#[test]
fn a_pipeline_skips_what_the_table_refuses_and_counts_it() {
    let mut table = prepared("CREATE TABLE t (id INTEGER PRIMARY KEY, size)").table::<Item>("t");
    let run = |policy, table: &mut sqlite::Table<Item>| {
        let numbers = (0..1000).map(|id: i64| id % 900);
        Pipeline::from(trommel::sources::iter(numbers))
            .map(|id| Item { id: *id, size: None })
            .load_into(table)
            .options(Options::builder().on_reject(policy).build().unwrap())
            .run(&Engine::new().unwrap())
    };
    says(run(RejectPolicy::Stop, &mut table), ErrorKind::Row, &["sink", "key", "`id`"]);
    let report = run(RejectPolicy::Skip { max: 1000 }, &mut table).unwrap();
    assert_eq!((report.counts.loaded, report.counts.rejected), (900, 100));
    assert_eq!(ids(&table.into_connection()).len(), 900);
}

#[test]
fn records_that_can_t_be_rows_say_why() {
    let mut page = Page::default();
    let mut encode = |record: &dyn Record| record.encode(&mut page);
    says(encode(&u64::MAX), ErrorKind::Row, &["is not a record"]);
    says(encode(&"text"), ErrorKind::Row, &["a text is not a record"]);
    says(encode(&None::<Item>), ErrorKind::Row, &["`None` is not a record"]);
    says(encode(&Some(Ok::<u8, ()>(3))), ErrorKind::Row, &["newtype variant", "untagged"]);
    says(encode(&[0u8; 0]), ErrorKind::Row, &["without fields"]);
    #[derive(Serialize)]
    struct Large {
        small: u64,
        large: u64,
    }
    let large = Large { small: 1, large: 1 << 63 };
    says(encode(&large), ErrorKind::Row, &["out of range", "column `large`"]);
    says(encode(&std::collections::BTreeMap::from([((1, 2), 3)])), ErrorKind::Row, &["key"]);
    let nested = std::collections::BTreeMap::from([(
        "a",
        [((1, 2), 3)].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    )]);
    says(encode(&nested), ErrorKind::Row, &["JSON", "column `a`"]);
    assert_eq!((page.rows(), trommel::Page::bytes(&page)), (0, 0));
}

/// Any serialisable record, behind a reference.
trait Record {
    fn encode(&self, page: &mut Page) -> trommel::Result<()>;
}

impl<T: Serialize> Record for T {
    fn encode(&self, page: &mut Page) -> trommel::Result<()> {
        table::encode(page, self)
    }
}

#[test]
fn a_record_that_does_not_fit_the_table_says_what_is_missing() {
    let write = |sql, set: fn(sqlite::Table<Item>) -> sqlite::Table<Item>| {
        let mut table = set(prepared(sql).table("t"));
        table.encoder()?;
        table.write(&mut items([1]))
    };
    let parts = ["no column \"size\"", "its columns are \"id\", \"length\"", "rename"];
    says(write("CREATE TABLE t (id, length)", |t| t), ErrorKind::Config, &parts);
    // Those that are declared are looked for before the first row.
    let mut declared = prepared("CREATE TABLE t (id, size)").table::<Item>("t");
    declared = declared.column("a", "").column("size", "").column("b", "");
    let parts = ["no column \"a\", \"b\" that", "its columns are \"id\", \"size\""];
    says(declared.encoder(), ErrorKind::Config, &parts);
    let upsert = |t: sqlite::Table<Item>| t.key(["id"]).upsert();
    says(write("CREATE TABLE t (id, size)", upsert), ErrorKind::Config, &["unique index"]);
    says(write("", |t| t.upsert()), ErrorKind::Config, &["upsert", "(`key`)"]);
    says(write("", |t| t.key(["nope"])), ErrorKind::Config, &["CREATE TABLE", "nope"]);
    let replaced = prepared("").table::<Item>("t").replace().resume("j");
    says(replaced.map(drop), ErrorKind::Config, &["resumable", "one transaction"]);
    says(write("", |t| t.column("", "x")), ErrorKind::Config, &["name"]);
    says(write("BEGIN", |t| t), ErrorKind::Config, &["inside a transaction"]);
}
