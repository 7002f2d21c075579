//! What a run says while it goes on and when it has ended; and the handle on one in the background.

mod common;

use common::{batches_of, engine, no_hang, numbered_lines, spin};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use trommel::testing::{Gate, GatedSink, Lines, Recorder, SinkCall, SlowSink, SlowSource};
use trommel::{ErrorKind, Outcome, Pipeline, Progress, RunReport, Stage, sinks, sources};

/// A place for every progress report.
fn reports() -> (Arc<Mutex<Vec<Progress>>>, impl Fn(&Progress) + Send + Sync + 'static) {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&reports);
    (reports, move |progress: &Progress| log.lock().unwrap().push(*progress))
}

fn check(progress: &Progress) {
    for load in [progress.source, progress.transform, progress.sink] {
        let sum = load.busy + load.blocked + load.idle;
        assert!((sum - 1.0).abs() < 1e-9, "{load:?}");
        assert!(load.busy >= 0.0 && load.blocked >= 0.0 && load.idle >= 0.0, "{load:?}");
    }
    assert!(progress.fraction.is_none_or(|fraction| (0.0..=1.0).contains(&fraction)));
}

#[test]
fn progress_only_goes_up_and_ends_at_the_whole() {
    no_hang("progress", || {
        let (reports, report) = reports();
        let gate = Gate::new();
        let door = gate.clone();
        let run = Pipeline::from(sources::generate(20_000, |id| id))
            .options(batches_of(100).build().unwrap())
            .on_progress(report)
            .map(move |id| {
                if id == 10_000 {
                    door.pass();
                }
                spin(Duration::from_micros(1));
                id
            })
            .load_into(sinks::count())
            .start(&engine(2))
            .unwrap();
        assert!(gate.await_arrivals(1));
        // In the middle, for certain: some reports come while the run stands still.
        while reports.lock().unwrap().len() < 3 {
            thread::yield_now();
        }
        assert!(!run.is_finished());
        let half = run.progress().unwrap();
        assert!((1..20_000).contains(&half.rows), "{half:?}");
        gate.open();
        let (report, _) = run.wait().unwrap();

        let reports = reports.lock().unwrap();
        reports.iter().for_each(check);
        assert!(reports.is_sorted_by(|a, b| a.rows <= b.rows && a.elapsed <= b.elapsed));
        assert!(reports.is_sorted_by(|a, b| a.fraction <= b.fraction));
        let (middle, last) = (&reports[0], reports.last().unwrap());
        assert!(middle.eta.is_some());
        assert_eq!((last.rows, last.fraction, last.eta), (20_000, Some(1.0), Some(Duration::ZERO)));
        assert_eq!(report.counts.read, last.rows);
    });
}

/// A job too small for the pool reports as well, once.
#[test]
fn a_small_job_reports_its_end() {
    let (reports, report) = reports();
    Pipeline::from(Lines::new(numbered_lines(5)))
        .on_progress(report)
        .map(|line| line.len())
        .load_into(sinks::count())
        .run(&engine(1))
        .unwrap();
    let reports = reports.lock().unwrap();
    let last = reports.last().unwrap();
    assert_eq!((last.rows, last.bytes, last.fraction), (5, 10, Some(1.0)));
}

/// A source of unknown size has no fraction, and no made-up ETA.
#[test]
fn nothing_is_guessed_about_a_source_of_unknown_size() {
    let (reports, report) = reports();
    let endless = (0u64..).take_while(|id| *id < 100);
    Pipeline::from(sources::iter(endless))
        .on_progress(report)
        .map(|id: &mut u64| *id)
        .load_into(sinks::count())
        .run(&engine(1))
        .unwrap();
    for progress in reports.lock().unwrap().iter() {
        assert_eq!((progress.fraction, progress.eta), (None, None));
    }
}

/// A run of 100 batches in which one stage sleeps, and what was told at its end.
fn run_with_slow(slow: Stage) -> (RunReport, Progress) {
    let pause = |stage| Duration::from_millis(if slow == stage { 3 } else { 0 });
    let (reports, report) = reports();
    let source = SlowSource::new(sources::iter(0..1_000u64), pause(Stage::Source));
    let row = pause(Stage::Transform) / 5;
    let ended = Pipeline::from(source)
        .options(batches_of(10).build().unwrap())
        .on_progress(report)
        .map(move |id: &mut u64| {
            thread::sleep(row);
            *id
        })
        .load_into(SlowSink::new(sinks::count(), pause(Stage::Sink)))
        .run(&engine(2))
        .unwrap();
    let last = *reports.lock().unwrap().last().unwrap();
    check(&last);
    (ended, last)
}

/// A stage that sleeps is busy, and the busiest whatever else the machine does.
#[test]
fn the_report_names_the_stage_that_held_the_run_back() {
    no_hang("bottleneck", || {
        for (index, stage) in [Stage::Source, Stage::Transform, Stage::Sink].into_iter().enumerate()
        {
            let (report, _) = run_with_slow(stage);
            assert_eq!(report.bottleneck, Some(stage), "{report}");
            let [busy, waiting] = [report.stages[index].busy, report.stages[index].waiting];
            assert!(busy > waiting, "{report}");
            let others = || report.stages.iter().filter(|other| other.stage != stage);
            assert!(others().all(|other| other.busy < busy), "{report}");
            assert!(report.to_string().contains(&format!("the {stage} set the pace")), "{report}");
        }
    });
}

#[test]
fn a_slow_sink_is_busy_and_the_source_blocked() {
    no_hang("slow sink", || {
        let (report, Progress { source, transform, sink, .. }) = run_with_slow(Stage::Sink);
        assert!(sink.busy > sink.idle, "{sink:?}");
        assert!(source.blocked > source.busy && source.blocked > source.idle, "{source:?}");
        assert!(transform.idle > transform.busy, "{transform:?}");
        let [source, _, sink] = report.stages;
        assert!(source.waiting > source.busy && source.waiting > sink.waiting, "{report}");
    });
}

#[test]
fn a_slow_source_is_busy_and_the_others_idle() {
    no_hang("slow source", || {
        let (report, Progress { source, transform, sink, .. }) = run_with_slow(Stage::Source);
        assert!(source.busy > source.blocked + source.idle, "{source:?}");
        assert!(transform.idle > transform.busy, "{transform:?}");
        assert!(sink.idle > sink.busy, "{sink:?}");
        let [source, transform, sink] = report.stages;
        assert!(source.busy > source.waiting, "{report}");
        assert!(transform.waiting > transform.busy && sink.waiting > sink.busy, "{report}");
    });
}

#[test]
fn slow_workers_are_busy_and_the_source_blocked() {
    no_hang("slow workers", || {
        let (report, Progress { source, transform, sink, .. }) = run_with_slow(Stage::Transform);
        assert!(transform.busy > transform.idle, "{transform:?}");
        assert!(source.blocked > source.busy && source.blocked > source.idle, "{source:?}");
        assert!(sink.idle > sink.busy, "{sink:?}");
        // By design: workers never wait, and nobody comes after the sink.
        assert_eq!((transform.blocked, sink.blocked), (0.0, 0.0));
        assert!(report.stages[2].waiting > report.stages[2].busy, "{report}");
    });
}

#[test]
fn reports_can_be_read_by_people_and_by_programs() {
    let report = Pipeline::from(sources::generate(1_000, |id| id))
        .name("ids")
        .options(batches_of(100).build().unwrap())
        .filter(|id| id % 4 == 0)
        .load_into(sinks::count())
        .run(&engine(1))
        .unwrap();
    assert_eq!((report.outcome, report.batches), (Outcome::Finished, 10));
    let text = report.to_string();
    assert!(text.starts_with("ids: finished in "), "{text}");
    assert!(text.contains("read 1000 = loaded 250 + rejected 0 + filtered 750"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["counts"]["loaded"], 250);
    assert_eq!(json["stages"][1]["stage"], "transform");
    assert_eq!(json["outcome"], "finished");
}

/// A handle that is dropped lets the run go on.
#[test]
fn a_run_outlives_its_handle() {
    no_hang("dropped handle", || {
        let gate = Gate::new();
        let sink = Recorder::new();
        let run = Pipeline::from(sources::iter(0..5_000u64))
            .options(batches_of(10).build().unwrap())
            .map(|id: &mut u64| *id)
            .load_into(GatedSink::new(sink.clone(), SinkCall::Write, 3, gate.clone()))
            .start(&engine(1))
            .unwrap();
        assert!(gate.await_arrivals(1));
        drop(run);
        gate.open();
        while sink.count("finish") == 0 {
            thread::yield_now();
        }
        assert_eq!(sink.len(), 5_000);
    });
}

#[test]
fn a_handle_gives_the_error_and_its_report() {
    no_hang("failed run", || {
        let run = Pipeline::from(sources::generate(1_000, |id| id))
            .name("doomed")
            .try_map(|id| if id == 700 { Err(trommel::Error::fatal("700")) } else { Ok(id) })
            .load_into(sinks::count())
            .start(&engine(2))
            .unwrap();
        let error = run.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fatal);
        let report = error.report().unwrap();
        assert_eq!((report.pipeline.as_str(), report.outcome), ("doomed", Outcome::Failed));
        assert!(error.to_string().starts_with("pipeline `doomed`: transform: 700"), "{error}");
    });
}

/// An error before the first row has a report too: nothing was read.
#[test]
fn every_error_of_a_run_has_a_report() {
    use trommel::testing::{Fault, FaultySink, Trap};
    let job = || Pipeline::from(sources::generate(10, |id| id)).map(|id| id);
    let in_encoder = FaultySink::new(sinks::count(), SinkCall::Encoder, Trap::at(0, Fault::FATAL));
    let errors = [
        job().load_into(in_encoder).run(&engine(1)).unwrap_err(),
        job()
            .load_into(sinks::count())
            .before(|| Err(trommel::Error::fatal("not today")))
            .run(&engine(1))
            .unwrap_err(),
    ];
    for error in errors {
        let report = error.report().unwrap_or_else(|| panic!("no report: {error}"));
        assert_eq!((report.counts.read, report.outcome), (0, Outcome::Failed));
    }
}
