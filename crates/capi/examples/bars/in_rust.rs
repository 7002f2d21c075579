//! The jobs of `bars.c`, in Rust.

use super::Result;
use engine::{Engine, Options, Pipeline, Tier, sinks, sources};
use serde::Serialize;
use std::io::Write as _;
use std::time::{Duration, Instant};
use trommel_connect::{csv, sqlite};

// For the functions of the library.
use trommel as _;

unsafe extern "C" {
    safe fn trommel_features() -> *const std::ffi::c_char;
    /// CPU time of this process, of threads that have ended too, in microseconds on POSIX.
    safe fn clock() -> std::ffi::c_long;
}

/// What the library within this program was built with.
pub(crate) fn features() -> &'static std::ffi::CStr {
    // SAFETY: a text that ends in NUL and lives as long as the library.
    unsafe { std::ffi::CStr::from_ptr(trommel_features()) }
}

fn cpu() -> Duration {
    Duration::from_micros(clock().unsigned_abs())
}

#[derive(Serialize)]
struct Flight<'a> {
    id: i64,
    name: &'a str,
    minutes: Option<i64>,
    speed: f64,
}

/// Runs a case and prints `WALL CPU ANSWER`.
pub(crate) fn run(case: &str, rows: u64, file: &str) -> Result<()> {
    let engine = Engine::builder().workers(1).build()?;
    let (wall, before) = (Instant::now(), cpu());
    let answer = match case {
        "csv" => {
            let table = sqlite::Sink::create(format!("{file}.rust.db"))?;
            let table = table.table::<Flight<'_>>("flights").replace();
            let source = csv::Source::builder().open(file)?;
            let report = Pipeline::from(source)
                .options(Options::tier(Tier::Database).build()?)
                .transform(|row, out| {
                    out.emit(&Flight {
                        id: row.get(0)?,
                        name: row.str(1)?,
                        minutes: row.get(2)?,
                        speed: row.get(3)?,
                    })
                })
                .load_into(table)
                .run(&engine)?;
            report.counts.loaded
        }
        _ => {
            // As unknown to the compiler as it is in C.
            let work = std::hint::black_box(if case == "work" { 60 } else { 1 });
            let mut sum = 0_u64;
            Pipeline::from(sources::generate(rows, |id| id))
                .options(Options::builder().fixed_batch_size(4096).build()?)
                .map(move |mut x| {
                    for _ in 0..work {
                        x = (x ^ x >> 32).wrapping_mul(6_364_136_223_846_793_005);
                    }
                    x
                })
                .load_into(sinks::for_each(|value: u64| {
                    sum = sum.wrapping_add(value);
                    Ok(())
                }))
                .run(&engine)?;
            sum
        }
    };
    let per_row = |time: Duration| time.as_nanos() as f64 / rows as f64;
    println!("{:.4} {:.4} {answer}", per_row(wall.elapsed()), per_row(cpu() - before));
    Ok(())
}

/// Rows like those of an airline.
pub(crate) fn write_csv(path: &str, rows: u64) -> Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "id,name,minutes,speed")?;
    for id in 0..rows {
        let speed = 300.0 + (id % 997) as f64 / 8.0;
        writeln!(file, "{id},\"flight {}\",{},{speed}", id % 5000, 30 + id % 400)?;
    }
    file.flush()?;
    Ok(())
}
