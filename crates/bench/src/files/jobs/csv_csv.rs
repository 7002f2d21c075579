//! CSV into CSV.

use crate::Result;
use crate::files::check::Check;
use crate::files::flight::NULLS;
use crate::files::peers::Peer;
use crate::files::{Against, Contestant, Destination, Goal, Input, Job, Output, Program};
use csv::ByteRecord;
use std::path::Path;
use std::str::from_utf8;
use std::sync::mpsc;

pub(super) static JOB: Job = Job {
    name: "csv_csv",
    title: "CSV to CSV",
    input: Input::Csv,
    output: Output::Stored {
        place: Destination::File("csv"),
        check: Check::of_csv,
        rows: Check::of_csv,
    },
    contestants: &[
        Contestant::ours(Program::Example { name: "csv_to_csv", features: "csv", arguments: &[] }),
        Contestant::floor("csv crate, 2 threads", floor),
    ],
    peers: &[
        Peer::python("DuckDB", "duckdb", "csv_csv_duckdb.py"),
        Peer::python("Polars, streaming", "polars", "csv_csv_polars.py"),
        Peer::python("DataFusion", "datafusion", "csv_csv_datafusion.py"),
        Peer::python("pandas", "pandas", "csv_csv_pandas.py").rounds(1).shown(),
    ],
    goals: &[
        Goal::wall("peers", Against::Peers, 0.33),
        Goal::wall("csv_crate", Against::Floors, 1.0),
        Goal::peak(48.0),
    ],
};

/// As one would write it by hand: one thread reads, one derives and writes; records are recycled.
fn floor(input: &Path, output: &Path) -> Result<()> {
    const RECORDS: usize = 512;
    let mut reader = csv::Reader::from_path(input)?;
    let mut writer = csv::WriterBuilder::new()
        .buffer_capacity(1 << 18)
        .from_writer(std::fs::File::create(output)?);
    let mut header = reader.byte_headers()?.clone();
    header.push_field(b"speed");
    header.push_field(b"id");
    writer.write_byte_record(&header)?;
    let (full, filled) = mpsc::sync_channel::<(Vec<ByteRecord>, usize)>(4);
    let (empty, emptied) = mpsc::channel();
    for _ in 0..6 {
        empty.send(vec![ByteRecord::new(); RECORDS])?;
    }
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || -> Result<()> {
            loop {
                let mut records = emptied.recv()?;
                let mut count = 0;
                while count < RECORDS && reader.read_byte_record(&mut records[count])? {
                    if !NULLS.iter().any(|null| null.as_bytes() == &records[count][14]) {
                        count += 1;
                    }
                }
                full.send((records, count)).map_err(|_| "the writer is gone")?;
                if count < RECORDS {
                    return Ok(());
                }
            }
        });
        let (mut speed, mut id) = (zmij::Buffer::new(), Vec::new());
        for (mut records, count) in filled {
            for record in &mut records[..count] {
                let air_time: f64 = from_utf8(&record[14])?.parse()?;
                let distance: f64 = from_utf8(&record[15])?.parse()?;
                id.clear();
                id.extend_from_slice(&record[9]);
                id.extend_from_slice(&record[10]);
                record.push_field(speed.format(distance / air_time * 60.0).as_bytes());
                record.push_field(&id);
                writer.write_byte_record(record)?;
            }
            // The reader needs no more when it has ended.
            _ = empty.send(records);
        }
        writer.flush()?;
        reading.join().map_err(|_| "the reader panicked")?
    })
}
