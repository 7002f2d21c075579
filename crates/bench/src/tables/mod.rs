//! The origin's tables, each row beside Trommel's own figure.

mod ablations;
mod batch_sizes;
mod channels;
mod parallel;
mod records;
mod steps;
mod tiers;
mod volumes;
mod workers;

pub use ablations::boxed_child;

use crate::Result;
use crate::plan::Plan;
use crate::race::Times;
use crate::stats::short;
use std::fmt;

/// What stands where the origin gives no figure.
pub const UNKNOWN: &str = "–";

/// One table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Short name, for `--only` and for anchors.
    pub name: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What is measured, in a sentence or two.
    pub note: String,
    /// Headings of the columns behind the label and the origin's figure, with their units.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Row>,
}

/// One row of a table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What the row is about.
    pub label: String,
    /// The origin's figure: an input, not measured here.
    pub origin: String,
    /// Measured values.
    pub cells: Vec<Cell>,
}

/// A value and how it is shown.
#[derive(Debug, Clone)]
pub struct Cell {
    /// For plots.
    pub value: f64,
    /// For people.
    pub text: String,
}

impl Cell {
    /// Rows per second of a contestant.
    pub fn rate(times: &Times, index: usize) -> Cell {
        let rate = times.rate(index);
        let around = 50.0 * (rate.high - rate.low) / rate.median;
        Cell { value: rate.median, text: format!("{} ±{around:.0} %", short(rate.median)) }
    }

    /// How many times as quick `a` is as `b`.
    pub fn ratio(times: &Times, a: usize, b: usize) -> Cell {
        let ratio = times.ratio(a, b);
        Cell {
            value: ratio.median,
            text: format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high),
        }
    }

    /// Any number.
    pub fn number(value: f64, text: impl Into<String>) -> Cell {
        Cell { value, text: text.into() }
    }

    /// Words.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::number(f64::NAN, text)
    }
}

impl Row {
    /// A row for which the origin has no figure.
    pub fn new(label: impl Into<String>, cells: Vec<Cell>) -> Row {
        Row { label: label.into(), origin: UNKNOWN.into(), cells }
    }

    /// With the origin's figure.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Row {
        self.origin = origin.into();
        self
    }
}

impl Table {
    /// All columns' headings.
    pub fn headings(&self) -> Vec<&str> {
        let own = self.columns.iter().map(String::as_str);
        ["", "origin"].into_iter().chain(own).collect()
    }
}

impl Row {
    /// All columns' texts.
    pub fn texts(&self) -> Vec<&str> {
        let own = self.cells.iter().map(|cell| cell.text.as_str());
        [&self.label[..], &self.origin].into_iter().chain(own).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n  {}", self.title, self.note)?;
        let lines: Vec<Vec<&str>> =
            std::iter::once(self.headings()).chain(self.rows.iter().map(Row::texts)).collect();
        let widths: Vec<usize> = (0..lines[0].len())
            .map(|column| {
                let texts = lines.iter().filter_map(|line| line.get(column));
                texts.map(|text| text.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for line in lines {
            write!(f, " ")?;
            for (column, (text, width)) in line.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(f, " {text:<width$}")?,
                    _ => write!(f, "  {text:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

type Measure = fn(&Plan) -> Result<Table>;

const TABLES: [(&str, Measure); 9] = [
    ("records", records::measure),
    ("steps", steps::measure),
    ("batch-sizes", batch_sizes::measure),
    ("workers", workers::measure),
    ("volumes", volumes::measure),
    ("channels", channels::measure),
    ("parallel", parallel::measure),
    ("ablations", ablations::measure),
    ("tiers", tiers::measure),
];

/// Measures tables, calling `show` with each as soon as it is known.
///
/// # Errors
/// When a run fails or its tally is wrong.
pub fn measure(plan: &Plan, show: &mut dyn FnMut(&Table)) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for (name, measure) in TABLES {
        if plan.wants(name) {
            let table = measure(plan)?;
            show(&table);
            tables.push(table);
        }
    }
    Ok(tables)
}

/// Rounds of each table's race: fewer than for a bar, since there are many rows.
fn rounds(plan: &Plan) -> usize {
    if plan.quick { 3 } else { 5 }
}

/// An engine with this many workers.
fn engine(workers: usize) -> Result<trommel::Engine> {
    Ok(trommel::Engine::builder().workers(workers).build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let table = Table {
            name: "x",
            title: "Title",
            note: "Note.".into(),
            columns: vec!["records/s".into()],
            rows: vec![
                Row::new("a", vec![Cell::number(1.0, "1")]),
                Row::new("longer", vec![Cell::number(2.0, "2")]).origin("45.6 K"),
            ],
        };
        let shown = table.to_string();
        let widths: Vec<usize> = shown.lines().skip(2).map(|l| l.chars().count()).collect();
        assert_eq!(widths, [widths[0]; 3], "{shown}");
    }
}
