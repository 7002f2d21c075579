//! The origin's optimized design with everything taken out of the way of a record that the job can
//! do without: no second channel, no cancelling, no flush timeout.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, stream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use trommel_bench::origin::{Tally, boxed};
use trommel_record::UserRecord;

use super::{CHANNEL, Peer, WORKERS, extract};
use crate::job::{BATCH, Form, TRANSFORMS};

/// Batches that may wait for each worker.
const BATCHES_WAITING: usize = 2;

pub(crate) struct TokioLean {
    runtime: Runtime,
}

impl TokioLean {
    pub(crate) fn new() -> Self {
        TokioLean { runtime: super::tokio_runtime() }
    }
}

impl Peer for TokioLean {
    fn name(&self) -> &'static str {
        "tokio-lean"
    }

    fn does(&self, form: Form) -> bool {
        form == Form::Boxed
    }

    fn run(&mut self, _form: Form, rows: u64) -> Tally {
        let pipeline = self.runtime.spawn(pipeline(rows));
        self.runtime.block_on(pipeline).expect("no task panics")
    }
}

async fn pipeline(rows: u64) -> Tally {
    let (sender, receiver) = mpsc::channel(CHANNEL);
    let producer = tokio::spawn(extract(rows, sender));
    let loaded = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    let senders = (0..WORKERS)
        .map(|_| {
            let (sender, batches) = mpsc::channel(BATCHES_WAITING);
            workers.spawn(work(batches, Arc::clone(&loaded)));
            sender
        })
        .collect();
    collect_batches(receiver, senders).await;

    producer.await.expect("the producer does not panic");
    let mut tally = Tally::default();
    while let Some(part) = workers.join_next().await {
        tally.merge(part.expect("no worker panics"));
    }
    assert_eq!(loaded.load(Ordering::Relaxed), rows);
    tally
}

/// Fills batches, and gives them to the workers in turn. A channel for each worker costs less than
/// one that they share behind a lock.
async fn collect_batches(
    mut records: mpsc::Receiver<UserRecord>,
    senders: Vec<mpsc::Sender<Vec<UserRecord>>>,
) {
    for sender in senders.iter().cycle() {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            let missing = BATCH - batch.len();
            if records.recv_many(&mut batch, missing).await == 0 {
                break;
            }
        }
        if batch.is_empty() || sender.send(batch).await.is_err() {
            return;
        }
    }
}

async fn work(mut batches: mpsc::Receiver<Vec<UserRecord>>, loaded: Arc<AtomicU64>) -> Tally {
    let mut tally = Tally::default();
    while let Some(batch) = batches.recv().await {
        let lines: Vec<Box<str>> =
            stream::iter(batch).map(transform).buffer_unordered(TRANSFORMS).collect().await;
        loaded.fetch_add(lines.len() as u64, Ordering::Relaxed);
        crate::job::load(&mut tally, lines);
    }
    tally
}

async fn transform(user: UserRecord) -> Box<str> {
    boxed(user)
}
