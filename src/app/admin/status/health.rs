//! How the service is: steps, workers, what is stuck and what failed. Reads the `ops` views only.

use serde_json::{Value, json};

use super::{table, time};
use crate::store::health::{Failure, StepHour, StuckJob, WorkerRow};
use crate::store::{Store, StoreError};

/// The views that tell of all messages together.
pub struct Health {
    steps: Vec<StepHour>,
    workers: Vec<WorkerRow>,
    stuck: Vec<StuckJob>,
    failures: Vec<Failure>,
}

impl Health {
    /// Asks the views; `limit` jobs and reasons at most.
    pub async fn of(store: &Store, limit: i64) -> Result<Self, StoreError> {
        Ok(Self {
            steps: store.steps_of_the_hour().await?,
            workers: store.workers().await?,
            stuck: store.stuck_jobs(limit).await?,
            failures: store.failures(limit).await?,
        })
    }

    /// Tables for a terminal.
    pub fn text(&self) -> String {
        let mut text = String::from("\nops.steps (the last hour; times in ms)\n");
        let head = ["step", "done", "failed", "put_off", "p50_ms", "p95_ms", "wait_p95_ms"];
        text.push_str(&table(&head, self.steps.iter().map(step_cells)));
        text.push_str("\nops.workers\n");
        let head = ["worker", "queue", "state", "slots", "holds", "heartbeat_age_s"];
        text.push_str(&table(&head, self.workers.iter().map(worker_cells)));
        text.push_str("\nops.stuck_jobs (the longest first)\n");
        let head = ["job", "message", "attempts", "since", "reason"];
        text.push_str(&table(&head, self.stuck.iter().map(stuck_cells)));
        text.push_str("\nops.failures (of 24 hours, the last first)\n");
        let head = ["step", "count", "last_at", "outcome", "reason"];
        text.push_str(&table(&head, self.failures.iter().map(failure_cells)));
        text
    }

    /// The same for scripts, by view.
    pub fn json(&self) -> [(&'static str, Value); 4] {
        [
            ("steps", self.steps.iter().map(step_json).collect()),
            ("workers", self.workers.iter().map(worker_json).collect()),
            ("stuck_jobs", self.stuck.iter().map(stuck_json).collect()),
            ("failures", self.failures.iter().map(failure_json).collect()),
        ]
    }
}

fn step_cells(it: &StepHour) -> Vec<String> {
    let ms = |it: Option<f64>| it.map_or_else(|| "–".to_owned(), |it| format!("{it:.1}"));
    vec![
        it.step.clone(),
        it.done.to_string(),
        it.failed.to_string(),
        it.put_off.to_string(),
        ms(it.p50_ms),
        ms(it.p95_ms),
        ms(it.wait_p95_ms),
    ]
}

fn worker_cells(it: &WorkerRow) -> Vec<String> {
    vec![
        it.worker.clone(),
        it.queue.clone(),
        it.state.clone(),
        it.slots.to_string(),
        it.holds.to_string(),
        format!("{:.1}", it.heartbeat_age_s),
    ]
}

fn stuck_cells(it: &StuckJob) -> Vec<String> {
    vec![
        it.job.to_string(),
        it.message.map_or_else(String::new, |it| it.to_string()),
        it.attempts.to_string(),
        time(it.since),
        it.reason.clone(),
    ]
}

fn failure_cells(it: &Failure) -> Vec<String> {
    vec![
        it.step.clone(),
        it.count.to_string(),
        time(it.last_at),
        it.outcome.clone(),
        it.reason.clone(),
    ]
}

fn step_json(it: &StepHour) -> Value {
    json!({
        "step": it.step, "done": it.done, "failed": it.failed, "put_off": it.put_off,
        "p50_ms": it.p50_ms, "p95_ms": it.p95_ms, "wait_p95_ms": it.wait_p95_ms,
    })
}

fn worker_json(it: &WorkerRow) -> Value {
    json!({
        "worker": it.worker, "queue": it.queue, "state": it.state, "slots": it.slots,
        "holds": it.holds, "heartbeat_age_s": it.heartbeat_age_s,
    })
}

fn stuck_json(it: &StuckJob) -> Value {
    json!({
        "job": it.job, "message": it.message, "attempts": it.attempts, "since": it.since,
        "reason": it.reason,
    })
}

fn failure_json(it: &Failure) -> Value {
    json!({
        "step": it.step, "count": it.count, "last_at": it.last_at, "outcome": it.outcome,
        "reason": it.reason,
    })
}
