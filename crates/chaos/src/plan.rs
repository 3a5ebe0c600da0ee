//! Who is killed when, and when Postgres goes away or freezes. All from the seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// What happens to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// SIGKILL to one of the programs, which is started again so long after.
    Kill {
        /// Its place among the programs.
        program: usize,
        /// Until it is started again.
        back_after: Duration,
    },
    /// Postgres ends as when the power fails, and is started again so long after.
    StopPostgres(Duration),
    /// Every process of Postgres's is stopped by SIGSTOP for so long.
    FreezePostgres(Duration),
}

/// Events, each with its time after the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(pub Vec<(Duration, Event)>);

impl Plan {
    /// For so many programs and so long. Postgres goes away and freezes at least once each.
    pub fn of(seed: u64, programs: usize, over: Duration) -> Self {
        let mut dice = StdRng::seed_from_u64(seed ^ 0x914a);
        let mut events = Vec::new();
        let mut at = Duration::ZERO;
        loop {
            at += between(&mut dice, 2000, 6000);
            if at >= over {
                break;
            }
            let program = dice.random_range(0..programs);
            let back_after = between(&mut dice, 100, 1500);
            events.push((at, Event::Kill { program, back_after }));
        }
        let longest = u64::try_from(over.as_millis() / 5).unwrap_or(u64::MAX);
        let mut at = over.mul_f64(0.2).min(Duration::from_secs(20));
        for number in 0.. {
            if at >= over.mul_f64(0.9) {
                break;
            }
            let event = if number % 2 == 0 {
                Event::StopPostgres(between(&mut dice, 1000, 12_000.min(longest).max(1001)))
            } else {
                Event::FreezePostgres(between(&mut dice, 1000, 9_000.min(longest).max(1001)))
            };
            events.push((at, event));
            at += between(&mut dice, 30_000, 50_000).min(over.mul_f64(0.4));
        }
        events.sort_by_key(|(at, _)| *at);
        Self(events)
    }
}

fn between(dice: &mut StdRng, least_ms: u64, most_ms: u64) -> Duration {
    Duration::from_millis(dice.random_range(least_ms..most_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_plan_again_and_each_has_all_kinds_of_events() {
        for (seed, seconds) in [(1, 8), (2, 12), (3, 60), (4, 600)] {
            let over = Duration::from_secs(seconds);
            let plan = Plan::of(seed, 5, over);
            assert_eq!(plan, Plan::of(seed, 5, over));
            assert_ne!(plan, Plan::of(seed + 10, 5, over));
            let some = |is: fn(&Event) -> bool| plan.0.iter().any(|(_, it)| is(it));
            assert!(some(|it| matches!(it, Event::Kill { .. })), "{seconds}");
            assert!(some(|it| matches!(it, Event::StopPostgres(_))), "{seconds}");
            assert!(some(|it| matches!(it, Event::FreezePostgres(_))), "{seconds}");
        }
    }
}
