//! What a worker does besides its jobs, now and then: it removes, counts, looks for what is late and for
//! numbers that wait. Every worker does so; where one is enough, Postgres lets one at a time.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::pipeline::worker::{Ask, Deps, late, pauses};
use crate::queue::Queue;
use crate::store::StoreError;

/// How often what has outlived its use is removed.
const TIDY_EVERY: Duration = Duration::from_hours(1);

/// How often it is looked whether a number is paused, and every so many looks Meta is asked about it:
/// each half minute.
const LOOK_AT_PAUSES_EVERY: Duration = Duration::from_secs(5);
const ASK_META_EVERY: u64 = 6;

/// How often what has ended is counted for the `ops` views.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// How often photos that take long are looked for.
const LOOK_FOR_LATE_EVERY: Duration = Duration::from_secs(5);

/// Does the store's chores now and then, until `stop` is cancelled.
pub async fn keep_tidy(deps: &Deps, stop: CancellationToken) {
    let mut due = tokio::time::interval(TIDY_EVERY);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        let chores = deps.store.tidy(&deps.wishes.retention, deps.clock.now());
        if let Some(Err(error)) = stop.run_until_cancelled(chores).await {
            warn!(%error, "chores were not done; they are tried again in an hour");
        }
    }
}

/// Counts for the `ops` views what has ended, and looks at the queues for `/metrics`, until `stop` is
/// cancelled.
pub async fn keep_counting(deps: &Deps, seen: &apalis_lease::Metrics, stop: CancellationToken) {
    let mut due = tokio::time::interval(COUNT_EVERY);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        // Not cut short: what is being written down would be forgotten.
        let written = deps.timings.write_down(&deps.store).await;
        let counting = async {
            written?;
            deps.store.roll_up().await?;
            look_at_queues(deps, seen).await
        };
        if let Some(Err(error)) = stop.run_until_cancelled(counting).await {
            warn!(%error, "what has ended was not counted; it is counted again");
        }
    }
}

/// What the queues hold and which numbers are paused, for `/metrics`.
async fn look_at_queues(deps: &Deps, seen: &apalis_lease::Metrics) -> Result<(), StoreError> {
    for queue in Queue::ALL {
        let depth = apalis_lease::depth(deps.store.pool(), queue.name()).await?;
        seen.observe(queue.name(), &depth);
    }
    let paused = deps.store.paused_numbers().await?.len();
    deps.metrics.paused_numbers.set(u64::try_from(paused).unwrap_or(u64::MAX));
    let now = u64::try_from(deps.clock.now().timestamp()).unwrap_or_default();
    deps.metrics.looked_at.set(now);
    Ok(())
}

/// Looks for photos that take long, until `stop` is cancelled.
pub async fn keep_telling_delays(deps: &Deps, stop: CancellationToken) {
    let mut due = tokio::time::interval(LOOK_FOR_LATE_EVERY);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        if let Some(Err(error)) = stop.run_until_cancelled(late::look_for_late(deps)).await {
            warn!(%error, "nobody was told of delays; they are looked for again");
        }
    }
}

/// Looks after paused numbers, until `stop` is cancelled. Meta is asked at the start, when there is
/// another token, and now and then.
pub async fn keep_looking_after_pauses(deps: &Deps, stop: CancellationToken, renewed: &Notify) {
    let mut due = tokio::time::interval(LOOK_AT_PAUSES_EVERY);
    let mut looked = 0_u64;
    loop {
        let ask = tokio::select! {
            () = stop.cancelled() => return,
            () = renewed.notified() => Ask::Meta,
            _ = due.tick() => {
                looked += 1;
                if looked % ASK_META_EVERY == 1 { Ask::Meta } else { Ask::Nobody }
            }
        };
        let looking = pauses::look_after_pauses(deps, ask);
        if let Some(Err(error)) = stop.run_until_cancelled(looking).await {
            warn!(%error, "paused numbers were not looked after; they are looked at again");
        }
    }
}
