//! What a claim and an idle poll read among many jobs that are none of their business, and what an
//! old snapshot does to claims.

use std::time::Duration;

use anyhow::Result;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_lease::{Config, JobContext, LeaseBackend, NewJob, enqueue};
use tokio::task::JoinSet;

use crate::stage::{Line, Stage, finish, round, run};
use crate::work;

const CLAIM: &str = "with due as%";
const IDLE_POLL: &str = "select (extract%";

pub async fn measure(stage: &Stage, rows: u32) -> Result<()> {
    let kinds = [
        ("finished", "insert into apalis_lease.done_jobs
             (id, queue, priority, run_at, attempt, max_attempts, run, payload, created_at, done_at)
         select -n, 'letters', 1, now(), 1, 3, 1, '1', now(), now() from generate_series(1, $1) as n"),
        ("deferred", "insert into apalis_lease.jobs (queue, priority, run_at, max_attempts, payload)
         select 'letters', n % 3, now() + interval '1 day' + n * interval '1 ms', 3, '1'
         from generate_series(1, $1) as n"),
        ("paused", "insert into apalis_lease.jobs (queue, max_attempts, payload, group_key, state)
         select 'letters', 3, '1', 'paused', 'paused' from generate_series(1, $1)"),
        ("pending", "insert into apalis_lease.jobs (queue, max_attempts, payload)
         select 'letters', 3, '1' from generate_series(1, $1)"),
    ];
    for (kind, fill) in kinds {
        stage.sweep().await?;
        sqlx::query(fill).bind(i64::from(rows)).execute(&stage.pool).await?;
        run(&stage.pool, "vacuum analyze apalis_lease.jobs; select pg_stat_statements_reset()")
            .await?;
        some_claims(stage, kind == "pending").await?;
        for (what, like) in [("claim", CLAIM), ("idle poll", IDLE_POLL)] {
            if let Some((blocks, _)) = each(stage, like).await? {
                let mut line = Line::new(format!("{what}, {rows} {kind} rows, apalis-lease"));
                line.blocks = Some(blocks);
                line.print();
            }
        }
    }
    Ok(())
}

/// A worker that claims one job at a time and polls in vain for a second or two.
async fn some_claims(stage: &Stage, pending: bool) -> Result<()> {
    let context = WorkerContext::new("bench");
    let config = Config::new("letters", "bench").poll(Duration::from_millis(10));
    let worker = WorkerBuilder::new(&context)
        .backend(LeaseBackend::new(&stage.pool, config))
        .build(|_: serde_json::Value, _: JobContext| async {});
    let mut running = JoinSet::new();
    running.spawn(worker.run());
    for number in 0..100 {
        tokio::time::sleep(Duration::from_millis(15)).await;
        if !pending {
            let mut connection = stage.pool.acquire().await?;
            enqueue(&mut connection, &NewJob::new("letters", number)).await?;
        }
    }
    finish(&context, running).await?;
    Ok(())
}

/// Blocks and milliseconds of one call of a statement.
async fn each(stage: &Stage, like: &str) -> Result<Option<(f64, f64)>> {
    let sums: Option<(f64, f64, f64)> = sqlx::query_as(
        "select sum(shared_blks_hit + shared_blks_read)::float8, sum(total_exec_time),
             sum(calls)::float8
         from pg_stat_statements where ltrim(query, E'\\n ') like $1 having sum(calls) > 0",
    )
    .bind(like)
    .fetch_optional(&stage.pool)
    .await?;
    Ok(sums.map(|(blocks, ms, calls)| (round(blocks / calls), round(ms / calls))))
}

/// Twenty thousand jobs under a snapshot that lets no dead row be removed.
pub async fn under_an_old_snapshot(stage: &Stage, jobs: u32) -> Result<()> {
    for held in [false, true] {
        let mut old = stage.pool.begin().await?;
        if held {
            let begin = sqlx::query("set transaction isolation level repeatable read");
            begin.execute(&mut *old).await?;
            sqlx::query("select 1").execute(&mut *old).await?;
        }
        run(&stage.pool, "select pg_stat_statements_reset()").await?;
        let mut line = work::ours(stage, jobs, 24, 0).await?;
        let what = if held { "under an old snapshot" } else { "without an old snapshot" };
        line.case = format!("{}, {what}", line.case);
        if let Some((blocks, ms)) = each(stage, CLAIM).await? {
            (line.blocks, line.p50_ms) = (Some(blocks), None);
            line.case = format!("{}, a claim takes {ms} ms on the average", line.case);
        }
        line.print();
        old.rollback().await?;
    }
    Ok(())
}
