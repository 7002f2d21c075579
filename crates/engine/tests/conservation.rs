//! Laws 7 and 9: every row that was read is in exactly one place, and the sink has what the report
//! says. Each test opens with the symptom that it was written for.

mod common;

use common::{batches_of, engine, no_hang, numbered_lines, spin};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;
use trommel::testing::{Fault, FaultySource, Gate, Ledger, Lines, Recorder, SinkCall};
use trommel::{
    CancelToken, Checkpoint, Commit, Durability, Encode, Error, ErrorKind, Fill, Limit, Pipeline,
    RejectPolicy, Result, RunReport, Sink, Source, sinks, sources,
};

/// Symptom: when the source failed, batches that it had given before were dropped if they happened
/// to be in flight. Cause: the source's error was recorded at once, and the drain drops everything
/// after an error. Expected: what was read before the error is loaded, as `Source::fill` says.
#[test]
fn a_source_error_does_not_drop_the_batches_before_it() {
    no_hang("source error", || {
        for fault in [Fault::FATAL, Fault::Panic] {
            let failed = Gate::new();
            let gate = failed.clone();
            let sink = Recorder::new();
            let source = Telling {
                inner: FaultySource::new(sources::generate(1_000, |id| id), 60, fault),
                failed,
            };
            let error = Pipeline::from(source)
                .options(batches_of(10).build().unwrap())
                .transform(move |id, out| {
                    if id == 0 {
                        spin(Duration::from_micros(500)); // worth the pool
                    }
                    if id == 25 {
                        gate.pass(); // the source is failing …
                        spin(Duration::from_millis(5)); // … and has failed
                    }
                    out.emit(id)
                })
                .load_into(sink.clone())
                .run(&engine(2))
                .unwrap_err();
            assert_eq!(error.batch(), Some(6), "{error}");
            let counts = error.report().unwrap().counts;
            assert!(sink.values().into_iter().eq(0..60), "{fault:?}: {counts:?}");
            assert_eq!((counts.read, counts.loaded), (60, 60), "{fault:?}");
        }
    });
}

/// Opens a gate when the source in it fails.
struct Telling<S> {
    inner: S,
    failed: Gate,
}

impl<S: Source> Source for Telling<S> {
    type Batch = S::Batch;
    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        let inner = &mut self.inner;
        let filled = catch_unwind(AssertUnwindSafe(|| inner.fill(batch, limit)));
        if !matches!(filled, Ok(Ok(_))) {
            self.failed.open();
        }
        filled.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// Symptom: a cancel that came while the sink finished made a run that had stored everything report
/// that it had stored nothing. Expected: what `finish` stored counts as loaded.
#[test]
fn a_cancel_during_finish_does_not_disown_what_was_stored() {
    no_hang("cancel in finish", || {
        let token = CancelToken::new();
        let mut sink = OnCall {
            inner: Ledger::new(0),
            call: SinkCall::Finish,
            action: Box::new({
                let token = token.clone();
                move || token.cancel()
            }),
        };
        let result = Pipeline::from(sources::generate(1_000, |id| id))
            .cancel_with(&token)
            .map(|id| id)
            .load_into(&mut sink)
            .run(&engine(1));
        assert_eq!(sink.inner.stored().len(), 1_000);
        assert_eq!(report_of(&result).counts.loaded, 1_000, "{result:?}");
    });
}

/// Symptom: a run that ended at the reject limit left rows in the sink that its report called
/// abandoned. Expected: for a sink that stores at once, values in the sink = values emitted.
#[test]
fn what_a_run_over_its_reject_limit_has_stored_is_what_it_reports() {
    no_hang("reject limit", || {
        let sink = Recorder::new();
        let error = Pipeline::from(sources::generate(1_000, |id| id))
            .options(batches_of(10).on_reject(RejectPolicy::skip(0)).build().unwrap())
            .transform(|id, out| if id == 55 { Err(Error::row("55")) } else { out.emit(id) })
            .load_into(sink.clone())
            .run(&engine(1))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RejectLimit);
        let counts = error.report().unwrap().counts;
        assert_eq!(sink.len() as u64, counts.emitted, "{counts:?}");
    });
}

/// Symptom: too many rejects ended the run with their number alone. Cause: the errors of the rows were
/// dropped with them. Fix: the last one is the cause.
#[test]
fn too_many_rejects_say_what_the_last_one_was() {
    no_hang("reject limit", || {
        // By the transform, and by the destination itself.
        let refusing = |id: u64| if id >= 5 { Err(Error::row("no such city")) } else { Ok(id) };
        let error = Pipeline::from(sources::generate(20, |id| id))
            .options(batches_of(10).on_reject(RejectPolicy::skip(2)).build().unwrap())
            .try_map(refusing)
            .load_into(sinks::null())
            .run(&engine(1))
            .unwrap_err();
        let refused = Pipeline::from(sources::generate(20, |id| id))
            .options(batches_of(10).on_reject(RejectPolicy::skip(2)).build().unwrap())
            .load_into(sinks::for_each(move |id: u64| refusing(id).map(drop)))
            .run(&engine(1))
            .unwrap_err();
        for error in [error, refused] {
            assert_eq!(error.kind(), ErrorKind::RejectLimit);
            let cause = std::error::Error::source(&error).expect("a cause").to_string();
            assert!(cause.contains("no such city"), "{error}");
        }
    });
}

/// Symptom: a value that the encoder refused counted as emitted when the transform let the error
/// pass. Expected: such a row was filtered.
#[test]
fn a_value_that_was_refused_is_not_counted_as_emitted() {
    struct Picky;
    impl Sink for Picky {
        type Page = Vec<u64>;
        type Encoder = ();
        fn encoder(&mut self) -> Result<()> {
            Ok(())
        }
        fn write(&mut self, _: &mut Vec<u64>) -> Result<()> {
            Ok(())
        }
    }
    impl Encode<u64> for Picky {
        fn encode(_: &(), page: &mut Vec<u64>, value: u64) -> Result<()> {
            if value % 2 == 1 {
                return Err(Error::row("odd"));
            }
            page.push(value);
            Ok(())
        }
    }
    let counts = Pipeline::from(sources::generate(10, |id| id))
        .transform(|id, out| {
            let _ = out.emit(id);
            Ok(())
        })
        .load_into(Picky)
        .run(&engine(1))
        .unwrap()
        .counts;
    assert_eq!((counts.loaded, counts.filtered, counts.emitted), (5, 5, 5));
}

/// Symptom: `generate(u64::MAX, ..)`, an endless generator, panicked in a debug build. Cause: rows
/// times nanoseconds did not fit. Expected: it runs until it is cancelled.
#[test]
fn an_endless_generator_runs_until_it_is_cancelled() {
    no_hang("endless", || {
        let token = CancelToken::new();
        let cancel = token.clone();
        let error = Pipeline::from(sources::generate(u64::MAX, |id| id))
            .cancel_with(&token)
            .map(move |id| {
                if id == 100_000 {
                    cancel.cancel();
                }
                spin(Duration::from_nanos(200));
                id
            })
            .load_into(sinks::count())
            .run(&engine(2))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert!(error.report().unwrap().counts.add_up());
    });
}

/// Law 7 on every kind of end: the counts add up, and what the sink holds is what was loaded.
#[test]
fn counts_add_up_however_a_run_ends() {
    no_hang("ends", || {
        for (workers, batch, stop) in [(1, 7, 33), (2, 7, 333), (2, 64, 999), (4, 1, 57)] {
            for fault in [Fault::FATAL, Fault::Panic, Fault::ROW] {
                let sink = Recorder::new();
                let error = Pipeline::from(Lines::new(numbered_lines(1_000)))
                    .options(batches_of(batch).build().unwrap())
                    .transform(move |line, out| {
                        let id: u64 = std::str::from_utf8(line)?.parse()?;
                        if id == stop {
                            fault.raise()?;
                        }
                        if id.is_multiple_of(3) { Ok(()) } else { out.emit(id) }
                    })
                    .load_into(sink.clone())
                    .run(&engine(workers))
                    .unwrap_err();
                let label = format!("{workers} workers, batch {batch}, {fault:?} at {stop}");
                let report = error.report().unwrap();
                assert!(report.counts.add_up(), "{label}: {:?}", report.counts);
                assert_eq!(report.counts.emitted, sink.len() as u64, "{label}");
                let whole = stop - stop % batch as u64;
                let before: Vec<u64> = (0..whole).filter(|id| id % 3 != 0).collect();
                assert_eq!(sink.values(), before, "{label}: all batches before the bad one");
                assert_eq!(error.origin().and_then(|origin| origin.record), Some(stop), "{label}");
            }
        }
    });
}

fn report_of(result: &Result<RunReport>) -> &RunReport {
    match result {
        Ok(report) => report,
        Err(error) => error.report().unwrap(),
    }
}

/// Does something when a call arrives, and passes it on.
struct OnCall<K> {
    inner: K,
    call: SinkCall,
    action: Box<dyn FnMut() + Send>,
}

impl<K: Sink> OnCall<K> {
    fn act(&mut self, call: SinkCall) {
        if self.call == call {
            (self.action)();
        }
    }
}

impl<K: Sink> Sink for OnCall<K> {
    type Page = K::Page;
    type Encoder = K::Encoder;
    fn encoder(&mut self) -> Result<K::Encoder> {
        self.inner.encoder()
    }
    fn write(&mut self, page: &mut K::Page) -> Result<()> {
        self.act(SinkCall::Write);
        self.inner.write(page)
    }
    fn commit(&mut self, checkpoint: &Checkpoint, when: Commit) -> Result<Durability> {
        self.act(SinkCall::Commit);
        self.inner.commit(checkpoint, when)
    }
    fn finish(&mut self) -> Result<()> {
        self.act(SinkCall::Finish);
        self.inner.finish()
    }
}

impl<T, K: Encode<T>> Encode<T> for OnCall<K> {
    fn encode(encoder: &K::Encoder, page: &mut K::Page, value: T) -> Result<()> {
        K::encode(encoder, page, value)
    }
}
