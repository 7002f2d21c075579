//! A job's contestants, run in turn.

use super::check::Check;
use super::data::Data;
use super::postgres::Server;
use super::process::{self, Usage};
use super::{Against, Destination, Job, Ours, What};
use crate::stats::Spread;
use crate::{Result, sibling};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whose run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Trommel's.
    Ours,
    /// Written by hand.
    Floor,
    /// A peer that counts as a rival.
    Rival,
    /// A peer that is only shown.
    Shown,
}

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
        let target = Target::of(job.output.place, data)?;
        let output = target.path();
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
                let (usage, printed) = entry.run(&input, output)?;
                if round == 0 {
                    let check = read(job, entry, output, &printed)?;
                    let all = Check { rows: data.rows(), checksum: 0 };
                    let expected = match entry.same_work {
                        true => *agreed.get_or_insert(check),
                        false => all,
                    };
                    if check != expected {
                        let (name, title) = (&entry.name, job.title);
                        return Err(format!("{title}: {name}: {check}, not {expected}").into());
                    }
                }
                entry.runs.push(usage);
                remove(output)?;
            }
        }
        Ok(Outcome {
            job,
            check: agreed.unwrap_or(Check { rows: data.rows(), checksum: 0 }),
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
        let target = Target::of(job.output.place, data)?;
        let output = target.path();
        let mut peaks = [Vec::new(), Vec::new()];
        for _ in 0..3 {
            for (times, peaks) in [1, 10].into_iter().zip(&mut peaks) {
                let input = job.input.file(data, times)?;
                peaks.push(entries[0].run(&input, output)?.0.peak_mib);
                remove(output)?;
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
        let take: fn(&Usage) -> f64 = match what {
            What::Wall(_) => |usage| usage.wall,
            What::Cpu(_) => |usage| usage.cpu,
            What::Peak => |usage| usage.peak_mib,
        };
        let ours = &self.entries[0];
        let (What::Wall(against) | What::Cpu(against)) = what else {
            let peak = ours.spread(take);
            return Ok((peak, format!("{peak} MiB")));
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
}

impl Target {
    fn of(place: Destination, data: &Data) -> Result<Self> {
        Ok(match place {
            Destination::File(extension) => {
                Target::File(data.folder().join(format!("output.{extension}")))
            }
            Destination::Postgres => Target::Server(Server::start()?),
        })
    }

    /// A path, or the address of a database in the form of one.
    fn path(&self) -> &Path {
        match self {
            Target::File(path) => path,
            Target::Server(server) => Path::new(server.url()),
        }
    }
}

impl Entry {
    fn run(&self, input: &Path, output: &Path) -> Result<(Usage, String)> {
        remove(output)?;
        // What the one before has left to be written must not be paid for by this one.
        sibling::output(&mut Command::new("sync"))?;
        let mut arguments: Vec<&OsStr> = self.arguments.iter().map(OsString::as_os_str).collect();
        arguments.extend([input.as_os_str(), output.as_os_str()]);
        arguments.extend(self.trailing.iter().map(OsString::as_os_str));
        process::run(&self.program, &arguments)
    }
}

/// Trommel, the floors, and the peers that are there; and those that are not.
#[expect(clippy::type_complexity, reason = "two lists, taken apart at once")]
fn contestants(job: &Job) -> Result<(Vec<Entry>, Vec<(&'static str, String)>)> {
    let myself = |index: usize| -> Result<(OsString, Vec<OsString>)> {
        let arguments = ["child", "file", job.name, &index.to_string()].map(OsString::from);
        Ok((std::env::current_exe()?.into(), arguments.into()))
    };
    let ((program, arguments), trailing): (_, &[&str]) = match job.ours {
        Ours::Here(_) => (myself(0)?, &[]),
        Ours::Example { name, features, arguments } => {
            ((sibling::example(name, features)?.into(), Vec::new()), arguments)
        }
    };
    let mut entries = vec![Entry {
        name: "trommel".into(),
        kind: Kind::Ours,
        runs: Vec::new(),
        program,
        arguments,
        trailing: trailing.iter().map(OsString::from).collect(),
        same_work: true,
        rounds: usize::MAX,
    }];
    for (index, (name, _)) in job.floors.iter().enumerate() {
        let (program, arguments) = myself(index + 1)?;
        entries.push(Entry {
            name: (*name).to_owned(),
            kind: Kind::Floor,
            runs: Vec::new(),
            program,
            arguments,
            trailing: Vec::new(),
            same_work: true,
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

fn read(job: &Job, entry: &Entry, output: &Path, printed: &str) -> Result<Check> {
    let read = match (job.output.check, entry.same_work) {
        (check, true) => check(output, printed),
        (_, false) => (job.output.rows)(output),
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
