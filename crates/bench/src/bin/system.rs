//! The boxed job on the system's allocator, for comparison with mimalloc: an allocator is chosen
//! once per program.

use trommel_bench::{Result, tables};

fn main() -> Result<()> {
    let rows = std::env::args().nth(1).map_or(Ok(2_000_000), |rows| rows.parse())?;
    tables::boxed_child(rows)
}
