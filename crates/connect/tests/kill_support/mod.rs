//! A process that is killed at any instant and started again, until it ends by itself.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// This program once more, for one test alone, which finds `value` in `variable` and so knows that it
/// is the child.
pub(crate) fn child(test: &str, variable: &str, value: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test])
        .env(variable, value)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Kills the child `first` after its start and later, and `more` with each kill, so that it comes to
/// its end however slow the machine is. `look` sees what each kill has left.
pub(crate) fn kill_until_done(
    mut child: Command,
    first: Duration,
    more: Duration,
    mut look: impl FnMut(),
) {
    let (began, mut kills) = (Instant::now(), 0);
    loop {
        let mut running = child.spawn().unwrap();
        sleep(first + Duration::from_micros(u64::from(kills) * 7_919 % 31_000) + more * kills);
        if let Some(status) = running.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            break;
        }
        running.kill().unwrap();
        running.wait().unwrap();
        kills += 1;
        assert!(began.elapsed() < Duration::from_secs(120), "no end after {kills} kills");
        look();
    }
    assert!(kills > 2, "{kills} kills prove nothing");
}
