//! What a record takes.

use super::{Cell, Row, Table, UNKNOWN};
use crate::plan::Plan;
use crate::{Result, sibling};

/// What the program with the counting allocator prints of records.
fn counted() -> Result<String> {
    sibling::run("trommel-bench-allocs", &["records"])
}

/// Bytes of a record of each of these forms; nothing where they could not be counted.
pub(super) fn bytes<const N: usize>(forms: [&str; N]) -> [Option<f64>; N] {
    let printed = counted().unwrap_or_default();
    forms.map(|form| sibling::number(&printed, &format!("bytes {form}:")).ok())
}

pub(super) fn measure(_plan: &Plan) -> Result<Table> {
    let forms = [
        ("wide", "55 KB", "100+"),
        ("packed, String", UNKNOWN, UNKNOWN),
        ("packed, Box<str>", "~100 B", UNKNOWN),
        ("packed, arena", UNKNOWN, UNKNOWN),
    ];
    let printed = counted();
    let rows = forms.iter().map(|(label, bytes, allocations)| {
        let number = |what: &str| {
            let printed = printed.as_ref().ok()?;
            sibling::number(printed, &format!("{what} {label}:")).ok()
        };
        let cell = |value: Option<f64>| match value {
            Some(value) if value >= 1.0 => Cell::number(value, format!("{value:.0}")),
            Some(value) => Cell::number(value, format!("{value:.2}")),
            None => Cell::text(UNKNOWN),
        };
        let cells = vec![cell(number("bytes")), cell(number("allocations"))];
        let origin = match *allocations {
            UNKNOWN => (*bytes).to_owned(),
            allocations => format!("{bytes}, {allocations} allocations"),
        };
        Row::new(*label, cells).origin(origin)
    });
    let rows = rows.collect();
    let why = printed.err().map(|why| format!(" Not measured: {why}."));
    Ok(Table {
        name: "records",
        title: "What a record takes",
        note: format!(
            "Bytes asked of the allocator and allocations per record, the record itself included, \
             counted over 10,000 records.{}",
            why.unwrap_or_default()
        ),
        columns: ["bytes", "allocations"].map(String::from).to_vec(),
        rows,
    })
}
