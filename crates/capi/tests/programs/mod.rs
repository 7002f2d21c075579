//! Builds and runs programs against the library of this test run.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The folder of the libraries that were built together with this test.
pub(crate) fn libraries() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.parent().unwrap().to_path_buf()
}

pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

pub(crate) fn is_there(command: &str) -> bool {
    Command::new(command).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The compilers for a language; at least one must be there.
pub(crate) fn compilers(cpp: bool) -> Vec<&'static str> {
    let names = if cpp { ["g++", "clang++"] } else { ["gcc", "clang"] };
    let found: Vec<_> = names.into_iter().filter(|name| is_there(name)).collect();
    assert!(!found.is_empty(), "none of {names:?} is there");
    found
}

/// Builds a program of this crate, or of an absolute path, and answers where it is.
pub(crate) fn build(compiler: &str, source: &str, to: &Path) -> PathBuf {
    let cpp = source.ends_with(".cpp");
    let program = to.join(compiler);
    let libraries = libraries();
    // Linked under its SONAME, which is what the loader looks for.
    let soname = format!("libtrommel.so.{}", soname_version());
    let link = to.join(&soname);
    if !link.exists() {
        std::os::unix::fs::symlink(libraries.join("libtrommel.so"), &link).unwrap();
    }
    run(Command::new(compiler)
        .arg(if cpp { "-std=c++17" } else { "-std=c11" })
        .args(["-g", "-Wall", "-Wextra", "-Werror", "-pthread"])
        // Of the headers too, which are read by programs that are strict.
        .args(["-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-I"])
        .arg(format!("{CRATE}/include"))
        .arg(Path::new(CRATE).join(source))
        .arg("-o")
        .arg(&program)
        .arg(link)
        .arg("-ldl")
        .arg(format!("-Wl,-rpath,{}", to.display())));
    program
}

pub(crate) fn soname_version() -> String {
    let mut parts = env!("CARGO_PKG_VERSION").split('.');
    let (major, minor) = (parts.next().unwrap(), parts.next().unwrap());
    if major == "0" { format!("0.{minor}") } else { major.to_owned() }
}

/// Builds with each compiler and hands each program over, with a folder of its own.
pub(crate) fn with_each(source: &str, check: impl Fn(&Path, &Path)) {
    for compiler in compilers(source.ends_with(".cpp")) {
        let folder = tempfile::tempdir().unwrap();
        let program = build(compiler, source, folder.path());
        check(&program, folder.path());
    }
}
