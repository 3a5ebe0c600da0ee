//! A turn for each call to somebody who counts all our workers' calls together. Waits holding
//! nothing but the job; a turn that is far off is not waited for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::StepError;
use crate::store::Store;

/// A turn further off than this is not reserved: the job comes back later, uncounted, and others
/// have its slot meanwhile.
const WAITED_FOR: Duration = Duration::from_secs(10);

/// The shared pace of one kind of call. Clones share what this process has reserved.
#[derive(Clone, Debug)]
pub struct Pace {
    name: Arc<str>,
    per_second: u32,
    waiting: Arc<AtomicU32>,
    turns: Arc<Mutex<VecDeque<Instant>>>,
}

impl Pace {
    /// At most `per_second` calls (at least one) of everybody who goes by `name`.
    pub fn new(name: &str, per_second: u32) -> Self {
        let (waiting, turns) = Default::default();
        Self { name: name.into(), per_second: per_second.max(1), waiting, turns }
    }

    /// Returns when it is this call's turn. One update in Postgres reserves the turns of all calls
    /// that wait here, up to a quarter of a second of them. [`StepError::OutOfTurn`] when the next
    /// free turn is more than 10 s off.
    pub async fn turn(&self, store: &Store) -> Result<(), StepError> {
        let turn = self.reserve(store, WAITED_FOR).await?;
        sleep_until(turn.ok_or(StepError::OutOfTurn(WAITED_FOR))?).await;
        Ok(())
    }

    /// The next free turn: it is the caller's, used or not. `None` when it is further off than
    /// `at_most`.
    pub async fn reserve(
        &self,
        store: &Store,
        at_most: Duration,
    ) -> Result<Option<Instant>, StepError> {
        let _waiting = Waiting::of(&self.waiting);
        let mut turns = self.turns.lock().await;
        if let Some(turn) = turns.pop_front() {
            return Ok(Some(turn));
        }
        // For all who wait; the first turn is given, the others are left for them.
        let quarter = (self.per_second / 4).max(1);
        let calls = self.waiting.load(Ordering::SeqCst).clamp(1, quarter);
        let reserved = store.reserve(&self.name, self.per_second, calls, at_most).await?;
        let Some(reserved) = reserved else { return Ok(None) };
        let first = Instant::now() + reserved.first;
        turns.extend((1..calls).map(|it| first + reserved.apart * it));
        Ok(Some(first))
    }

    /// Nobody has a turn before `rest` has passed, in any process, but for those already given.
    pub async fn rest(&self, store: &Store, rest: Duration) -> Result<(), StepError> {
        self.turns.lock().await.clear();
        Ok(store.rest_pace(&self.name, rest).await?)
    }
}

/// Counted as long as it lives: a job that is given up while it waits must not count for ever.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn of(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
