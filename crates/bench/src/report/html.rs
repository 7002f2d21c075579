//! The report as one page that needs no other file and no network.

use super::Report;
use super::markdown::{note, value};
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;\
    max-width:72rem;margin:2rem auto;padding:0 1rem}h1,h2{line-height:1.2}\
    table{border-collapse:collapse;margin:1rem 0;font-size:14px;font-variant-numeric:tabular-nums}\
    th,td{border:1px solid #c8c8c8;padding:.25rem .6rem;text-align:right;vertical-align:top}\
    th{background:#f0f0f0}td:first-child,th:first-child,td.note{text-align:left}\
    td.origin{background:#fff7e0}td.ok{color:#0a6b2d}td.short{color:#a40000;font-weight:bold}\
    td.skipped{color:#6b6b6b}td.note{font-size:12px;color:#444}figure{margin:2rem 0}\
    figure svg{max-width:100%;height:auto}.wide{overflow-x:auto}";

pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    let mut put = |text: std::fmt::Arguments<'_>| {
        writeln!(page, "{text}").expect("a string takes all that is written");
    };
    put(format_args!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>Trommel: benchmark report</title>\n<style>{STYLE}</style></head><body>\n\
         <h1>Benchmark report</h1>\n<p>Figures under “origin” are inputs: what the origin of this \
         project was said to reach, elsewhere; where a dash stands, the origin names no figure for \
         the row. Everything else was measured in one run, or says that it was computed; ratios are \
         medians of ratios taken within a round, since the machine is never quiet. Counts and \
         checksums were right before any time was taken.</p>\n<table>"
    ));
    for (name, value) in report.machine.facts() {
        let value = escape(&value);
        put(format_args!("<tr><th>{name}</th><td class=\"note\">{value}</td></tr>"));
    }
    put(format_args!(
        "</table>\n<h2>Bars</h2>\n<div class=\"wide\"><table><tr><th>bar</th><th>value</th>\
         <th>target</th><th></th><th>measured</th></tr>"
    ));
    for bar in &report.bars {
        let (name, value, state) = (escape(&bar.name), value(bar), bar.state());
        let target = escape(&bar.target.to_string().replace('|', " or "));
        let note = escape(note(bar));
        put(format_args!(
            "<tr><td>{name}</td><td>{value}</td><td>{target}</td><td class=\"{state}\">{state}</td>\
             <td class=\"note\">{note}</td></tr>"
        ));
    }
    put(format_args!("</table></div>\n<h2>Plots</h2>"));
    for plot in &report.plots {
        let (svg, caption) = (&plot.svg, escape(&plot.caption));
        put(format_args!("<figure>{svg}<figcaption>{caption}</figcaption></figure>"));
    }
    for table in &report.tables {
        let (title, note) = (escape(table.title), escape(&table.note));
        put(format_args!("<h2>{title}</h2>\n<p>{note}</p>\n<div class=\"wide\"><table><tr>"));
        for heading in table.headings() {
            put(format_args!("<th>{}</th>", escape(heading)));
        }
        put(format_args!("</tr>"));
        for row in &table.rows {
            put(format_args!("<tr>"));
            for (column, text) in row.texts().into_iter().enumerate() {
                let class = if column == 1 { " class=\"origin\"" } else { "" };
                put(format_args!("<td{class}>{}</td>", escape(text)));
            }
            put(format_args!("</tr>"));
        }
        put(format_args!("</table></div>"));
    }
    put(format_args!("</body></html>"));
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
