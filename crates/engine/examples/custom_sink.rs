//! A sink of one's own: encodes in the workers, writes in order on one thread.
//!
//! `cargo run -p trommel --example custom_sink`

use trommel::{Encode, Engine, Error, Pipeline, Result, Sink, sources};

struct Station<'a> {
    name: &'a str,
    depth_m: u32,
}

/// Lines of `depth<TAB>name`, as one text with a header.
struct Table {
    header: &'static str,
    text: String,
    pages: usize,
}

impl Sink for Table {
    /// What one batch becomes.
    type Page = Vec<u8>;
    /// What encoding needs; shared by all workers.
    type Encoder = char;

    fn encoder(&mut self) -> Result<char> {
        self.text.push_str(self.header);
        Ok('\t')
    }

    // In order, one page at a time.
    fn write(&mut self, page: &mut Vec<u8>) -> Result<()> {
        let text =
            std::str::from_utf8(page).map_err(|error| Error::fatal("bad page").caused_by(error))?;
        self.text.push_str(text);
        self.pages += 1;
        Ok(())
    }

    // A sink that only touches memory lets the workers call it: no thread of its own.
    fn may_block(&self) -> bool {
        false
    }
}

/// The sink takes stations that borrow: from the row, or from the arena.
impl Encode<Station<'_>> for Table {
    // Runs in the worker, while the batch is warm.
    fn encode(separator: &char, page: &mut Vec<u8>, station: Station<'_>) -> Result<()> {
        use std::io::Write;
        if station.name.contains(*separator) {
            return Err(Error::row("a name contains the separator").in_column("name"));
        }
        writeln!(page, "{}{separator}{}", station.depth_m, station.name)?;
        Ok(())
    }
}

fn main() -> Result<()> {
    let mut table = Table { header: "depth\tname\n", text: String::new(), pages: 0 };
    let report = Pipeline::from(sources::generate(1_000, |id| id))
        .transform(|id, out| {
            let name = out.text().str("station-").int(id).finish(); // lives in the arena
            out.emit(Station { name, depth_m: (id * 7 % 100) as u32 })
        })
        .load_into(&mut table)
        .run(&Engine::new()?)?;

    println!("{} stations in {} pages:", report.counts.loaded, table.pages);
    table.text.lines().take(4).for_each(|line| println!("  {line}"));
    assert_eq!(table.text.lines().count(), 1_001);
    assert_eq!(table.text.lines().last(), Some("93\tstation-999"));
    Ok(())
}
