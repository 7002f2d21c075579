//! Jobs that are killed (`SIGKILL`) and run again: a server that remembers keys has each row once.

use super::jobs::Once;
use super::*;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::{Command, Stdio};

const ROWS: u64 = 40_000;
const VARIABLE: &str = "TROMMEL_TEST_KILLED_POST";
const NAME: &str = "kills::killed_at_any_request_and_run_again_each_row_comes_once";

/// Requests that are still taken, once it is time, before the one that the sender dies in.
const MORE: [u64; 4] = [0, 1, 7, 30];

/// What the server knows of its sender.
#[derive(Default)]
struct Victim {
    pid: Option<Pid>,
    /// Its checkpoint when it was started.
    before: Vec<u8>,
    /// Requests left to its death.
    left: Option<u64>,
    kills: usize,
    /// The number in the first key of each sender.
    firsts: Vec<u64>,
    has_asked: bool,
}

impl Victim {
    /// Counts a request that was taken, and kills the sender before it is answered: the first one
    /// that way before there is a checkpoint, others after one of their own.
    fn count(&mut self, asked: &Asked, checkpoint: &Path) {
        if !std::mem::replace(&mut self.has_asked, true) {
            let number = key(asked).split('-').nth(1).unwrap().parse().unwrap();
            self.firsts.push(number);
        }
        let is_time = || std::fs::read(checkpoint).unwrap_or_default() != self.before;
        if self.left.is_none() && (self.kills == 0 || is_time()) {
            self.left = Some(MORE[self.kills % MORE.len()]);
        }
        match self.left {
            Some(0) => {
                if let Some(pid) = self.pid.take() {
                    kill_process(pid, Signal::KILL).unwrap();
                    self.kills += 1;
                }
            }
            Some(left) => self.left = Some(left - 1),
            None => {}
        }
    }
}

fn run(url: &str, checkpoint: &Path, connections: usize) -> Result<RunReport> {
    Pipeline::from(sources::generate(ROWS, |id| id))
        .options(batches_of(30))
        .resumable("load")
        .transform(|id, out| out.emit(&Row { id, name: "sand" }))
        .load_into(
            quick(url)
                .connections(connections)
                .rows_per_request(50)
                .checkpoints(checkpoint)
                .ndjson(),
        )
        .run(&engine())
}

#[test]
fn killed_at_any_request_and_run_again_each_row_comes_once() {
    if let Ok(told) = std::env::var(VARIABLE) {
        // The sender: this test, started once more.
        let [url, checkpoint, connections] =
            told.split('\n').collect::<Vec<_>>().try_into().unwrap();
        run(url, Path::new(checkpoint), connections.parse().unwrap()).unwrap();
        return;
    }
    for connections in [1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("load.checkpoint");
        let state = Arc::new((Once::default(), Mutex::new(Victim::default())));
        let (shared, file) = (Arc::clone(&state), checkpoint.clone());
        let server = Server::start(move |_, asked| {
            // A checkpoint comes once a second, so a load must take several.
            std::thread::sleep(Duration::from_millis(3 * connections));
            let answer = shared.0.take(asked);
            shared.1.lock().unwrap().count(asked, &file);
            answer
        });
        let mut senders = 0;
        loop {
            senders += 1;
            assert!(senders < 100, "no end");
            let mut victim = state.1.lock().unwrap();
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", NAME])
                .env(VARIABLE, format!("{}\n{}\n{connections}", server.url, checkpoint.display()))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            victim.pid = Some(Pid::from_child(&child));
            victim.before = std::fs::read(&checkpoint).unwrap_or_default();
            (victim.left, victim.has_asked) = (None, false);
            drop(victim);
            let status = child.wait().unwrap();
            // Not to be killed when it is gone, and its number another's.
            state.1.lock().unwrap().pid = None;
            if status.success() {
                break;
            }
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
        }
        let (once, victim) = (&state.0, state.1.lock().unwrap());
        assert_eq!(victim.kills, senders - 1);
        let resumed = victim.firsts.iter().filter(|number| **number > 0).count();
        assert!(victim.kills >= 2 && resumed >= 1, "{:?} proves nothing", victim.firsts);
        assert!(once.known_again() >= victim.kills as u64, "the request of each death came again");
        assert!(once.ids().into_iter().eq(0..ROWS), "{connections}: {:?}", victim.firsts);
        let asked = server.asked().len();
        drop(victim);
        assert_eq!(run(&server.url, &checkpoint, connections as usize).unwrap().counts.read, 0);
        assert_eq!(server.asked().len(), asked, "a finished job sends nothing");
    }
}
