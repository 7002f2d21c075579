//! Pauses between attempts.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use trommel::Retry;

/// The pause before retry number `attempt` (from 0): doubling, and anything from half of that up,
/// so that many clients of one server don't come back together.
pub(crate) fn pause(retry: &Retry, attempt: u32) -> Duration {
    let longest = retry.initial.saturating_mul(1 << attempt.min(20)).min(retry.max);
    // Seeded anew by the standard library each time; no generator is worth a dependency here.
    let random = RandomState::new().build_hasher().finish() >> 40;
    longest.mul_f64(0.5 + random as f64 / f64::from(1 << 25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_most_and_varies() {
        let retry =
            Retry { attempts: 9, initial: Duration::from_millis(100), max: Duration::from_secs(1) };
        for (attempt, most) in [(0, 100), (1, 200), (3, 800), (4, 1000), (u32::MAX, 1000)] {
            let most = Duration::from_millis(most);
            for _ in 0..50 {
                let pause = pause(&retry, attempt);
                assert!(most / 2 <= pause && pause <= most, "{attempt}: {pause:?}");
            }
        }
    }
}
