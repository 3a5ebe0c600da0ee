//! What people may do to jobs: cancel them, retry those that are dead.

use std::sync::Arc;
use std::time::Duration;

use apalis_lease::{Outcome, cancel_job, retry_job};
use tokio::sync::Semaphore;

use crate::rig::{Log, QUEUE, Rig, config, eventually, job};

#[tokio::test]
async fn a_cancelled_job_never_runs_is_kept_with_its_reason_and_frees_its_key() {
    let rig = Rig::start().await;
    let log = Log::default();
    let id = rig.enqueue(job(1).key("k")).await;
    assert!(cancel_job(&rig.pool, id, "not wanted").await.unwrap());
    assert!(!cancel_job(&rig.pool, id, "again").await.unwrap());
    let next = rig.enqueue(job(2).key("k")).await;
    let seen = log.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            async { Ok(Outcome::Done) }
        })
        .await;
    rig.until_state(next, "done").await;
    assert_eq!(log.numbers(), [2]);
    assert!(rig.outcomes(id).await.is_empty());
    let cancelled = "select count(*) from apalis_lease.done_jobs
                     where outcome = 'cancelled' and reason = 'not wanted' and run = 0";
    assert_eq!(rig.number(cancelled).await, 1);
    assert!(!cancel_job(&rig.pool, next, "too late").await.unwrap(), "it is done");
    worker.drain().await;
}

#[tokio::test]
async fn a_running_job_that_is_cancelled_is_told_and_what_it_says_is_not_written() {
    let rig = Rig::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let (seen, told) = (log.clone(), Arc::clone(&gate));
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            let told = Arc::clone(&told);
            async move {
                while context.still_held() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                told.add_permits(1);
                Ok(Outcome::retry("not that it mattered"))
            }
        })
        .await;
    let id = rig.announce(job(1)).await;
    log.until_count(1).await;
    cancel_job(&rig.pool, id, "not wanted").await.unwrap();
    eventually("a heartbeat has told it", async || gate.available_permits() == 1).await;
    worker.drain().await;
    let cancelled = (1, "cancelled".to_owned(), Some("not wanted".to_owned()));
    assert_eq!(rig.attempts(id).await, [cancelled]);
    assert_eq!(rig.number("select count(*) from apalis_lease.jobs").await, 0);
}

#[tokio::test]
async fn dead_and_paused_jobs_can_be_cancelled() {
    let rig = Rig::start().await;
    apalis_lease::pause_group(&rig.pool, QUEUE, "5", "a moment").await.unwrap();
    let worker = rig.work(config(), |_, _| async { Ok(Outcome::give_up("never")) }).await;
    let dead = rig.announce(job(1)).await;
    let paused = rig.announce(job(2).group("5")).await;
    rig.until_state(dead, "dead").await;
    rig.until_state(paused, "paused").await;
    for id in [dead, paused] {
        assert!(cancel_job(&rig.pool, id, "not wanted").await.unwrap());
        assert_eq!(rig.state(id).await, "done", "over");
    }
    assert_eq!(rig.outcomes(dead).await, ["give_up"], "its story is kept");
    worker.drain().await;
}

#[tokio::test]
async fn dead_jobs_are_retried_by_reason_and_time_in_steps() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let worker = rig
        .work(config().concurrency(5), move |number, context| {
            seen.note(number, &context);
            let first = seen.numbers().iter().filter(|it| **it == number).count() == 1;
            async move {
                Ok(match (first, number) {
                    (true, 0..=3) => Outcome::give_up(format_args!("disk {number} is full")),
                    (true, _) => Outcome::give_up("no such customer"),
                    (false, _) => Outcome::Done,
                })
            }
        })
        .await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(rig.announce(job(number)).await);
    }
    for id in &ids {
        rig.until_state(*id, "dead").await;
    }
    rig.execute(
        "update apalis_lease.jobs set dead_since = dead_since - interval '2 days'
         where payload in ('0', '4')"
            .to_owned(),
    )
    .await;
    let retry = "select apalis_lease.retry_dead('letters', 'disk % is full', now() - interval '1 day', at_most => 2)::bigint";
    assert_eq!(rig.number(retry).await, 2);
    assert_eq!(rig.number(retry).await, 1);
    assert_eq!(rig.number(retry).await, 0);
    for id in &ids[1..=3] {
        rig.until_state(*id, "done").await;
    }
    assert_eq!(rig.depth().await.dead, 3, "an older one, and two of another reason");
    assert_eq!(rig.number("select apalis_lease.retry_dead('letters')::bigint").await, 3);
    rig.until_drained().await;
    assert_eq!(rig.number("select apalis_lease.retry_dead('letters')::bigint").await, 0);
    assert!(!retry_job(&rig.pool, ids[0]).await.unwrap());
    worker.drain().await;
}
