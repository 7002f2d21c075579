//! A contestant's run: a process of its own, its time, its processor time, its peak memory.

use crate::{Result, sibling};
use nix::sys::resource::{UsageWho, getrusage};
use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Seconds from before the start to after the end.
    pub wall: f64,
    /// Seconds of processor time, user and system, of the process and those that it waited for.
    pub cpu: f64,
    /// Most memory in use at once, MiB.
    pub peak_mib: f64,
}

/// Runs a program through a small process that measures it, and answers what it printed.
///
/// The kernel tells the peak memory only as the maximum over all children so far, and it counts what
/// the parent had in use at the fork. A parent that is small and has one child makes both exact.
///
/// # Errors
/// When it can't be started or fails.
pub(super) fn run(program: &OsStr, arguments: &[&OsStr]) -> Result<(Usage, String)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["child", "timed", "--"]).arg(program).args(arguments);
    let printed = sibling::output(&mut command)?;
    let number = |key| sibling::number(&printed, key);
    let usage = Usage {
        wall: number("timed.wall")?,
        cpu: number("timed.cpu")?,
        peak_mib: number("timed.peak_mib")?,
    };
    Ok((usage, printed))
}

/// What the small process does: runs `command`, then prints what it took.
///
/// # Errors
/// When the program can't be started or fails.
pub fn timed(command: &[std::ffi::OsString]) -> Result<()> {
    let (program, arguments) = command.split_first().ok_or("no program to measure")?;
    let began = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{} can't be started: {error}", program.display()))?;
    let wall = began.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("{command:?}: {status}").into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    println!("timed.wall {wall:.6}");
    println!("timed.cpu {:.6}", seconds(usage.user_time()) + seconds(usage.system_time()));
    println!("timed.peak_mib {:.3}", usage.max_rss() as f64 / 1024.0);
    Ok(())
}
