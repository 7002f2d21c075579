//! The origin's optimized design with costs that its code has and the design needn't: a boxed
//! future and a cloned token per record, copied batches, fresh futures for cancelling at every
//! receive. For context; the ratios that count are taken against `tokio-optimized`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use trommel_bench::origin::Tally;
use trommel_record::UserRecord;

use super::tokio_optimized::{BUCKET, FLUSH};
use super::{CHANNEL, Peer, WORKERS, extract};
use crate::job::{BATCH, Form, TRANSFORMS, borrowed_line, load};

pub(crate) struct TokioLiteral {
    runtime: Runtime,
}

impl TokioLiteral {
    pub(crate) fn new() -> Self {
        TokioLiteral { runtime: super::tokio_runtime() }
    }
}

impl Peer for TokioLiteral {
    fn name(&self) -> &'static str {
        "tokio-literal"
    }

    fn does(&self, form: Form) -> bool {
        form == Form::Boxed
    }

    fn run(&mut self, _form: Form, rows: u64) -> Tally {
        let pipeline = self.runtime.spawn(pipeline(rows));
        self.runtime.block_on(pipeline).expect("no task panics")
    }
}

/// The user's part, called through a pointer as the origin's is.
trait Steps: Send + Sync {
    fn transform<'a>(
        &'a self,
        cancel: &'a CancellationToken,
        user: &'a UserRecord,
    ) -> BoxFuture<'a, Box<str>>;
    fn load(&self, lines: Vec<Box<str>>) -> BoxFuture<'_, ()>;
}

#[derive(Default)]
struct Job {
    loaded: AtomicU64,
    tally: Mutex<Tally>,
}

impl Steps for Job {
    fn transform<'a>(
        &'a self,
        _cancel: &'a CancellationToken,
        user: &'a UserRecord,
    ) -> BoxFuture<'a, Box<str>> {
        async move { borrowed_line(user.borrowed()) }.boxed()
    }

    fn load(&self, lines: Vec<Box<str>>) -> BoxFuture<'_, ()> {
        async move {
            self.loaded.fetch_add(lines.len() as u64, Ordering::Relaxed);
            load(&mut *self.tally.lock().await, lines);
        }
        .boxed()
    }
}

async fn pipeline(rows: u64) -> Tally {
    let (cancel, done) = (CancellationToken::new(), CancellationToken::new());
    let job = Arc::new(Job::default());
    let (bucket, records) = flume::bounded(BUCKET);
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            let (records, steps) = (records.clone(), Arc::clone(&job) as Arc<dyn Steps>);
            tokio::spawn(work(records, cancel.clone(), done.clone(), steps))
        })
        .collect();
    let (sender, mut extracted) = mpsc::channel(CHANNEL);
    let producer = tokio::spawn(extract(rows, sender));
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            user = extracted.recv() => match user {
                Some(user) => bucket.send_async(user).await.expect("the workers live"),
                None => break,
            },
        }
    }
    done.cancel();
    producer.await.expect("the producer does not panic");
    for worker in workers {
        worker.await.expect("no worker panics");
    }
    assert_eq!(job.loaded.load(Ordering::Relaxed), rows);
    *job.tally.lock().await
}

async fn work(
    records: flume::Receiver<UserRecord>,
    cancel: CancellationToken,
    done: CancellationToken,
    steps: Arc<dyn Steps>,
) {
    let mut flush = interval(FLUSH);
    flush.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            () = done.cancelled() => break,
            _ = flush.tick() => process(&mut batch, &cancel, &steps).await,
            user = records.recv_async() => {
                batch.push(user.expect("the bucket is open"));
                if batch.len() == BATCH {
                    process(&mut batch, &cancel, &steps).await;
                }
            }
        }
    }
    batch.extend(records.try_iter());
    process(&mut batch, &cancel, &steps).await;
}

async fn process(batch: &mut Vec<UserRecord>, cancel: &CancellationToken, steps: &Arc<dyn Steps>) {
    let users: Arc<[UserRecord]> = Arc::from(&batch[..]);
    let mut transforms = Vec::with_capacity(users.len());
    for user in users.iter() {
        let (steps, cancel) = (Arc::clone(steps), cancel.clone());
        transforms.push(async move { steps.transform(&cancel, user).await });
    }
    let lines = stream::iter(transforms).buffer_unordered(TRANSFORMS);
    steps.load(lines.collect().await).await;
    batch.clear();
}
