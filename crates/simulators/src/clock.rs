//! A simulator's clock: the machine's own plus an offset that a test can add to, so that nobody
//! waits five minutes for a URL to expire. It runs on by itself and backwards only when set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Shared by all clones: advancing one advances all.
#[derive(Clone, Default)]
pub(crate) struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the simulators' one clock")]
    pub(crate) fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::milliseconds(self.ahead_ms.load(Ordering::SeqCst))
    }

    #[expect(clippy::disallowed_methods, reason = "the simulators' one clock")]
    pub(crate) fn set(&self, now: DateTime<Utc>) {
        self.ahead_ms.store((now - Utc::now()).num_milliseconds(), Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }
}
