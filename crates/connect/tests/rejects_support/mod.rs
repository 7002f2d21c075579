//! Reads any bytes as a reject file and compares what comes of it with what its lines are. Used by
//! the property test and by the fuzz target.

use std::io::Read;
use std::path::Path;
use trommel::{DeadLetter as _, ErrorKind, Reject};
use trommel_connect::rejects;

/// Reads, writes again and replays a file with these bytes, in a folder of the caller's.
pub(crate) fn check(folder: &Path, data: &[u8]) {
    let path = folder.join("rejects.ndjson");
    std::fs::write(&path, data).unwrap();
    let (mut offset, mut good, mut replayed, mut is_whole) = (0, Vec::new(), Vec::new(), true);
    let mut found = rejects::read(&path).unwrap();
    for (index, line) in data.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let start = offset;
        offset += line.len() as u64;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match found.next().expect("one for each line that is not blank") {
            Ok(reject) => {
                if is_whole {
                    replayed.extend_from_slice(&reject.raw);
                    if !reject.raw.is_empty() && !reject.raw.ends_with(b"\n") {
                        replayed.push(b'\n');
                    }
                }
                good.push(reject);
            }
            Err(error) => {
                is_whole = false;
                assert_eq!(error.kind(), ErrorKind::Row, "{error}");
                let origin = error.origin().expect("a place");
                assert_eq!(origin.line, Some(index as u64 + 1), "{error}");
                assert_eq!(origin.offset, Some(start), "{error}");
                assert_eq!(origin.source.as_deref(), path.to_str(), "{error}");
            }
        }
    }
    assert!(found.next().is_none(), "more than there are lines");

    let mut bytes = Vec::new();
    let read = rejects::Replay::open(&path).unwrap().read_to_end(&mut bytes);
    assert_eq!(read.is_ok(), is_whole);
    assert_eq!(bytes, replayed);

    let again = folder.join("again.ndjson");
    let mut file = rejects::File::create(&again).unwrap();
    good.iter().for_each(|reject| file.write(reject).unwrap());
    file.finish().unwrap();
    let back: Vec<Reject> = rejects::read(&again).unwrap().map(Result::unwrap).collect();
    assert_eq!(back, good);
}
