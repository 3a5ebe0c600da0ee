//! Transactions that were begun and left half-way. sqlx notes a transaction when Postgres has confirmed its
//! beginning: who gives up waiting before that leaves a connection with an open transaction behind, which
//! the next one would take for a fresh connection. What that one wrote without a transaction of its own
//! would not be committed, and its locks would stay. Such a connection is not lent again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A connection is given back at the moment at which its user gives up; all that are given back within
/// this time are closed, for which of them it is cannot be seen.
const LASTS: Duration = Duration::from_secs(1);

/// When somebody last gave up.
#[derive(Debug, Default)]
pub(super) struct Doubt(Mutex<Option<Instant>>);

impl Doubt {
    /// Watches over a transaction that is being begun.
    pub(super) fn watch(&self) -> Watch<'_> {
        Watch { doubt: self, is_over: false }
    }

    /// Whether a connection that is given back now may be lent again.
    pub(super) fn is_gone(&self) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|it| it.elapsed() > LASTS)
    }
}

/// Raises doubt when it is dropped before [`Watch::end`].
pub(super) struct Watch<'a> {
    doubt: &'a Doubt,
    is_over: bool,
}

impl Watch<'_> {
    /// Postgres has answered, one way or the other.
    pub(super) fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let now = Some(Instant::now());
            *self.doubt.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
    }
}
