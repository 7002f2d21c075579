//! Law 11, for stages that nothing but the test can release: it waits for the warning in the log
//! and then opens their gate. A binary of its own, since the log belongs to the process.

mod common;

use common::{batches_of, engine, no_hang, spin};
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};
use trommel::testing::{Gate, GatedSink, SinkCall};
use trommel::{Encode, ErrorKind, Pipeline, Sink, Stage, sinks, sources};

/// The gate of the test that runs.
static STUCK: Mutex<Option<Gate>> = Mutex::new(None);
/// One at a time, since they share the log.
static TURN: Mutex<()> = Mutex::new(());

/// Opens the gate at each warning.
struct Release;

impl Subscriber for Release {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }
    fn event(&self, event: &Event<'_>) {
        struct HasStage(bool);
        impl Visit for HasStage {
            fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
                self.0 |= field.name() == "stage";
            }
        }
        let mut has_stage = HasStage(false);
        event.record(&mut has_stage);
        if has_stage.0
            && let Some(gate) = &*STUCK.lock().unwrap()
        {
            gate.open();
        }
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Runs a pipeline whose transform waits in row `stuck_row`, or whose sink is gated by the caller.
fn stall<K>(
    label: &'static str,
    stage: Stage,
    stuck_row: Option<u64>,
    sink: impl FnOnce(Gate) -> K + Send + 'static,
) where
    K: Sink + Encode<u64>,
{
    let _turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let _ = tracing::subscriber::set_global_default(Release);
    no_hang(label, move || {
        let gate = Gate::new();
        *STUCK.lock().unwrap() = Some(gate.clone());
        let door = gate.clone();
        let error = Pipeline::from(sources::iter(0..1_000u64))
            .options(batches_of(10).watchdog(Duration::from_millis(300)).build().unwrap())
            .map(move |id: &mut u64| {
                spin(Duration::from_micros(20));
                if Some(*id) == stuck_row {
                    door.pass();
                }
                *id
            })
            .load_into(sink(gate))
            .run(&engine(2))
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.stage()),
            (ErrorKind::Stalled, Some(stage)),
            "{label}: {error}"
        );
        let report = error.report().unwrap();
        assert!(report.stalls[0].starts_with(&stage.to_string()), "{label}: {:?}", report.stalls);
        assert!(report.counts.add_up(), "{label}");
    });
}

#[test]
fn names_a_stuck_transform() {
    stall("transform", Stage::Transform, Some(555), |_| sinks::count());
}

#[test]
fn names_a_stuck_sink() {
    stall("write", Stage::Sink, None, |gate| {
        GatedSink::new(sinks::count(), SinkCall::Write, 20, gate)
    });
}

#[test]
fn names_a_sink_stuck_in_commit() {
    stall("commit", Stage::Sink, None, |gate| {
        GatedSink::new(sinks::count(), SinkCall::Commit, 20, gate)
    });
}

/// Symptom: nothing was reported, and `run` did not return. Cause: the watchdog begins when the pool
/// takes over, and the caller's thread does the first batch. Expected: it watches the first row too.
#[test]
fn names_a_transform_stuck_in_the_first_row() {
    stall("first row", Stage::Transform, Some(0), |_| sinks::count());
}

/// As above, for the first page.
#[test]
fn names_a_sink_stuck_in_its_first_page() {
    stall("first page", Stage::Sink, None, |gate| {
        GatedSink::new(sinks::count(), SinkCall::Write, 0, gate)
    });
}

/// Symptom: as above. Cause: the watchdog ends before the sink finishes. Expected: it watches the end
/// too: a commit is what gets stuck in practice.
#[test]
fn names_a_sink_stuck_in_finish() {
    stall("finish", Stage::Sink, None, |gate| {
        GatedSink::new(sinks::count(), SinkCall::Finish, 0, gate)
    });
}
