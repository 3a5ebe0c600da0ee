//! What becomes of a job that did not succeed.

use std::time::Duration;

use apalis_core::error::AbortError;
use apalis_lease::{Backoff, NewJob, Outcome};

use crate::rig::{Log, QUEUE, Rig, config, job};

#[tokio::test]
async fn a_failing_job_is_retried_with_growing_pauses_and_dead_after_its_last_attempt() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let backoff = Backoff { first: Duration::from_millis(200), most: Duration::from_secs(10) };
    let worker = rig
        .work(config().backoff(backoff), move |number, context| {
            seen.note(number, &context);
            async { Err("no luck".into()) }
        })
        .await;
    let id = rig.announce(job(1).max_attempts(3)).await;
    rig.until_state(id, "dead").await;

    assert_eq!(log.attempts(), [1, 2, 3]);
    let times = log.times();
    assert!(times[1] - times[0] >= Duration::from_millis(100), "at least half of 200 ms");
    assert!(times[2] - times[1] >= Duration::from_millis(200), "at least half of 400 ms");
    let failed = |attempt| (attempt, "retry".to_owned(), Some("no luck".to_owned()));
    assert_eq!(rig.attempts(id).await, [failed(1), failed(2), failed(3)]);
    assert_eq!(rig.depth().await.dead, 1);
    worker.drain().await;
}

#[tokio::test]
async fn a_retry_may_name_its_own_pause() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            async move {
                Ok(match context.attempt() {
                    1 => Outcome::retry_after(Duration::from_millis(400), "busy"),
                    _ => Outcome::Done,
                })
            }
        })
        .await;
    let id = rig.announce(job(1)).await;
    rig.until_state(id, "done").await;
    let times = log.times();
    assert!(times[1] - times[0] >= Duration::from_millis(400));
    assert_eq!(rig.outcomes(id).await, ["retry", "done"]);
    worker.drain().await;
}

#[tokio::test]
async fn not_before_is_kept_and_is_no_attempt() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let not_before = sqlx::query_scalar("select now() + interval '500 milliseconds'")
        .fetch_one(&rig.pool)
        .await
        .unwrap();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            let count = seen.numbers().len();
            async move {
                Ok(if count < 4 {
                    Outcome::not_before(not_before, "asked to wait")
                } else {
                    Outcome::Done
                })
            }
        })
        .await;
    let id = rig.announce(job(1).max_attempts(1)).await;
    rig.until_state(id, "done").await;
    assert_eq!(log.attempts(), [1, 1, 1, 1]);
    assert_eq!(rig.outcomes(id).await, ["not_before", "not_before", "not_before", "done"]);
    let early = rig
        .number("select count(*) from apalis_lease.attempts where run > 1 and started_at < (select max(run_at) from apalis_lease.done_jobs) and outcome = 'done'")
        .await;
    assert_eq!(early, 0);
    worker.drain().await;
}

#[tokio::test]
async fn panics_and_timeouts_are_retried_then_dead_and_the_worker_goes_on() {
    let rig = Rig::start().await;
    let worker = rig
        .work(config().concurrency(3).timeout(Duration::from_millis(50)), |number, _| async move {
            match number {
                1 => panic!("number {number}"),
                2 => std::future::pending().await,
                _ => Ok(Outcome::Done),
            }
        })
        .await;
    let panics = rig.announce(job(1).max_attempts(2)).await;
    let hangs = rig.announce(job(2).max_attempts(2)).await;
    rig.until_state(panics, "dead").await;
    rig.until_state(hangs, "dead").await;
    let panicked = |attempt| (attempt, "retry".to_owned(), Some("panicked: number 1".to_owned()));
    assert_eq!(rig.attempts(panics).await, [panicked(1), panicked(2)]);
    let hung = |attempt| (attempt, "retry".to_owned(), Some("took longer than 50ms".to_owned()));
    assert_eq!(rig.attempts(hangs).await, [hung(1), hung(2)]);
    let good = rig.announce(job(3)).await;
    rig.until_state(good, "done").await;
    worker.drain().await;
}

#[tokio::test]
async fn a_handler_that_panics_before_its_future_exists_is_retried_too() {
    let rig = Rig::start().await;
    let worker = rig
        .work(config(), |number, context| {
            assert!(number != 1 || context.attempt() > 1, "too early");
            async { Ok(Outcome::Done) }
        })
        .await;
    let id = rig.announce(job(1)).await;
    rig.until_state(id, "done").await;
    assert_eq!(rig.outcomes(id).await, ["retry", "done"]);
    worker.drain().await;
}

#[tokio::test]
async fn what_gave_up_is_dead_at_once_and_can_be_retried() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            let count = seen.numbers().len();
            async move {
                match count {
                    1 => Ok(Outcome::give_up("no such customer")),
                    2 => Err(AbortError::new("still not").into()),
                    _ => Ok(Outcome::Done),
                }
            }
        })
        .await;
    let id = rig.announce(job(1).key("k")).await;
    for round in 1..=2 {
        rig.until_state(id, "dead").await;
        assert_eq!(log.attempts(), vec![1; round], "all attempts are new after a retry");
        let mut connection = rig.pool.acquire().await.unwrap();
        let again = apalis_lease::enqueue(&mut connection, &job(2).key("k")).await.unwrap();
        assert_eq!(again, apalis_lease::Enqueued::Already, "a dead job keeps its key");
        rig.execute(format!("select apalis_lease.retry_job({id})")).await;
    }
    rig.until_state(id, "done").await;
    assert_eq!(rig.outcomes(id).await, ["give_up", "give_up", "done"]);
    let unknown: bool = sqlx::query_scalar("select apalis_lease.retry_job($1)")
        .bind(id.get())
        .fetch_one(&rig.pool)
        .await
        .unwrap();
    assert!(!unknown, "a done job is not run again");
    worker.drain().await;
}

#[tokio::test]
async fn a_payload_the_handler_cannot_read_is_dead_and_the_next_job_runs() {
    let rig = Rig::start().await;
    let worker = rig.work(config(), |_, _| async { Ok(Outcome::Done) }).await;
    let mut connection = rig.pool.acquire().await.unwrap();
    apalis_lease::enqueue(&mut connection, &NewJob::new(QUEUE, "secret words")).await.unwrap();
    let good = rig.announce(job(2)).await;
    rig.until_state(good, "done").await;
    assert_eq!(rig.depth().await.dead, 1);
    let told: String =
        sqlx::query_scalar("select reason from apalis_lease.jobs where state = 'dead'")
            .fetch_one(&rig.pool)
            .await
            .unwrap();
    assert!(told.contains("payload") && !told.contains("secret"), "{told}");
    worker.drain().await;
}
