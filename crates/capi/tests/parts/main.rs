//! Any source into any sink, by URLs, from C: `examples/convert.c` is the program.
#![cfg(all(target_os = "linux", feature = "full"))]

// The server's support module calls the engine by its name.
extern crate engine as trommel;

mod formats;
mod network;
#[path = "../../../connect/tests/postgres_support/mod.rs"]
mod postgres_support;
mod refusals;
mod resume;
mod servers;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The program, built once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    &PROGRAM
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let test = std::env::current_exe().unwrap();
            let library = test.parent().unwrap().join("libtrommel.so");
            let mut version = env!("CARGO_PKG_VERSION").split('.');
            let (major, minor) = (version.next().unwrap(), version.next().unwrap());
            let abi = if major == "0" { format!("0.{minor}") } else { major.to_owned() };
            let link = folder.path().join(format!("libtrommel.so.{abi}"));
            std::os::unix::fs::symlink(library, &link).unwrap();
            let program = folder.path().join("convert");
            let built = Command::new("gcc")
                .args(["-std=c11", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-I"])
                .arg(format!("{CRATE}/include"))
                .arg(format!("{CRATE}/examples/convert.c"))
                .arg("-o")
                .arg(&program)
                .arg(&link)
                .arg(format!("-Wl,-rpath,{}", folder.path().display()))
                .output()
                .unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            (folder, program)
        })
        .1
}

fn command(from: &str, into: &str, options: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg(from).arg(into).args(options);
    command
}

/// Runs it to its success; answers what it says.
#[track_caller]
fn converts(from: &str, into: &str, options: &[&str]) -> String {
    let Output { status, stdout, stderr } = command(from, into, options).output().unwrap();
    let errors = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{from} into {into}, {options:?}: {status}: {errors}");
    String::from_utf8(stdout).unwrap()
}

/// Runs it to its failure; answers the message.
#[track_caller]
fn fails(from: &str, into: &str, options: &[&str]) -> String {
    let Output { status, stderr, .. } = command(from, into, options).output().unwrap();
    assert_eq!(status.code(), Some(1), "{from} into {into}, {options:?}");
    String::from_utf8(stderr).unwrap()
}

/// A folder of a test's own.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    /// A path in it.
    fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// A URL of a path in it.
    fn url(&self, scheme: &str, name: &str) -> String {
        format!("{scheme}:{}", self.at(name))
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.at(name), content).unwrap();
        self.at(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap()
    }
}

/// What every format must bring over: whole numbers, fractions, truth, texts that need quotes in any
/// format, and nulls.
const PEOPLE: &str = "id,height,active,name\n\
                      1,1.75,true,Anna\n\
                      2,,false,\"Bo \"\"the\"\" second, of his name\"\n\
                      9007199254740993,-0.5,,\"Zoë\nof two lines\"\n";

/// How the columns of [`PEOPLE`] are read.
const COLUMNS: &[&str] =
    &["id=id:BIGINT", "height=height:DOUBLE PRECISION", "active=active:BOOLEAN", "name"];

impl Folder {
    fn read_bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at(name)).unwrap()
    }
}
