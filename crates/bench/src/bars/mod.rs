//! What Trommel must reach, one line each.

mod adaptive;
mod allocs;
mod csv;
mod engine;
mod files;
mod iter;
mod memory;
mod origin;
pub mod peak;
mod races;
mod small;
mod tiers;

use crate::Result;
use crate::files::Outcome;
use crate::plan::Plan;
use std::fmt;

/// What a bar must reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
    /// This much or less, or something else that was found to hold (`true`) or not.
    AtMostOr(f64, &'static str, bool),
    /// Nothing: it is shown beside the bars that explain it.
    None,
}

/// One measured bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// The median, or why there is none.
    pub value: std::result::Result<f64, String>,
    /// What it must reach.
    pub target: Target,
    /// What was measured against what.
    pub note: String,
}

impl Bar {
    /// Whether it is reached; a bar that was skipped is not.
    pub fn is_reached(&self) -> bool {
        match (&self.value, self.target) {
            (Ok(value), Target::AtLeast(target)) => *value >= target,
            (Ok(value), Target::AtMost(target)) => *value <= target,
            (Ok(value), Target::AtMostOr(target, _, or)) => or || *value <= target,
            (_, Target::None) => true,
            (Err(_), _) => false,
        }
    }

    /// How it stands: `ok`, `short`, `skipped`, or `-` for what has no target.
    pub fn state(&self) -> &'static str {
        match (&self.value, self.target) {
            (Err(_), _) => "skipped",
            (_, Target::None) => "-",
            _ if self.is_reached() => "ok",
            _ => "short",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::AtLeast(target) => write!(f, ">={target}"),
            Target::AtMost(target) => write!(f, "<={target}"),
            Target::AtMostOr(target, or, _) => write!(f, "<={target}|{or}"),
            Target::None => f.write_str("-"),
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match &self.value {
            Ok(value) if *value >= 1_000.0 => format!("{value:.0}"),
            Ok(value) => format!("{value:.3}"),
            Err(_) => "-".into(),
        };
        write!(f, "bar {} {value} {} {}", self.name, self.target, self.state())
    }
}

/// Takes bars as they are measured.
pub struct Ledger<'a> {
    plan: &'a Plan,
    show: &'a mut dyn FnMut(&Bar),
    bars: Vec<Bar>,
    outcomes: Vec<Outcome>,
}

impl Ledger<'_> {
    /// Whether a bar with this name was asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.plan.wants(name)
    }

    /// How much to measure.
    pub fn plan(&self) -> &Plan {
        self.plan
    }

    /// Takes a bar.
    pub fn add(&mut self, name: impl Into<String>, value: f64, target: Target, note: String) {
        self.push(name.into(), Ok(value), target, note);
    }

    /// Takes a bar that could not be measured.
    pub fn skip(&mut self, name: impl Into<String>, target: Target, why: impl fmt::Display) {
        self.push(name.into(), Err(why.to_string()), target, String::new());
    }

    /// Takes what a job on files came to, for the report.
    pub fn take(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    fn push(
        &mut self,
        name: String,
        value: std::result::Result<f64, String>,
        target: Target,
        note: String,
    ) {
        let bar = Bar { name, value, target, note };
        (self.show)(&bar);
        self.bars.push(bar);
    }
}

impl fmt::Debug for Ledger<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("bars", &self.bars).finish_non_exhaustive()
    }
}

/// All bars, and what is behind those of jobs on files.
#[derive(Debug)]
pub struct Measured {
    /// The bars.
    pub bars: Vec<Bar>,
    /// Jobs on files.
    pub files: Vec<Outcome>,
}

/// Measures bars, calling `show` with each as soon as it is known.
///
/// # Errors
/// When a run fails or its tally is wrong: then no time can be believed.
pub fn measure(plan: &Plan, show: &mut dyn FnMut(&Bar)) -> Result<Measured> {
    let mut ledger = Ledger { plan, show, bars: Vec::new(), outcomes: Vec::new() };
    memory::measure(&mut ledger)?;
    tiers::measure(&mut ledger)?;
    iter::measure(&mut ledger)?;
    engine::measure(&mut ledger)?;
    small::measure(&mut ledger)?;
    origin::measure(&mut ledger)?;
    adaptive::measure(&mut ledger)?;
    allocs::measure(&mut ledger)?;
    peak::measure(&mut ledger)?;
    csv::measure(&mut ledger)?;
    files::measure(&mut ledger)?;
    Ok(Measured { bars: ledger.bars, files: ledger.outcomes })
}

/// Measures only the bars of jobs on files, and what is behind them.
///
/// # Errors
/// When an input can't be made.
pub fn measure_files(plan: &Plan, show: &mut dyn FnMut(&Bar)) -> Result<Measured> {
    let mut ledger = Ledger { plan, show, bars: Vec::new(), outcomes: Vec::new() };
    files::measure(&mut ledger)?;
    Ok(Measured { bars: ledger.bars, files: ledger.outcomes })
}

/// An engine as every bar has it.
fn engine() -> Result<trommel::Engine> {
    Ok(trommel::Engine::builder().workers(crate::plan::WORKERS).build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(value: f64, target: Target) -> Bar {
        Bar { name: "x.y".into(), value: Ok(value), target, note: String::new() }
    }

    #[test]
    fn a_bar_is_one_line_with_its_state() {
        let shown = |value, target| bar(value, target).to_string();
        assert_eq!(shown(0.96, Target::AtLeast(0.95)), "bar x.y 0.960 >=0.95 ok");
        assert_eq!(shown(0.94, Target::AtLeast(0.95)), "bar x.y 0.940 >=0.95 short");
        assert_eq!(shown(3.1, Target::AtMost(3.0)), "bar x.y 3.100 <=3 short");
        let or = Target::AtMostOr(1.5, "loop+3us", true);
        assert_eq!(shown(1.7, or), "bar x.y 1.700 <=1.5|loop+3us ok");
        assert_eq!(shown(25e6, Target::None), "bar x.y 25000000 - -");
    }

    #[test]
    fn a_skipped_bar_is_not_reached() {
        let mut skipped = bar(1.0, Target::AtLeast(0.5));
        skipped.value = Err("no peers".into());
        assert!(!skipped.is_reached());
        assert_eq!(skipped.to_string(), "bar x.y - >=0.5 skipped");
    }
}
