//! Queues and groups that nobody claims from for a while.

use std::time::Duration;

use apalis_lease::{Config, NewJob, Outcome, pause_group, pause_queue, resume_group, resume_queue};

use crate::rig::{Log, QUEUE, Rig, config, eventually, job};

const SOON: Duration = Duration::from_millis(10);

#[tokio::test]
async fn a_paused_queue_starts_nothing_until_it_is_resumed() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    assert!(pause_queue(&rig.pool, QUEUE, "its token is dead").await.unwrap());
    assert!(!pause_queue(&rig.pool, QUEUE, "again").await.unwrap());
    let worker = rig
        .work(config().poll(SOON), move |number, context| {
            seen.note(number, &context);
            async { Ok(Outcome::Done) }
        })
        .await;
    let id = rig.announce(job(1)).await;
    // A second worker on another queue shows that time has passed for workers.
    let other =
        rig.work(Config::new("other", "it").poll(SOON), |_, _| async { Ok(Outcome::Done) }).await;
    for number in 0..3 {
        let mut connection = rig.pool.acquire().await.unwrap();
        apalis_lease::enqueue(&mut connection, &NewJob::new("other", number)).await.unwrap();
        rig.waker.wake("other");
        eventually("the other queue flows", async || {
            apalis_lease::depth(&rig.pool, "other").await.unwrap().is_drained()
        })
        .await;
    }
    assert_eq!(rig.state(id).await, "waiting");
    assert!(resume_queue(&rig.pool, QUEUE).await.unwrap());
    assert!(!resume_queue(&rig.pool, QUEUE).await.unwrap());
    rig.until_state(id, "done").await;
    assert_eq!(log.numbers(), [1]);
    worker.drain().await;
    other.drain().await;
}

#[tokio::test]
async fn a_paused_group_waits_uncounted_while_the_others_flow_and_goes_on_in_order() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    assert!(pause_group(&rig.pool, QUEUE, "5", "its token is dead").await.unwrap());
    assert!(!pause_group(&rig.pool, QUEUE, "5", "again").await.unwrap());
    let mut paused = Vec::new();
    for number in 0..30 {
        paused.push(rig.enqueue(job(number).group("5")).await);
    }
    let worker = rig
        .work(config().concurrency(2), move |number, context| {
            assert_eq!(context.group().map(str::to_owned), group_of(number));
            seen.note(number, &context);
            async { Ok(Outcome::Done) }
        })
        .await;
    // Behind the paused ones in the order of claiming; a job of a group that is not paused too.
    let plain = rig.announce(job(100)).await;
    let other = rig.announce(job(200).group("200")).await;
    rig.until_state(plain, "done").await;
    rig.until_state(other, "done").await;
    paused.push(rig.announce(job(30).group("5")).await);
    eventually("all are set aside", async || rig.depth().await.paused == 31).await;
    let counted = rig.number("select sum(attempt + run)::bigint from apalis_lease.jobs").await;
    assert_eq!(counted, 0);

    assert!(resume_group(&rig.pool, QUEUE, "5").await.unwrap());
    assert!(!resume_group(&rig.pool, QUEUE, "5").await.unwrap());
    rig.until_drained().await;
    let expected: Vec<u64> = [100, 200].into_iter().chain(0..=30).collect();
    assert_eq!(log.numbers(), expected);
    assert_eq!(log.attempts(), vec![1; 33]);
    worker.drain().await;
}

fn group_of(number: u64) -> Option<String> {
    match number {
        0..=30 => Some("5".to_owned()),
        200 => Some("200".to_owned()),
        _ => None,
    }
}

#[tokio::test]
async fn a_retry_and_a_deferred_job_of_a_paused_group_wait_too() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let pool = rig.pool.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            let pool = pool.clone();
            async move {
                if context.attempt() > 1 || number == 2 {
                    return Ok(Outcome::Done);
                }
                pause_group(&pool, QUEUE, "5", "from outside").await?;
                Ok(Outcome::retry("no luck"))
            }
        })
        .await;
    let soon = sqlx::query_scalar("select now() + interval '50 milliseconds'");
    let soon = soon.fetch_one(&rig.pool).await.unwrap();
    let retried = rig.announce(job(1).group("5")).await;
    let deferred = rig.announce(job(2).group("5").run_at(soon)).await;
    eventually("both are set aside", async || rig.depth().await.paused == 2).await;
    assert_eq!(rig.outcomes(retried).await, ["retry"]);
    resume_group(&rig.pool, QUEUE, "5").await.unwrap();
    rig.until_state(retried, "done").await;
    rig.until_state(deferred, "done").await;
    worker.drain().await;
}

#[tokio::test]
async fn a_handler_that_halts_pauses_its_group_and_burns_no_attempt() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            let first = seen.numbers().len() == 1;
            async move {
                Ok(if first { Outcome::halt("its token is dead") } else { Outcome::Done })
            }
        })
        .await;
    let halted = rig.enqueue(job(1).group("5").max_attempts(1)).await;
    let behind = rig.enqueue(job(2).group("5")).await;
    let other = rig.announce(job(3).group("6")).await;
    rig.until_state(other, "done").await;
    eventually("both are set aside", async || rig.depth().await.paused == 2).await;
    let told: (String, String) =
        sqlx::query_as("select group_key, reason from apalis_lease.paused_groups")
            .fetch_one(&rig.pool)
            .await
            .unwrap();
    assert_eq!(told, ("5".to_owned(), "its token is dead".to_owned()));

    resume_group(&rig.pool, QUEUE, "5").await.unwrap();
    rig.until_state(halted, "done").await;
    rig.until_state(behind, "done").await;
    assert_eq!(log.numbers(), [1, 3, 1, 2]);
    assert_eq!(log.attempts(), [1; 4]);
    assert_eq!(rig.outcomes(halted).await, ["halt", "done"]);
    worker.drain().await;
}

#[tokio::test]
async fn a_handler_without_a_group_halts_its_queue() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            let first = seen.numbers().len() == 1;
            async move { Ok(if first { Outcome::halt("no disk") } else { Outcome::Done }) }
        })
        .await;
    let halted = rig.announce(job(1)).await;
    let paused = "select count(*) from apalis_lease.paused_queues where reason = 'no disk'";
    eventually("the queue is paused", async || rig.number(paused).await == 1).await;
    assert_eq!(rig.state(halted).await, "waiting");
    resume_queue(&rig.pool, QUEUE).await.unwrap();
    rig.until_state(halted, "done").await;
    worker.drain().await;
}

/// It may have met what was mended meanwhile, and nobody would resume a second time.
#[tokio::test]
async fn a_run_that_began_before_the_resumption_does_not_halt_again() {
    let rig = Rig::start().await;
    let log = Log::default();
    let (seen, pool) = (log.clone(), rig.pool.clone());
    let worker = rig
        .work(config().concurrency(2), move |number, context| {
            seen.note(number, &context);
            let (first, pool) = (seen.numbers().len() == 1, pool.clone());
            async move {
                if !first {
                    return Ok(Outcome::Done);
                }
                pause_group(&pool, QUEUE, "5", "another run halted").await?;
                resume_group(&pool, QUEUE, "5").await?;
                Ok(Outcome::halt("the old token is dead"))
            }
        })
        .await;
    let id = rig.announce(job(1).group("5")).await;
    rig.until_state(id, "done").await;
    assert_eq!(rig.outcomes(id).await, ["halt", "done"]);
    assert_eq!(rig.number("select count(*) from apalis_lease.paused_groups").await, 0);
    worker.drain().await;
}

#[tokio::test]
async fn resuming_loses_no_job_that_is_set_aside_at_that_moment() {
    let rig = Rig::start().await;
    let mut workers = Vec::new();
    for _ in 0..3 {
        let handler = |_, _| async { Ok(Outcome::Done) };
        workers.push(rig.work(config().poll(SOON).concurrency(3), handler).await);
    }
    for round in 0..20 {
        pause_group(&rig.pool, QUEUE, "5", "a moment").await.unwrap();
        let mut connection = rig.pool.acquire().await.unwrap();
        let jobs: Vec<_> = (0..40).map(|it| job(round * 40 + it).group("5")).collect();
        apalis_lease::enqueue_all(&mut connection, &jobs).await.unwrap();
        rig.waker.wake(QUEUE);
        tokio::time::sleep(Duration::from_millis(round)).await;
        resume_group(&rig.pool, QUEUE, "5").await.unwrap();
    }
    rig.until_drained().await;
    assert_eq!(rig.number("select count(*) from apalis_lease.done_jobs").await, 800);
    for worker in workers {
        worker.drain().await;
    }
}

#[tokio::test]
async fn a_resumption_in_another_isolation_is_refused() {
    let rig = Rig::start().await;
    pause_group(&rig.pool, QUEUE, "5", "a moment").await.unwrap();
    let mut transaction = rig.pool.begin().await.unwrap();
    sqlx::query("set transaction isolation level repeatable read")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let refused = resume_group(&mut *transaction, QUEUE, "5").await.unwrap_err();
    assert!(refused.to_string().contains("read committed"), "{refused}");
}
