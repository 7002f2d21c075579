//! The report: `docs/bench/report.md` and a `report.html` that needs nothing else.

mod chart;
mod html;
mod machine;
mod markdown;
mod plots;
mod traces;

use crate::bars::{self, Bar, Measured};
use crate::files;
use crate::plan::Plan;
use crate::tables::{self, Table};
use crate::{Failure, Result};
use machine::Machine;
use std::fs;
use std::path::Path;

/// All that was measured, and where.
#[derive(Debug)]
struct Report {
    machine: Machine,
    bars: Vec<Bar>,
    tables: Vec<Table>,
    plots: Vec<Plot>,
}

/// A picture and what it shows.
#[derive(Debug)]
struct Plot {
    name: &'static str,
    caption: String,
    svg: String,
}

/// Measures everything and writes the report into `folder`; `show` hears how far it is.
///
/// # Errors
/// When a run fails, its tally is wrong, or a file can't be written.
pub fn write(plan: &Plan, folder: &Path, show: &mut dyn FnMut(&str)) -> Result<()> {
    let machine = Machine::of(plan);
    let Measured { bars, files } = bars::measure(plan, &mut |bar| show(&bar.to_string()))?;
    let mut tables = tables::measure(plan, &mut |table| show(table.title))?;
    let mut plots = plots::all(plan, &tables)?;
    for outcome in &files {
        tables.push(files::table(outcome));
        plots.push(plots::files(outcome)?);
    }
    let report = Report { machine, bars, tables, plots };
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    for plot in &report.plots {
        put(&folder.join(format!("{}.svg", plot.name)), &plot.svg)?;
    }
    put(&folder.join("report.md"), &markdown::page(&report))?;
    put(&folder.join("report.html"), &html::page(&report))
}

fn put(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    format!("{} can't be written: {error}", path.display()).into()
}
