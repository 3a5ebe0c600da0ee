//! Postgres goes away and comes back.

use std::sync::Arc;
use std::time::Duration;

use apalis_lease::Outcome;
use tokio::sync::Semaphore;

use crate::rig::{LEASE, Log, Rig, config, job};

#[tokio::test]
async fn jobs_that_ran_through_an_outage_are_settled_and_not_run_again() {
    let mut rig = Rig::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let mut workers = Vec::new();
    for _ in 0..2 {
        let (seen, gate) = (log.clone(), Arc::clone(&gate));
        let handler = move |number, context| {
            let (seen, gate) = (seen.clone(), Arc::clone(&gate));
            async move {
                seen.note(number, &context);
                gate.acquire().await.unwrap().forget();
                Ok(Outcome::Done)
            }
        };
        workers.push(rig.work(config().concurrency(2), handler).await);
    }
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(rig.announce(job(number)).await);
    }
    log.until_count(4).await;

    rig.stop_postgres().await;
    // Two of them end while nobody can be told; the outage outlasts every lease.
    gate.add_permits(2);
    tokio::time::sleep(LEASE * 2).await;
    rig.start_postgres().await;
    // The others end when everybody has been back for longer than a lease.
    tokio::time::sleep(LEASE * 2).await;
    gate.add_permits(2);
    rig.until_drained().await;

    let mut numbers = log.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3], "each ran once");
    for id in ids {
        assert_eq!(rig.outcomes(id).await, ["done"]);
    }
    for worker in workers {
        worker.drain().await;
    }
}

#[tokio::test]
async fn after_an_outage_new_jobs_are_woken_as_before() {
    let mut rig = Rig::start().await;
    let worker = rig.work(config(), |_, _| async { Ok(Outcome::Done) }).await;
    let before = rig.announce(job(1)).await;
    rig.until_state(before, "done").await;
    rig.stop_postgres().await;
    // Nobody can hear this, and it harms nobody.
    rig.waker.wake("letters");
    tokio::time::sleep(Duration::from_millis(300)).await;
    rig.start_postgres().await;
    for number in 2..5 {
        let id = rig.announce(job(number)).await;
        rig.until_state(id, "done").await;
    }
    worker.drain().await;
}

#[tokio::test]
async fn a_worker_that_starts_while_postgres_is_away_works_when_it_is_back() {
    let mut rig = Rig::start().await;
    let id = rig.enqueue(job(1)).await;
    rig.stop_postgres().await;
    let worker = rig.work(config(), |_, _| async { Ok(Outcome::Done) }).await;
    rig.start_postgres().await;
    rig.until_state(id, "done").await;
    worker.drain().await;
}
