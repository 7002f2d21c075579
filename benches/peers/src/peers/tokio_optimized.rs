//! The origin's optimized design: packed records one by one through two channels, collected into
//! batches of 128 by four worker tasks, an async transform per record, ten of a batch at a time.

use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use trommel_bench::origin::{Tally, boxed};
use trommel_record::UserRecord;

use super::{CHANNEL, Peer, WORKERS, extract};
use crate::job::{BATCH, Form, TRANSFORMS, load};

/// Places in the channel that the workers share, in records.
pub(super) const BUCKET: usize = BATCH * WORKERS * 2;
/// Longest time a record waits for its batch to fill.
pub(super) const FLUSH: Duration = Duration::from_millis(100);

pub(crate) struct TokioOptimized {
    runtime: Runtime,
}

impl TokioOptimized {
    pub(crate) fn new() -> Self {
        TokioOptimized { runtime: super::tokio_runtime() }
    }
}

impl Peer for TokioOptimized {
    fn name(&self) -> &'static str {
        "tokio-optimized"
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
    let cancel = CancellationToken::new();
    let loaded = Arc::new(AtomicU64::new(0));
    let (bucket, records) = flume::bounded(BUCKET);
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (records, cancel) = (records.clone(), cancel.clone());
        workers.spawn(work(records, cancel, Arc::clone(&loaded)));
    }
    drop(records);
    let (sender, extracted) = mpsc::channel(CHANNEL);
    let producer = tokio::spawn(extract(rows, sender));
    fill_bucket(extracted, bucket, &cancel).await;

    producer.await.expect("the producer does not panic");
    let mut tally = Tally::default();
    while let Some(part) = workers.join_next().await {
        tally.merge(part.expect("no worker panics"));
    }
    assert_eq!(loaded.load(Ordering::Relaxed), rows);
    tally
}

async fn fill_bucket(
    mut extracted: mpsc::Receiver<UserRecord>,
    bucket: flume::Sender<UserRecord>,
    cancel: &CancellationToken,
) {
    // Made once: a new future for each record would enter and leave the token's list each time.
    let mut cancelled = pin!(cancel.cancelled());
    loop {
        let user = tokio::select! {
            () = &mut cancelled => return,
            user = extracted.recv() => user,
        };
        let Some(user) = user else { return };
        if bucket.send_async(user).await.is_err() {
            return;
        }
    }
}

async fn work(
    records: flume::Receiver<UserRecord>,
    cancel: CancellationToken,
    loaded: Arc<AtomicU64>,
) -> Tally {
    let mut flush = interval(FLUSH);
    flush.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut cancelled = pin!(cancel.cancelled());
    let mut batch = Vec::with_capacity(BATCH);
    let mut tally = Tally::default();
    loop {
        let open = tokio::select! {
            () = &mut cancelled => false,
            _ = flush.tick() => true,
            user = records.recv_async() => match user {
                Ok(user) => {
                    batch.push(user);
                    if batch.len() < BATCH {
                        continue;
                    }
                    true
                }
                Err(flume::RecvError::Disconnected) => false,
            },
        };
        let full = mem::replace(&mut batch, Vec::with_capacity(BATCH));
        let lines: Vec<Box<str>> =
            stream::iter(full).map(transform).buffer_unordered(TRANSFORMS).collect().await;
        loaded.fetch_add(lines.len() as u64, Ordering::Relaxed);
        load(&mut tally, lines);
        if !open {
            return tally;
        }
    }
}

async fn transform(user: UserRecord) -> Box<str> {
    boxed(user)
}
