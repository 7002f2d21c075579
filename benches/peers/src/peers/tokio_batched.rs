//! The best that we could make of the async design: whole batches as messages and as tasks.

use futures_util::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use trommel_bench::origin::{Tally, generator};
use trommel_record::UserRecord;

use super::Peer;
use crate::job::{BATCH, Form, TRANSFORMS, block, blocks, boxed_lines, load};

/// Places in the channel, in batches.
const CHANNEL: usize = 16;

pub(crate) struct TokioBatched {
    runtime: Runtime,
}

impl TokioBatched {
    pub(crate) fn new() -> Self {
        TokioBatched { runtime: super::tokio_runtime() }
    }
}

impl Peer for TokioBatched {
    fn name(&self) -> &'static str {
        "tokio-batched"
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
    let producer = tokio::spawn(produce(rows, sender));
    let mut pages = ReceiverStream::new(receiver)
        .map(|batch| tokio::spawn(async move { boxed_lines(batch) }))
        .buffer_unordered(TRANSFORMS);
    let mut tally = Tally::default();
    while let Some(lines) = pages.next().await {
        load(&mut tally, lines.expect("no transform panics"));
    }
    producer.await.expect("the producer does not panic");
    tally
}

async fn produce(rows: u64, sender: mpsc::Sender<Vec<UserRecord>>) {
    for index in 0..blocks(rows) {
        let ids = block(index, rows);
        let mut batch = Vec::with_capacity(BATCH);
        generator().batch(ids.start, &mut batch, (ids.end - ids.start) as usize);
        if sender.send(batch).await.is_err() {
            return;
        }
    }
}
