//! What is kept of jobs that are over, and what the table refuses to hold.

use apalis_lease::Outcome;

use crate::rig::{Rig, config, job};

#[tokio::test]
async fn pruning_takes_the_oldest_done_jobs_with_their_attempts_and_nothing_else() {
    let rig = Rig::start().await;
    let worker = rig
        .work(config().concurrency(4), |number, _| async move {
            Ok(if number == 0 { Outcome::give_up("never") } else { Outcome::Done })
        })
        .await;
    let dead = rig.announce(job(0)).await;
    for number in 1..=3 {
        rig.announce(job(number)).await;
        rig.until_drained().await;
    }
    worker.drain().await;
    rig.execute(
        "update apalis_lease.done_jobs set done_at = done_at - interval '40 days'
         where payload in ('1', '2')"
            .to_owned(),
    )
    .await;

    assert_eq!(rig.number("select apalis_lease.prune('30 days', 1)::bigint").await, 1);
    let oldest_left = "select min(payload::bigint)::bigint from apalis_lease.done_jobs";
    assert_eq!(rig.number(oldest_left).await, 2);
    assert_eq!(rig.number("select apalis_lease.prune('30 days')::bigint").await, 1);
    assert_eq!(rig.number("select apalis_lease.prune('30 days')::bigint").await, 0);
    assert_eq!(rig.number(oldest_left).await, 3);
    assert_eq!(rig.number("select count(*) from apalis_lease.attempts").await, 2);
    assert_eq!(rig.outcomes(dead).await, ["give_up"], "a dead job keeps its story");
}

#[tokio::test]
async fn the_table_refuses_states_that_cannot_be() {
    let rig = Rig::start().await;
    rig.enqueue(job(1)).await;
    for (change, constraint) in [
        ("state = 'running', attempt = 1, run = 1", "jobs_running_is_leased"),
        ("lease_until = now()", "jobs_running_is_leased"),
        ("worker = 'nobody'", "jobs_running_is_leased"),
        ("state = 'dead'", "jobs_dead_has_a_reason"),
        ("dead_since = now()", "jobs_dead_has_a_reason"),
        ("attempt = 11", "jobs_attempts_keep_the_limit"),
        ("attempt = -1", "jobs_attempts_keep_the_limit"),
        ("max_attempts = 0", "jobs_attempts_have_a_limit"),
        ("state = 'done'", "jobs_state_is_known"),
        ("state = 'paused'", "jobs_paused_has_a_group"),
        ("group_key = ''", "jobs_group_is_short"),
        ("attempt = 10", "jobs_waiting_has_an_attempt_left"),
        ("priority = 3", "jobs_priority_is_known"),
        ("queue = ''", "jobs_queue_is_a_name"),
        (
            "state = 'running', worker = 'w', started_at = now(), lease_until = now(), lease_ms = 1",
            "jobs_running_is_an_attempt",
        ),
    ] {
        let sql = sqlx::AssertSqlSafe(format!("update apalis_lease.jobs set {change}"));
        let refused = sqlx::raw_sql(sql).execute(&rig.pool).await.unwrap_err();
        let named = refused.as_database_error().and_then(|it| it.constraint().map(str::to_owned));
        assert_eq!(named.as_deref(), Some(constraint), "{change}");
    }
}
