//! The kill campaign: a resumable load is killed (`SIGKILL`) in a named window or at a random
//! instant, run again, killed again, until it ends. What is there then must be what a run that
//! nobody killed leaves: the same rows, the same rejects, the same counts; and one run more must do
//! nothing.
//!
//! The process that is killed is this program once more ([`victim`]). It writes each window that it
//! dies in to a ledger, before it dies; the campaign counts only deaths that are in the ledger, and a
//! window that was not hit often enough is a failure. `TROMMEL_KILLS=300` asks for so many hits of
//! each window (`.ci/kills`), `TROMMEL_SEED` for other random instants.

mod campaign;
mod data;
mod destination;
mod faults;
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
        let mut add = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let name = name.replace([':', ','], "").replace(' ', "_");
            let run = move || {
                run();
                Ok(())
            };
            trials.push(Trial::test(format!("{}::{name}", destination.name()), run));
        };
        for window in destination.windows() {
            add(window, Box::new(move || campaign::in_window(destination, window)));
        }
        add("random instants", Box::new(move || campaign::at_random_instants(destination)));
        if !destination.stops().is_empty() {
            add("second runner", Box::new(move || campaign::second_runner(destination)));
        }
        for fault in faults::FAULTS.iter().filter(|fault| destination.meets(fault.name)) {
            add(fault.name, Box::new(move || faults::met(destination, fault)));
        }
        if !destination.locks().0.is_empty() {
            add("locked out", Box::new(move || campaign::locked_out(destination)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
