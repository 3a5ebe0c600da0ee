//! Since when Postgres has answered us without a break. An echo that we wait for comes by way of
//! Postgres: while it was away, no echo could be heard, and the wait did not run.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// The time of the last break, or of our own beginning.
#[derive(Debug)]
pub struct Unbroken(Mutex<DateTime<Utc>>);

impl Unbroken {
    /// We begin at `now`.
    pub fn beginning(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now))
    }

    /// Postgres did not answer at `now`.
    pub fn broken(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Since when it has answered.
    pub fn since(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
