//! A run in the background: watched for a while, then cancelled.
//!
//! `cargo run -p trommel --example progress`

use std::thread;
use std::time::Duration;
use trommel::{Engine, ErrorKind, Options, Pipeline, Result, sinks, sources};

fn main() -> Result<()> {
    // Far more rows than anyone waits for.
    let run = Pipeline::from(sources::generate(1 << 40, |id| id))
        .options(Options::builder().grace(Duration::from_secs(1)).build()?)
        .map(|id| id.wrapping_mul(0x517c_c1b7_2722_0a95) % 1_000)
        .load_into(sinks::count())
        .start(&Engine::new()?)?;

    let mut seen = 0;
    while seen < 3 {
        thread::sleep(Duration::from_millis(100));
        if let Some(progress) = run.progress() {
            seen += 1;
            println!(
                "{} rows, {:.0} rows/s, workers {:.0} % busy",
                progress.rows,
                progress.rows_per_second,
                progress.transform.busy * 100.0
            );
        }
    }
    run.cancel();
    let error = run.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    if let Some(report) = error.report() {
        println!("{report}");
        // What was in flight has been finished within the grace period.
        assert_eq!(report.counts.loaded, report.counts.read);
    }
    Ok(())
}
