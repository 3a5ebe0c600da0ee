//! Running jobs that do nothing: apalis-lease with each verdict durable before its slot is free, and
//! working ahead; graphile-worker plain and batched; apalis-postgres.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use apalis_core::backend::TaskSink;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_lease::{Config, JobContext, LeaseBackend};
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::stage::{Line, Stage, finish, run};

pub async fn measure(stage: &Stage, jobs: u32, peers: Option<&Path>) -> Result<()> {
    for (concurrency, ahead) in [(10, 0), (100, 0), (24, 0), (24, 500)] {
        ours(stage, jobs, concurrency, ahead).await?.print();
        if let (24, Some(peers)) = (concurrency, peers) {
            let how = if ahead == 0 { "plain" } else { "batched" };
            graphile(stage, jobs, how, peers).await?.print();
        }
    }
    for (batch, concurrency) in [(1, 10), (100, 100)] {
        let measured = apalis_postgres(stage, jobs / 10, batch, concurrency);
        match tokio::time::timeout(PEER_ENDS_WITHIN, measured).await {
            Ok(line) => line?.print(),
            Err(_) => eprintln!("left out: apalis-postgres has not done its jobs in two minutes"),
        }
    }
    Ok(())
}

/// Twenty times what it takes; once it stood still for good.
const PEER_ENDS_WITHIN: Duration = Duration::from_mins(2);

/// When the first handler began, and how many have.
#[derive(Default)]
struct Begun {
    count: AtomicU32,
    first: std::sync::OnceLock<Instant>,
    all: Notify,
}

impl Begun {
    fn one(&self, of: u32) {
        self.first.get_or_init(Instant::now);
        if self.count.fetch_add(1, Ordering::AcqRel) + 1 == of {
            self.all.notify_one();
        }
    }
}

pub async fn ours(stage: &Stage, jobs: u32, concurrency: usize, ahead: usize) -> Result<Line> {
    stage.sweep().await?;
    sqlx::query(
        "insert into apalis_lease.jobs (queue, max_attempts, payload)
         select 'letters', 10, '{}' from generate_series(1, $1)",
    )
    .bind(i64::from(jobs))
    .execute(&stage.pool)
    .await?;
    run(&stage.pool, "vacuum analyze apalis_lease.jobs").await?;
    let begun = Arc::new(Begun::default());
    let (seen, context) = (Arc::clone(&begun), WorkerContext::new("bench"));
    let config = Config::new("letters", "bench").concurrency(concurrency).ahead(ahead);
    let worker = WorkerBuilder::new(&context)
        .backend(LeaseBackend::new(&stage.pool, config))
        .build(move |_: serde_json::Value, _: JobContext| {
            seen.one(jobs);
            async {}
        });
    let watch = stage.watch();
    let mut running = JoinSet::new();
    running.spawn(worker.run());
    begun.all.notified().await;
    while !apalis_lease::depth(&stage.pool, "letters").await?.is_drained() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let elapsed = begun.first.get().context("none began")?.elapsed();
    let what = if ahead == 0 { String::new() } else { format!(", {ahead} ahead") };
    let line = watch.line(
        format!("no-op, concurrency {concurrency}{what}, apalis-lease"),
        f64::from(jobs),
        Some(elapsed),
    );
    finish(&context, running).await?;
    Ok(line)
}

#[derive(Deserialize)]
struct Told {
    jobs: u32,
    seconds: f64,
    cpu_s: f64,
}

async fn graphile(stage: &Stage, jobs: u32, how: &str, peers: &Path) -> Result<Line> {
    let watch = stage.watch();
    let output = Command::new("node")
        .current_dir(peers)
        .arg("graphile.mjs")
        .args([stage.url.as_str(), &jobs.to_string(), how])
        .output()
        .await
        .context("node")?;
    if !output.status.success() {
        bail!("graphile-worker: {}", String::from_utf8_lossy(&output.stderr));
    }
    let told: Told = serde_json::from_slice(&output.stdout)?;
    let elapsed = Duration::from_secs_f64(told.seconds);
    let case = format!("no-op, concurrency 24, {how}, graphile-worker");
    let mut line = watch.line(case, f64::from(told.jobs), Some(elapsed));
    line.client_us = Some(crate::stage::round(told.cpu_s * 1e6 / f64::from(told.jobs)));
    // Postgres wrote the jobs in the same time, so its share is not known.
    line.pg_us = None;
    Ok(line)
}

async fn apalis_postgres(
    stage: &Stage,
    jobs: u32,
    batch: usize,
    concurrency: usize,
) -> Result<Line> {
    use apalis::layers::WorkerBuilderExt;
    use apalis_postgres::PostgresStorage;
    PostgresStorage::setup(&stage.pool).await?;
    run(&stage.pool, "delete from apalis.jobs").await?;
    let config = apalis_postgres::Config::default().queue("noop").batch_size(batch);
    let mut storage = PostgresStorage::<serde_json::Value>::new(&stage.pool).with_config(config);
    storage.push_bulk(vec![json!({}); usize::try_from(jobs)?]).await?;
    let begun = Arc::new(Begun::default());
    let (seen, context) = (Arc::clone(&begun), WorkerContext::new("bench"));
    let worker = WorkerBuilder::new(&context).backend(storage).concurrency(concurrency).build(
        move |_: serde_json::Value| {
            seen.one(jobs);
            async {}
        },
    );
    let watch = stage.watch();
    let mut running = JoinSet::new();
    running.spawn(worker.run());
    begun.all.notified().await;
    let left = "select count(*) from apalis.jobs where status <> 'Done'";
    while sqlx::query_scalar::<_, i64>(left).fetch_one(&stage.pool).await? > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let elapsed = begun.first.get().context("none began")?.elapsed();
    let case = format!("no-op, concurrency {concurrency}, batch {batch}, apalis-postgres");
    let line = watch.line(case, f64::from(jobs), Some(elapsed));
    finish(&context, running).await?;
    Ok(line)
}
