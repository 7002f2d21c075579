//! The other programs: those of this package, and the peers.

use crate::Result;
use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Runs this program itself with other arguments, and answers what it printed: a process of its own
/// has a peak memory of its own.
///
/// # Errors
/// When it can't be started or fails.
pub fn myself(arguments: &[&str]) -> Result<String> {
    output(Command::new(env::current_exe()?).args(arguments))
}

/// As [`myself`], without transparent huge pages: the memory that a program has in use, not what the
/// kernel makes of it in steps of 2 MiB.
///
/// # Errors
/// As [`myself`].
pub fn myself_in_small_pages(arguments: &[&str]) -> Result<String> {
    output(Command::new(env::current_exe()?).args(arguments).env("MIMALLOC_ALLOW_THP", "0"))
}

/// Runs another program of this package. It lies beside this one after `cargo build`; `cargo run`
/// builds only the one that it runs, and then cargo is asked for the other.
///
/// # Errors
/// When it can't be found, built or started, or fails.
pub fn run(name: &str, arguments: &[&str]) -> Result<String> {
    output(Command::new(program(name)?).args(arguments))
}

fn program(name: &str) -> Result<PathBuf> {
    let path = env::current_exe()?.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !path.exists()
        && let Some(cargo) = env::var_os("CARGO")
    {
        output(Command::new(cargo).args([
            "build",
            "--release",
            "-p",
            "trommel-bench",
            "--bin",
            name,
        ]))?;
    }
    if !path.exists() {
        let remedy = "cargo build --release -p trommel-bench";
        return Err(format!("{name} is not beside this program; run `{remedy}`").into());
    }
    Ok(path)
}

/// An example of `trommel-connect`, in the folder `examples` beside this program; built first when
/// cargo runs this one.
///
/// # Errors
/// When it can't be built or found.
pub fn example(name: &str, features: &str) -> Result<PathBuf> {
    let file = format!("examples/{name}{}", env::consts::EXE_SUFFIX);
    let path = env::current_exe()?.with_file_name(file);
    let arguments = ["build", "--release", "-p", "trommel-connect", "--example", name];
    if let Some(cargo) = env::var_os("CARGO") {
        output(Command::new(cargo).args(arguments).args(["--features", features]))?;
    }
    if !path.exists() {
        let command = arguments.join(" ");
        return Err(format!("no {name}: run `cargo {command} --features {features}`").into());
    }
    Ok(path)
}

/// The peers' program, once it has been built: beside this one when both share a target folder,
/// else in the peers' own.
pub fn peers() -> Option<PathBuf> {
    let name = format!("trommel-peers{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok()?.with_file_name(&name);
    let own = PathBuf::from("benches/peers/target/release").join(&name);
    let within = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(&own);
    let told = env::var_os("TROMMEL_PEERS").map(PathBuf::from);
    let places = told.into_iter().chain([beside, own, within]);
    let mut places = places;
    places.find(|path| path.exists())
}

/// What a command printed.
///
/// # Errors
/// When it can't be started or fails.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed: {said}").into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The number behind `key` in lines of the form `key number`.
///
/// # Errors
/// When there is none.
pub fn number(printed: &str, key: &str) -> Result<f64> {
    printed
        .lines()
        .filter_map(|line| line.strip_prefix(key))
        .find_map(|rest| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| format!("no {key} in {printed:?}").into())
}

/// Most memory that this process has had in use, in MiB, as the kernel counts it.
///
/// # Errors
/// Where there is no `/proc`.
pub fn peak_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    Ok(number(&status, "VmHWM:")? / 1024.0)
}
