//! Law 7 and 9: every row that was read is in exactly one place, and the sink has what the report
//! says. Each test opens with the symptom that it was written for.

mod common;

use common::{batches_of, engine, no_hang, numbered_lines, spin};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trommel::testing::{Fault, FaultySource, Gate, Ledger, Lines, Recorder, SinkCall};
use trommel::{
    Batch, CancelToken, Checkpoint, Commit, Durability, Encode, Error, ErrorKind, Fill, Limit,
    OptionsBuilder, Pipeline, Reject, RejectPolicy, Result, RunReport, Sink, Source, sinks,
    sources,
};

/// A page is full after a few rows: 64 KiB for all slots.
fn tiny_memory(rows: usize) -> OptionsBuilder {
    batches_of(rows).memory_limit(64 << 10)
}

/// Fills its share of [`tiny_memory`] quickly.
type Wide = [u64; 32];

fn wide(id: u64) -> Wide {
    [id; 32]
}

/// Symptom: rows of `iter(..).owned()` and `channel` vanished, neither loaded nor filtered, when a
/// batch became more than a page may hold. Cause: fullness was looked at when the next row had
/// already been taken out of the batch. Expected: every row is loaded.
#[test]
fn a_batch_that_pauses_on_a_full_page_loses_no_row() {
    no_hang("owned iter", || {
        for workers in [1, 2] {
            let mut kept = sinks::collect::<Wide>();
            let report = Pipeline::from(sources::iter(0..10_000u64).owned())
                .options(tiny_memory(1_000).build().unwrap())
                .map(wide)
                .load_into(&mut kept)
                .run(&engine(workers))
                .unwrap();
            let ids: Vec<u64> = kept.into_vec().iter().map(|row| row[0]).collect();
            assert_eq!(report.counts.read, 10_000, "{workers} workers");
            assert!(ids.iter().copied().eq(0..10_000), "{workers} workers");
        }
    });
}

/// Symptom: as above for `generate`, whose maker ran twice for the row at which a batch paused.
/// Expected: each record is made once.
#[test]
fn a_paused_batch_makes_no_record_twice() {
    no_hang("generate", || {
        let made = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&made);
        Pipeline::from(sources::generate(2_000, move |id| {
            log.lock().unwrap().push(id);
            id
        }))
        .options(tiny_memory(500).build().unwrap())
        .map(wide)
        .load_into(sinks::collect())
        .run(&engine(1))
        .unwrap();
        assert_eq!(made.lock().unwrap().len(), 2_000);
    });
}

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
            let source =
                Telling { inner: FaultySource::new(sources::iter(0..1_000u64), 60, fault), failed };
            let error = Pipeline::from(source)
                .options(batches_of(10).build().unwrap())
                .transform(move |id: &mut u64, out| {
                    if *id == 0 {
                        spin(Duration::from_micros(500)); // worth the pool
                    }
                    if *id == 25 {
                        gate.pass(); // the source is failing …
                        spin(Duration::from_millis(5)); // … and has failed
                    }
                    out.emit(*id)
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

/// Numbers, in batches that cut themselves in two at most once, as a batch of few bytes does.
#[derive(Default)]
struct Reluctant {
    ids: Vec<u64>,
    may_cut: Vec<bool>,
}

impl Batch for Reluctant {
    type Row<'a> = u64;
    fn len(&self) -> usize {
        self.ids.len()
    }
    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        self.ids[from..].iter().try_for_each(|id| visit(Ok(*id)))
    }
    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        if self.may_cut.pop() != Some(true) {
            return false;
        }
        tail.ids = self.ids.split_off(at);
        true
    }
}

struct ReluctantSource(u64);

impl Source for ReluctantSource {
    type Batch = Reluctant;
    fn fill(&mut self, batch: &mut Reluctant, _: &Limit<'_>) -> Result<Fill> {
        batch.ids = (self.0..self.0 + 30).collect();
        // Cut at both places, only at the last, or not at all; in an order that gives each slot
        // all of them.
        let willing: [&[bool]; 5] =
            [&[true, true], &[false, true], &[true, true], &[], &[false, true]];
        batch.may_cut = willing[(self.0 / 30 % 5) as usize].to_vec();
        self.0 += 30;
        Ok(if self.0 == 900 { Fill::End } else { Fill::More })
    }
}

/// Symptom: rows were loaded twice. Cause: a batch that let itself be cut at its last place and
/// refused the next one left a lane between them in use, with the rows of an earlier batch.
/// Expected: a refusal ends the cutting, and no lane is used that was not cut for this batch.
#[test]
fn a_batch_that_refuses_a_cut_brings_no_old_rows_back() {
    no_hang("refused cut", || {
        let mut kept = sinks::collect();
        Pipeline::from(ReluctantSource(0))
            .options(batches_of(30).transform_concurrency(3).build().unwrap())
            .map(|id| {
                spin(Duration::from_micros(5));
                id
            })
            .load_into(&mut kept)
            .run(&engine(2))
            .unwrap();
        assert!(kept.into_vec().into_iter().eq(0..900));
    });
}

/// Symptom: rejects of a batch that was paused, or cut over several workers, bore the numbers of
/// other records. Expected: record numbers are those of the input, whatever the driver did.
#[test]
fn rejects_are_numbered_by_the_input_when_batches_pause_or_are_cut() {
    let cases = [
        ("paused", tiny_memory(500).transform_concurrency(1)),
        ("cut", batches_of(500).transform_concurrency(3)),
        ("cut and paused", tiny_memory(500).transform_concurrency(3)),
    ];
    for (label, options) in cases {
        no_hang(label, move || {
            let records = Arc::new(Mutex::new(Vec::new()));
            let log = Arc::clone(&records);
            let letters = RejectPolicy::dead_letter(
                move |reject: &Reject| {
                    log.lock().unwrap().push(reject.record.unwrap());
                    Ok(())
                },
                u64::MAX,
            );
            Pipeline::from(sources::slice(&(0..5_000u64).collect::<Vec<_>>()))
                .options(options.on_reject(letters).build().unwrap())
                .transform(|id, out| {
                    if *id == 0 {
                        spin(Duration::from_micros(200));
                    }
                    if *id % 7 == 0 {
                        return Err(Error::row("seven"));
                    }
                    out.emit(wide(*id))
                })
                .load_into(sinks::collect())
                .run(&engine(2))
                .unwrap();
            let records = records.lock().unwrap();
            assert!(
                records.iter().copied().eq((0..5_000).step_by(7)),
                "{label}: {:?} …",
                &records[..records.len().min(80)]
            );
        });
    }
}

/// Runs 100 batches of 300 rows, each cut in three, of which rows fail late, when the workers have
/// taken over from the caller's thread.
fn fail_at(fails: impl Fn(u64) -> bool + Send + Sync + 'static) -> Error {
    let rows: Vec<u64> = (0..30_000).collect();
    Pipeline::from(sources::slice(&rows))
        .options(batches_of(300).transform_concurrency(3).build().unwrap())
        .transform(|id, out| {
            spin(Duration::from_micros(1));
            if fails(*id) {
                return Err(Error::fatal(id.to_string()));
            }
            out.emit(*id)
        })
        .load_into(sinks::collect())
        .run(&engine(2))
        .unwrap_err()
}

/// Symptom: the row that an error names was counted from the start of a piece. Expected: from the
/// start of the batch, as `Error::batch_row` says.
#[test]
fn an_error_names_the_row_within_its_batch_when_the_batch_was_cut() {
    let error = no_hang("row of a piece", || fail_at(|id| id == 27_250));
    assert_eq!((error.batch(), error.batch_row()), (Some(90), Some(250)), "{error}");
}

/// Symptom: of a batch cut in three that failed in every piece, one error was reported. Cause: the
/// drain took the first lane's error and cleared the others. Expected: they are its siblings.
#[test]
fn errors_in_several_pieces_of_a_batch_are_siblings() {
    let error =
        no_hang("siblings", || fail_at(|id| (27_000..27_300).contains(&id) && id % 100 == 50));
    let siblings: Vec<&str> = error.siblings().iter().map(Error::message).collect();
    assert_eq!((error.message(), siblings), ("27050", vec!["27150", "27250"]));
}

/// Symptom: a cancelled run committed rows of a batch that it had half written, with the position of
/// the batch before: a resumed run would have loaded them twice. Expected: the rows stored are
/// exactly those before the position stored.
#[test]
fn a_cancel_in_the_middle_of_a_paused_batch_stores_only_what_its_checkpoint_covers() {
    no_hang("cancel while paused", || {
        let token = CancelToken::new();
        let cancel = token.clone();
        let mut ledger = Ledger::new(1);
        let error = Pipeline::from(sources::generate(10_000, |id| id))
            .options(tiny_memory(1_000).grace(Duration::ZERO).build().unwrap())
            .cancel_with(&token)
            .transform(move |id, out| {
                if id == 2_500 {
                    cancel.cancel();
                }
                out.emit(wide(id))
            })
            .load_into(&mut ledger)
            .run(&engine(1))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let checkpoint = ledger.checkpoint().unwrap();
        let position = checkpoint.position.as_ref().unwrap().numbers().unwrap()[0];
        assert_eq!(
            ledger.stored().len() as u64,
            position,
            "rows stored, and where a resume begins"
        );
        assert_eq!(checkpoint.counts.read, position);
        assert_eq!(error.report().unwrap().counts.loaded, position);
    });
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

/// Symptom: as above, for a transform that fails in a batch of which a part had been written.
#[test]
fn what_a_run_that_failed_in_a_paused_batch_has_stored_is_what_it_reports() {
    no_hang("error in a paused batch", || {
        let sink = Recorder::new();
        let error = Pipeline::from(sources::generate(10_000, |id| id))
            .options(tiny_memory(1_000).build().unwrap())
            .transform(
                |id, out| {
                    if id == 2_500 { Err(Error::fatal("2500")) } else { out.emit(wide(id)) }
                },
            )
            .load_into(sink.clone())
            .run(&engine(1))
            .unwrap_err();
        let counts = error.report().unwrap().counts;
        assert_eq!(sink.len() as u64, counts.emitted, "{counts:?}");
        assert!(counts.add_up());
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
