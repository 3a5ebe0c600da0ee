//! Who holds a job, and what happens when its holder is gone, or only late.

use std::sync::Arc;

use apalis_lease::Outcome;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::rig::{LEASE, Log, Rig, config, eventually, job};

#[tokio::test]
async fn a_dropped_workers_job_runs_elsewhere_within_its_lease_and_counts() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let doomed = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            std::future::pending()
        })
        .await;
    let id = rig.announce(job(1)).await;
    log.until_count(1).await;
    let seen = log.clone();
    let rescuer = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            async { Ok(Outcome::Done) }
        })
        .await;
    doomed.kill().await;
    let killed = Instant::now();
    rig.until_state(id, "done").await;
    assert!(killed.elapsed() < LEASE * 5, "took {:?}", killed.elapsed());
    assert_eq!(log.attempts(), [1, 2]);
    assert_eq!(rig.outcomes(id).await, ["lost", "done"]);
    rescuer.drain().await;
}

#[tokio::test]
async fn a_job_that_kills_its_worker_is_dead_after_max_attempts() {
    let rig = Rig::start().await;
    let log = Log::default();
    let id = rig.enqueue(job(1).max_attempts(2)).await;
    for life in 1..=2 {
        let seen = log.clone();
        let worker = rig
            .work(config(), move |number, context| {
                seen.note(number, &context);
                std::future::pending()
            })
            .await;
        log.until_count(life).await;
        worker.kill().await;
    }
    let witness = rig.work(config(), |_, _| async { Ok(Outcome::Done) }).await;
    rig.until_state(id, "dead").await;
    assert_eq!(log.attempts(), [1, 2]);
    assert_eq!(rig.outcomes(id).await, ["lost", "lost"]);
    witness.drain().await;
}

#[tokio::test]
async fn a_job_longer_than_its_lease_keeps_it() {
    let rig = Rig::start().await;
    let log = Log::default();
    let gate = Arc::new(Semaphore::new(0));
    let mut workers = Vec::new();
    for _ in 0..2 {
        let (seen, gate) = (log.clone(), Arc::clone(&gate));
        let handler = move |number, context| {
            seen.note(number, &context);
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok(Outcome::Done)
            }
        };
        workers.push(rig.work(config(), handler).await);
    }
    let id = rig.announce(job(1)).await;
    eventually("the lease has been prolonged three times over", async || {
        rig.number("select count(*) from apalis_lease.jobs where lease_until > started_at + 3 * lease_ms * interval '1 millisecond'").await == 1
    })
    .await;
    gate.add_permits(1);
    rig.until_state(id, "done").await;
    assert_eq!(log.attempts(), [1]);
    assert_eq!(rig.outcomes(id).await, ["done"]);
    for worker in workers {
        worker.drain().await;
    }
}

#[tokio::test]
async fn who_lost_its_lease_cannot_settle() {
    let rig = Rig::start().await;
    let log = Log::default();
    let gates = [1, 2].map(|_| Arc::new(Semaphore::new(0)));
    let (seen, held) = (log.clone(), gates.clone());
    let worker = rig
        .work(config().concurrency(2), move |number, context| {
            seen.note(number, &context);
            let gate = (number == 1).then(|| Arc::clone(&held[seen.numbers().len() - 1]));
            async move {
                let Some(gate) = gate else {
                    return Ok(Outcome::Done);
                };
                gate.acquire().await.unwrap().forget();
                Ok(if context.still_held() { Outcome::Done } else { Outcome::give_up("too late") })
            }
        })
        .await;
    let id = rig.announce(job(1)).await;
    log.until_count(1).await;
    // What a rescue does, without waiting for the holder to fall silent.
    rig.execute(
        "update apalis_lease.jobs set state = 'waiting', worker = null, started_at = null,
             lease_until = null, lease_ms = null"
            .to_owned(),
    )
    .await;
    rig.waker.wake("letters");
    log.until_count(2).await;
    // Both run now, under one number of the job and two fences. Heartbeats tell the first.
    eventually("two leases long the second has been kept", async || {
        rig.number(
            "select count(*) from apalis_lease.jobs
             where lease_until > started_at + 2 * lease_ms * interval '1 millisecond'",
        )
        .await
            == 1
    })
    .await;
    gates[0].add_permits(1);
    // The first has spoken when its slot is free for another job.
    let other = rig.announce(job(2)).await;
    rig.until_state(other, "done").await;
    assert_eq!(rig.state(id).await, "running", "not dead, as the late one said");
    gates[1].add_permits(1);
    rig.until_state(id, "done").await;
    assert_eq!(rig.outcomes(id).await, ["done"]);
    worker.drain().await;
}
