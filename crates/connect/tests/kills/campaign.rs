//! Jobs that are killed until they end.

use crate::destination::{Contents, Destination};
use crate::window::{self, Act, Plan, take_ledger};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use std::hash::{Hash, Hasher};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Hits of each window that a run of the tests must come to.
const HITS: u32 = 20;

/// How a run of a victim ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Dead, in this window or, without one, at some instant.
    Killed(Option<String>),
    /// At the end of the job, after so many rows of its own and these counts from the first run on.
    Ended { read: u64, counts: String },
    /// With an error.
    Failed(String),
}

/// One job, in a folder of its own.
pub(crate) struct Job {
    destination: Destination,
    directory: TempDir,
}

impl Job {
    pub(crate) fn new(destination: Destination) -> Job {
        // Kills need no disk: a file system in memory takes the time out of syncing.
        let memory = Path::new("/dev/shm");
        let mut builder = tempfile::Builder::new();
        builder.prefix("trommel-kills-");
        let directory = match builder.tempdir_in(memory) {
            Ok(directory) => directory,
            Err(_) => builder.tempdir().unwrap(),
        };
        destination.prepare(directory.path());
        Job { destination, directory }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    fn start(&self, window: &str, visit: u32, act: Act) -> Child {
        self.command(window, visit, act).spawn().unwrap()
    }

    pub(crate) fn command(&self, window: &str, visit: u32, act: Act) -> Command {
        let plan = Plan {
            destination: self.destination.name().into(),
            directory: self.directory.path().into(),
            window: window.into(),
            visit,
            act,
        };
        let (variable, value) = plan.to_environment();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env(variable, value)
            // With names relative to it, no job's rejects name a path of their own.
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// Starts a runner that has stopped in a window when this returns.
    fn stop(&self, window: &str, random: &mut fastrand::Rng) -> Child {
        let runner = self.start(window, random.u32(1..=visits(window)), Act::Stop);
        let pid = Pid::from_child(&runner);
        let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped(), "{status:?} instead of a stop {window}");
        assert_eq!(take_ledger(self.directory.path()), ["started", window]);
        runner
    }

    /// Waits for a victim, and holds what it says against its ledger.
    pub(crate) fn end_of(&self, child: Child) -> End {
        self.end_with_faults(child).0
    }

    /// The same, with the number of faults that it has met.
    fn end_with_faults(&self, child: Child) -> (End, usize) {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let ledger = take_ledger(self.directory.path());
        let (faults, ledger): (Vec<_>, Vec<_>) =
            ledger.into_iter().partition(|line| line.starts_with("fault "));
        let last = ledger.last().map_or("", String::as_str);
        if output.status.signal() == Some(Signal::KILL.as_raw()) {
            // Only a plan's window comes after the start.
            return (End::Killed((ledger.len() == 2).then(|| last.to_owned())), faults.len());
        }
        let end = match last.strip_prefix("ended ").and_then(|ended| ended.split_once(' ')) {
            Some((read, counts)) if output.status.success() => {
                End::Ended { read: read.parse().unwrap(), counts: counts.into() }
            }
            _ => End::Failed(format!("{}: {stderr}", output.status)),
        };
        (end, faults.len())
    }

    /// Runs the job on a system with faults.
    pub(crate) fn run_with(&self, environment: &[(&str, String)]) -> (End, usize) {
        let mut command = self.command("", 1, Act::Kill);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        self.end_with_faults(command.spawn().unwrap())
    }

    pub(crate) fn run(&self, window: &str, visit: u32) -> End {
        self.end_of(self.start(window, visit, Act::Kill))
    }

    /// Runs the job to its end, and once more; then everything must be as `clean` says.
    pub(crate) fn conclude(&self, clean: Option<&Contents>, story: &[String]) -> Contents {
        let expected = format!("{:?}", self.destination.expected_counts());
        match self.run("", 1) {
            End::Ended { counts, .. } => assert_eq!(counts, expected, "{story:?}"),
            other => panic!("{other:?} after {story:?}"),
        }
        let contents = self.destination.contents(self.directory.path());
        if let Some(clean) = clean {
            self.compare(&contents, clean, story);
        }
        // Finished: it does nothing.
        match self.run("", 1) {
            End::Ended { read: 0, counts } => assert_eq!(counts, expected, "{story:?}"),
            other => panic!("{other:?} of a job that was finished, after {story:?}"),
        }
        let again = self.destination.contents(self.directory.path());
        self.compare(&again, &contents, story);
        contents
    }

    fn compare(&self, contents: &Contents, clean: &Contents, story: &[String]) {
        for (what, found, expected) in [
            ("rows", &contents.rows, &clean.rows),
            ("rejects", &contents.rejects, &clean.rejects),
            ("files", &contents.names, &clean.names),
        ] {
            let all = 0..found.len().max(expected.len());
            if let Some(at) = all.into_iter().find(|&at| found.get(at) != expected.get(at)) {
                panic!(
                    "{}: {} {what} instead of {}; number {at} in order is {:?} instead of {:?}, \
                     after {story:?}",
                    self.destination.name(),
                    found.len(),
                    expected.len(),
                    found.get(at),
                    expected.get(at),
                );
            }
        }
    }
}

/// What a run that nobody kills leaves.
pub(crate) fn clean(destination: Destination) -> Contents {
    let contents = Job::new(destination).conclude(None, &[]);
    let [_, _, rejected, ..] = destination.expected_counts();
    assert_eq!(contents.rows.len() as u64, destination.expected_rows());
    assert_eq!(contents.rejects.len() as u64, rejected);
    contents
}

/// Hits that are asked for, and the random numbers, which are the same in each run unless a seed is
/// given.
pub(crate) fn wanted(name: &str) -> (u32, fastrand::Rng) {
    let number = |variable: &str| std::env::var(variable).ok().map(|text| text.parse().unwrap());
    let mut hasher = std::hash::DefaultHasher::new();
    (name, number("TROMMEL_SEED").unwrap_or(0_u64)).hash(&mut hasher);
    let hits = number("TROMMEL_KILLS").map_or(HITS, |hits| hits as u32);
    (hits, fastrand::Rng::with_seed(hasher.finish()))
}

/// Kills jobs in one window until it has been hit often enough.
pub(crate) fn in_window(destination: Destination, window: &'static str) {
    let began = Instant::now();
    let (wanted, mut random) = wanted(&format!("{destination:?} {window}"));
    let clean = clean(destination);
    let (mut hits, mut others, mut jobs) = (0, 0, 0);
    while hits < wanted {
        assert!(jobs < wanted * 3, "{window}: hit {hits} times in {jobs} jobs");
        jobs += 1;
        let job = Job::new(destination);
        let mut story = Vec::new();
        // What is found at the start and done at the end matters most after an earlier death.
        let mut opens = visits(window) == 1 && random.u8(..4) > 0;
        for _ in 0..random.u32(2..=7) {
            let aim = match std::mem::take(&mut opens) {
                true => random.choice([window::MID_BATCH, window::AFTER_COMMIT]).unwrap(),
                false => window,
            };
            let visit = random.u32(1..=visits(aim));
            story.push(format!("{aim} {visit}"));
            match job.run(aim, visit) {
                End::Killed(Some(hit)) if hit == window => hits += 1,
                End::Killed(Some(hit)) if hit == aim => others += 1,
                // There were not that many visits left.
                End::Ended { .. } => break,
                other => panic!("{other:?} after {story:?}"),
            }
            // Not always: whoever looks may do a part of what the next run has to recover.
            if random.bool() {
                destination.look(job.directory.path());
            }
        }
        job.conclude(Some(&clean), &story);
    }
    conclude(destination, window, hits, others, jobs, began);
}

/// The most visits of a window to wait for: a part of those that a whole job makes.
pub(crate) fn visits(window: &str) -> u32 {
    match window {
        window::MID_BATCH => 300,
        window::BEFORE_WRITE | window::AFTER_WRITE | window::BEFORE_COMMIT => 16,
        window::AFTER_REJECT => 40,
        window::AFTER_COMMIT => 6,
        _ if window.contains("checkpoint") || window.contains("manifest") => 6,
        _ if window.starts_with("aside") => 4,
        _ => 1,
    }
}

/// Kills jobs from outside, after any time that a whole run may take.
pub(crate) fn at_random_instants(destination: Destination) {
    let began = Instant::now();
    let (wanted, mut random) = wanted(&format!("{destination:?}"));
    let clean = clean(destination);
    let (mut hits, mut jobs) = (0, 0);
    let mut longest = Duration::from_millis(40);
    while hits < wanted {
        jobs += 1;
        let job = Job::new(destination);
        let mut story = Vec::new();
        for _ in 0..random.u32(2..=7) {
            let began = Instant::now();
            let mut child = job.start("", 1, Act::Kill);
            let after = longest.mul_f64(random.f64());
            std::thread::sleep(after);
            child.kill().unwrap();
            story.push(format!("after {after:?}"));
            match job.end_of(child) {
                End::Killed(None) => hits += 1,
                // Between its last word and its end.
                End::Killed(Some(last)) if last.starts_with("ended") => break,
                End::Ended { .. } => {
                    longest = began.elapsed();
                    break;
                }
                other => panic!("{other:?} after {story:?}"),
            }
        }
        job.conclude(Some(&clean), &story);
        // However slow the machine is, some jobs come to their end by themselves.
        longest = longest.mul_f64(1.1);
    }
    conclude(destination, "random instants", hits, 0, jobs, began);
}

/// Stops a runner, has a second one do the job, and lets the first one go on: it must find that the
/// job is not its own any more.
pub(crate) fn second_runner(destination: Destination) {
    let began = Instant::now();
    let (wanted, mut random) = wanted(&format!("{destination:?} zombie"));
    let clean = clean(destination);
    let mut jobs = 0;
    while jobs < wanted {
        jobs += 1;
        let job = Job::new(destination);
        let window = random.choice(destination.stops()).unwrap();
        let mut story = vec![format!("stopped {window}")];
        let zombie = job.stop(window, &mut random);
        let pid = Pid::from_child(&zombie);
        if random.bool() {
            story.push("second runner killed".into());
            let hit = job.run(window::BEFORE_FINISH, 1);
            assert_eq!(hit, End::Killed(Some(window::BEFORE_FINISH.into())), "{story:?}");
        }
        let late = random.bool();
        if late {
            job.conclude(Some(&clean), &story);
        } else {
            // The second one is only as far as its first row when the first one wakes up.
            let hit = job.run(window::BEFORE_FIRST_ROW, 1);
            assert_eq!(hit, End::Killed(Some(window::BEFORE_FIRST_ROW.into())), "{story:?}");
        }
        kill_process(pid, Signal::CONT).unwrap();
        match job.end_of(zombie) {
            End::Failed(message) if message.contains("taken over") => {}
            // The newer runner has ended its session, and it does not retry.
            End::Failed(message)
                if destination.is_server() && message.contains("the connection was lost") => {}
            other => panic!("{other:?} of a runner that has been replaced, {story:?}"),
        }
        job.conclude(Some(&clean), &story);
    }
    conclude(destination, "second runner", jobs, 0, jobs, began);
}

/// Stops a runner that keeps others out: they say so, and it goes on as if nothing had been.
pub(crate) fn locked_out(destination: Destination) {
    let began = Instant::now();
    let (wanted, mut random) = wanted(&format!("{destination:?} lock"));
    let clean = clean(destination);
    let (windows, message) = destination.locks();
    let mut jobs = 0;
    while jobs < wanted {
        jobs += 1;
        let job = Job::new(destination);
        let window = random.choice(windows).unwrap();
        let story = [format!("stopped {window}")];
        let first = job.stop(window, &mut random);
        match job.run("", 1) {
            End::Failed(error) if error.contains(message) => {}
            other => panic!("{other:?} of a second runner, {story:?}"),
        }
        kill_process(Pid::from_child(&first), Signal::CONT).unwrap();
        match job.end_of(first) {
            End::Ended { .. } => {}
            other => panic!("{other:?} of the only runner, {story:?}"),
        }
        job.conclude(Some(&clean), &story);
    }
    conclude(destination, "locked out", jobs, 0, jobs, began);
}

/// Says what was done; `.ci/kills` adds it up.
pub(crate) fn conclude(
    destination: Destination,
    window: &str,
    hits: u32,
    others: u32,
    jobs: u32,
    began: Instant,
) {
    eprintln!(
        "kills: {}, {window}: {hits} hits (and {others} elsewhere) in {jobs} jobs, {:.1} s",
        destination.name(),
        began.elapsed().as_secs_f64()
    );
}
