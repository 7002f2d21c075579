//! Interleaved measuring: every entry once a round, until there are enough rounds for a median.

use std::time::{Duration, Instant};

use crate::job::{Form, expected};
use crate::peers::Peer;

/// What is measured together.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Name of the size in job names.
    pub(crate) size: &'static str,
    /// Odd.
    pub(crate) rounds: usize,
    /// Records of a run over packed records.
    packed_rows: u64,
    /// Records of a run over wide records.
    wide_rows: u64,
    /// A sample is as many runs as take this long, at least one.
    sample: Duration,
}

impl Plan {
    /// The origin's size: 5,000 records a run.
    pub(crate) const fn short(rounds: usize) -> Self {
        Plan {
            size: "5000",
            rounds,
            packed_rows: 5_000,
            wide_rows: 5_000,
            sample: Duration::from_millis(10),
        }
    }

    /// Runs that are long enough for starting and ending not to count.
    pub(crate) const fn long(rounds: usize, packed_rows: u64, wide_rows: u64) -> Self {
        Plan { size: "long", rounds, packed_rows, wide_rows, sample: Duration::ZERO }
    }

    /// Records of one run.
    pub(crate) const fn rows(&self, form: Form) -> u64 {
        match form {
            Form::Wide => self.wide_rows,
            Form::Boxed | Form::Arena => self.packed_rows,
        }
    }
}

/// A peer and the form in which it does the job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Index of the peer.
    pub(crate) peer: usize,
    pub(crate) form: Form,
    rows: u64,
}

impl Entry {
    /// All entries, form by form.
    pub(crate) fn all(peers: &[Box<dyn Peer>], plan: &Plan) -> Vec<Entry> {
        let forms = Form::ALL.into_iter();
        forms
            .flat_map(|form| {
                let does = peers.iter().enumerate().filter(move |(_, p)| p.does(form));
                does.map(move |(peer, _)| Entry { peer, form, rows: plan.rows(form) })
            })
            .collect()
    }

    fn time(&self, peers: &mut [Box<dyn Peer>], runs: u32) -> Duration {
        let peer = &mut peers[self.peer];
        let start = Instant::now();
        for _ in 0..runs {
            std::hint::black_box(peer.run(self.form, self.rows));
        }
        start.elapsed()
    }
}

/// Records per second: for each entry, one value a round.
///
/// # Panics
/// When a peer's result is not that of the plain loop.
pub(crate) fn run(peers: &mut [Box<dyn Peer>], entries: &[Entry], plan: &Plan) -> Vec<Vec<f64>> {
    for entry in entries {
        let peer = &mut peers[entry.peer];
        let tally = peer.run(entry.form, entry.rows);
        let (name, form) = (peer.name(), entry.form);
        assert_eq!(tally, expected(entry.rows), "{name}, {form}: wrong lines");
    }
    // Everything has run once and is warm.
    let runs: Vec<u32> = entries
        .iter()
        .map(|entry| {
            let run = entry.time(peers, 1).as_secs_f64();
            (plan.sample.as_secs_f64() / run).ceil().clamp(1.0, 1e6) as u32
        })
        .collect();

    let mut samples = vec![Vec::with_capacity(plan.rounds); entries.len()];
    for round in 0..plan.rounds {
        for turn in 0..entries.len() {
            // There and back again, so that no entry always follows the same one.
            let index = match round % 2 {
                0 => turn,
                _ => entries.len() - 1 - turn,
            };
            let took = entries[index].time(peers, runs[index]).as_secs_f64();
            let records = entries[index].rows as f64 * f64::from(runs[index]);
            samples[index].push(records / took);
        }
    }
    samples
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Distance of the quartiles in percent of the median.
pub(crate) fn spread(values: &[f64]) -> f64 {
    100.0 * (quantile(values, 0.75) - quantile(values, 0.25)) / median(values)
}

fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(part * (sorted.len() - 1) as f64).round() as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_spread_between_the_quartiles() {
        let values = [50.0, 10.0, 30.0, 20.0, 40.0];
        assert_eq!(median(&values), 30.0);
        assert!((spread(&values) - 100.0 * 20.0 / 30.0).abs() < 1e-9);
    }

    #[test]
    fn every_peer_gives_the_lines_of_the_plain_loop_at_every_edge_of_a_batch() {
        let mut peers = crate::peers::all();
        for rows in [0, 1, 127, 128, 129, 700] {
            for peer in &mut peers {
                for form in Form::ALL {
                    if peer.does(form) {
                        let tally = peer.run(form, rows);
                        assert_eq!(tally, expected(rows), "{}, {form}, {rows}", peer.name());
                    }
                }
            }
        }
    }
}
