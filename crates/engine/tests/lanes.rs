//! Batches that pause on a full page and batches that are cut over several workers: no row is lost,
//! doubled or misnumbered by it. Each test opens with the symptom that it was written for.

mod common;

use common::{batches_of, engine, no_hang, spin};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use trommel::testing::{Ledger, Recorder, SlowSink};
use trommel::{
    Batch, CancelToken, Error, ErrorKind, Fill, Limit, OptionsBuilder, Pipeline, Reject,
    RejectPolicy, Result, Source, sinks, sources,
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

/// Gives each batch when all rows before it are stored.
struct OneAtATime {
    batches: std::ops::Range<u64>,
    stored: Arc<AtomicU64>,
}

impl OneAtATime {
    const ROWS: u64 = 32;
}

impl Source for OneAtATime {
    type Batch = Vec<u64>;

    fn fill(&mut self, batch: &mut Vec<u64>, _: &Limit<'_>) -> Result<Fill> {
        batch.clear();
        let Some(number) = self.batches.next() else { return Ok(Fill::End) };
        let first = number * Self::ROWS;
        while self.stored.load(SeqCst) < first {
            thread::yield_now();
        }
        batch.extend(first..first + Self::ROWS);
        Ok(Fill::More)
    }
}

/// A lone heavy batch is shared by the workers that would be idle.
///
/// Symptom: on a busy machine neither of two batches was. Cause: who lost his core while the first was filled
/// had a slow source, and both went to the workers at once. Fix: each comes when the one before is stored,
/// and they are many, since a worker that is late finds that the other one has done all of a batch.
#[test]
fn a_heavy_batch_is_cut_without_being_asked() {
    no_hang("automatic pieces", || {
        let stored = Arc::new(AtomicU64::new(0));
        let seen = Mutex::new(HashSet::new());
        let mut kept = Vec::new();
        let report = Pipeline::from(OneAtATime { batches: 0..50, stored: Arc::clone(&stored) })
            .map(|id| {
                seen.lock().unwrap().insert((*id / OneAtATime::ROWS, thread::current().id()));
                thread::sleep(Duration::from_micros(100));
                *id
            })
            .load_into(sinks::for_each(|id: u64| {
                kept.push(id);
                stored.fetch_add(1, SeqCst);
                Ok(())
            }))
            .run(&engine(2))
            .unwrap();
        assert_eq!(kept, (0..50 * OneAtATime::ROWS).collect::<Vec<_>>());
        assert_eq!(report.batches, 50);
        let seen = seen.into_inner().unwrap();
        assert!(seen.len() > 50, "no batch was shared");
    });
}

/// Symptom: one row that becomes more than a slot's share took as much memory as it liked. Expected:
/// it is a reject that says what to do, and leaves nothing behind.
#[test]
fn a_row_that_becomes_more_than_its_share_is_a_reject() {
    for pieces in [1, 3] {
        no_hang("oversize output", move || {
            let letters = Arc::new(Mutex::new(Vec::new()));
            let log = Arc::clone(&letters);
            let policy = RejectPolicy::dead_letter(
                move |reject: &Reject| {
                    log.lock().unwrap().push((reject.record, reject.reason.clone()));
                    Ok(())
                },
                10,
            );
            let options =
                tiny_memory(10).transform_concurrency(pieces).on_reject(policy).build().unwrap();
            let mut kept = sinks::collect();
            let report = Pipeline::from(sources::generate(100, |id| id))
                .options(options)
                .transform(|id, out| {
                    for _ in 0..if id == 42 { 10_000 } else { 1 } {
                        out.emit(id)?;
                    }
                    Ok(())
                })
                .load_into(&mut kept)
                .run(&engine(2))
                .unwrap();
            assert_eq!((report.counts.loaded, report.counts.rejected), (99, 1));
            assert!(!kept.as_slice().contains(&42));
            let letters = letters.lock().unwrap();
            assert_eq!(letters[0].0, Some(42));
            assert!(letters[0].1.contains("80000 bytes"), "{}", letters[0].1);
            assert!(letters[0].1.contains("raise memory_limit"), "{}", letters[0].1);
        });
    }
}

/// Symptom: a sink that took 270 us for each page, whatever its size, got 130 pages for 66 batches, and the
/// run took twice as long. Cause: while all slots waited for the sink a worker was idle, and batches
/// were cut for it. Fix: none is cut while others wait for the sink.
#[test]
fn no_batch_is_cut_while_others_wait_for_the_sink() {
    no_hang("slow sink", || {
        let pages = Recorder::new();
        let report = Pipeline::from(sources::generate(4_000, |id| id))
            .transform(|id, out| {
                spin(Duration::from_micros(2));
                out.emit(id)
            })
            .load_into(SlowSink::new(pages.clone(), Duration::from_millis(5)))
            .options(batches_of(100).build().unwrap())
            .run(&engine(2))
            .unwrap();
        assert_eq!(report.batches, 40);
        // At the start, and when the last one has no others behind it, there is nobody to wait.
        let pages = pages.count("write");
        assert!(pages <= 50, "{pages} pages of 40 batches");
    });
}
