//! Before the first row: where earlier runs of the same job have come.

use crate::error::{Error, ErrorKind, Result, Stage};
use crate::fingerprint::Fingerprint;
use crate::options::{Options, Order};
use crate::position::{Checkpoint, Counts};
use crate::reject::RejectPolicy;
use crate::sink::Sink;
use crate::source::Source;

/// More rows than any job comes to.
const MOST: u64 = u64::MAX >> 2;

/// What a run of a job goes on from, and puts into its own checkpoints.
#[derive(Debug, Default)]
pub(super) struct Before {
    pub(super) counts: Counts,
    pub(super) source: Option<Fingerprint>,
    pub(super) epoch: u64,
    /// Earlier runs have come to the end of the job.
    pub(super) finished: bool,
}

/// Checks that the parts can do what they are asked to, and takes the source to where the sink's
/// checkpoint says that the job has come.
pub(super) fn resume<S: Source, K: Sink>(
    job: Option<&str>,
    source: &mut S,
    sink: &mut K,
    options: &Options,
) -> Result<Before> {
    if matches!(options.on_reject, RejectPolicy::WithData { .. }) && !sink.keeps_rejects() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "on_reject: this sink has no place for rejects; use `RejectPolicy::dead_letter`",
        )
        .in_stage(Stage::Sink));
    }
    if sink.gives_up_order() && options.order == Order::Ordered {
        return Err(Error::config(
            "order: this sink stores over several connections at once, which keeps no order: allow \
             that with `Options::builder().order(Order::Completion)`, or use one connection",
        )
        .in_stage(Stage::Sink));
    }
    let Some(job) = job else { return Ok(Before::default()) };
    let unsupported = |message: String| Err(Error::new(ErrorKind::Unsupported, message));
    if options.order != Order::Ordered {
        return unsupported(format!(
            "job `{job}` can't be resumed: batches that are loaded in the order of completion leave \
             gaps; leave `order` as it is by default"
        ));
    }
    if source.position().is_none() {
        return unsupported(format!(
            "job `{job}` can't be resumed: its source has no positions to go on from (a regular \
             file, `generate` and queries with a key have)"
        ));
    }
    let now = source.fingerprint().map_err(|error| error.in_stage(Stage::Source))?;
    let stored = sink.resume(job).map_err(|error| error.in_stage(Stage::Sink))?;
    let before = go_on(job, source, now, stored);
    if before.is_err() {
        // It has begun a run that does not come: its next one is another.
        sink.abort();
    }
    before
}

/// Takes the source to where the sink's checkpoint says that the job has come.
fn go_on<S: Source>(
    job: &str,
    source: &mut S,
    now: Option<Fingerprint>,
    stored: Option<Checkpoint>,
) -> Result<Before> {
    let in_source = |error: Error| error.in_stage(Stage::Source);
    let Some(Checkpoint { position, counts, source: then, finished, epoch }) = stored else {
        return Ok(Before { source: now, ..Before::default() });
    };
    let Counts { read, loaded, rejected, filtered, abandoned, emitted } = counts;
    if [read, loaded, rejected, filtered, abandoned, emitted].iter().any(|count| *count > MOST) {
        let message = format!("the checkpoint of job `{job}` is damaged: no job has such counts");
        return Err(Error::fatal(message).in_stage(Stage::Sink));
    }
    if let (Some(then), Some(now)) = (&then, &now)
        && let Some(difference) = then.difference(now)
    {
        return Err(in_source(Error::fatal(format!(
            "the source of job `{job}` has changed since its last run: {difference}; restore it, or \
             load it as another job"
        ))));
    }
    if !finished && let Some(position) = position {
        source.seek(&position).map_err(in_source)?;
    }
    Ok(Before { counts, source: now, epoch, finished })
}
