//! When a message may leave: Meta counts what each number sends in a second, and what it sends to
//! one person. All workers share both counts. A moment is reserved once and kept by the caller:
//! nobody is refused a turn and asks again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Pace, StepError};
use crate::domain::ids::{PhoneNumberId, SenderId};
use crate::domain::retry::LONGEST_WAIT;
use crate::store::Store;

/// Faster than anything is sent: for operators who want no limit of ours. Rests that Meta asks for
/// are kept all the same.
const NO_LIMIT: u32 = 1_000_000;

/// The shared pace of all sends. Clones share what this process has reserved.
#[derive(Clone, Debug)]
pub struct SendPace {
    per_second: u32,
    numbers: Arc<Mutex<HashMap<PhoneNumberId, Pace>>>,
}

impl SendPace {
    /// At most `per_second` messages from each number; 0 is no limit.
    pub fn new(per_second: u32) -> Self {
        let per_second = if per_second == 0 { NO_LIMIT } else { per_second };
        Self { per_second, numbers: Arc::default() }
    }

    /// Reserves the moment of one message from `number` to `sender`, and says how far off it is.
    /// It is the caller's: to be waited for, or kept and come back to.
    pub async fn reserve(
        &self,
        store: &Store,
        number: &PhoneNumberId,
        sender: SenderId,
    ) -> Result<Duration, StepError> {
        let for_pair = store.reserve_pair(number, sender).await?;
        let turn = self.of(number).reserve(store, LONGEST_WAIT).await?;
        let turn = turn.ok_or(StepError::OutOfTurn(LONGEST_WAIT))?;
        Ok(for_pair.max(turn.saturating_duration_since(Instant::now())))
    }

    /// Meta wants less from `number`: nobody sends from it for `rest`.
    pub async fn rest(
        &self,
        store: &Store,
        number: &PhoneNumberId,
        rest: Duration,
    ) -> Result<(), StepError> {
        self.of(number).rest(store, rest).await
    }

    fn of(&self, number: &PhoneNumberId) -> Pace {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = || Pace::new(&format!("sends/{}", number.as_str()), self.per_second);
        numbers.entry(number.clone()).or_insert_with(pace).clone()
    }
}
