//! A worker that works ahead: it holds more than it runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use apalis_lease::Outcome;
use tokio::sync::Semaphore;

use crate::rig::{Log, Rig, config, eventually, job};

#[tokio::test]
async fn working_ahead_runs_each_job_once_and_never_more_at_once_than_there_are_slots() {
    let rig = Rig::start().await;
    let mut connection = rig.pool.acquire().await.unwrap();
    let jobs: Vec<_> = (0..2_000).map(job).collect();
    apalis_lease::enqueue_all(&mut connection, &jobs).await.unwrap();
    let log = Log::default();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(0)));
    let mut workers = Vec::new();
    for _ in 0..2 {
        let (seen, running, most) = (log.clone(), Arc::clone(&running), Arc::clone(&most));
        let handler = move |number, context| {
            seen.note(number, &context);
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            async move {
                let now = running.fetch_add(1, Ordering::AcqRel) + 1;
                {
                    let mut most = most.lock().unwrap();
                    *most = now.max(*most);
                }
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::AcqRel);
                Ok(if number % 7 == 0 && context.attempt() == 1 {
                    Outcome::retry("once more")
                } else {
                    Outcome::Done
                })
            }
        };
        workers.push(rig.work(config().concurrency(3).ahead(200), handler).await);
    }
    rig.until_drained().await;
    for worker in workers {
        worker.drain().await;
    }
    assert!(*most.lock().unwrap() <= 6, "two workers of three slots");
    assert_eq!(log.numbers().len(), 2_000 + 286);
    assert_eq!(rig.number("select count(*) from apalis_lease.done_jobs").await, 2_000);
    let told = rig.number("select count(*) from apalis_lease.attempts").await;
    assert_eq!(told, 2_000 + 286);
}

#[tokio::test]
async fn a_drain_writes_what_has_ended_and_gives_back_what_was_claimed_ahead() {
    let rig = Rig::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let mut connection = rig.pool.acquire().await.unwrap();
    let jobs: Vec<_> = (0..50).map(job).collect();
    apalis_lease::enqueue_all(&mut connection, &jobs).await.unwrap();
    let (seen, held) = (log.clone(), Arc::clone(&gate));
    let mut worker = rig
        .work(config().concurrency(2).ahead(20), move |number, context| {
            seen.note(number, &context);
            let held = Arc::clone(&held);
            async move {
                held.acquire().await?.forget();
                Ok(Outcome::Done)
            }
        })
        .await;
    eventually("it holds more than it runs", async || rig.depth().await.running == 22).await;
    log.until_count(2).await;
    worker.context.stop().unwrap();
    gate.add_permits(100);
    worker.task.join_next().await.unwrap().unwrap().unwrap();
    let begun = i64::try_from(log.numbers().len()).unwrap();
    assert_eq!(rig.number("select count(*) from apalis_lease.done_jobs").await, begun);
    assert_eq!(rig.depth().await.ready, 50 - begun);
    let counted = rig.number("select sum(attempt)::bigint from apalis_lease.jobs").await;
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn what_a_killed_worker_held_ahead_runs_again_elsewhere() {
    let rig = Rig::start().await;
    let log = Log::default();
    // All at once: a worker that holds more than half of what it may claims no more.
    let mut connection = rig.pool.acquire().await.unwrap();
    let jobs: Vec<_> = (0..30).map(job).collect();
    apalis_lease::enqueue_all(&mut connection, &jobs).await.unwrap();
    let doomed = rig.work(config().concurrency(2).ahead(20), |_, _| std::future::pending()).await;
    eventually("it holds more than it runs", async || rig.depth().await.running == 22).await;
    doomed.kill().await;
    let seen = log.clone();
    let heir = rig
        .work(config().concurrency(2).ahead(20), move |number, context| {
            seen.note(number, &context);
            async { Ok(Outcome::Done) }
        })
        .await;
    rig.until_drained().await;
    let lost = "select count(*) from apalis_lease.attempts where outcome = 'lost'";
    assert_eq!(rig.number(lost).await, 22);
    let mut numbers = log.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
    heir.drain().await;
}
