//! A library that others load: functions over Arrow C streams.
//!
//! `cargo build --release -p trommel-connect --features arrow --example stream_transform` makes
//! `target/release/examples/libstream_transform.so`; `tests/stream_transform.py` calls it from Python.

use serde::Serialize;
use trommel::{Error, Options, RejectPolicy};
use trommel_connect::arrow::DataType;
use trommel_connect::arrow::stream::Settings;
use trommel_connect::export_transform;

/// What a sale comes to.
#[derive(Serialize)]
struct Bill<'a> {
    id: i64,
    customer: &'a str,
    total: f64,
}

export_transform!(bills, |row, out| {
    let Some(customer) = row.get::<Option<&str>>("customer")? else { return Ok(()) };
    let total = row.get::<f64>("price")? * f64::from(row.get::<u32>("pieces")?);
    out.emit(Bill { id: row.get("id")?, customer, total })
});

/// A row for each word, with all columns declared and bad rows passed over.
#[derive(Serialize)]
struct Word<'a> {
    id: i64,
    word: &'a str,
    note: Option<&'a str>,
}

fn settings() -> Settings {
    let options = Options::builder().on_reject(RejectPolicy::skip(u64::MAX)).build();
    Settings::new()
        .workers(2)
        .options(options.unwrap_or_default())
        // No row has one, so that its type can't be learnt.
        .column("note", DataType::Utf8)
}

export_transform!(words, settings(), |row, out| {
    let text = row.str("customer")?;
    for word in text.split(' ') {
        if word == "panic" {
            panic!("at the word");
        }
        if word.is_empty() {
            return Err(Error::row("two blanks"));
        }
        out.emit(Word { id: row.get("id")?, word, note: None })?;
    }
    Ok(())
});
