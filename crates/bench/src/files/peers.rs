//! The peers: scripts in `benches/peers/files`, and what they need to run.

use crate::{Result, sibling};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that users would take instead.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// As people call it.
    pub name: &'static str,
    /// The script, in `benches/peers/files`.
    pub script: &'static str,
    /// What the script can't do without.
    pub needs: Need,
    /// Whether it does the same work; otherwise only its number of rows is compared, with the
    /// input's.
    pub same_work: bool,
    /// Whether it stands for the best of its kind; otherwise it is only shown.
    pub rival: bool,
    /// Rounds it takes part in, at most: fewer for what takes long.
    pub rounds: usize,
}

/// What must be installed for a peer.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// A module of Python.
    Module(&'static str),
    /// A program in the path.
    Program(&'static str),
}

impl Peer {
    /// A Python script that does the same work and is a rival.
    pub(super) const fn python(
        name: &'static str,
        module: &'static str,
        script: &'static str,
    ) -> Self {
        let needs = Need::Module(module);
        Peer { name, script, needs, same_work: true, rival: true, rounds: usize::MAX }
    }

    /// In so many rounds only.
    pub(super) const fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// Shown, but no rival.
    pub(super) const fn shown(mut self) -> Self {
        self.rival = false;
        self
    }

    /// The program and its first argument, or what is missing and how to get it.
    pub(super) fn command(&self) -> std::result::Result<(OsString, PathBuf), String> {
        let script = folder().join(self.script);
        if !script.exists() {
            return Err(format!("no {}: run from the repository", script.display()));
        }
        match self.needs {
            Need::Module(module) => {
                let python = python();
                let version = said(&python, &["-c", &format!("import {module}")]);
                match version {
                    Ok(_) => Ok((python, script)),
                    Err(_) => {
                        Err(format!("no Python with `{module}`: see benches/peers/files/README.md"))
                    }
                }
            }
            Need::Program(program) => match said(OsStr::new(program), &["--version"]) {
                Ok(_) => Ok(("sh".into(), script)),
                Err(_) => Err(format!("no `{program}` in the path: install it")),
            },
        }
    }
}

fn said(program: &OsStr, arguments: &[&str]) -> Result<String> {
    sibling::output(Command::new(program).args(arguments))
}

pub(super) fn folder() -> PathBuf {
    let own = Path::new("benches/peers/files");
    match own.exists() {
        true => own.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(own),
    }
}

/// `TROMMEL_PYTHON`, or the one of the virtual environment beside the scripts, or `python3`.
pub(super) fn python() -> OsString {
    let own = folder().join(".venv/bin/python");
    match std::env::var_os("TROMMEL_PYTHON") {
        Some(told) => told,
        None if own.exists() => own.into(),
        None => "python3".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_missing_says_what_to_do() {
        let peer = |needs| Peer { needs, ..Peer::python("X", "x", "csv_csv_duckdb.py") };
        let why = peer(Need::Module("no_such_module_of_python")).command().unwrap_err();
        assert!(why.contains("no_such_module_of_python") && why.contains("README.md"), "{why}");
        let why = peer(Need::Program("no-such-program")).command().unwrap_err();
        assert!(why.contains("`no-such-program`"), "{why}");
        let gone = Peer { script: "no_such_script.py", ..peer(Need::Module("sys")) };
        assert!(gone.command().unwrap_err().contains("no_such_script.py"));
    }

    #[test]
    fn every_peer_has_its_script_and_every_script_its_peer() {
        let mut scripts = vec!["check_parquet.py"];
        for job in crate::files::ALL {
            scripts.extend(job.peers.iter().map(|peer| peer.script));
        }
        scripts.sort_unstable();
        let mut there: Vec<String> = std::fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".py") || name.ends_with(".sh"))
            .collect();
        there.sort_unstable();
        assert_eq!(there, scripts);
    }
}
