//! Running pipelines.

use crate::boundary::export;
use crate::cast::{Ref, Wanted};
use crate::error::Failure;
use crate::job::{self, Ended};
use crate::pipeline::{PipelineHandle, Setup, State};
use crate::report::{ProgressView, ReportView};
use crate::sink::Sink;
use engine::{Result, RunReport};
use std::ffi::{c_char, c_int};

impl PipelineHandle {
    /// Takes the state to `Running` if `taken` accepts it.
    pub(crate) fn take<T>(
        &self,
        take: impl FnOnce(State) -> std::result::Result<T, (State, Failure)>,
    ) -> std::result::Result<T, Failure> {
        let mut state = self.state.lock();
        match take(std::mem::replace(&mut *state, State::Running)) {
            Ok(taken) => Ok(taken),
            Err((before, failure)) => {
                *state = before;
                Err(failure)
            }
        }
    }

    fn end(&self, result: Result<RunReport>, report: Wanted<ReportView>) -> Result<(), Failure> {
        let seen = match &result {
            Ok(report) => Some(report),
            Err(error) => error.report(),
        };
        *self.ended.lock() = seen.map(Ended::of);
        *self.state.lock() = State::Ended;
        if let Ok(done) = &result {
            report.set(&ReportView::of(done));
        }
        Ok(result.map(drop)?)
    }
}

/// Takes a setup that lacks nothing; one that does stays as it is, to be completed.
fn complete(state: State) -> std::result::Result<Box<Setup>, (State, Failure)> {
    let State::Setup(setup) = state else { return Err(not_now(state)) };
    match setup.check() {
        Ok(()) => Ok(setup),
        Err(failure) => Err((State::Setup(setup), failure)),
    }
}

pub(crate) fn not_now(state: State) -> (State, Failure) {
    let failure = Failure::state(match state {
        State::Setup(_) => "the pipeline has not been started",
        State::Started(_) | State::Running => "the pipeline is running",
        State::Ended => "the pipeline has run; make a new one",
    });
    (state, failure)
}

export! {
    /// Runs it on this thread, to its end.
    status fn trommel_pipeline_run(
        pipeline: Ref<PipelineHandle>, report: Wanted<ReportView>,
    ) => {
        let (pipeline, report) = (pipeline.get()?, report.checked()?);
        pipeline.home.check()?;
        let setup = pipeline.take(complete)?;
        let result = job::make(pipeline, *setup).inspect_err(|_| {
            *pipeline.state.lock() = State::Ended;
        })?;
        pipeline.end(result.run(&pipeline.engine), report)
    }

    /// Runs it on a thread of its own.
    status fn trommel_pipeline_start(pipeline: Ref<PipelineHandle>) => {
        let pipeline = pipeline.get()?;
        pipeline.home.check()?;
        let setup = pipeline.take(complete)?;
        let started = job::make(pipeline, *setup)
            .and_then(|job| Ok(job.start(&pipeline.engine)?));
        let mut state = pipeline.state.lock();
        match started {
            Ok(run) => {
                *state = State::Started(run);
                Ok(())
            }
            Err(failure) => {
                *state = State::Ended;
                Err(failure)
            }
        }
    }

    /// Waits for the end of what was started.
    status fn trommel_pipeline_wait(
        pipeline: Ref<PipelineHandle>, report: Wanted<ReportView>,
    ) => {
        let (pipeline, report) = (pipeline.get()?, report.checked()?);
        pipeline.home.check()?;
        let run = pipeline.take(|state| match state {
            State::Started(run) => Ok(run),
            other => Err(not_now(other)),
        })?;
        let result = run.wait().map(|(report, sink): (RunReport, Sink)| {
            drop(sink);
            report
        });
        pipeline.end(result, report)
    }

    /// Cancels it; any thread may.
    quiet fn trommel_pipeline_cancel(pipeline: Ref<PipelineHandle>) => {
        let pipeline = pipeline.get()?;
        pipeline.home.check()?;
        pipeline.cancel.cancel();
        Ok(())
    }

    /// Whether it has ended: 1 or 0.
    value fn trommel_pipeline_is_finished(pipeline: Ref<PipelineHandle>) -> c_int, or 0 => {
        let pipeline = pipeline.get().ok()?;
        pipeline.home.check().ok()?;
        Some(match &*pipeline.state.lock() {
            State::Setup(_) | State::Running => 0,
            State::Started(run) => c_int::from(run.is_finished()),
            State::Ended => 1,
        })
    }

    /// The latest snapshot, about a tenth of a second old; zeros before the first.
    quiet fn trommel_pipeline_progress(
        pipeline: Ref<PipelineHandle>, progress: Wanted<ProgressView>,
    ) => {
        let (pipeline, progress) = (pipeline.get()?, progress.required()?);
        pipeline.home.check()?;
        match *pipeline.latest.lock() {
            Some(latest) => progress.set(&ProgressView::of(&latest)),
            None => progress.set(&ProgressView::NONE),
        }
        Ok(())
    }

    /// The report of a run that has ended, however it ended.
    quiet fn trommel_pipeline_report(
        pipeline: Ref<PipelineHandle>, report: Wanted<ReportView>,
    ) => {
        let (pipeline, report) = (pipeline.get()?, report.required()?);
        pipeline.home.check()?;
        match &*pipeline.ended.lock() {
            Some(ended) => report.set(&ended.report),
            None => return Err(Failure::state("no run of the pipeline has ended")),
        }
        Ok(())
    }

    /// The same as JSON, which lives as long as the pipeline; NULL when no run has ended.
    value fn trommel_pipeline_report_json(
        pipeline: Ref<PipelineHandle>,
    ) -> *const c_char, or std::ptr::null() => {
        let pipeline = pipeline.get().ok()?;
        pipeline.home.check().ok()?;
        pipeline.ended.lock().as_ref().map(|ended| ended.json.as_ptr())
    }
}
