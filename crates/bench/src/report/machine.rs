//! On what, when and how a report was recorded.

use crate::plan::Plan;
use crate::sibling;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a recorded run holds besides its figures.
#[derive(Debug)]
pub(super) struct Machine {
    command: String,
    commit: String,
    rustc: String,
    cpu: String,
    cores: usize,
    date: String,
    load: String,
}

impl Machine {
    pub(super) fn of(plan: &Plan) -> Self {
        let said = |program: &str, arguments: &[&str]| {
            sibling::output(Command::new(program).args(arguments))
                .map(|text| text.trim().to_owned())
                .ok()
        };
        let changed = said("git", &["status", "--porcelain", "--", "crates", "benches"])
            .is_some_and(|files| !files.is_empty());
        let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
        Machine {
            command: format!("cargo run --release -p trommel-bench -- report{}", flags(plan)),
            commit: match commit {
                Some(commit) if changed => format!("{commit} and changes"),
                Some(commit) => commit,
                None => "unknown".into(),
            },
            rustc: said("rustc", &["-V"]).unwrap_or_else(|| "unknown".into()),
            cpu: cpu().unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            date: date(),
            load: fs::read_to_string("/proc/loadavg")
                .ok()
                .and_then(|text| Some(text.split(' ').next()?.to_owned()))
                .unwrap_or_else(|| "unknown".into()),
        }
    }

    /// Names and values.
    pub(super) fn facts(&self) -> [(&'static str, String); 7] {
        [
            ("command", self.command.clone()),
            ("commit", self.commit.clone()),
            ("compiler", self.rustc.clone()),
            ("processor", self.cpu.clone()),
            ("cores", self.cores.to_string()),
            ("load before", self.load.clone()),
            ("date", self.date.clone()),
        ]
    }
}

/// What the command was given that changes what is measured; of a file only its name.
fn flags(plan: &Plan) -> String {
    let mut flags = String::new();
    if plan.quick {
        flags += " --quick";
    }
    if let Some(only) = &plan.only {
        flags += &format!(" --only {only}");
    }
    if let Some(name) = plan.flights.as_deref().and_then(Path::file_name) {
        flags += &format!(" --flights {}", name.display());
    }
    if plan.long {
        flags += " --long";
    }
    flags
}

fn cpu() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Today, UTC, as year-month-day.
fn date() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let days = now.map_or(0, |since| since.as_secs() / 86_400);
    let (year, month, day) = civil(days as i64);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The calendar date of a day since 1970-01-01: Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }
}
