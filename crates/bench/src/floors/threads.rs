//! One thread that makes records, channels, and threads that work: the pipeline that most people
//! write, with its vectors going around instead of being made anew.

use crate::origin::{self, Tally};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::thread;
use trommel_record::UserRecord;

/// Who drops the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The worker, which takes each record out of its vector.
    ByWorker,
    /// The thread that made them, when it uses the vector again.
    ByMaker,
}

/// Runs the boxed job over an iterator of records, `batch` of them to a message.
pub fn iter(
    records: impl Iterator<Item = UserRecord> + Send,
    workers: usize,
    batch: usize,
    dropped: Dropped,
) -> Tally {
    let mut records = records;
    let slots = 2 * workers + 2;
    let (full, work) = bounded::<Vec<UserRecord>>(slots);
    let (used, empty) = bounded(slots);
    for _ in 0..slots {
        used.send(Vec::with_capacity(batch)).expect("the receiver is in scope");
    }
    thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let (work, used) = (work.clone(), used.clone());
                scope.spawn(move || run(&work, &used, dropped))
            })
            .collect();
        for mut vector in empty.iter() {
            vector.clear();
            vector.extend(records.by_ref().take(batch));
            let last = vector.len() < batch;
            full.send(vector).expect("workers live until the end");
            if last {
                break;
            }
        }
        drop(full);
        let mut tally = Tally::default();
        for handle in handles {
            tally.merge(handle.join().expect("a worker panicked"));
        }
        tally
    })
}

fn run(
    work: &Receiver<Vec<UserRecord>>,
    used: &Sender<Vec<UserRecord>>,
    dropped: Dropped,
) -> Tally {
    let (mut tally, mut line) = (Tally::default(), String::new());
    for mut vector in work {
        match dropped {
            Dropped::ByWorker => {
                for user in vector.drain(..) {
                    tally.add(&origin::boxed(user));
                }
            }
            Dropped::ByMaker => {
                for user in &mut vector {
                    origin::update(user);
                    line.clear();
                    origin::write_line(user, &mut line);
                    tally.add(&line);
                }
            }
        }
        // The maker may have left already.
        let _ = used.send(vector);
    }
    tally
}
