//! Law 10: hooks are called once each, with the outcome, however the run ends; and one that panics is
//! the failure of its own pipeline.

mod common;

use common::{batches_of, engine, no_hang};
use std::sync::Arc;
use trommel::testing::{Fault, FaultySink, FaultySource, Recorder, SinkCall, Trap};
use trommel::{
    CancelToken, Engine, Error, ErrorKind, Options, Pipeline, Result, RunReport, Runnable, sinks,
    sources,
};

/// Symptom: a `before` hook or a progress callback that panics took all siblings of `run_all` down.
/// Expected: it is the error of its own pipeline.
#[test]
fn a_hook_that_panics_fails_its_own_pipeline_only() {
    no_hang("panicking hooks", || {
        let job = || {
            Pipeline::from(sources::generate(100, |id| id)).map(|id| id).load_into(sinks::count())
        };
        let engine = engine(2);
        let jobs: Vec<Box<dyn Runnable>> = vec![
            Box::new(job()),
            Box::new(job().before(|| panic!("before"))),
            Box::new(job().on_progress(|_| panic!("progress"))),
            Box::new(job().after(|_| panic!("after"))),
            Box::new(job()),
        ];
        let results = engine.run_all(jobs, 2);
        let kinds: Vec<Option<ErrorKind>> =
            results.iter().map(|result| result.as_ref().err().map(Error::kind)).collect();
        let panic = Some(ErrorKind::Panic);
        assert_eq!(kinds, [None, panic, panic, panic, None]);
    });
}

/// Hooks: once each, in order, with the outcome, however the run ends.
#[test]
fn hooks_run_once_however_the_run_ends() {
    no_hang("hooks", || {
        let engine = engine(2);
        let faults = [None, Some(Fault::FATAL), Some(Fault::Panic)];
        for fault in faults {
            for at in ["before", "source", "transform", "write", "finish", "encoder"] {
                let (calls, failed) = run_with_hooks(&engine, at, fault);
                let label = format!("{fault:?} in {at}");
                assert_eq!(failed, fault.is_some(), "{label}");
                let outcome = if failed { "after err" } else { "after ok" };
                assert_eq!(calls, ["before", outcome], "{label}");
            }
        }
    });
}

fn run_with_hooks(engine: &Engine, at: &str, fault: Option<Fault>) -> (Vec<&'static str>, bool) {
    let trap = |place: &str| match fault {
        Some(fault) if at == place => Trap::from(0, fault),
        _ => Trap::during(0..0, Fault::FATAL),
    };
    let calls = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (log_before, log_after) = (Arc::clone(&calls), Arc::clone(&calls));
    let (in_before, in_transform) = (trap("before"), trap("transform"));
    let sink = FaultySink::new(Recorder::new(), SinkCall::Write, trap("write"));
    let sink = FaultySink::new(sink, SinkCall::Finish, trap("finish"));
    let sink = FaultySink::new(sink, SinkCall::Encoder, trap("encoder"));
    let fail_source = if at == "source" && fault.is_some() { 50 } else { u64::MAX };
    let source =
        FaultySource::new(sources::iter(0..100), fail_source, fault.unwrap_or(Fault::FATAL));
    let result: Result<RunReport> = Pipeline::from(source)
        .options(batches_of(10).build().unwrap())
        .before(move || {
            log_before.lock().unwrap().push("before");
            in_before.step()
        })
        .after(move |result| {
            let outcome = if result.is_ok() { "after ok" } else { "after err" };
            log_after.lock().unwrap().push(outcome);
        })
        .transform(move |id: &mut u64, out| {
            in_transform.step()?;
            out.emit(*id)
        })
        .load_into(sink)
        .run(engine);
    let calls = calls.lock().unwrap().clone();
    (calls, result.is_err())
}

/// A run that is cancelled has ended as well: before its first row, in the middle, at the end.
#[test]
fn hooks_run_once_when_the_run_is_cancelled() {
    no_hang("hooks of a cancelled run", || {
        let engine = engine(2);
        for at in [None, Some(0), Some(50), Some(99)] {
            let (token, calls) = (CancelToken::new(), Arc::new(std::sync::Mutex::new(Vec::new())));
            let (log_before, log_after) = (Arc::clone(&calls), Arc::clone(&calls));
            if at.is_none() {
                token.cancel();
            }
            let cancel = token.clone();
            let result = Pipeline::from(sources::iter(0..100))
                .options(batches_of(10).build().unwrap())
                .cancel_with(&token)
                .before(move || {
                    log_before.lock().unwrap().push("before".to_owned());
                    Ok(())
                })
                .after(move |result| {
                    let kind = result.as_ref().err().map(Error::kind);
                    log_after.lock().unwrap().push(format!("after {kind:?}"));
                })
                .transform(move |id: &mut u64, out| {
                    if Some(*id) == at {
                        cancel.cancel();
                    }
                    out.emit(*id)
                })
                .load_into(sinks::count())
                .run(&engine);
            // What is cancelled in its last row may have come to its end all the same.
            let kind = result.as_ref().err().map(Error::kind);
            assert!(kind == Some(ErrorKind::Cancelled) || at == Some(99), "{at:?}: {result:?}");
            let calls = calls.lock().unwrap().clone();
            assert_eq!(calls, ["before".to_owned(), format!("after {kind:?}")], "{at:?}");
        }
    });
}

/// Settings may stand anywhere between the source and `run`: behind the closure, too, where a sink is not
/// known yet.
#[test]
fn settings_stand_where_one_likes() {
    let token = CancelToken::new();
    let job = Pipeline::from(sources::iter(0..100_u64))
        .transform(|id: &mut u64, out| out.emit(*id))
        .name("late")
        .options(Options::builder().fixed_batch_size(10).build().unwrap())
        .cancel_with(&token)
        .load_into(sinks::count());
    let said = format!("{job:?}");
    assert!(said.contains("late") && said.contains("batch_size: 10"), "{said}");
    token.cancel();
    assert_eq!(job.run(&engine(1)).unwrap_err().kind(), ErrorKind::Cancelled);
}
