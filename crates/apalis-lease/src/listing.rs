//! apalis' listing traits over the tables: what `storage` shows. Reads only, and nothing that grows
//! with the number of finished jobs.

use apalis_core::backend::queue::Queue;
use apalis_core::backend::{
    FetchById, Filter, ListAllTasks, ListQueues, ListTasks, ListWorkers, Metrics, QueueInfo,
    RunningWorker, StatType, Statistic,
};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::status::Status;
use apalis_core::task::task_id::TaskId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;

use crate::context::tracing_context;
use crate::sql;
use crate::storage::{LeaseStorage, StorageError};

const STATES: [&str; 6] = ["waiting", "paused", "running", "dead", "done", "cancelled"];

/// A row of `apalis_lease.tasks`.
#[derive(sqlx::FromRow)]
struct TaskRow {
    id: i64,
    queue: String,
    state: String,
    key: Option<String>,
    priority: i16,
    run_at: DateTime<Utc>,
    attempt: i32,
    max_attempts: i32,
    payload: Value,
    trace_parent: Option<String>,
    worker: Option<String>,
    started_at: Option<DateTime<Utc>>,
    done_at: Option<DateTime<Utc>>,
}

impl From<TaskRow> for Task<Value> {
    fn from(row: TaskRow) -> Self {
        let count = |it: i32| usize::try_from(it).unwrap_or_default();
        let mut task = TaskBuilder::new(row.payload)
            .task_id(TaskId::from_int(row.id.unsigned_abs()))
            .status(status(&row.state))
            .attempt(count(row.attempt))
            .max_attempts(count(row.max_attempts))
            .priority(usize::try_from(row.priority).unwrap_or_default())
            .queue(Queue::from(row.queue.as_str()))
            .run_at_timestamp(seconds(row.run_at))
            .lock_at(row.started_at.map(seconds))
            .lock_by(row.worker)
            .done_at(row.done_at.map(seconds));
        if let Some(key) = row.key {
            task = task.idempotency_key(key);
        }
        if let Some(context) = row.trace_parent.as_deref().and_then(tracing_context) {
            task = task.metadata(&context);
        }
        task.build()
    }
}

fn seconds(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or_default()
}

/// apalis' word for a state. It has none for paused or cancelled.
fn status(state: &str) -> Status {
    match state {
        "running" => Status::Running,
        "dead" => Status::Failed,
        "done" => Status::Done,
        "cancelled" => Status::Killed,
        _ => Status::Pending,
    }
}

/// The states that apalis calls `status`; all of them for none.
fn states(wanted: Option<&Status>) -> Vec<&'static str> {
    STATES.into_iter().filter(|it| wanted.is_none_or(|wanted| status(it) == *wanted)).collect()
}

async fn list(
    pool: &PgPool,
    queue: Option<&str>,
    filter: &Filter,
) -> Result<Vec<Task<Value>>, StorageError> {
    // Pages count from 1; apalis subtracts without looking.
    let page = Filter { page: filter.page.max(1), ..filter.clone() };
    let rows: Vec<TaskRow> = sqlx::query_as(sql::LIST_TASKS)
        .bind(queue)
        .bind(states(filter.status.as_ref()))
        .bind(i64::from(page.limit()))
        .bind(i64::from(page.offset()))
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

impl ListTasks for LeaseStorage {
    async fn list_tasks(&self, filter: &Filter) -> Result<Vec<Task<Value>>, StorageError> {
        list(&self.pool, Some(&self.queue), filter).await
    }
}

impl ListAllTasks for LeaseStorage {
    async fn list_all_tasks(&self, filter: &Filter) -> Result<Vec<Task<Value>>, StorageError> {
        list(&self.pool, None, filter).await
    }
}

impl FetchById for LeaseStorage {
    async fn fetch_by_id(&mut self, id: &TaskId) -> Result<Option<Task<Value>>, StorageError> {
        // A task id that came out of a URL is text, whatever it was before.
        let Ok(id) = id.to_string().parse::<i64>() else {
            return Ok(None);
        };
        let row: Option<TaskRow> =
            sqlx::query_as(sql::FETCH_TASK).bind(id).fetch_optional(&self.pool).await?;
        Ok(row.map(Into::into))
    }
}

/// A row of [`sql::LIST_WORKERS`].
#[derive(sqlx::FromRow)]
struct WorkerRow {
    instance: i64,
    name: String,
    queue: String,
    started_at: DateTime<Utc>,
    heartbeat_at: DateTime<Utc>,
}

async fn workers(pool: &PgPool, queue: Option<&str>) -> Result<Vec<RunningWorker>, StorageError> {
    let rows: Vec<WorkerRow> =
        sqlx::query_as(sql::LIST_WORKERS).bind(queue).fetch_all(pool).await?;
    let workers = rows.into_iter().map(|row| RunningWorker {
        id: format!("{} {:x}", row.name, row.instance),
        queue: row.queue,
        backend: "apalis-lease".to_owned(),
        started_at: seconds(row.started_at),
        last_heartbeat: seconds(row.heartbeat_at),
        layers: String::new(),
    });
    Ok(workers.collect())
}

impl ListWorkers for LeaseStorage {
    async fn list_workers(&self) -> Result<Vec<RunningWorker>, StorageError> {
        workers(&self.pool, Some(&self.queue)).await
    }

    async fn list_all_workers(&self) -> Result<Vec<RunningWorker>, StorageError> {
        workers(&self.pool, None).await
    }
}

/// A row of [`sql::LIST_QUEUES`].
#[derive(sqlx::FromRow)]
struct QueueRow {
    queue: String,
    ready: i64,
    deferred: i64,
    paused: i64,
    running: i64,
    dead: i64,
    oldest_ready: Option<DateTime<Utc>>,
    workers: Vec<String>,
}

impl QueueRow {
    fn statistics(&self) -> Vec<Statistic> {
        let counts = [
            ("Ready", self.ready),
            ("Deferred", self.deferred),
            ("Paused", self.paused),
            ("Running", self.running),
            ("Dead", self.dead),
            ("Workers", i64::try_from(self.workers.len()).unwrap_or(i64::MAX)),
        ];
        let mut all: Vec<Statistic> = counts
            .into_iter()
            .map(|(title, count)| statistic(title, StatType::Number, count.to_string()))
            .collect();
        if let Some(since) = self.oldest_ready {
            let since = since.timestamp().to_string();
            all.push(statistic("Oldest ready since", StatType::Timestamp, since));
        }
        (1..).zip(&mut all).for_each(|(place, it)| it.priority = Some(place));
        all
    }
}

fn statistic(title: &str, stat_type: StatType, value: String) -> Statistic {
    Statistic { title: title.to_owned(), stat_type, value, priority: None }
}

async fn queues(pool: &PgPool) -> Result<Vec<QueueRow>, StorageError> {
    Ok(sqlx::query_as(sql::LIST_QUEUES).fetch_all(pool).await?)
}

impl ListQueues for LeaseStorage {
    async fn list_queues(&self) -> Result<Vec<QueueInfo>, StorageError> {
        let info = |row: QueueRow| QueueInfo {
            stats: row.statistics(),
            name: row.queue,
            workers: row.workers,
            activity: Vec::new(),
        };
        Ok(queues(&self.pool).await?.into_iter().map(info).collect())
    }
}

impl Metrics for LeaseStorage {
    async fn global(&self) -> Result<Vec<Statistic>, StorageError> {
        let all = queues(&self.pool).await?;
        let sum = |of: fn(&QueueRow) -> i64| all.iter().map(of).sum();
        let total = QueueRow {
            queue: String::new(),
            ready: sum(|it| it.ready),
            deferred: sum(|it| it.deferred),
            paused: sum(|it| it.paused),
            running: sum(|it| it.running),
            dead: sum(|it| it.dead),
            oldest_ready: all.iter().filter_map(|it| it.oldest_ready).min(),
            workers: all.iter().flat_map(|it| it.workers.clone()).collect(),
        };
        Ok(total.statistics())
    }

    async fn fetch_by_queue(&self) -> Result<Vec<Statistic>, StorageError> {
        let all = queues(&self.pool).await?;
        let ours = all.iter().find(|it| it.queue == self.queue);
        Ok(ours.map(QueueRow::statistics).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_status_and_is_found_by_it() {
        for state in STATES {
            assert!(states(Some(&status(state))).contains(&state), "{state}");
        }
        assert_eq!(states(None).len(), STATES.len());
    }
}
