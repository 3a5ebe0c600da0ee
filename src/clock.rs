//! What time it is: the machine's, or one that a test holds still. The only home of `Utc::now`.
//! Leases do not go by this clock but by Postgres's.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time to whoever is given it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Held(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `time` until [`Clock::advance`] moves it; its clones move with it.
    pub fn held_at(time: DateTime<Utc>) -> Self {
        Self(Source::Held(Arc::new(Mutex::new(time))))
    }

    /// The time, to the microsecond: Postgres keeps no more.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => whole_micros(system_now()),
            Source::Held(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a held clock on. The machine's clock is nobody's to move: then this does nothing.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Held(time) = &self.0 {
            *time.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one home of the machine's clock")]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

fn whole_micros(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_clock_moves_only_when_told_and_its_clones_with_it() {
        let start: DateTime<Utc> = "2026-11-23T10:00:00Z".parse().unwrap();
        let clock = Clock::held_at(start);
        let other = clock.clone();
        clock.advance(TimeDelta::hours(25));
        assert_eq!(other.now(), start + TimeDelta::hours(25));
    }
}
