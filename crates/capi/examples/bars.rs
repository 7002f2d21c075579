//! What the C ABI costs beside the same job in Rust, one line each: name, value, target, ok or short.
//!
//! `cargo run --release -p trommel-capi --features arrow --example bars -- [ROUNDS]` builds `bars.c`
//! against the library of the same build and runs both sides in turns. Values are medians of CPU
//! time, which a loaded machine disturbs least; wall time stands behind them.

#[path = "bars/in_rust.rs"]
mod in_rust;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Nanoseconds per row, and what came out.
struct Measured {
    wall: f64,
    cpu: f64,
    answer: u64,
}

/// Runs a program that answers `WALL CPU ANSWER`.
fn measure(program: &Path, arguments: &[&str]) -> Result<Measured> {
    let output = Command::new(program).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let fields: Vec<&str> = said.split_whitespace().collect();
    let (true, [wall, cpu, answer]) = (output.status.success(), &fields[..]) else {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} {arguments:?}: {said}", program.display()).into());
    };
    Ok(Measured { wall: wall.parse()?, cpu: cpu.parse()?, answer: answer.parse()? })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Builds the C side against the library that was built together with this program.
fn build(folder: &Path) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let libraries = here.parent().and_then(Path::parent).ok_or("no folder of libraries")?;
    // What lies one folder up is of the last build of the library by itself.
    let library = libraries.join("deps/libtrommel.so");
    if !library.exists() {
        return Err(format!("{}: run it with cargo run --release", library.display()).into());
    }
    // Under its SONAME, which is what the loader looks for.
    let mut version = env!("CARGO_PKG_VERSION").split('.');
    let soname = match (version.next().unwrap_or("0"), version.next().unwrap_or("0")) {
        ("0", minor) => format!("libtrommel.so.0.{minor}"),
        (major, _) => format!("libtrommel.so.{major}"),
    };
    let link = folder.join(soname);
    std::os::unix::fs::symlink(&library, &link)?;
    let program = folder.join("bars");
    let crate_ = env!("CARGO_MANIFEST_DIR");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-std=c11", "-pthread"]).arg(format!("-I{crate_}/include"));
    if cfg!(feature = "arrow") {
        compiler.arg("-DWITH_ARROW");
    }
    compiler.arg(format!("{crate_}/examples/bars.c")).arg("-o").arg(&program).arg(link);
    let status = compiler.arg(format!("-Wl,-rpath,{}", folder.display())).status()?;
    if !status.success() {
        return Err("cc has failed".into());
    }
    // Builds with other features leave their library under the same name.
    let theirs = Command::new(&program).args(["features", "0"]).output()?.stdout;
    let ours = in_rust::features();
    if theirs.trim_ascii() != ours.to_bytes() {
        return Err(format!(
            "{} was built with other features than this program: `{}`, not `{}`; touch \
             crates/capi/src/lib.rs and run it again",
            library.display(),
            String::from_utf8_lossy(theirs.trim_ascii()),
            ours.to_string_lossy()
        )
        .into());
    }
    Ok(program)
}

struct Bar {
    name: &'static str,
    target: f64,
    /// Case and rows of the C side, and of what it is set beside.
    ours: &'static str,
    beside: &'static str,
    in_rust: bool,
    rows: &'static str,
    /// A difference in nanoseconds per row, not a ratio.
    is_difference: bool,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, case, rows, file] = &arguments[..]
        && word == "rust"
    {
        return in_rust::run(case, rows.parse()?, file);
    }
    let rounds = arguments.first().map_or(Ok(9), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let program = build(folder.path())?;
    let this = std::env::current_exe()?;
    let file = folder.path().join("flights.csv");
    let file = file.to_str().ok_or("the temporary folder's name is not UTF-8")?;
    in_rust::write_csv(file, 400_000)?;
    let bar = |name, target, ours, beside, in_rust, rows, is_difference| Bar {
        name,
        target,
        ours,
        beside,
        in_rust,
        rows,
        is_difference,
    };
    let mut bars = vec![
        bar("capi.transform_trivial", 1.5, "add", "add", true, "8000000", false),
        bar("capi.transform_100ns", 1.05, "work", "work", true, "1000000", false),
        bar("capi.source_1_per_call_ns", 10.0, "1", "4096", false, "4000000", true),
        bar("capi.csv_sqlite", 1.03, "csv", "csv", true, "400000", false),
    ];
    if cfg!(feature = "arrow") {
        bars.push(bar("capi.arrow_identity_ns", 2.0, "arrow", "bare", false, "65536000", true));
    }
    for bar in bars {
        let (mut cpu, mut wall) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let ours = measure(&program, &[bar.ours, bar.rows, file])?;
            let theirs = match bar.in_rust {
                true => measure(&this, &["rust", bar.beside, bar.rows, file])?,
                false => measure(&program, &[bar.beside, bar.rows, file])?,
            };
            if ours.answer != theirs.answer {
                return Err(format!("{}: {} and {}", bar.name, ours.answer, theirs.answer).into());
            }
            match bar.is_difference {
                true => {
                    cpu.push(ours.cpu - theirs.cpu);
                    wall.push(ours.wall - theirs.wall);
                }
                false => {
                    cpu.push(ours.cpu / theirs.cpu);
                    wall.push(ours.wall / theirs.wall);
                }
            }
        }
        let (cpu, wall) = (median(cpu), median(wall));
        let verdict = if cpu <= bar.target { "ok" } else { "short" };
        println!("bar {} {cpu:.3} {} {verdict}  (wall {wall:.3})", bar.name, bar.target);
    }
    Ok(())
}
