//! What a simulator was asked, kept so that a test can count and inspect it, and the one way to
//! wait for something to have been asked. `Debug` shows neither headers, query nor body: they
//! hold tokens, numbers and pictures.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;

/// One request as it arrived.
pub struct Asked<R> {
    /// Which of the simulator's routes it named; `None` if the vendor has no such route here.
    pub route: Option<R>,
    /// Upper-case HTTP method.
    pub method: String,
    /// Path without the query, percent-encoded as sent.
    pub path: String,
    /// Query as sent, without the question mark; empty if there was none.
    pub query: String,
    /// Header names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// By the simulator's clock.
    pub at: DateTime<Utc>,
    pub(crate) answered: OnceLock<u16>,
}

impl<R> Asked<R> {
    /// First header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The token of `Authorization: Bearer …`.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The body as JSON, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The decoded query, pair by pair; `None` if its percent-encoding is broken.
    pub fn params(&self) -> Option<Vec<(String, String)>> {
        decode_form(self.query.as_bytes())
    }

    /// First value of that query parameter.
    pub fn param(&self, name: &str) -> Option<String> {
        self.params()?.into_iter().find(|(it, _)| it == name).map(|(_, value)| value)
    }

    /// The body as decoded form fields; `None` if its percent-encoding is broken.
    pub fn form(&self) -> Option<Vec<(String, String)>> {
        decode_form(&self.body)
    }

    /// The status that was answered; `None` while it runs, or if no head was sent.
    pub fn status(&self) -> Option<u16> {
        self.answered.get().copied()
    }
}

impl<R: fmt::Debug> fmt::Debug for Asked<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Asked");
        shown.field("route", &self.route).field("method", &self.method);
        shown.field("body_bytes", &self.body.len()).field("status", &self.status());
        shown.finish_non_exhaustive()
    }
}

/// Everything asked so far, oldest first.
pub(crate) struct Log<R> {
    entries: Mutex<Vec<Arc<Asked<R>>>>,
}

impl<R: Copy + Eq> Log<R> {
    pub(crate) fn empty() -> Self {
        Self { entries: Mutex::new(Vec::new()) }
    }

    pub(crate) fn note(&self, asked: Asked<R>) -> Arc<Asked<R>> {
        let asked = Arc::new(asked);
        self.entries().push(Arc::clone(&asked));
        asked
    }

    pub(crate) fn all(&self) -> Vec<Arc<Asked<R>>> {
        self.entries().clone()
    }

    pub(crate) fn on(&self, route: R) -> Vec<Arc<Asked<R>>> {
        self.entries().iter().filter(|it| it.route == Some(route)).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Arc<Asked<R>>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The condition did not come true before the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the awaited condition did not come true in time")
    }
}

impl std::error::Error for TimedOut {}

/// Returns as soon as `condition` holds (asked every few milliseconds), or [`TimedOut`] when it
/// still does not hold after `within`. Needs a tokio runtime with its timer.
pub async fn wait_until(
    within: Duration,
    mut condition: impl FnMut() -> bool,
) -> Result<(), TimedOut> {
    let deadline = Instant::now() + within;
    while !condition() {
        if Instant::now() >= deadline {
            return Err(TimedOut);
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    Ok(())
}

/// Decodes `a=b&c=d` strictly: `+` is a space, a broken `%` sequence or non-UTF-8 is `None`.
pub(crate) fn decode_form(raw: &[u8]) -> Option<Vec<(String, String)>> {
    let pairs = raw.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            Some((name, value))
        })
        .collect()
}

fn decode(raw: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (pair, after) = tail.split_at_checked(2)?;
                bytes.extend(hex::decode(pair).ok()?);
                rest = after;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}
