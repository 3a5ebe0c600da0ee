//! When a job starts, and who runs it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis_core::error::BoxDynError;
use apalis_core::task::attempt::Attempt;
use apalis_core::task::data::Data;
use apalis_core::task::metadata::{Meta, TracingContext};
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_lease::{JobContext, LeaseBackend, Outcome, Priority};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::rig::{Log, NEVER, QUEUE, Rig, Worker, config, job};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_job_is_told_who_it_is_and_goes_to_the_history() {
    let rig = Rig::start().await;
    let told = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&told);
    let worker = rig
        .work(config(), move |number, context| {
            *slot.lock().unwrap() = Some((number, context));
            async { Ok(Outcome::Done) }
        })
        .await;
    let id = rig.announce(job(7).max_attempts(3).trace_parent(Some(TRACE.to_owned()))).await;
    rig.until_state(id, "done").await;

    let (number, context) = told.lock().unwrap().take().unwrap();
    assert_eq!((number, context.id(), context.queue()), (7, id, QUEUE));
    assert_eq!((context.attempt(), context.max_attempts()), (1, 3));
    assert_eq!(context.trace_parent(), Some(TRACE));
    assert!(context.still_held() && !context.is_last_attempt());
    assert_eq!(rig.attempts(id).await, [(1, "done".to_owned(), None)]);
    assert_eq!(rig.number("select count(*) from apalis_lease.jobs").await, 0);
    worker.drain().await;
}

/// Extractors, shared data and layers of apalis, as its users know them; and a plain `()` answer.
#[tokio::test]
async fn what_apalis_offers_works_as_elsewhere() {
    async fn handler(
        number: u64,
        log: Data<Log>,
        job: JobContext,
        attempt: Attempt,
        id: TaskId,
        worker: WorkerContext,
        trace: Meta<TracingContext>,
    ) -> Result<(), BoxDynError> {
        assert_eq!(attempt.current(), usize::try_from(job.attempt())?);
        assert_eq!(id.to_string(), job.id().to_string());
        assert_eq!(worker.name(), "it");
        assert_eq!(trace.0.trace_id().as_deref(), TRACE.get(3..35));
        log.note(number, &job);
        if job.attempt() == 1 { Err("once more".into()) } else { Ok(()) }
    }
    let rig = Rig::start().await;
    let log = Log::default();
    let context = WorkerContext::new("it");
    let worker = WorkerBuilder::new(&context)
        .backend(LeaseBackend::new(&rig.pool, config()))
        .data(log.clone())
        .enable_tracing()
        .build(handler);
    let mut task = JoinSet::new();
    task.spawn(worker.run());
    let id = rig.announce(job(5).trace_parent(Some(TRACE.to_owned()))).await;
    rig.until_state(id, "done").await;
    assert_eq!(rig.outcomes(id).await, ["retry", "done"]);
    assert_eq!(log.numbers(), [5, 5]);
    Worker { context, task }.drain().await;
}

#[tokio::test]
async fn a_wake_up_starts_a_job_long_before_the_poll() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let worker = rig
        .work(config().poll(NEVER), move |number, context| {
            seen.note(number, &context);
            async { Ok(Outcome::Done) }
        })
        .await;
    for number in 0..5 {
        rig.announce(job(number)).await;
        log.until_count(usize::try_from(number).unwrap() + 1).await;
        rig.until_drained().await;
    }
    assert_eq!(log.numbers(), [0, 1, 2, 3, 4]);
    worker.drain().await;
}

#[tokio::test]
async fn a_job_that_nobody_announced_is_found_by_the_poll() {
    let rig = Rig::start().await;
    let worker = rig
        .work(config().poll(Duration::from_millis(50)), |_, _| async { Ok(Outcome::Done) })
        .await;
    rig.announce(job(1)).await;
    rig.until_drained().await;
    let id = rig.enqueue(job(2)).await;
    rig.until_state(id, "done").await;
    worker.drain().await;
}

#[tokio::test]
async fn a_deferred_job_starts_on_time_and_not_before() {
    let rig = Rig::start().await;
    let early = rig.work(config(), |_, _| async { Ok(Outcome::Done) }).await;
    let run_at = sqlx::query_scalar("select now() + interval '700 milliseconds'")
        .fetch_one(&rig.pool)
        .await
        .unwrap();
    let began = Instant::now();
    let id = rig.announce(job(1).run_at(run_at)).await;
    rig.until_state(id, "done").await;
    let waited = began.elapsed();
    let early_by = rig
        .number("select count(*) from apalis_lease.attempts a join apalis_lease.done_jobs d on d.id = a.job_id where a.started_at < d.run_at")
        .await;
    assert_eq!(early_by, 0, "started before its time");
    assert!(waited < NEVER / 10, "waited for the poll: {waited:?}");
    early.drain().await;
}

#[tokio::test]
async fn the_first_priority_goes_first_and_equals_go_in_order() {
    let rig = Rig::start().await;
    let order =
        [(1, Priority::Last), (2, Priority::Normal), (3, Priority::First), (4, Priority::Normal)];
    for (number, priority) in order {
        rig.enqueue(job(number).priority(priority)).await;
    }
    for concurrency in [1, 10] {
        let log = Log::default();
        let seen = log.clone();
        let worker = rig
            .work(config().concurrency(concurrency), move |number, context| {
                seen.note(number, &context);
                // The next round finds the same jobs.
                async { Ok(Outcome::retry_after(Duration::ZERO, "again")) }
            })
            .await;
        log.until_count(4).await;
        worker.drain().await;
        if concurrency == 1 {
            // With one slot the first job comes back before the others: it is ready again.
            assert_eq!(log.numbers()[0], 3);
        } else {
            assert_eq!(log.numbers()[..4], [3, 2, 4, 1]);
        }
        rig.execute("update apalis_lease.jobs set run_at = created_at, attempt = 0, state = 'waiting', dead_since = null".to_owned()).await;
    }
}

#[tokio::test]
async fn two_workers_never_run_one_job_at_once() {
    let rig = Rig::start().await;
    let mut connection = rig.pool.acquire().await.unwrap();
    let jobs: Vec<_> = (0..300).map(job).collect();
    apalis_lease::enqueue_all(&mut connection, &jobs).await.unwrap();
    let (log, running) = (Log::default(), Arc::new(Mutex::new(HashSet::new())));
    let mut workers = Vec::new();
    for _ in 0..3 {
        let (log, running) = (log.clone(), Arc::clone(&running));
        let handler = move |number, context| {
            let (log, running) = (log.clone(), Arc::clone(&running));
            async move {
                assert!(running.lock().unwrap().insert(number), "{number} runs twice");
                log.note(number, &context);
                tokio::task::yield_now().await;
                running.lock().unwrap().remove(&number);
                Ok(Outcome::Done)
            }
        };
        workers.push(rig.work(config().concurrency(7), handler).await);
    }
    rig.until_drained().await;
    let mut numbers = log.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..300).collect::<Vec<_>>());
    assert_eq!(
        rig.number("select count(*) from apalis_lease.attempts where outcome = 'done'").await,
        300
    );
    for worker in workers {
        worker.drain().await;
    }
}

#[tokio::test]
async fn a_worker_never_runs_more_jobs_at_once_than_it_has_slots() {
    let rig = Rig::start().await;
    let mut connection = rig.pool.acquire().await.unwrap();
    let jobs: Vec<_> = (0..60).map(job).collect();
    apalis_lease::enqueue_all(&mut connection, &jobs).await.unwrap();
    let now_and_most = Arc::new(Mutex::new((0_usize, 0_usize)));
    let count = Arc::clone(&now_and_most);
    let worker = rig
        .work(config().concurrency(4), move |_, _| {
            let count = Arc::clone(&count);
            async move {
                {
                    let mut count = count.lock().unwrap();
                    count.0 += 1;
                    count.1 = count.1.max(count.0);
                }
                // The job's work: long enough that all slots fill.
                tokio::time::sleep(Duration::from_millis(10)).await;
                count.lock().unwrap().0 -= 1;
                Ok(Outcome::Done)
            }
        })
        .await;
    rig.until_drained().await;
    assert_eq!(now_and_most.lock().unwrap().1, 4);
    worker.drain().await;
}
