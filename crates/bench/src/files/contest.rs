//! A job's contestants, run in turn.

use super::check::Check;
use super::data::Data;
use super::postgres::Server;
use super::process::{self, Usage};
use super::{Against, Destination, Job, Kind, Output, Program, What};
use crate::stats::{Spread, short};
use crate::{Result, sibling};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One contestant and its runs.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub kind: Kind,
    /// Its runs, by round; those of slow ones end early.
    pub runs: Vec<Usage>,
    program: OsString,
    arguments: Vec<OsString>,
    /// Arguments behind input and output.
    trailing: Vec<OsString>,
    same_work: bool,
    rounds: usize,
}

impl Entry {
    /// The spread of what `take` takes of a run.
    pub fn spread(&self, take: impl Fn(&Usage) -> f64) -> Spread {
        Spread::of(self.runs.iter().map(take))
    }
}

/// What a contest came to.
#[derive(Debug)]
pub struct Outcome {
    /// The job.
    pub job: &'static Job,
    /// Rows and checksum that all agreed on.
    pub check: Check,
    /// Bytes read.
    pub bytes: u64,
    /// Those that ran; Trommel is the first.
    pub entries: Vec<Entry>,
    /// Peers that are missing, and why.
    pub missing: Vec<(&'static str, String)>,
    /// Load of the machine before the first run.
    pub load: String,
}

impl Outcome {
    /// Runs everyone for `rounds` rounds, starting with another one each time.
    ///
    /// # Errors
    /// When a run fails, or an output differs from Trommel's: then no time is worth anything.
    pub fn of(job: &'static Job, data: &Data, rounds: usize) -> Result<Self> {
        let (mut entries, missing) = contestants(job)?;
        let input = job.input.file(data, 1)?;
        let target = Target::of(job, data)?;
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let mut agreed = None;
        for round in 0..rounds {
            for turn in 0..entries.len() {
                // In the first round Trommel is first: the others are compared with it.
                let index = (turn + round) % entries.len();
                let entry = &mut entries[index];
                if round >= entry.rounds {
                    continue;
                }
                target.clear()?;
                let (usage, printed) = entry.run(&input, &target)?;
                if round == 0 {
                    let check = read(job, entry, &target, &printed)?;
                    let expected = match entry.same_work {
                        true => *agreed.get_or_insert(check),
                        false => Check { rows: job.input.rows(data)?, checksum: 0 },
                    };
                    if check != expected {
                        let (name, title) = (&entry.name, job.title);
                        return Err(format!("{title}: {name}: {check}, not {expected}").into());
                    }
                }
                entry.runs.push(usage);
                target.clear()?;
            }
        }
        let check = match agreed {
            Some(check) => check,
            None => Check { rows: job.input.rows(data)?, checksum: 0 },
        };
        Ok(Outcome {
            job,
            check,
            bytes: fs::metadata(&input)?.len(),
            entries,
            missing,
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        })
    }

    /// Trommel's peak memory, MiB, for the input and for ten times as much: the median of three runs
    /// of each.
    ///
    /// # Errors
    /// When a run fails.
    pub fn peaks(job: &'static Job, data: &Data) -> Result<[f64; 2]> {
        let (entries, _) = contestants(job)?;
        let target = Target::of(job, data)?;
        let mut peaks = [Vec::new(), Vec::new()];
        for _ in 0..3 {
            for (times, peaks) in [1, 10].into_iter().zip(&mut peaks) {
                let input = job.input.file(data, times)?;
                target.clear()?;
                peaks.push(entries[0].run(&input, &target)?.0.peak_mib);
                target.clear()?;
            }
        }
        Ok(peaks.map(|peaks| Spread::of(peaks).median))
    }

    /// The best of those that `against` means, by the median of what `take` takes.
    pub fn best(&self, against: Against, take: impl Fn(&Usage) -> f64) -> Option<&Entry> {
        let kind = match against {
            Against::Peers => Kind::Rival,
            Against::Floors => Kind::Floor,
        };
        let rivals = self.entries.iter().filter(|entry| entry.kind == kind);
        rivals.min_by(|a, b| a.spread(&take).median.total_cmp(&b.spread(&take).median))
    }

    /// What a goal asks for, and what is behind it; an error when nobody is there to compare with.
    pub fn value(&self, what: What) -> std::result::Result<(Spread, String), String> {
        let ours = &self.entries[0];
        let (take, against): (fn(&Usage) -> f64, Against) = match what {
            What::Wall(against) => (|usage| usage.wall, against),
            What::Cpu(against) => (|usage| usage.cpu, against),
            What::Peak => {
                let peak = ours.spread(|usage| usage.peak_mib);
                return Ok((peak, format!("{peak} MiB")));
            }
            What::Rate => {
                let rate = ours.spread(|usage| self.check.rows as f64 / usage.wall);
                let (low, high) = (short(rate.low), short(rate.high));
                let note = format!(
                    "{low} to {high} rows/s, {} runs; {}; load before {}",
                    rate.count, self.check, self.load
                );
                return Ok((rate, note));
            }
        };
        let missing: Vec<String> =
            self.missing.iter().map(|(name, why)| format!("{name} is MISSING: {why}")).collect();
        let missing = missing.join("; ");
        let Some(best) = self.best(against, take) else {
            return Err(missing);
        };
        // Within a round, since the machine is never quiet.
        let pairs = ours.runs.iter().zip(&best.runs);
        let ratio = Spread::of(pairs.map(|(ours, theirs)| take(ours) / take(theirs)));
        let mut note = format!(
            "trommel {:.2} s, {} {:.2} s, ratio {ratio}; {}; load before {}",
            ours.spread(take).median,
            best.name,
            best.spread(take).median,
            self.check,
            self.load,
        );
        if !missing.is_empty() {
            note = format!("{note}; {missing}");
        }
        Ok((ratio, note))
    }
}

/// Where outputs go, and what must stay alive for that.
enum Target {
    File(PathBuf),
    Server(Server),
    /// Sums are printed.
    None,
}

impl Target {
    fn of(job: &Job, data: &Data) -> Result<Self> {
        Ok(match job.output {
            Output::Stored { place: Destination::File(extension), .. } => {
                Target::File(data.folder().join(format!("output.{extension}")))
            }
            Output::Stored { place: Destination::Postgres, .. } => Target::Server(Server::start()?),
            Output::Printed => Target::None,
        })
    }

    /// A path, or the address of a database in the form of one; empty where nothing is written.
    fn path(&self) -> &Path {
        match self {
            Target::File(path) => path,
            Target::Server(server) => Path::new(server.url()),
            Target::None => Path::new(""),
        }
    }

    /// Removes what a run has left, so that the next one begins with nothing.
    fn clear(&self) -> Result<()> {
        match self {
            Target::File(path) => remove(path),
            Target::Server(server) => server.clear(),
            Target::None => Ok(()),
        }
    }
}

impl Entry {
    fn run(&self, input: &Path, target: &Target) -> Result<(Usage, String)> {
        // What the one before has left to be written must not be paid for by this one.
        sibling::output(&mut Command::new("sync"))?;
        let mut arguments: Vec<&OsStr> = self.arguments.iter().map(OsString::as_os_str).collect();
        arguments.push(input.as_os_str());
        if !matches!(target, Target::None) {
            arguments.push(target.path().as_os_str());
        }
        arguments.extend(self.trailing.iter().map(OsString::as_os_str));
        process::run(&self.program, &arguments)
    }
}

/// Trommel, what stands beside it, and the peers that are there; and those that are not.
#[expect(clippy::type_complexity, reason = "two lists, taken apart at once")]
fn contestants(job: &Job) -> Result<(Vec<Entry>, Vec<(&'static str, String)>)> {
    let mut entries = Vec::new();
    for (index, contestant) in job.contestants.iter().enumerate() {
        let (program, arguments, trailing): (OsString, Vec<OsString>, &[&str]) =
            match contestant.program {
                Program::Here(_) => {
                    let arguments = ["child", "file", job.name, &index.to_string()];
                    let arguments = arguments.map(OsString::from);
                    (std::env::current_exe()?.into(), arguments.into(), &[])
                }
                Program::Example { name, features, arguments } => {
                    (sibling::example(name, features)?.into(), Vec::new(), arguments)
                }
            };
        entries.push(Entry {
            name: contestant.name.to_owned(),
            kind: contestant.kind,
            runs: Vec::new(),
            program,
            arguments,
            trailing: trailing.iter().map(OsString::from).collect(),
            same_work: contestant.same_work,
            rounds: usize::MAX,
        });
    }
    let mut missing = Vec::new();
    for peer in job.peers {
        match peer.command() {
            Ok((program, script)) => entries.push(Entry {
                name: peer.name.to_owned(),
                kind: if peer.rival { Kind::Rival } else { Kind::Shown },
                runs: Vec::new(),
                program,
                arguments: vec![script.into()],
                trailing: Vec::new(),
                same_work: peer.same_work,
                rounds: peer.rounds,
            }),
            Err(why) => {
                eprintln!("PEER MISSING: {}: {why}", peer.name);
                missing.push((peer.name, why));
            }
        }
    }
    Ok((entries, missing))
}

fn read(job: &Job, entry: &Entry, target: &Target, printed: &str) -> Result<Check> {
    let read = match (job.output, entry.same_work) {
        (Output::Stored { check, .. }, true) => check(target.path()),
        (Output::Stored { rows, .. }, false) => rows(target.path()),
        (Output::Printed, _) => Check::printed(printed),
    };
    read.map_err(|error| format!("{}: {}: {error}", job.title, entry.name).into())
}

fn remove(path: &Path) -> Result<()> {
    let gone = match fs::metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
    Ok(gone?)
}
