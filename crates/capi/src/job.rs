//! From a setup to a job that runs.

use crate::batch::{Batch, Row};
use crate::error::{Failure, c_text};
use crate::parts::{self, Ask};
use crate::pipeline::{PipelineHandle, Setup, SinkChoice, SourceChoice};
use crate::plan::{Column, Kind, Plan};
use crate::report::{ProgressView, ReportView};
use crate::sink::Sink;
use crate::source::{Input, Source};
use crate::stretch;
use engine::{Error, Job, Out, Pipeline, Result, RunReport, Transform};
use std::ffi::CString;
use std::sync::Arc;

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) report: ReportView,
    pub(crate) json: CString,
}

impl Ended {
    pub(crate) fn of(report: &RunReport) -> Self {
        let json = serde_json::to_string(report).unwrap_or_else(|_| "{}".to_owned());
        Ended { report: ReportView::of(report), json: c_text(&json) }
    }
}

/// Hands on what became of a row.
#[inline]
fn hand_on<'b>(row: Row<'b>, out: &mut Out<'b, Sink>) -> Result<()> {
    match row {
        Row::Filtered => Ok(()),
        Row::One(item) => out.emit(item),
        Row::Many(written) => written.iter().try_for_each(|written| out.emit(written.item())),
    }
}

impl Setup {
    /// Whether all parts are there and fit together; what can be put right before another try.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let lacks = |what: &str| Err(Failure::state(what));
        let (Some(source), Some(sink)) = (&self.source, &self.sink) else {
            return lacks(match self.source {
                None => "the pipeline has no source",
                Some(_) => "the pipeline has no sink",
            });
        };
        let has_columns = !matches!(source, SourceChoice::Callback(_));
        let transforms = self.transform.is_some();
        match sink {
            _ if !has_columns && !self.columns.is_empty() => {
                lacks("columns are read from a URL, not from callbacks")
            }
            SinkChoice::Callback(_) if has_columns && !transforms => lacks(
                "rows of a URL have columns, a sink of callbacks takes records: add a transform",
            ),
            SinkChoice::Url(_) if !has_columns && (!transforms || self.outputs.is_empty()) => {
                lacks(
                    "records of callbacks have no columns, the sink of a URL needs them: add a \
                     transform that emits values, and declare its outputs",
                )
            }
            _ => Ok(()),
        }
    }
}

/// Opens both ends of a setup that was checked, and puts the job together.
pub(crate) fn make(
    pipeline: &PipelineHandle,
    setup: Setup,
) -> Result<Job<Source, impl Transform<Batch, Sink> + Send + 'static, Sink>, Failure> {
    let Setup { name, source, columns, outputs, transform, sink, options, rejects, progress, job } =
        setup;
    let (Some(source), Some(sink)) = (source, sink) else {
        return Err(Failure::state("the pipeline lacks a source or a sink"));
    };
    let mut plan = Plan { transform, cancel: pipeline.cancel.clone(), ..Plan::default() };
    let mut written = outputs;
    let input: Box<dyn Input> = match source {
        SourceChoice::Callback(source) => Box::new(source),
        SourceChoice::Url(url) => {
            let ask = Ask { url: &url, columns: &columns, cancel: &pipeline.cancel };
            let opened = parts::source(&ask)?;
            if columns.is_empty() && opened.columns.is_empty() {
                let message = "headers: the source has none; give names with `source.headers`, or \
                               columns by index";
                return Err(Failure::Engine(Error::config(message)));
            }
            let columns = read(&mut plan, &opened.columns, columns, url.called())?;
            if written.is_empty() {
                written = columns;
            }
            opened.input
        }
        #[cfg(feature = "arrow")]
        SourceChoice::Arrow(source) => {
            let opened = source.columns();
            plan.keeps_arrow = matches!(sink, SinkChoice::Arrow(_));
            let columns = read(&mut plan, &opened, columns, "the stream")?;
            if !plan.keeps_arrow || plan.transform.is_some() {
                source.check(&plan)?;
            }
            if written.is_empty() {
                written = columns;
            }
            Box::new(source)
        }
    };
    let sink: Sink = match sink {
        SinkChoice::Callback(sink) => Box::new(sink),
        #[cfg(feature = "arrow")]
        SinkChoice::Arrow(sink) => Box::new(sink),
        SinkChoice::Url(url) => {
            parts::sink(&Ask { url: &url, columns: &written, cancel: &pipeline.cancel })?
        }
    };
    if let (Some(file), None) = (rejects, &job) {
        // What earlier runs of a job have rejected stays.
        file.set_len(0).map_err(Error::from)?;
    }
    let source = Source { input, plan: Arc::new(plan) };
    let latest = Arc::clone(&pipeline.latest);
    let cancel = pipeline.cancel.clone();
    let mut pipe = Pipeline::from(source).options(options).cancel_with(&pipeline.cancel);
    if let Some(name) = name {
        pipe = pipe.name(name);
    }
    if let Some(job) = job {
        pipe = pipe.resumable(job);
    }
    Ok(pipe
        .on_progress(move |now| {
            *latest.lock() = Some(*now);
            if let Some(progress) = &progress
                && !progress.goes_on(&ProgressView::of(now))
            {
                cancel.cancel();
            }
        })
        .transform(hand_on)
        .load_into(sink)
        .by_stretches(stretch::take))
}

/// Notes which columns of a source are read: those that are wanted, all of them if none is. Answers
/// them with the kind that each has.
fn read(
    plan: &mut Plan,
    known: &[Column],
    wanted: Vec<Column>,
    source: &str,
) -> Result<Vec<Column>> {
    let mut columns = if wanted.is_empty() { known.to_vec() } else { wanted };
    for column in &mut columns {
        let index = find(known, &column.from, source)?;
        if column.kind == Kind::Any {
            // Without a header there may be more columns than are known.
            column.kind = known.get(index).map_or(Kind::Text, |known| known.kind);
        }
        plan.inputs.push((index, column.kind));
    }
    Ok(columns)
}

/// The index of a column, named by its name or, after a `#`, by its index from 0.
fn find(known: &[Column], wanted: &str, source: &str) -> Result<usize> {
    let mut found = known.iter().enumerate().filter(|(_, column)| column.from == wanted);
    match (found.next(), found.next()) {
        (Some((index, _)), None) => return Ok(index),
        (Some(_), Some(_)) => {
            return Err(Error::config(format!(
                "column: several of {source} are called `{wanted}`: say which by its index, as #0"
            )));
        }
        (None, _) => {}
    }
    if let Some(index) = wanted.strip_prefix('#').and_then(|digits| digits.parse().ok())
        && (known.is_empty() || index < known.len())
    {
        return Ok(index);
    }
    let names: Vec<_> = known.iter().map(|column| column.from.as_str()).collect();
    #[cfg(feature = "connect")]
    let near = trommel_connect::nearest(wanted, names.iter().copied());
    #[cfg(not(feature = "connect"))]
    let near: Option<&str> = None;
    let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
    let names = names.join(", ");
    Err(Error::config(format!("column: no `{wanted}` in {source}; {near}columns are: {names}")))
}
