//! The kill campaign: a resumable load is killed (`SIGKILL`) in a named window or at a random
//! instant, run again, killed again, until it ends. What is there then must be what a run that
//! nobody killed leaves: the same rows, the same rejects, the same counts; and one run more must do
//! nothing.
//!
//! The process that is killed is this program once more ([`victim`]). It writes each window that it
//! dies in to a ledger, before it dies; the campaign counts only deaths that are in the ledger, and a
//! window that was not hit often enough is a failure. What a loss of power would have taken away can
//! be taken away after a kill ([`power`]); calls of the system can fail ([`faults`]). `TROMMEL_KILLS=300` asks for so many hits of
//! each window (`.ci/kills`), `TROMMEL_SEED` for other random instants.

mod campaign;
mod data;
mod destination;
mod faults;
mod input;
#[path = "../postgres_support/mod.rs"]
mod postgres_support;
mod power;
mod victim;
mod window;
mod witness;

use destination::Destination;
use libtest_mimic::{Arguments, Trial};

fn main() {
    if let Some(plan) = window::Plan::of_victim() {
        victim::run(plan);
        return;
    }
    let mut trials = Vec::new();
    for destination in Destination::all() {
        let mut runs: Vec<(&str, Run)> = Vec::new();
        for window in destination.windows() {
            runs.push((window, Box::new(move || campaign::in_window(destination, window))));
        }
        let random = move || campaign::at_random_instants(destination);
        runs.push(("random instants", Box::new(random)));
        if destination.is_on_disk() {
            runs.push(("power cut", Box::new(move || power::cut(destination))));
        }
        if !destination.stops().is_empty() {
            runs.push(("second runner", Box::new(move || campaign::second_runner(destination))));
        }
        for fault in faults::FAULTS.iter().filter(|fault| destination.meets(fault.name)) {
            runs.push((fault.name, Box::new(move || faults::met(destination, fault))));
        }
        if !destination.locks().0.is_empty() {
            runs.push(("locked out", Box::new(move || campaign::locked_out(destination))));
        }
        if destination.is_server() {
            // Some runners of tests start a process, here with a server, for each trial.
            let mut left = std::mem::take(&mut runs).into_iter();
            for name in ["part 1", "part 2", "part 3", "part 4", "part 5"] {
                let some: Vec<_> = left.by_ref().take(4).collect();
                if some.is_empty() {
                    break;
                }
                runs.push((name, Box::new(move || some.into_iter().for_each(|(_, run)| run()))));
            }
            assert_eq!(left.len(), 0, "more trials than five times four");
        }
        for (name, run) in runs {
            let name = name.replace([':', ',', '\''], "").replace(' ', "_");
            let run = move || {
                if destination.is_there() {
                    run();
                }
                Ok(())
            };
            trials.push(Trial::test(format!("{}::{name}", destination.name()), run));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

type Run = Box<dyn FnOnce() + Send>;
