//! Iterators that the workers call themselves.

mod common;

use common::{batches_of, engine, no_hang, spin};
use std::thread::{self, ThreadId};
use std::time::Duration;
use trommel::{Error, ErrorKind, Pipeline, sinks, sources};

/// A record that knows who made it.
struct Made {
    id: u64,
    by: ThreadId,
}

fn records(rows: u64) -> impl Iterator<Item = Made> + Send + 'static {
    (0..rows).map(|id| Made { id, by: thread::current().id() })
}

#[test]
fn each_record_is_used_by_the_thread_that_made_it() {
    no_hang("never_blocks", || {
        for workers in [1, 2, 3] {
            let mut kept = sinks::collect();
            let report = Pipeline::from(sources::iter(records(10_000)).never_blocks().owned())
                .options(batches_of(50).transform_concurrency(1).build().unwrap())
                .transform(|record: Made, out| {
                    if record.id.is_multiple_of(1_000) {
                        spin(Duration::from_millis(1));
                    }
                    out.emit((record.id, record.by == thread::current().id()))
                })
                .load_into(&mut kept)
                .run(&engine(workers))
                .unwrap();
            assert!(report.workers > 0, "it left the caller's thread");
            let kept = kept.into_vec();
            assert!(kept.iter().map(|(id, _)| *id).eq(0..10_000), "{workers} workers");
            assert!(kept.iter().all(|(_, same)| *same), "{workers} workers");
        }
    });
}

#[test]
fn an_iterator_that_panics_ends_the_run_behind_what_came_before() {
    no_hang("panic", || {
        let mut kept = sinks::collect();
        let error: Error = Pipeline::from(
            sources::iter(
                (0..10_000u64).map(|id| if id == 7_000 { panic!("no more") } else { id }),
            )
            .never_blocks()
            .owned(),
        )
        .options(batches_of(100).build().unwrap())
        .map(|id: u64| {
            if id == 0 {
                spin(Duration::from_millis(1));
            }
            id
        })
        .load_into(&mut kept)
        .run(&engine(2))
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
        // A source that is slow on a busy machine gives parts of batches: the one that was being filled is lost.
        let kept = kept.into_vec();
        assert!(kept.len() > 6_900 && kept.iter().copied().eq(0..kept.len() as u64));
    });
}
