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
    match dropped {
        Dropped::ByWorker => owned(records, workers, batch, origin::boxed),
        Dropped::ByMaker => pipeline(records, workers, batch, || {
            let mut line = String::new();
            move |users: &mut Vec<UserRecord>, tally: &mut Tally| {
                for user in users {
                    origin::update(user);
                    line.clear();
                    origin::write_line(user, &mut line);
                    tally.add(&line);
                }
            }
        }),
    }
}

/// The worker takes each item out of its vector and makes its line.
pub fn owned<T: Send>(
    items: impl Iterator<Item = T> + Send,
    workers: usize,
    batch: usize,
    line: fn(T) -> Box<str>,
) -> Tally {
    pipeline(items, workers, batch, || {
        move |items: &mut Vec<T>, tally: &mut Tally| {
            for item in items.drain(..) {
                tally.add(&line(item));
            }
        }
    })
}

fn pipeline<T, W>(
    mut items: impl Iterator<Item = T>,
    workers: usize,
    batch: usize,
    worker: impl Fn() -> W,
) -> Tally
where
    T: Send,
    W: FnMut(&mut Vec<T>, &mut Tally) + Send,
{
    let slots = 2 * workers + 2;
    let (full, work) = bounded::<Vec<T>>(slots);
    let (used, empty) = bounded(slots);
    for _ in 0..slots {
        used.send(Vec::with_capacity(batch)).expect("the receiver is in scope");
    }
    thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                let (work, used, worker) = (work.clone(), used.clone(), worker());
                scope.spawn(move || run(&work, &used, worker))
            })
            .collect();
        for mut vector in empty.iter() {
            vector.clear();
            vector.extend(items.by_ref().take(batch));
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

fn run<T>(
    work: &Receiver<Vec<T>>,
    used: &Sender<Vec<T>>,
    mut worker: impl FnMut(&mut Vec<T>, &mut Tally),
) -> Tally {
    let mut tally = Tally::default();
    for mut vector in work {
        worker(&mut vector, &mut tally);
        // The maker may have left already.
        let _ = used.send(vector);
    }
    tally
}
