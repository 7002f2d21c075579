//! Rows that a pipeline takes by stretches: the same values, order and counts as row by row.

mod common;

use common::{batches_of, engine, no_hang};
use std::sync::{Arc, Mutex};
use trommel::{
    Batch, Checkpoint, Commit, DeadLetter, Durability, Encode, Error, ErrorKind, Fill, Limit,
    Pipeline, Reject, RejectPolicy, Result, RunReport, Sink, Source, Stretch, sinks, sources,
};

/// Refuses multiples of 7.
#[derive(Debug, Default)]
struct Picky(Vec<(usize, Error)>);

impl Sink for Picky {
    type Page = Vec<u64>;
    type Encoder = ();

    fn encoder(&mut self) -> Result<()> {
        Ok(())
    }
    fn write(&mut self, page: &mut Vec<u64>) -> Result<()> {
        for (index, value) in page.iter().enumerate().filter(|(_, value)| *value % 7 == 0) {
            self.0.push((index, Error::row(format!("{value}"))));
        }
        Ok(())
    }
    fn refuses_values(&self) -> bool {
        true
    }
    fn take_faults(&mut self, faults: &mut Vec<(usize, Error)>) {
        faults.append(&mut self.0);
    }
    fn commit(&mut self, _: &Checkpoint, _: Commit) -> Result<Durability> {
        Ok(Durability::Stored)
    }
}

impl Encode<u64> for Picky {
    fn encode((): &(), page: &mut Vec<u64>, value: u64) -> Result<()> {
        page.push(value);
        Ok(())
    }
}

/// Notes where rejects came from, and why they were.
#[derive(Debug, Clone, Default)]
struct Noted(Arc<Mutex<Vec<Refused>>>);

/// Number and value of a row.
type Refused = (Option<u64>, String);

impl DeadLetter for Noted {
    fn write(&mut self, reject: &Reject) -> Result<()> {
        self.0.lock().unwrap().push((reject.record, reject.reason.clone()));
        Ok(())
    }
}

/// Runs the numbers below 200 in batches of 50, odd ones of a batch's rows from 40 on filtered one by
/// one; `stretch` is given the number of the first row and the page.
fn run(
    stretch: impl Fn(usize, &mut Vec<u64>) -> Stretch + Sync,
) -> (Result<RunReport>, Vec<Refused>) {
    let noted = Noted::default();
    let options = batches_of(50)
        .transform_concurrency(1)
        .on_reject(RejectPolicy::dead_letter(noted.clone(), 100))
        .build()
        .unwrap();
    let report = Pipeline::from(sources::generate(200, |id| id))
        .options(options)
        .filter(|id| *id % 2 == 0)
        .load_into(Picky::default())
        .by_stretches(|_, from, (), page, _| Ok(stretch(from, page)))
        .run(&engine(2));
    let noted = noted.0.lock().unwrap().clone();
    (report, noted)
}

#[test]
fn each_refused_value_is_of_its_row() {
    // The batch is not known to the closure: what it emits for row N of a batch is N.
    let (report, noted) = run(|from, page| match from {
        0 => {
            page.extend(0..10);
            Stretch { rows: 10, values: 10 }
        }
        10 => Stretch { rows: 20, values: 0 },
        30 => {
            page.extend(30..40);
            Stretch { rows: 10, values: 10 }
        }
        _ => Stretch::default(),
    });
    let counts = report.unwrap().counts;
    assert_eq!(counts.read, 200);
    // Of each batch 0, 7 and 35, and those of 40 to 49, 90 to 99, … that are even.
    let walked = (0..200).filter(|id| id % 50 >= 40 && id % 14 == 0).count() as u64;
    assert_eq!(counts.rejected, 3 * 4 + walked);
    assert_eq!(counts.filtered, (20 + 5) * 4);
    assert_eq!(counts.loaded, 200 - counts.rejected - counts.filtered);
    for (record, value) in &noted {
        let (record, value): (u64, u64) = (record.unwrap(), value.parse().unwrap());
        assert!(record == value || record % 50 == value && value < 40, "{value} of row {record}");
    }
    assert_eq!(noted.len() as u64, counts.rejected);
}

#[test]
fn a_stretch_of_which_some_rows_have_values_is_refused() {
    let (report, _) = run(|_, page| {
        page.push(0);
        Stretch { rows: 2, values: 1 }
    });
    let error = report.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("one for each of its rows"), "{error}");
}

/// The numbers below `end`, whose batches tell what they hold.
struct Numbers {
    next: u64,
    end: u64,
}

#[derive(Default)]
struct Range(std::ops::Range<u64>);

impl Source for Numbers {
    type Batch = Range;

    fn fill(&mut self, batch: &mut Range, limit: &Limit<'_>) -> Result<Fill> {
        let end = self.end.min(self.next + limit.rows() as u64);
        batch.0 = self.next..end;
        self.next = end;
        Ok(if end == self.end { Fill::End } else { Fill::More })
    }
}

impl Batch for Range {
    type Row<'a> = u64;

    fn len(&self) -> usize {
        (self.0.end - self.0.start) as usize
    }

    fn for_each<'a, F>(&'a mut self, from: usize, mut visit: F) -> Result<()>
    where
        F: FnMut(Result<Self::Row<'a>>) -> Result<()>,
    {
        self.0.clone().skip(from).try_for_each(|id| visit(Ok(id)))
    }

    fn split_off(&mut self, at: usize, tail: &mut Self) -> bool {
        let cut = self.0.start + at as u64;
        tail.0 = cut..self.0.end;
        self.0.end = cut;
        true
    }
}

/// Rows that stretches may take: those of each thousand below 600, up to 70 at once.
fn stretch(id: u64) -> u64 {
    600u64.saturating_sub(id % 1_000).min(70)
}

#[test]
fn stretches_and_rows_make_the_same() {
    no_hang("stretches", || {
        let all: Vec<u64> = (0..20_000).filter(|id| id % 3 != 0).collect();
        for (workers, rows, pieces) in [(1, 128, 1), (2, 1_000, 1), (2, 7, 0), (3, 4_096, 3)] {
            let mut loaded = sinks::collect::<u64>();
            let options = batches_of(rows).transform_concurrency(pieces).build().unwrap();
            let report = Pipeline::from(Numbers { next: 0, end: 20_000 })
                .options(options)
                .filter(|id| id % 3 != 0)
                .load_into(&mut loaded)
                .by_stretches(|batch: &mut Range, from, _, page: &mut Vec<u64>, _| {
                    let first = batch.0.start + from as u64;
                    let rows = stretch(first).min(batch.0.end - first);
                    let before = page.len();
                    page.extend((first..first + rows).filter(|id| id % 3 != 0));
                    Ok(Stretch { rows: rows as usize, values: page.len() - before })
                })
                .run(&engine(workers))
                .unwrap();
            assert!(loaded.into_vec() == all, "{workers} workers, {rows} rows");
            let counts = report.counts;
            assert_eq!((counts.read, counts.loaded), (20_000, all.len() as u64));
            assert_eq!(
                (counts.filtered, counts.emitted),
                (20_000 - all.len() as u64, counts.loaded)
            );
        }
    });
}

/// Symptom: a closure that claimed more rows than there were, or more values than rows, made the
/// counts wrong in release builds, and panicked in debug builds. Cause: it was only asserted there.
#[test]
fn a_stretch_that_claims_too_much_ends_the_run() {
    no_hang("claims", || {
        for claim in [Stretch { rows: 11, values: 0 }, Stretch { rows: 1, values: 2 }] {
            let mut loaded = sinks::collect::<u64>();
            let error = Pipeline::from(sources::generate(10, |id| id))
                .map(|id| id)
                .load_into(&mut loaded)
                .by_stretches(move |_, _, _, _, _| Ok(claim))
                .run(&engine(2))
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Fatal);
            assert!(error.to_string().contains("values of"), "{error}");
            assert_eq!(error.report().unwrap().counts.loaded, 0);
        }
    });
}
