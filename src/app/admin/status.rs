//! `paragon status`: the `ops` views in a terminal. Reads only.

mod health;

use std::io::Write;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use self::health::Health;
use super::migrate::open;
use crate::app::Failure;
use crate::settings::AdminSettings;
use crate::store::views::{DeadJob, MessageRow, QueueDepth};
use crate::store::{Store, StoreError};

/// How many messages and dead jobs are shown.
#[derive(Args)]
#[command(after_help = "Example: paragon status --limit 50 --json | jq '.queue_depth'")]
pub struct Arguments {
    /// Show so many messages, jobs and reasons at most.
    #[arg(long, default_value_t = 10)]
    limit: i64,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// The way of messages: what waits, how far the newest have come, what gave up.
pub struct Status {
    queues: Vec<QueueDepth>,
    messages: Vec<MessageRow>,
    dead: Vec<DeadJob>,
}

/// Prints the views.
pub async fn run(settings: &AdminSettings, arguments: &Arguments) -> Result<(), Failure> {
    let store = open(settings)?;
    let status = Status::of(&store, arguments.limit).await?;
    let health = answered(Health::of(&store, arguments.limit).await)?;
    let text = if arguments.json {
        format!("{:#}\n", status.json(health.json()))
    } else {
        status.text() + &health.text()
    };
    store.close().await;
    print(&text).map_err(anyhow::Error::from)?;
    Ok(())
}

/// To standard output. Whoever reads it may stop when they have seen enough (`| head`).
pub fn print(text: &str) -> std::io::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

impl Status {
    /// Asks the views.
    pub async fn of(store: &Store, limit: i64) -> anyhow::Result<Self> {
        let ask = async {
            Ok(Self {
                queues: store.queue_depth().await?,
                messages: store.newest_messages(limit).await?,
                dead: store.dead_jobs(limit).await?,
            })
        };
        answered(ask.await)
    }

    /// Tables for a terminal.
    pub fn text(&self) -> String {
        let mut text = String::from("ops.queue_depth\n");
        let queues = self.queues.iter().map(|it| {
            let numbers = [it.ready, it.deferred, it.running, it.dead].map(|it| it.to_string());
            let [ready, deferred, running, dead] = numbers;
            vec![
                it.queue.clone(),
                ready,
                deferred,
                running,
                dead,
                format!("{:.1}", it.oldest_ready_s),
            ]
        });
        let head = ["queue", "ready", "deferred", "running", "dead", "oldest_ready_s"];
        text.push_str(&table(&head, queues));
        text.push_str("\nops.messages (newest first)\n");
        let head = [
            "id",
            "kind",
            "state",
            "received",
            "read",
            "matched",
            "booked",
            "replied",
            "delivered",
            "trace_id",
        ];
        text.push_str(&table(&head, self.messages.iter().map(message_cells)));
        text.push_str("\nops.dead_jobs (newest first)\n");
        let dead = self.dead.iter().map(|it| {
            let message = it.message.map_or_else(String::new, |it| it.to_string());
            vec![
                it.job.to_string(),
                message,
                it.attempts.to_string(),
                time(it.since),
                it.reason.clone(),
            ]
        });
        text.push_str(&table(&["job", "message", "attempts", "since", "reason"], dead));
        text
    }

    fn json(&self, health: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let queues: Vec<_> = self.queues.iter().map(queue_json).collect();
        let messages: Vec<_> = self.messages.iter().map(message_json).collect();
        let dead: Vec<_> = self.dead.iter().map(dead_json).collect();
        let ours = [("queue_depth", queues), ("messages", messages), ("dead_jobs", dead)];
        let ours = ours.map(|(view, rows)| (view, Value::from(rows)));
        ours.into_iter().chain(health).map(|(view, rows)| (view.to_owned(), rows)).collect()
    }
}

/// What the views say, or what to do when they say nothing.
fn answered<T>(asked: Result<T, StoreError>) -> anyhow::Result<T> {
    asked.context("the views do not answer; is DATABASE_URL right, and was `paragon migrate` run?")
}

fn queue_json(it: &QueueDepth) -> Value {
    json!({
        "queue": it.queue, "ready": it.ready, "deferred": it.deferred, "running": it.running,
        "dead": it.dead, "oldest_ready_s": it.oldest_ready_s,
    })
}

fn message_json(it: &MessageRow) -> Value {
    json!({
        "id": it.id, "kind": it.kind, "state": it.state, "received_at": it.received_at,
        "accepted_at": it.accepted_at, "read_at": it.read_at, "matched_at": it.matched_at,
        "booked_at": it.booked_at, "replied_at": it.replied_at, "delivered_at": it.delivered_at,
        "trace_id": it.trace_id,
    })
}

fn dead_json(it: &DeadJob) -> Value {
    json!({
        "job": it.job, "message": it.message, "attempts": it.attempts, "reason": it.reason,
        "since": it.since,
    })
}

/// A message's line: when it was received, and how long after that each step was done.
fn message_cells(it: &MessageRow) -> Vec<String> {
    let after = |at: Option<DateTime<Utc>>| {
        at.map_or_else(
            || "–".to_owned(),
            |at| format!("+{} ms", (at - it.received_at).num_milliseconds()),
        )
    };
    vec![
        it.id.to_string(),
        it.kind.clone(),
        it.state.clone(),
        time(it.received_at),
        after(it.read_at),
        after(it.matched_at),
        after(it.booked_at),
        after(it.replied_at),
        after(it.delivered_at),
        it.trace_id.clone().unwrap_or_default(),
    ]
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Columns as wide as their widest cell.
pub fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![head.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows);
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|it| it.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let row = cells.collect::<Vec<_>>().join("  ");
        text.push_str("  ");
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}
