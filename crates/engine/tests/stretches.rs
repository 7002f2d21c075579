//! Rows that a pipeline takes by stretches: the same values, order and counts as row by row.

mod common;

use common::{batches_of, engine, no_hang};
use trommel::{Batch, ErrorKind, Fill, Limit, Pipeline, Result, Source, Stretch, sinks, sources};

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
            assert!(error.to_string().contains("the stretch says"), "{error}");
            assert_eq!(error.report().unwrap().counts.loaded, 0);
        }
    });
}
