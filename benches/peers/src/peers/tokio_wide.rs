//! The async original as it was: one wide record per message, transforms buffered ten at a time.

use futures_util::StreamExt;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use trommel_bench::origin::{Tally, generator};
use trommel_record::wide::WideUser;

use super::{CHANNEL, Peer};
use crate::job::{Form, TRANSFORMS, wide_line};

pub(crate) struct TokioWide {
    runtime: Runtime,
}

impl TokioWide {
    pub(crate) fn new() -> Self {
        TokioWide { runtime: super::tokio_runtime() }
    }
}

impl Peer for TokioWide {
    fn name(&self) -> &'static str {
        "tokio-wide"
    }

    fn does(&self, form: Form) -> bool {
        form == Form::Wide
    }

    fn run(&mut self, _form: Form, rows: u64) -> Tally {
        // Spawned, so that the pipeline lives on the runtime's threads and not on this one.
        let pipeline = self.runtime.spawn(pipeline(rows));
        self.runtime.block_on(pipeline).expect("no task panics")
    }
}

async fn pipeline(rows: u64) -> Tally {
    let (sender, receiver) = mpsc::channel(CHANNEL);
    let producer = tokio::spawn(produce(rows, sender));
    let mut lines = ReceiverStream::new(receiver).map(transform).buffer_unordered(TRANSFORMS);
    let mut tally = Tally::default();
    while let Some(line) = lines.next().await {
        tally.add(&line);
    }
    producer.await.expect("the producer does not panic");
    tally
}

async fn produce(rows: u64, sender: mpsc::Sender<WideUser>) {
    for id in 0..rows {
        if sender.send(generator().wide(id)).await.is_err() {
            return;
        }
    }
}

async fn transform(wide: WideUser) -> Box<str> {
    wide_line(&wide)
}
