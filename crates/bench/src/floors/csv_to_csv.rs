//! CSV to CSV written by hand: the `csv` crate and two threads, blocks cut at line breaks.

use crate::Result;
use csv::{ByteRecord, ReaderBuilder, WriterBuilder};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes that a thread works on at once.
const BLOCK: usize = 1 << 20;

/// A block of lines, and the lines made of it.
#[derive(Debug, Default)]
struct Block {
    lines: Vec<u8>,
    made: Vec<u8>,
    rows: u64,
}

/// Drops the rows without an air time, and appends speed and id to the others; answers how many
/// those were.
///
/// It takes for granted what these files grant and others don't: no line break within quotes, and
/// columns in the places where the table has them.
///
/// # Errors
/// When a file can't be read or written, or a row is not a flight.
pub fn run(input: &Path, output: &Path) -> Result<u64> {
    let mut reader = File::open(input)?;
    let mut writer = BufWriter::with_capacity(BLOCK, File::create(output)?);
    let (full, made): (Vec<_>, Vec<_>) = (0..2).map(|_| worker()).unzip();
    thread::scope(|scope| {
        let drain = scope.spawn(move || -> Result<u64> {
            let mut rows = 0;
            // Blocks went out in turn, and so they come back.
            for turn in 0.. {
                let made: &Receiver<Result<Block>> = &made[turn % 2];
                let Ok(block) = made.recv() else { break };
                let block = block?;
                rows += block.rows;
                writer.write_all(&block.made)?;
            }
            writer.flush()?;
            Ok(rows)
        });
        feed(&mut reader, &full)?;
        drop(full);
        drain.join().expect("the drain does not panic")
    })
}

/// A thread that makes lines of lines.
fn worker() -> (SyncSender<(Block, bool)>, Receiver<Result<Block>>) {
    let (full, blocks) = sync_channel::<(Block, bool)>(2);
    let (send, made) = sync_channel(2);
    thread::spawn(move || {
        for (mut block, is_first) in blocks {
            let done = transform(&mut block, is_first).map(|()| block);
            if send.send(done).is_err() {
                return;
            }
        }
    });
    (full, made)
}

/// Cuts the input into blocks of whole lines, for one thread and the other in turn.
fn feed(reader: &mut File, full: &[SyncSender<(Block, bool)>]) -> Result<()> {
    let mut rest = Vec::new();
    for turn in 0.. {
        let mut lines = std::mem::take(&mut rest);
        let got = reader.take(BLOCK as u64).read_to_end(&mut lines)?;
        if lines.is_empty() {
            break;
        }
        if got > 0
            && let Some(end) = lines.iter().rposition(|byte| *byte == b'\n')
        {
            rest = lines.split_off(end + 1);
        }
        let block = Block { lines, ..Block::default() };
        if full[turn % 2].send((block, turn == 0)).is_err() {
            break;
        }
    }
    Ok(())
}

fn transform(block: &mut Block, is_first: bool) -> Result<()> {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(&block.lines[..]);
    let mut writer = WriterBuilder::new().from_writer(std::mem::take(&mut block.made));
    let mut record = ByteRecord::new();
    let mut id = Vec::new();
    if is_first && reader.read_byte_record(&mut record)? {
        record.push_field(b"speed");
        record.push_field(b"id");
        writer.write_byte_record(&record)?;
    }
    while reader.read_byte_record(&mut record)? {
        let text = |column: usize| std::str::from_utf8(&record[column]);
        let minutes = text(14)?;
        if minutes == "NA" || minutes.is_empty() {
            continue;
        }
        let speed = text(15)?.parse::<f64>()? / minutes.parse::<f64>()? * 60.0;
        id.clear();
        id.extend_from_slice(&record[9]);
        id.extend_from_slice(&record[10]);
        record.push_field(zmij::Buffer::new().format(speed).as_bytes());
        record.push_field(&id);
        writer.write_byte_record(&record)?;
        block.rows += 1;
    }
    block.made = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::FlightCsv;

    #[test]
    fn rows_with_an_air_time_get_speed_and_id() {
        let directory = tempfile::tempdir().unwrap();
        let (input, output) = (directory.path().join("in.csv"), directory.path().join("out.csv"));
        let text = FlightCsv::new(3 << 20).into_text();
        std::fs::write(&input, &text).unwrap();
        let rows = run(&input, &output).unwrap();
        let made = std::fs::read_to_string(&output).unwrap();
        let kept = |line: &&str| !line.contains(",NA,");
        assert_eq!(rows, text.lines().skip(1).filter(kept).count() as u64);
        let mut pairs = text.lines().filter(kept).zip(made.lines());
        assert_eq!(pairs.next().unwrap().1, format!("{},speed,id", text.lines().next().unwrap()));
        assert!(pairs.all(|(from, to)| to.starts_with(from) && to.split(',').count() == 21));
        assert_eq!(made.lines().count() as u64, rows + 1);
    }
}
