//! Table, lines for machines, JSON.

use std::fmt;

use serde_json::{Value, json};

use crate::job::{Form, threads};
use crate::measure::{Entry, Plan, median, spread};
use crate::peers::Peer;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    load_before: Option<String>,
    rows: Vec<Row>,
    ratios: Vec<(String, f64)>,
}

#[derive(Debug)]
struct Row {
    peer: &'static str,
    job: String,
    records: u64,
    rounds: usize,
    per_second: f64,
    spread: f64,
    /// Trommel in the same form over this peer.
    trommel: f64,
}

impl Report {
    pub(crate) fn new() -> Self {
        Report { load_before: load(), rows: Vec::new(), ratios: Vec::new() }
    }

    /// Adds what one plan has measured.
    pub(crate) fn add(
        &mut self,
        peers: &[Box<dyn Peer>],
        plan: &Plan,
        entries: &[Entry],
        samples: &[Vec<f64>],
    ) {
        let find = |name: &str, form: Form| {
            let wanted = |entry: &Entry| peers[entry.peer].name() == name && entry.form == form;
            entries.iter().position(wanted).map(|at| &samples[at][..])
        };
        for (entry, sample) in entries.iter().zip(samples) {
            let peer = peers[entry.peer].name();
            let trommel = find("trommel", entry.form).expect("Trommel does every form");
            let row = Row {
                peer,
                job: format!("{}.{}", plan.size, entry.form),
                records: plan.rows(entry.form),
                rounds: sample.len(),
                per_second: median(sample),
                spread: spread(sample),
                trommel: ratio(trommel, sample),
            };
            if !matches!(peer, "trommel" | "tokio-wide" | "tokio-optimized") {
                self.ratios.push((format!("{peer}.{}", row.job), row.trommel));
            }
            self.rows.push(row);
        }
        // What the project promises: against the origin's own two designs.
        let promises = [
            ("boxed", Form::Boxed, "tokio-optimized", Form::Boxed),
            ("arena", Form::Arena, "tokio-optimized", Form::Boxed),
            ("wide", Form::Wide, "tokio-wide", Form::Wide),
            ("packed", Form::Boxed, "tokio-wide", Form::Wide),
        ];
        for (name, form, peer, peer_form) in promises {
            if let (Some(ours), Some(theirs)) = (find("trommel", form), find(peer, peer_form)) {
                let name = format!("origin.{}.{name}", plan.size);
                self.ratios.push((name, ratio(ours, theirs)));
            }
        }
    }

    /// The report as one JSON document.
    pub(crate) fn json(&self) -> Value {
        let peers: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "peer": row.peer, "job": row.job, "records": row.records,
                    "rounds": row.rounds, "records_per_second": row.per_second,
                    "spread_percent": row.spread, "trommel_ratio": row.trommel,
                })
            })
            .collect();
        let ratios: Vec<Value> = self
            .ratios
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        json!({
            "threads": threads(), "load_before": self.load_before, "load_after": load(),
            "peers": peers, "ratios": ratios,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} threads; load average {} before, {} after",
            threads(),
            self.load_before.as_deref().unwrap_or("unknown"),
            load().as_deref().unwrap_or("unknown")
        )?;
        let mut job = "";
        for row in &self.rows {
            if row.job != job {
                job = &row.job;
                let (records, rounds) = (row.records, row.rounds);
                writeln!(f, "\n{job}: {records} records a run, medians of {rounds}")?;
                writeln!(
                    f,
                    "  {:<18} {:>14} {:>8} {:>14}",
                    "peer", "records/s", "spread", "Trommel/peer"
                )?;
            }
            writeln!(
                f,
                "  {:<18} {:>14.0} {:>7.1}% {:>14.2}",
                row.peer, row.per_second, row.spread, row.trommel
            )?;
        }
        writeln!(f)?;
        for row in &self.rows {
            let (peer, job, spread) = (row.peer, &row.job, row.spread);
            writeln!(f, "peer {peer} {job} {:.0} {spread:.1}", row.per_second)?;
        }
        for (name, value) in &self.ratios {
            writeln!(f, "ratio {name} {value:.2}")?;
        }
        Ok(())
    }
}

/// Median of the ratios within each round: a slow moment slows both sides of its round.
fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    median(&ratios)
}

/// Load averages of 1, 5 and 15 minutes, where the system tells.
fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    Some(text.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
