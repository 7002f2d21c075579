//! Bad rows are kept, with their place and the reason, and the run goes on.
//!
//! `cargo run -p trommel --example dead_letters`

use std::sync::{Arc, Mutex};
use trommel::{
    Engine, Error, Options, OrReject, Pipeline, Reject, RejectPolicy, Result, sinks, sources,
};

fn main() -> Result<()> {
    let input = ["Gravel,12", "Sand,4", "Clay", "Silt,-3", "Chalk,many", "Peat,9"];

    // Any `FnMut(&Reject)` keeps rejects; so does a type of your own (`DeadLetter`), say a file.
    let letters = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&letters);
    let policy = RejectPolicy::dead_letter(
        move |reject: &Reject| {
            keep.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(reject.clone());
            Ok(())
        },
        100, // one more ends the run
    );

    let mut tonnes = sinks::collect();
    let report = Pipeline::from(sources::iter(input))
        .options(Options::builder().on_reject(policy).build()?)
        .try_map(|line| {
            let (name, tonnes) = line.split_once(',').or_reject("no comma")?;
            let tonnes: i32 =
                tonnes.parse().map_err(|error| Error::from(error).in_column("tonnes"))?;
            if tonnes < 0 {
                return Err(Error::row("less than nothing").in_column("tonnes"));
            }
            Ok((name.to_lowercase(), tonnes))
        })
        .load_into(&mut tonnes)
        .run(&Engine::new()?)?;

    println!("{report}");
    let letters = letters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for letter in letters.iter() {
        println!("  record {:?}, column {:?}: {}", letter.record, letter.column, letter.reason);
    }
    let records: Vec<_> = letters.iter().filter_map(|letter| letter.record).collect();
    assert_eq!(records, [2, 3, 4]);
    assert_eq!(tonnes.as_slice().len(), 3);
    Ok(())
}
