//! No thread of an engine outlives the call that ends it.
//!
//! Symptom: a leak checker that looked right after `trommel_engine_free` found what belonged to a
//! thread, and a library unloaded then would have run destructors that are gone. Cause: the threads
//! of the clock and of the sink were scoped, and a scope waits for their closures alone, not for the
//! destructors of their thread-local values. Fix: each is joined.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use trommel::{Engine, Options, Pipeline, Result, sinks, sources};

static MADE: AtomicUsize = AtomicUsize::new(0);
static GONE: AtomicUsize = AtomicUsize::new(0);

/// Takes its time to go, so that whoever does not wait for it is found out.
struct Slow;

impl Drop for Slow {
    fn drop(&mut self) {
        thread::sleep(Duration::from_millis(30));
        GONE.fetch_add(1, Ordering::SeqCst);
    }
}

thread_local! {
    static SLOW: Slow = {
        MADE.fetch_add(1, Ordering::SeqCst);
        Slow
    };
}

#[test]
fn threads_are_gone_when_the_engine_is() -> Result<()> {
    let home = thread::current().id();
    let touch = move || {
        if thread::current().id() != home {
            SLOW.with(|_| ());
        }
    };
    for blocks in [false, true] {
        let engine = Engine::builder().workers(2).build()?;
        let rows = sources::generate(20_000, |id| id);
        let (sender, receiver) = crossbeam_channel::unbounded();
        let job = Pipeline::from(rows)
            .options(Options::builder().fixed_batch_size(64).build()?)
            .on_progress(move |_| touch())
            .map(move |id| {
                touch();
                id
            });
        if blocks {
            job.load_into(sinks::channel(sender)).run(&engine)?;
        } else {
            job.load_into(sinks::for_each(|_: u64| {
                touch();
                Ok(())
            }))
            .run(&engine)?;
        }
        drop((engine, receiver));
        let made = MADE.load(Ordering::SeqCst);
        assert!(made > 0, "the run has used other threads");
        assert_eq!(GONE.load(Ordering::SeqCst), made);
    }
    Ok(())
}
