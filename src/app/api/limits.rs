//! How often a key may ask: so many requests in each minute, counted by this process. Forgets minutes
//! that are over.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::store::api_keys::KeyId;

/// What is left of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Requests.
    pub requests: u32,
    /// Seconds until the next minute.
    pub seconds: u64,
}

#[derive(Debug, Default)]
struct Counted {
    minute: i64,
    requests: HashMap<KeyId, u32>,
}

/// Requests by key.
#[derive(Debug)]
pub struct Limits {
    /// Requests of one key in a minute.
    pub a_minute: u32,
    counted: Mutex<Counted>,
}

impl Limits {
    /// So many in a minute.
    pub fn of(a_minute: u32) -> Self {
        Self { a_minute, counted: Mutex::default() }
    }

    /// Counts a request. What is left after it; an error when it is one too many.
    pub fn take(&self, key: KeyId, now: DateTime<Utc>) -> Result<Left, Left> {
        let (minute, second) = (now.timestamp().div_euclid(60), now.timestamp().rem_euclid(60));
        let seconds = 60_u64.saturating_sub(second.unsigned_abs());
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.minute != minute {
            *counted = Counted { minute, requests: HashMap::new() };
        }
        let requests = counted.requests.entry(key).or_default();
        if *requests >= self.a_minute {
            return Err(Left { requests: 0, seconds });
        }
        *requests += 1;
        Ok(Left { requests: self.a_minute - *requests, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_holds_so_many_requests_of_each_key_and_the_next_one_as_many_again() {
        let limits = Limits::of(600);
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-26T10:00:45Z");
        for left in (0..600).rev() {
            assert_eq!(limits.take(KeyId(1), now), Ok(Left { requests: left, seconds: 15 }));
        }
        assert_eq!(limits.take(KeyId(1), now), Err(Left { requests: 0, seconds: 15 }));
        assert!(limits.take(KeyId(2), now).is_ok());
        assert!(limits.take(KeyId(1), at("2026-11-26T10:01:00Z")).is_ok());
    }
}
