//! The process that is killed: one run of the job.

use crate::data::{self, BATCH, Item, Line, Twins};
use crate::destination::Destination;
use crate::window::{self, Plan};
use crate::witness::Witness;
use trommel::{
    Batch, Encode, Engine, Options, Pipeline, RejectPolicy, Result, RunReport, Sink, Source,
};
use trommel_connect::csv;

pub(crate) const JOB: &str = "kills";

/// Runs the job to its end, or to where the plan ends it. An error goes to stderr.
pub(crate) fn run(plan: Plan) {
    let destination = Destination::named(&plan.destination);
    let directory = plan.directory.clone();
    window::follow(plan);
    trommel_connect::testing::on_window(window::reach);
    window::note(&directory, "started");
    match destination.load() {
        Ok(report) => {
            let [now, before] = [report.counts, report.before].map(|counts| {
                assert!(counts.add_up() && counts.abandoned == 0, "{counts:?}");
                [counts.read, counts.loaded, counts.rejected, counts.filtered, counts.emitted]
            });
            let all: Vec<u64> = now.iter().zip(before).map(|(now, before)| now + before).collect();
            window::note(&directory, &format!("ended {} {all:?}", now[0]));
        }
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}

/// The pipeline, the same for every destination.
pub(crate) fn pipeline<K>(twins: Twins, sink: K) -> Result<RunReport>
where
    K: Sink + for<'a, 'b> Encode<&'a Item<'b>>,
{
    pipeline_in(BATCH, twins, sink)
}

/// The same in batches of so many rows.
pub(crate) fn pipeline_in<K>(batch: usize, twins: Twins, sink: K) -> Result<RunReport>
where
    K: Sink + for<'a, 'b> Encode<&'a Item<'b>>,
{
    pipeline_from(csv::Source::open("input.csv")?, batch, twins, |row| row.decode(), sink)
}

/// The same from another source.
pub(crate) fn pipeline_from<S, D, K>(
    source: S,
    batch: usize,
    twins: Twins,
    decode: D,
    sink: K,
) -> Result<RunReport>
where
    S: Source,
    D: for<'a> Fn(<S::Batch as Batch>::Row<'a>) -> Result<Line> + Sync,
    K: Sink + for<'a, 'b> Encode<&'a Item<'b>>,
{
    let options = Options::builder()
        .fixed_batch_size(batch)
        .on_reject(RejectPolicy::with_data(data::MANY_ROWS))
        .build()?;
    Pipeline::from(source)
        .options(options)
        .transform(|row, out| data::transform(&decode(row)?, twins, |item| out.emit(item)))
        .load_into(Witness(sink))
        .resumable(JOB)
        .run(&Engine::builder().workers(2).build()?)
}
