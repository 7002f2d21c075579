//! NDJSON, every column decoded, into a few sums.

use crate::Result;
use crate::files::flight::{Line, speed};
use crate::files::peers::Peer;
use crate::files::{Against, Contestant, Goal, Input, Job, Output, Program};
use crate::plan::WORKERS;
use std::fs::File;
use std::io::Read;
use std::sync::{Mutex, mpsc};

pub(super) static JOB: Job = Job {
    name: "ndjson_fold",
    title: "NDJSON to sums",
    input: Input::Ndjson,
    output: Output::Printed,
    contestants: &[
        Contestant::ours(Program::Example {
            name: "ndjson_fold",
            features: "ndjson",
            arguments: &[],
        }),
        Contestant::floor("serde_json::from_str, 2 workers", |input, _| {
            by_hand(&mut File::open(input)?)?.print()
        }),
    ],
    peers: &[
        Peer::python("DuckDB", "duckdb", "ndjson_fold_duckdb.py").shown(),
        Peer::python("Polars", "polars", "ndjson_fold_polars.py").shown(),
    ],
    goals: &[
        Goal::wall("serde_json", Against::Floors, 1.0),
        Goal::cpu("serde_json.cpu", Against::Floors, 1.0),
    ],
};

/// Bytes that are read at once.
const BLOCK: usize = 1 << 20;

/// Rows and checksum of what is folded.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) rows: u64,
    pub(super) checksum: i64,
}

impl Sums {
    pub(super) fn add(&mut self, line: &Line<'_>) {
        if let Some(air_time) = line.air_time {
            self.rows += 1;
            let speed = (speed(line.distance, air_time) * 1000.0) as i64;
            let delay = line.arr_delay.unwrap_or_default();
            self.checksum +=
                i64::from(line.distance) + i64::from(air_time) + i64::from(delay) + speed;
        }
    }

    pub(super) fn merge(&mut self, other: Sums) {
        self.rows += other.rows;
        self.checksum += other.checksum;
    }

    pub(super) fn print(self) -> Result<()> {
        println!("rows {}\nchecksum {}", self.rows, self.checksum);
        Ok(())
    }
}

/// As one would write it by hand: one thread reads blocks that end on a line, the workers validate
/// each block once and parse its lines; blocks are recycled.
pub(super) fn by_hand(input: &mut impl Read) -> Result<Sums> {
    let (full, filled) = mpsc::sync_channel::<Vec<u8>>(WORKERS);
    let (empty, emptied) = mpsc::channel();
    for _ in 0..2 * WORKERS {
        empty.send(Vec::with_capacity(2 * BLOCK))?;
    }
    let filled = &Mutex::new(filled);
    let parts: Vec<Result<Sums>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let empty = empty.clone();
                scope.spawn(move || -> Result<Sums> {
                    let mut sums = Sums::default();
                    loop {
                        let block = filled.lock().map_err(|_| "a worker panicked")?.recv();
                        let Ok(block) = block else { return Ok(sums) };
                        for line in std::str::from_utf8(&block)?.lines() {
                            sums.add(&serde_json::from_str(line)?);
                        }
                        // The reader needs no more when it has ended.
                        _ = empty.send(block);
                    }
                })
            })
            .collect();
        let reading = read(input, &full, &emptied);
        drop(full);
        let mut parts: Vec<Result<Sums>> = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".into())))
            .collect();
        parts.extend(reading.err().map(Err));
        parts
    });
    let mut sums = Sums::default();
    for part in parts {
        sums.merge(part?);
    }
    Ok(sums)
}

fn read(
    input: &mut impl Read,
    full: &mpsc::SyncSender<Vec<u8>>,
    emptied: &mpsc::Receiver<Vec<u8>>,
) -> Result<()> {
    let mut rest = Vec::new();
    loop {
        let mut block = emptied.recv()?;
        block.clear();
        block.append(&mut rest);
        let read = input.take(BLOCK as u64).read_to_end(&mut block)?;
        if read > 0 {
            let end = block.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            rest.extend_from_slice(&block[end..]);
            block.truncate(end);
        }
        full.send(block).map_err(|_| "the workers are gone")?;
        if read == 0 {
            return Ok(());
        }
    }
}
