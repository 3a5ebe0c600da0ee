//! Our treaty with the queue: its names, what a job carries, and what a verdict becomes. The only
//! module that turns our words into the queue's. Jobs are written in the caller's transaction and
//! announced only after its commit.

use std::time::Duration;

use apalis_lease::{Backoff, Config, NewJob, Outcome, Priority, Waker};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::domain::event::Fate;
use crate::domain::ids::{MessageId, PhoneNumberId, ReminderId};
use crate::domain::retry::{Verdict, halted_for};
use crate::store::Tx;
use crate::store::events;
use crate::store::late::Late;

/// Tries of a job in all: quick ones first, then one an hour. They end before the 24-hour window
/// does, so that a job that gives up can still tell the sender.
const MAX_ATTEMPTS: u16 = 33;

/// Tries of telling a delay: after a few it is no news any more.
const DELAY_MAX_ATTEMPTS: u16 = 3;

/// How long a failed try waits: from a second, doubling, to an hour.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_hours(1) };

/// A job that takes longer hangs: its try is over. Our own work has a shorter limit, so that this
/// one is met only by what went wrong outside it.
const JOB_TIMEOUT: Duration = Duration::from_mins(5);

/// The queues, as `ops.queue_depth` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// A message on its way through stage 2.
    Messages,
    /// A photo to be read on this machine: slow, so it has slots of its own.
    LocalReading,
    /// A reminder that is to be sent.
    Reminders,
    /// An event that is to be delivered to the integrator. Its jobs are written by `store::events`.
    Events,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Messages, Self::LocalReading, Self::Reminders, Self::Events];

    /// Its name in Postgres.
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::LocalReading => "local_reading",
            Self::Reminders => "reminders",
            Self::Events => events::QUEUE,
        }
    }
}

/// What a job of either queue carries.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Job {
    message_id: i64,
    #[serde(default)]
    errand: Errand,
}

/// What is to be done about a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// Bring it as far as it can be brought.
    #[default]
    Process,
    /// Tell its sender that it takes longer.
    TellDelay,
}

impl Job {
    /// The message that it is about.
    pub fn message(self) -> MessageId {
        MessageId(self.message_id)
    }

    /// What is to be done about it.
    pub fn errand(self) -> Errand {
        self.errand
    }
}

/// What a job of the queue `reminders` carries.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ReminderJob {
    reminder_id: i64,
}

impl ReminderJob {
    /// Which reminder.
    pub fn reminder(self) -> ReminderId {
        ReminderId(self.reminder_id)
    }
}

/// A job to be written.
#[derive(Clone, Debug)]
pub struct Order {
    /// About which message.
    pub message: MessageId,
    /// The number that it was written to: its jobs are paused together.
    pub number: PhoneNumberId,
    /// Before others: a photo whose URL and id grow old.
    pub urgent: bool,
    /// The W3C trace context to go on with.
    pub trace_parent: Option<String>,
}

/// Writes one job for each of `orders`, in the caller's transaction. A local reading that is ordered
/// and not done is not ordered again.
pub async fn enqueue(
    tx: &mut Tx,
    queue: Queue,
    orders: &[Order],
) -> Result<(), apalis_lease::EnqueueError> {
    let jobs: Vec<NewJob<Job>> = orders.iter().map(|order| job(queue, order)).collect();
    apalis_lease::enqueue_all(tx, &jobs).await?;
    Ok(())
}

/// Writes one job for each of `late`, in the caller's transaction: its sender is to hear that it
/// takes longer. One that is ordered and not done is not ordered again.
pub async fn enqueue_delays(tx: &mut Tx, late: &[Late]) -> Result<(), apalis_lease::EnqueueError> {
    let job = |late: &Late| {
        let job = Job { message_id: late.message.0, errand: Errand::TellDelay };
        NewJob::new(Queue::Messages.name(), job)
            .priority(Priority::First)
            .max_attempts(DELAY_MAX_ATTEMPTS)
            .group(late.number.as_str())
            .key(format!("delay/{}", late.message))
            .trace_parent(late.trace_parent.clone())
    };
    let jobs: Vec<NewJob<Job>> = late.iter().map(job).collect();
    apalis_lease::enqueue_all(tx, &jobs).await?;
    Ok(())
}

/// Writes one job for each of `reminders`, in the caller's transaction; not to be done before `run_at`.
/// Each is paused with the number that it leaves from.
pub async fn enqueue_reminders(
    tx: &mut Tx,
    reminders: &[(ReminderId, PhoneNumberId)],
    run_at: Option<DateTime<Utc>>,
) -> Result<(), apalis_lease::EnqueueError> {
    if reminders.is_empty() {
        return Ok(());
    }
    let job = |(id, number): &(ReminderId, PhoneNumberId)| {
        let job = NewJob::new(Queue::Reminders.name(), ReminderJob { reminder_id: id.0 })
            .group(number.as_str())
            .max_attempts(MAX_ATTEMPTS);
        match run_at {
            Some(run_at) => job.run_at(run_at),
            None => job,
        }
    };
    let jobs: Vec<NewJob<ReminderJob>> = reminders.iter().map(job).collect();
    apalis_lease::enqueue_all(tx, &jobs).await?;
    Ok(())
}

fn job(queue: Queue, order: &Order) -> NewJob<Job> {
    let job = Job { message_id: order.message.0, errand: Errand::Process };
    let job = NewJob::new(queue.name(), job)
        .group(order.number.as_str())
        .priority(if order.urgent { Priority::First } else { Priority::Normal })
        .max_attempts(MAX_ATTEMPTS)
        .trace_parent(order.trace_parent.clone());
    match queue {
        // A message may be owed another run while one is running; the others have orders of their own.
        Queue::Messages | Queue::Reminders | Queue::Events => job,
        // A photo is read here once, however often that is ordered.
        Queue::LocalReading => job.key(order.message.to_string()),
    }
}

/// Tells the workers that there is work. Call it after the commit; it waits for nothing.
#[derive(Clone, Debug)]
pub struct Bell(Waker);

impl Bell {
    /// A bell over this Postgres.
    pub fn new(pool: &PgPool) -> Self {
        Self(Waker::new(pool))
    }

    /// Rings for `queue`.
    pub fn ring(&self, queue: Queue) {
        self.0.wake(queue.name());
    }
}

/// How a worker named `worker` takes jobs from `queue`, `concurrency` at once.
pub fn config(queue: Queue, worker: &str, concurrency: usize) -> Config {
    Config::new(queue.name(), worker).concurrency(concurrency).backoff(BACKOFF).timeout(JOB_TIMEOUT)
}

/// A failure of a job of this `age` as the queue understands it. `reason` is kept for the operator:
/// nothing personal.
pub fn outcome(verdict: Verdict, reason: &str, now: DateTime<Utc>, age: Duration) -> Outcome {
    let later = |wait| now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
    match verdict {
        Verdict::Retry => Outcome::retry(reason),
        Verdict::NotBefore(wait) => Outcome::not_before(later(wait), reason),
        Verdict::Halt => Outcome::not_before(later(halted_for(age)), reason),
        Verdict::PauseNumber => Outcome::halt(reason),
        Verdict::GiveUp => Outcome::give_up(reason),
    }
}

/// What becomes of a delivery that was not made, as the queue understands it.
pub fn delivery_outcome(fate: Fate, reason: &str, now: DateTime<Utc>) -> Outcome {
    match fate {
        Fate::Wait(wait) => {
            let at = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
            Outcome::not_before(at, reason)
        }
        Fate::Again(after) => Outcome::retry_after(after, reason),
        Fate::PauseEndpoint => Outcome::halt(reason),
        Fate::GiveUp => Outcome::give_up(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_try_comes_before_the_window_closes() {
        let tries = u32::from(MAX_ATTEMPTS);
        let longest: Duration = (1..tries).map(|failed| BACKOFF.delay(failed, 1.0)).sum();
        let shortest: Duration = (1..tries).map(|failed| BACKOFF.delay(failed, 0.0)).sum();
        assert!(longest < Duration::from_hours(22), "{longest:?}");
        assert!(shortest > Duration::from_hours(10), "{shortest:?}");
    }

    #[test]
    fn what_somebody_else_decides_is_not_counted_and_what_is_hopeless_ends() {
        let now: DateTime<Utc> = "2026-11-23T10:00:00Z".parse().unwrap();
        let at = |seconds| Outcome::not_before(now + TimeDelta::seconds(seconds), "why");
        let became = |verdict| outcome(verdict, "why", now, Duration::ZERO);
        assert_eq!(became(Verdict::NotBefore(Duration::from_secs(7))), at(7));
        assert_eq!(became(Verdict::Halt), at(60));
        assert_eq!(became(Verdict::GiveUp), Outcome::give_up("why"));
        assert_eq!(became(Verdict::Retry), Outcome::retry("why"));
    }
}
