//! What Postgres reads for a claim and for an idle poll, when there are many jobs that are none of
//! its business. Counts blocks, which do not depend on the machine, and no time.

use std::time::Duration;

use apalis_lease::Outcome;

use crate::rig::{QUEUE, Rig, config, eventually, job};

/// Of each kind (deferred, paused, done, ready in another queue), unless `PARAGON_PAST` says how many.
const MANY: u32 = 100_000;
/// The bar: no claim and no look may read more.
const MOST: i64 = 25;

#[tokio::test]
async fn neither_a_claim_nor_an_idle_poll_walks_over_other_jobs() {
    let preload = ("shared_preload_libraries".to_owned(), "pg_stat_statements".to_owned());
    let rig = Rig::start_with(vec![preload]).await;
    let many =
        std::env::var_os("PARAGON_PAST").and_then(|it| it.to_str()?.parse().ok()).unwrap_or(MANY);
    rig.execute(format!(
        "create extension pg_stat_statements;
         insert into apalis_lease.jobs (queue, priority, run_at, max_attempts, payload)
         select '{QUEUE}', n % 3, now() + interval '1 day' + n * interval '1 ms', 3, '1'
         from generate_series(1, {many}) as n;
         insert into apalis_lease.jobs (queue, max_attempts, payload)
         select 'other', 3, '1' from generate_series(1, {many}) as n;
         insert into apalis_lease.jobs (queue, max_attempts, payload, group_key, state)
         select '{QUEUE}', 3, '1', 'paused', 'paused' from generate_series(1, {many}) as n;
         insert into apalis_lease.paused_groups values ('{QUEUE}', 'paused');
         insert into apalis_lease.done_jobs
             (id, queue, priority, run_at, attempt, max_attempts, run, payload, created_at, done_at)
         select -n, '{QUEUE}', 1, now(), 1, 3, 1, '1', now(), now()
         from generate_series(1, {many}) as n;
         select pg_stat_statements_reset();"
    ))
    .await;

    let poll = Duration::from_millis(10);
    let worker =
        rig.work(config().poll(poll).concurrency(10), |_, _| async { Ok(Outcome::Done) }).await;
    for number in 0..40 {
        let id = rig.announce(job(number)).await;
        rig.until_state(id, "done").await;
    }
    eventually("it has polled for nothing", async || calls(&rig, "select (extract%").await > 80)
        .await;
    worker.drain().await;

    let idle = blocks(&rig, "select (extract%").await;
    let claim = blocks(&rig, "with due as%").await;
    println!("blocks with {many} of each kind: idle poll {idle}, claim {claim}");
    assert!(idle <= MOST, "an idle poll reads {idle} blocks");
    assert!(claim <= MOST, "a claim reads {claim} blocks");
}

async fn calls(rig: &Rig, like: &str) -> i64 {
    sqlx::query_scalar(
        "select coalesce(sum(calls), 0)::bigint from pg_stat_statements where ltrim(query, E'\\n ') like $1",
    )
    .bind(like)
    .fetch_one(&rig.pool)
    .await
    .unwrap()
}

/// Blocks of one call, on the average and rounded up.
async fn blocks(rig: &Rig, like: &str) -> i64 {
    sqlx::query_scalar(
        "select ceil(sum(shared_blks_hit + shared_blks_read) / sum(calls))::bigint
         from pg_stat_statements where ltrim(query, E'\\n ') like $1",
    )
    .bind(like)
    .fetch_one(&rig.pool)
    .await
    .unwrap()
}
