//! What the measures are taken on: one durable private Postgres, and the CPU time that both sides
//! spend. Measures nothing itself.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use apalis_core::error::WorkerError;
use apalis_core::worker::context::WorkerContext;
use private_postgres::{Cluster, Options};
use serde::Serialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinSet;

/// A Postgres with its own defaults for durability: fsync and `synchronous_commit` on.
pub struct Stage {
    pub cluster: Cluster,
    pub url: String,
    pub pool: PgPool,
}

impl Stage {
    pub async fn set() -> Result<Stage> {
        let settings = [
            ("shared_preload_libraries", "pg_stat_statements"),
            ("shared_buffers", "512MB"),
            ("max_wal_size", "4GB"),
            ("max_connections", "100"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let options = Options { durable: true, settings, ..Options::default() };
        let cluster = Cluster::start(options).await.context("no private Postgres")?;
        let url = cluster.create_database("bench").await?;
        let pool = PgPoolOptions::new().max_connections(40).connect(&url).await?;
        run(&pool, "create extension pg_stat_statements").await?;
        apalis_lease::migrate(&pool).await?;
        Ok(Stage { cluster, url, pool })
    }

    /// Empties the queue, and gives vacuum nothing to do meanwhile.
    pub async fn sweep(&self) -> Result<()> {
        run(
            &self.pool,
            "truncate apalis_lease.jobs, apalis_lease.done_jobs, apalis_lease.attempts,
                 apalis_lease.paused_groups, apalis_lease.resumptions;
             vacuum analyze apalis_lease.jobs",
        )
        .await
    }

    /// A program of the same Postgres.
    pub fn program(&self, name: &str) -> PathBuf {
        self.cluster.bin_dir().join(name)
    }

    /// Begins a measurement.
    pub fn watch(&self) -> Watch {
        let pid = self.cluster.pid();
        Watch { pid, began: Instant::now(), client: ours(), postgres: postgres(pid) }
    }
}

/// Stops a worker and waits for its end.
pub async fn finish(
    context: &WorkerContext,
    mut running: JoinSet<Result<(), WorkerError>>,
) -> Result<()> {
    context.stop()?;
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

/// Several statements, each on its own where one may not be in a transaction.
pub async fn run(pool: &PgPool, sql: &'static str) -> Result<()> {
    for statement in sql.split(';') {
        sqlx::raw_sql(statement).execute(pool).await?;
    }
    Ok(())
}

/// Time and CPU time since it was made.
pub struct Watch {
    pid: Option<u32>,
    began: Instant,
    client: Duration,
    postgres: Duration,
}

/// One line of the output.
#[derive(Debug, Serialize)]
pub struct Line {
    pub case: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_us: Option<f64>,
}

impl Line {
    pub fn new(case: impl Into<String>) -> Line {
        Line {
            case: case.into(),
            per_s: None,
            p50_ms: None,
            p95_ms: None,
            p99_ms: None,
            blocks: None,
            client_us: None,
            pg_us: None,
        }
    }

    pub fn percentiles(mut self, mut times: Vec<Duration>) -> Line {
        times.sort_unstable();
        let at = |hundredths: usize| {
            let place = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
            times.get(place).map(|it| round(it.as_secs_f64() * 1_000.0))
        };
        (self.p50_ms, self.p95_ms, self.p99_ms) = (at(50), at(95), at(99));
        self
    }

    pub fn print(&self) {
        println!("{}", serde_json::to_string(self).expect("numbers and names"));
    }
}

impl Watch {
    /// `count` things were done in `elapsed`, or in all the time since.
    pub fn line(&self, case: impl Into<String>, count: f64, elapsed: Option<Duration>) -> Line {
        let elapsed = elapsed.unwrap_or_else(|| self.began.elapsed());
        let each = |spent: Duration| round(spent.as_secs_f64() * 1e6 / count);
        let mut line = Line::new(case);
        line.per_s = Some(round(count / elapsed.as_secs_f64()));
        line.client_us = Some(each(ours().saturating_sub(self.client)));
        line.pg_us = Some(each(postgres(self.pid).saturating_sub(self.postgres)));
        line
    }
}

pub fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// CPU time of this process.
fn ours() -> Duration {
    ticks("self", &[13, 14])
}

/// CPU time of Postgres, of processes that have ended too.
fn postgres(postmaster: Option<u32>) -> Duration {
    let Some(postmaster) = postmaster else { return Duration::ZERO };
    let mut all = ticks(&postmaster.to_string(), &[13, 14, 15, 16]);
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.bytes().all(|it| it.is_ascii_digit()) && parent(&name) == Some(postmaster) {
            all += ticks(&name, &[13, 14]);
        }
    }
    all
}

fn fields(process: &str) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name is in parentheses and may hold spaces.
    let after = stat.rsplit_once(") ").map(|it| it.1.to_owned()).unwrap_or_default();
    after.split(' ').map(str::to_owned).collect()
}

fn parent(process: &str) -> Option<u32> {
    fields(process).get(1)?.parse().ok()
}

/// The sum of fields of `/proc/…/stat` counted from 0 as in proc(5), at 100 ticks a second.
fn ticks(process: &str, places: &[usize]) -> Duration {
    let fields = fields(process);
    let ticks: u64 = places.iter().filter_map(|it| fields.get(it - 2)?.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
