//! The report for a terminal and a forge.

use super::Report;
use crate::bars::Bar;
use std::fmt::Write;

pub(super) fn page(report: &Report) -> String {
    let mut page = String::from("# Benchmark report\n\n");
    page.push_str(
        "Figures under \"origin\" are inputs: what the origin of this project was said to reach, \
         elsewhere; where a dash stands, the origin names no figure for the row. Everything else was \
         measured in one run, or says that it was computed; ratios are medians of ratios taken within \
         a round, since the machine is never quiet. Counts and checksums were right before any time \
         was taken.\n\n",
    );
    for (name, value) in report.machine.facts() {
        line(&mut page, format_args!("- {name}: {value}"));
    }
    page.push_str("\n## Bars\n\n| bar | value | target | | measured |\n|---|---|---|---|---|\n");
    for bar in &report.bars {
        let (value, note) = (value(bar), note(bar));
        let (name, target, state) = (&bar.name, bar.target.to_string(), bar.state());
        let target = target.replace('|', " or ");
        line(&mut page, format_args!("| `{name}` | {value} | {target} | {state} | {note} |"));
    }
    for table in &report.tables {
        line(&mut page, format_args!("\n## {}\n\n{}\n", table.title, table.note));
        let headings = table.headings();
        line(&mut page, format_args!("| {} |", headings.join(" | ")));
        let rule = vec!["---"; headings.len()].join("|");
        line(&mut page, format_args!("|{rule}|"));
        for row in &table.rows {
            line(&mut page, format_args!("| {} |", row.texts().join(" | ")));
        }
    }
    page.push_str("\n## Plots\n");
    for plot in &report.plots {
        line(&mut page, format_args!("\n{}\n\n![{}]({}.svg)", plot.caption, plot.name, plot.name));
    }
    page
}

/// A bar's value as it is shown in tables.
pub(super) fn value(bar: &Bar) -> String {
    match &bar.value {
        Ok(value) if *value >= 1e6 => format!("{:.1} M", value / 1e6),
        Ok(value) => format!("{value:.3}"),
        Err(_) => "–".into(),
    }
}

/// What is behind a bar's value.
pub(super) fn note(bar: &Bar) -> &str {
    match &bar.value {
        Ok(_) => &bar.note,
        Err(why) => why,
    }
}

fn line(page: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(page, "{line}").expect("a string takes all that is written");
}
