//! The boxed job on the system's allocator, for comparison with mimalloc: an allocator is chosen
//! once per program.

use std::time::Instant;
use trommel::{Engine, Options};
use trommel_bench::plan::WORKERS;
use trommel_bench::{Result, jobs};

fn main() -> Result<()> {
    let rows = std::env::args()
        .nth(1)
        .map_or(Ok(2_000_000), |rows| rows.parse())?;
    let engine = Engine::builder().workers(WORKERS).build()?;
    let options = Options::default();
    jobs::boxed(&engine, &options, rows / 4)?;
    let began = Instant::now();
    let (tally, _) = jobs::boxed(&engine, &options, rows)?;
    let took = began.elapsed();
    println!("rows_per_second {:.0}", rows as f64 / took.as_secs_f64());
    println!("tally {} {} {}", tally.lines, tally.bytes, tally.sum);
    Ok(())
}
