//! Contestants that do the same work, run alternately in one process.
//!
//! The machine is never quiet: what one run gains by luck the next one loses. So each round runs
//! every contestant once, starting with another one each time, and a ratio is taken within a round;
//! the answer is the median of the ratios. A time counts only after its tally was found right.

use crate::Result;
use crate::origin::Tally;
use crate::plan::Plan;
use crate::stats::{Spread, short};
use std::fmt;
use std::time::Instant;

type Run<'a> = Box<dyn FnMut() -> Result<Tally> + 'a>;

/// Contestants and the work they share.
pub struct Race<'a> {
    rows: u64,
    expected: Tally,
    prepare: Box<dyn FnMut() + 'a>,
    contestants: Vec<(String, Run<'a>)>,
}

impl<'a> Race<'a> {
    /// A race over `rows` rows that must end in `expected`.
    pub fn new(rows: u64, expected: Tally) -> Self {
        Race { rows, expected, prepare: Box::new(|| {}), contestants: Vec::new() }
    }

    /// Calls `prepare` before each run, outside its time.
    #[must_use]
    pub fn prepare(mut self, prepare: impl FnMut() + 'a) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// Adds a contestant. The first one is what the others are compared with.
    #[must_use]
    pub fn with(
        mut self,
        name: impl Into<String>,
        run: impl FnMut() -> Result<Tally> + 'a,
    ) -> Self {
        self.contestants.push((name.into(), Box::new(run)));
        self
    }

    /// Runs everyone for `rounds` rounds after one that warms up, and answers the times.
    ///
    /// # Errors
    /// When a run fails or its tally is not the expected one.
    pub fn run(&mut self, rounds: usize) -> Result<Times> {
        let everyone: Vec<usize> = (0..self.contestants.len()).collect();
        let seconds = self.rounds(&everyone, rounds)?;
        Ok(Times { rows: self.rows, names: self.names(&everyone), seconds })
    }

    /// Finds the quickest of all but the first in a few heats, then runs the first one against it.
    ///
    /// The heats choose and the final measures: to choose by the final's own times would favour
    /// whoever was lucky in them.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn duel(&mut self, plan: &Plan) -> Result<Duel> {
        let rivals: Vec<usize> = (1..self.contestants.len()).collect();
        let best = match rivals[..] {
            [only] => only,
            _ => {
                let seconds = self.rounds(&rivals, plan.heats())?;
                let median = |index: usize| Spread::of(seconds[index].iter().copied()).median;
                let best = (0..rivals.len()).min_by(|&a, &b| median(a).total_cmp(&median(b)));
                rivals[best.expect("a duel has a rival")]
            }
        };
        let pair = [0, best];
        let seconds = self.rounds(&pair, plan.rounds())?;
        let times = Times { rows: self.rows, names: self.names(&pair), seconds };
        Ok(Duel { times })
    }

    fn names(&self, who: &[usize]) -> Vec<String> {
        who.iter().map(|&index| self.contestants[index].0.clone()).collect()
    }

    fn rounds(&mut self, who: &[usize], rounds: usize) -> Result<Vec<Vec<f64>>> {
        let mut seconds = vec![Vec::with_capacity(rounds); who.len()];
        for round in 0..=rounds {
            for turn in 0..who.len() {
                let position = (turn + round) % who.len();
                let (name, run) = &mut self.contestants[who[position]];
                (self.prepare)();
                let began = Instant::now();
                let tally = run()?;
                let took = began.elapsed();
                if tally != self.expected {
                    let expected = self.expected;
                    return Err(
                        format!("{name}: the run made {tally:?}, expected {expected:?}").into()
                    );
                }
                // Round 0 warms up.
                if round > 0 {
                    seconds[position].push(took.as_secs_f64());
                }
            }
        }
        Ok(seconds)
    }
}

impl fmt::Debug for Race<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.contestants.iter().map(|(name, _)| &name[..]).collect();
        f.debug_struct("Race")
            .field("rows", &self.rows)
            .field("contestants", &names)
            .finish_non_exhaustive()
    }
}

/// The times of a race: one list for each contestant, one time for each round.
#[derive(Debug, Clone)]
pub struct Times {
    /// Rows of each run.
    pub rows: u64,
    /// Contestants.
    pub names: Vec<String>,
    /// Seconds.
    pub seconds: Vec<Vec<f64>>,
}

impl Times {
    /// Rows per second of a contestant.
    pub fn rate(&self, index: usize) -> Spread {
        Spread::of(self.seconds[index].iter().map(|s| self.rows as f64 / s))
    }

    /// Seconds of a contestant.
    pub fn time(&self, index: usize) -> Spread {
        Spread::of(self.seconds[index].iter().copied())
    }

    /// How many times as quick contestant `a` is as `b`, by pairs of one round.
    pub fn ratio(&self, a: usize, b: usize) -> Spread {
        let pairs = self.seconds[a].iter().zip(&self.seconds[b]);
        Spread::of(pairs.map(|(a, b)| b / a))
    }
}

/// The first contestant against the best of the others.
#[derive(Debug, Clone)]
pub struct Duel {
    /// Times of the two.
    pub times: Times,
}

impl Duel {
    /// How many times as quick the first one is.
    pub fn ratio(&self) -> Spread {
        self.times.ratio(0, 1)
    }
}

impl fmt::Display for Duel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, theirs) = (self.times.rate(0), self.times.rate(1));
        let names = &self.times.names;
        write!(
            f,
            "{} {}/s, {} {}/s, ratio {}",
            names[0],
            short(ours.median),
            names[1],
            short(theirs.median),
            self.ratio()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right() -> Tally {
        let mut tally = Tally::default();
        tally.add("one line");
        tally
    }

    #[test]
    fn everyone_runs_in_every_round() {
        let (mut a, mut b, mut prepared) = (0, 0, 0);
        let times = Race::new(1, right())
            .prepare(|| prepared += 1)
            .with("a", || {
                a += 1;
                Ok(right())
            })
            .with("b", || {
                b += 1;
                Ok(right())
            })
            .run(5)
            .unwrap();
        assert_eq!((times.seconds[0].len(), times.seconds[1].len()), (5, 5));
        assert_eq!((a, b, prepared), (6, 6, 12));
    }

    #[test]
    fn a_wrong_tally_ends_the_race() {
        let error = Race::new(1, right())
            .with("right", || Ok(right()))
            .with("wrong", || Ok(Tally::default()))
            .run(5)
            .unwrap_err();
        assert!(error.to_string().starts_with("wrong: the run made"), "{error}");
    }

    #[test]
    fn a_duel_is_fought_with_the_quickest() {
        let wait = |ms| std::thread::sleep(std::time::Duration::from_millis(ms));
        let duel = Race::new(1, right())
            .with("ours", || Ok(right()))
            .with("slow", || {
                wait(4);
                Ok(right())
            })
            .with("quick", || {
                wait(1);
                Ok(right())
            })
            .duel(&Plan { quick: true, ..Plan::default() })
            .unwrap();
        assert_eq!(duel.times.names, ["ours", "quick"]);
        assert!(duel.ratio().median > 1.0);
    }
}
