//! Running, waiting, asking; and what other threads do meanwhile.

use super::world::{OK, STATE, World};
use super::{Pipeline, Progress, Report, Sized32, c, text};
use std::ptr::null_mut;
use std::sync::atomic::Ordering;

/// A pipeline for another thread.
#[derive(Clone, Copy)]
struct Shared(*mut Pipeline);

// SAFETY: the header lets any thread use a pipeline that nobody frees meanwhile.
unsafe impl Send for Shared {}

impl World<'_> {
    fn report_room(&mut self) -> Report {
        let mut report = Report::sized();
        report.size = self.tape.size(report.size);
        report
    }

    pub(super) fn run(&mut self) {
        let Some(slot) = self.some_slot() else { return };
        let mut report = self.report_room();
        let with_others = self.tape.rarely(4);
        let acts = [self.tape.byte(), self.tape.byte()];
        let pipeline = Shared(self.slots[slot].pipeline);
        let before = self.slots[slot].has_run;
        let size = report.size;
        let report_at = &raw mut report;
        let status = self.call(|error| {
            std::thread::scope(|scope| {
                let acts = acts.into_iter().filter(|_| with_others);
                let others: Vec<_> =
                    acts.map(|act| scope.spawn(move || meddle(pipeline, act))).collect();
                let status = c!(trommel_pipeline_run(pipeline.0, report_at, error));
                // A scope waits for closures: a thread that still ends would look like a leak.
                for other in others {
                    other.join().expect("it does not panic");
                }
                status
            })
        });
        if size == size_of::<Report>() as u32 {
            assert!(!before || status == STATE, "it runs once");
        }
        // Perhaps refused: because of the report's size, or for what it lacks.
        self.slots[slot].has_run = status == OK || self.is_used_up(slot);
        if status == OK {
            assert_eq!(report.outcome, 0);
            self.balance(slot, &report);
        }
    }

    /// Whether a pipeline has run, or runs: then it can't be called another name.
    pub(super) fn is_used_up(&mut self, slot: usize) -> bool {
        let pipeline = self.slots[slot].pipeline;
        let mut status = OK;
        self.call(|error| {
            status = c!(trommel_pipeline_name(pipeline, c"name".as_ptr(), error));
            status
        });
        status == STATE
    }

    fn balance(&self, slot: usize, report: &Report) {
        let Report { read, loaded, rejected, filtered, abandoned, .. } = *report;
        assert_eq!(read, loaded + rejected + filtered + abandoned, "nothing is lost: {report:?}");
        let written = self.slots[slot].written.load(Ordering::SeqCst);
        assert!(written == 0 || report.outcome != 0 || written == report.emitted, "{report:?}");
    }

    pub(super) fn start(&mut self) {
        let Some(slot) = self.some_slot() else { return };
        let pipeline = self.slots[slot].pipeline;
        let status = self.call(|error| c!(trommel_pipeline_start(pipeline, error)));
        assert!(!self.slots[slot].has_run || status == STATE);
        self.slots[slot].has_run = status == OK || self.is_used_up(slot);
    }

    pub(super) fn wait(&mut self) {
        let Some(slot) = self.some_slot() else { return };
        let mut report = self.report_room();
        let pipeline = self.slots[slot].pipeline;
        let status = self.call(|error| c!(trommel_pipeline_wait(pipeline, &raw mut report, error)));
        if status == OK {
            assert!(self.slots[slot].has_run);
            self.balance(slot, &report);
        }
    }

    /// Everything that only reads.
    pub(super) fn ask(&mut self) {
        let slot = self.some_slot();
        let pipeline = slot.map_or(null_mut(), |slot| self.slots[slot].pipeline);
        let mut progress = Progress::sized();
        progress.size = self.tape.size(progress.size);
        c!(trommel_pipeline_progress(pipeline, &raw mut progress));
        let ended = c!(trommel_pipeline_is_finished(pipeline));
        assert!(ended == 0 || slot.is_some_and(|slot| self.slots[slot].has_run));
        let mut report = Report::sized();
        if c!(trommel_pipeline_report(pipeline, &raw mut report)) == OK {
            let json = text(c!(trommel_pipeline_report_json(pipeline)));
            assert!(json.starts_with('{') && json.ends_with('}'), "{json}");
            self.balance(slot.expect("a pipeline has answered"), &report);
        }
    }
}

/// What other threads may do with a pipeline that runs.
fn meddle(pipeline: Shared, act: u8) {
    let Shared(pipeline) = pipeline;
    let (mut progress, mut report) = (Progress::sized(), Report::sized());
    let (progress, report) = (&raw mut progress, &raw mut report);
    for turn in 0..act % 8 {
        match (act / 8 + turn) % 8 {
            0 => c!(trommel_pipeline_cancel(pipeline)),
            1 => c!(trommel_pipeline_progress(pipeline, progress)),
            2 => c!(trommel_pipeline_is_finished(pipeline)),
            3 => c!(trommel_pipeline_report(pipeline, report)),
            4 => c!(trommel_pipeline_report_json(pipeline)).is_null().into(),
            5 => c!(trommel_pipeline_wait(pipeline, null_mut(), null_mut())),
            6 => c!(trommel_pipeline_resumable(pipeline, c"late".as_ptr(), null_mut())),
            _ => {
                std::thread::yield_now();
                OK
            }
        };
    }
}
