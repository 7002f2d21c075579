//! Aggregates: each worker folds its own batches, the results are merged.
//!
//! `cargo run -p trommel --example fold`

use std::collections::BTreeMap;
use trommel::{Engine, Pipeline, Result, sinks, sources};

struct Load {
    material: &'static str,
    tonnes: u32,
}

/// Loads and tonnes.
type Totals = BTreeMap<&'static str, (u32, u32)>;

fn main() -> Result<()> {
    let loads: Vec<Load> = (0..100_000)
        .map(|id| Load { material: ["sand", "gravel", "clay"][id % 3], tonnes: 10 + id as u32 % 5 })
        .collect();

    let mut totals = sinks::fold(
        Totals::new,
        |totals: &mut Totals, load: &Load| {
            let (count, tonnes) = totals.entry(load.material).or_default();
            *count += 1;
            *tonnes += load.tonnes;
        },
        |totals, part| {
            for (material, (count, tonnes)) in part {
                let total = totals.entry(material).or_default();
                total.0 += count;
                total.1 += tonnes;
            }
        },
    );
    Pipeline::from(sources::slice(&loads)) // borrowed, never copied
        .filter(|load| load.material != "clay")
        .transform(|load, out| out.emit(load))
        .load_into(&mut totals)
        .run(&Engine::new()?)?;

    let totals = totals.into_value();
    for (material, (count, tonnes)) in &totals {
        println!("{material:>8}: {count} loads, {tonnes} t");
    }
    assert_eq!(totals.values().map(|(count, _)| count).sum::<u32>(), 66_667);
    Ok(())
}
