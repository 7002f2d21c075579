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
        for window in destination.windows() {
            let name = format!("{}::{}", destination.name(), window.replace([' ', ':', ','], "_"));
            let trial = move || Ok(campaign::in_window(destination, window));
            trials.push(Trial::test(name, trial));
        }
        let random = move || Ok(campaign::at_random_instants(destination));
        trials.push(Trial::test(format!("{}::random_instants", destination.name()), random));
        let zombie = move || Ok(campaign::second_runner(destination));
        trials.push(Trial::test(format!("{}::second_runner", destination.name()), zombie));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
