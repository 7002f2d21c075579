//! Jobs that are resumed: exactly once, or a clear word why not.

use trommel::testing::{Fault, Ledger, Trap};
use trommel::{
    Engine, Error, ErrorKind, Fill, Fingerprint, Limit, Options, Order, Pipeline, Position,
    RejectPolicy, Result, RunReport, Source, sinks, sources,
};

const ROWS: u64 = 1_000;

/// A source whose fingerprint a test chooses.
struct Marked<S>(S, &'static str);

impl<S: Source> Source for Marked<S> {
    type Batch = S::Batch;
    fn fill(&mut self, batch: &mut S::Batch, limit: &Limit<'_>) -> Result<Fill> {
        self.0.fill(batch, limit)
    }
    fn position(&self) -> Option<Position> {
        self.0.position()
    }
    fn seek(&mut self, position: &Position) -> Result<()> {
        self.0.seek(position)
    }
    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        Ok(Some(Fingerprint::new().with("mark", self.1)))
    }
}

fn run(ledger: &mut Ledger<u64>, mark: &'static str, trap: Option<u64>) -> Result<RunReport> {
    let trap = trap.map_or(Trap::at(u64::MAX - 1, Fault::FATAL), |at| Trap::at(at, Fault::FATAL));
    let options = Options::builder()
        .fixed_batch_size(10)
        .on_reject(RejectPolicy::with_data(u64::MAX))
        .build()?;
    Pipeline::from(Marked(sources::generate(ROWS, |id| id), mark))
        .options(options)
        .transform(|id, out| {
            trap.step()?;
            match id % 10 {
                3 => Err(Error::row("three")),
                4 => Ok(()),
                _ => out.emit(id),
            }
        })
        .load_into(ledger)
        .resumable("numbers")
        .run(&Engine::builder().workers(2).build()?)
}

#[test]
fn every_row_and_every_reject_is_stored_once_however_often_the_run_fails() {
    let mut ledger = Ledger::new(3);
    let mut read = 0;
    for at in [95, 0, 331, 200] {
        run(&mut ledger, "same", Some(at)).unwrap_err();
        let counts = ledger.checkpoint().unwrap().counts;
        assert!(counts.add_up() && counts.read >= read, "{counts:?}");
        assert_eq!(counts.loaded, ledger.stored().len() as u64);
        assert_eq!(counts.rejected, ledger.rejects().len() as u64);
        read = counts.read;
    }
    let report = run(&mut ledger, "same", None).unwrap();
    assert_eq!(report.before.read, read);
    assert_eq!(report.before.read + report.counts.read, ROWS);
    let expected: Vec<u64> = (0..ROWS).filter(|id| !matches!(id % 10, 3 | 4)).collect();
    assert_eq!(ledger.stored(), expected);
    assert_eq!(ledger.rejects().len() as u64, ROWS / 10);

    let again = run(&mut ledger, "same", None).unwrap();
    assert_eq!((again.counts.read, again.before.read), (0, ROWS));
    assert_eq!(ledger.stored(), expected);
}

#[test]
fn a_source_that_has_changed_is_not_gone_on_with() {
    let mut ledger = Ledger::new(1);
    run(&mut ledger, "one", Some(500)).unwrap_err();
    let stored = ledger.stored().to_vec();
    let error = run(&mut ledger, "two", None).unwrap_err();
    for part in ["job `numbers`", "mark was one and is two", "another job"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(ledger.stored(), stored);
    run(&mut ledger, "one", None).unwrap();
    // Also when it has been loaded to its end.
    assert!(run(&mut ledger, "two", None).is_err());
}

#[test]
fn what_can_t_be_resumed_is_refused_before_a_row_is_read() {
    let refused = |result: Result<RunReport>, part: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.report().unwrap().counts.read, 0);
    };
    let engine = Engine::builder().workers(1).build().unwrap();
    let unordered = Options::builder().order(Order::Completion).build().unwrap();
    let generate = || Pipeline::from(sources::generate(9, |id| id)).map(|id| id);
    let job = generate().load_into(Ledger::new(1)).resumable("j").options(unordered);
    refused(job.run(&engine), "order");
    let numbers = sources::iter(0..9_u64);
    let job = Pipeline::from(numbers).map(|id| *id).load_into(Ledger::new(1)).resumable("j");
    refused(job.run(&engine), "positions");
    refused(generate().load_into(sinks::count()).resumable("j").run(&engine), "checkpoints");
    let with_data = Options::builder().on_reject(RejectPolicy::with_data(1)).build().unwrap();
    refused(generate().load_into(sinks::count()).options(with_data).run(&engine), "dead_letter");
}
