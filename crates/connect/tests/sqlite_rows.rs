//! Whatever rows go in, the same rows are in the table and in the page.
#![cfg(feature = "sqlite")]

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value as Stored;
use serde::{Serialize, Serializer};
use trommel::{Page as _, Sink};
use trommel_connect::sqlite::{self, rusqlite};
use trommel_connect::table::{self, Page, Value};

/// Any value that SQLite can store.
#[derive(Debug, Clone)]
struct Any(Stored);

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Stored::Null => serializer.serialize_none(),
            Stored::Integer(number) => serializer.serialize_i64(*number),
            Stored::Real(number) => serializer.serialize_f64(*number),
            Stored::Text(text) => serializer.serialize_str(text),
            Stored::Blob(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

fn value() -> impl Strategy<Value = Any> {
    prop_oneof![
        Just(Stored::Null),
        any::<i64>().prop_map(Stored::Integer),
        prop::sample::select(vec![i64::MIN, -1, 0, 1, i64::MAX]).prop_map(Stored::Integer),
        any::<f64>().prop_map(Stored::Real),
        prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324])
            .prop_map(Stored::Real),
        any::<String>().prop_map(Stored::Text),
        prop::sample::select(vec!["", "\0", "a\0b", "'", "NULL"])
            .prop_map(|text| Stored::Text(text.into())),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Stored::Blob),
    ]
    .prop_map(Any)
}

/// What SQLite makes of a value: it has no NaN.
fn as_stored(value: &Stored) -> Stored {
    match value {
        Stored::Real(number) if number.is_nan() => Stored::Null,
        other => other.clone(),
    }
}

fn record(width: usize) -> impl Strategy<Value = Vec<Any>> {
    prop::collection::vec(value(), width)
}

fn owned(value: Value<'_>) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Int(number) => Stored::Integer(number),
        Value::Float(number) => Stored::Real(number),
        Value::Text(text) => Stored::Text(text.into()),
        Value::Blob(bytes) => Stored::Blob(bytes.into()),
    }
}

fn content(page: &Page) -> Vec<Vec<Stored>> {
    let rows = page.runs().flat_map(|rows| (0..rows.len()).map(move |row| rows.row(row)));
    rows.map(|row| row.map(owned).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_in_are_rows_out(
        pages in (1..9usize).prop_flat_map(|width| {
            prop::collection::vec(prop::collection::vec(record(width), 0..150), 1..4)
        })
    ) {
        let mut table = sqlite::Sink::from_connection(Connection::open_in_memory().unwrap())
            .table::<[Any]>("t");
        let width = pages.iter().flatten().next().map_or(1, Vec::len);
        for index in 0..width {
            // Without a type values stay as they are.
            table = table.column(format!("c{index}"), "BLOB");
        }
        table.encoder().unwrap();
        let mut page = Page::default();
        for records in &pages {
            for record in records {
                table::encode(&mut page, record).unwrap();
            }
            table.write(&mut page).unwrap();
            page.clear();
        }
        table.finish().unwrap();
        let connection = table.into_connection();
        let mut statement = connection.prepare("SELECT * FROM t ORDER BY rowid").unwrap();
        let found: Vec<Vec<Stored>> = statement
            .query_map([], |row| (0..width).map(|index| row.get(index)).collect())
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let expected: Vec<Vec<Stored>> = pages
            .iter()
            .flatten()
            .map(|record| record.iter().map(|value| as_stored(&value.0)).collect())
            .collect();
        prop_assert_eq!(found, expected);
    }

    /// Rows of several widths and names, some of them taken back, leave what a fresh page would
    /// hold, also in a page that was used before.
    #[test]
    fn a_page_rewinds_exactly(
        before in prop::collection::vec((1..4usize).prop_flat_map(record), 0..5),
        steps in prop::collection::vec(((1..4usize).prop_flat_map(record), any::<bool>(), any::<bool>()), 0..40),
    ) {
        fn push(page: &mut Page, record: &[Any], named: bool) {
            if named {
                let names = ["a", "b", "c"];
                let map: std::collections::BTreeMap<_, _> = names.iter().zip(record).collect();
                table::encode(page, &map).unwrap();
            } else {
                table::encode(page, record).unwrap();
            }
        }
        let (mut page, mut fresh) = (Page::default(), Page::default());
        before.iter().for_each(|record| push(&mut page, record, true));
        page.clear();
        for (record, named, keep) in &steps {
            let (mark, bytes) = (page.mark(), page.bytes());
            push(&mut page, record, *named);
            if *keep {
                push(&mut fresh, record, *named);
            } else {
                page.rewind(mark);
                prop_assert_eq!(page.bytes(), bytes);
            }
        }
        prop_assert_eq!(page.rows(), fresh.rows());
        let debug = |page: &Page| format!("{:?}", content(page));
        prop_assert_eq!(debug(&page), debug(&fresh));
        let columns = |page: &Page| {
            page.runs().map(|rows| (rows.columns().clone(), rows.len())).collect::<Vec<_>>()
        };
        prop_assert_eq!(columns(&page), columns(&fresh));
    }
}
