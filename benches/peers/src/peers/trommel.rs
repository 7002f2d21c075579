//! Trommel, on an engine that stays.

use trommel::{Engine, Pipeline, Result, sinks, sources};
use trommel_bench::origin::{InArena, Tally, boxed, generator, update};

use super::Peer;
use crate::job::{Form, threads, wide_line};

pub(crate) struct Trommel {
    engine: Engine,
}

impl Trommel {
    pub(crate) fn new() -> Self {
        let engine = Engine::builder().workers(threads()).build();
        Trommel { engine: engine.expect("the engine's threads start") }
    }

    fn boxed(&self, rows: u64) -> Result<Tally> {
        let mut lines = sinks::fold(
            Tally::default,
            |tally: &mut Tally, line: Box<str>| tally.add(&line),
            Tally::merge,
        );
        Pipeline::from(sources::generate(rows, |id| generator().record(id)))
            .map(boxed)
            .load_into(&mut lines)
            .run(&self.engine)?;
        Ok(lines.into_value())
    }

    fn arena(&self, rows: u64) -> Result<Tally> {
        let mut lines = sinks::fold(
            Tally::default,
            |tally: &mut Tally, line: &str| tally.add(line),
            Tally::merge,
        );
        Pipeline::from(sources::generate_in(rows, InArena))
            .transform(|mut user, out| {
                update(&mut user);
                let line = out
                    .text()
                    .int(user.id())
                    .char('|')
                    .str(user.username())
                    .char('|')
                    .int(user.activity_score())
                    .finish();
                out.emit(line)
            })
            .load_into(&mut lines)
            .run(&self.engine)?;
        Ok(lines.into_value())
    }

    fn wide(&self, rows: u64) -> Result<Tally> {
        let mut lines = sinks::fold(
            Tally::default,
            |tally: &mut Tally, line: Box<str>| tally.add(&line),
            Tally::merge,
        );
        Pipeline::from(sources::generate(rows, |id| generator().wide(id)))
            .map(|wide| wide_line(&wide))
            .load_into(&mut lines)
            .run(&self.engine)?;
        Ok(lines.into_value())
    }
}

impl Peer for Trommel {
    fn name(&self) -> &'static str {
        "trommel"
    }

    fn does(&self, _form: Form) -> bool {
        true
    }

    fn run(&mut self, form: Form, rows: u64) -> Tally {
        match form {
            Form::Boxed => self.boxed(rows),
            Form::Arena => self.arena(rows),
            Form::Wide => self.wide(rows),
        }
        .expect("the job has no bad rows")
    }
}
