//! The peers, one file each. What each does per record is in the README beside the manifest.

mod paralight;
mod pariter;
mod rayon;
mod threads;
mod timely;
mod tokio_batched;
mod tokio_lean;
mod tokio_literal;
mod tokio_optimized;
mod tokio_wide;
mod trommel;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use trommel_bench::origin::{Tally, generator};
use trommel_record::{BATCH_ROWS, UserRecord};

use crate::job::{Form, threads};

/// Worker tasks of the origin's optimized design.
const WORKERS: usize = 4;
/// Places in the channel of its producer, in records.
const CHANNEL: usize = 100;

/// A design that can do the job. What it keeps from run to run (its threads) is warm.
pub(crate) trait Peer {
    /// Name in the output.
    fn name(&self) -> &'static str;

    /// Whether it can do the job in this form.
    fn does(&self, form: Form) -> bool;

    /// One whole run over `rows` records, generation included.
    fn run(&mut self, form: Form, rows: u64) -> Tally;
}

/// All peers, Trommel first.
pub(crate) fn all() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(trommel::Trommel::new()),
        Box::new(tokio_wide::TokioWide::new()),
        Box::new(tokio_literal::TokioLiteral::new()),
        Box::new(tokio_optimized::TokioOptimized::new()),
        Box::new(tokio_lean::TokioLean::new()),
        Box::new(tokio_batched::TokioBatched::new()),
        Box::new(rayon::ParIter::new()),
        Box::new(rayon::ParBridge::new()),
        Box::new(threads::Threads),
        Box::new(timely::Timely::new()),
        Box::new(pariter::Pariter),
        Box::new(paralight::Paralight::new()),
    ]
}

/// A runtime of its own for each async peer, with a thread for each core.
fn tokio_runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(threads())
        .enable_time()
        .build()
        .expect("the runtime's threads start")
}

/// The producer of the origin's optimized design: generates in batches of 50 and sends record by
/// record.
async fn extract(rows: u64, sender: mpsc::Sender<UserRecord>) {
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    for first_id in (0..rows).step_by(BATCH_ROWS) {
        let count = BATCH_ROWS.min((rows - first_id) as usize);
        generator().batch(first_id, &mut batch, count);
        for user in batch.drain(..) {
            if sender.send(user).await.is_err() {
                return;
            }
        }
    }
}
