//! Several pipelines on one pool, of which one fails.
//!
//! `cargo run -p trommel --example run_all`

use trommel::{Engine, Error, Pipeline, Result, Runnable, sinks, sources};

fn main() -> Result<()> {
    let engine = Engine::new()?;
    let job = |name: &str, rows: u64, bad: Option<u64>| {
        Pipeline::from(sources::generate(rows, |id| id))
            .name(name)
            .try_map(
                move |id| {
                    if Some(id) == bad { Err(Error::fatal("the belt tore")) } else { Ok(id) }
                },
            )
            .load_into(sinks::count())
    };
    let jobs: Vec<Box<dyn Runnable>> = vec![
        Box::new(job("sand", 50_000, None)),
        Box::new(job("gravel", 50_000, Some(30_000))),
        Box::new(job("clay", 20_000, None)),
    ];

    let results = engine.run_all(jobs, 2); // two at once
    for result in &results {
        match result {
            Ok(report) => println!("{report}"),
            Err(error) => println!("failed: {error}"),
        }
    }
    let failed: Vec<bool> = results.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, true, false]);
    Ok(())
}
