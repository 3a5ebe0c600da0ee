//! How a worker ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_lease::{JobContext, LeaseBackend, Outcome};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::rig::{Log, Rig, Worker, config, eventually, job};

const OURS: &str = "select count(*) from pg_stat_activity where application_name = 'apalis-lease'";

#[tokio::test]
async fn a_drain_finishes_what_runs_and_starts_nothing_more() {
    let rig = Rig::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let (seen, held) = (log.clone(), Arc::clone(&gate));
    let mut worker = rig
        .work(config().concurrency(2), move |number, context| {
            seen.note(number, &context);
            let held = Arc::clone(&held);
            async move {
                held.acquire().await.unwrap().forget();
                Ok(Outcome::Done)
            }
        })
        .await;
    let running = [rig.announce(job(1)).await, rig.announce(job(2)).await];
    log.until_count(2).await;
    worker.context.stop().unwrap();
    let later = rig.announce(job(3)).await;
    gate.add_permits(100);
    worker.task.join_next().await.unwrap().unwrap().unwrap();

    for id in running {
        assert_eq!(rig.state(id).await, "done", "settled before the worker returned");
    }
    assert_eq!(rig.state(later).await, "waiting");
    assert_eq!(log.numbers(), [1, 2]);
}

#[tokio::test]
async fn no_connection_outlives_its_worker() {
    let rig = Rig::start().await;
    eventually("the waker is connected", async || rig.number(OURS).await == 1).await;
    for drained in [true, false] {
        let worker = rig.work(config(), |_, _| async { Ok(Outcome::Done) }).await;
        eventually("pump, settler, keeper, listener", async || rig.number(OURS).await == 5).await;
        if drained {
            worker.drain().await;
        } else {
            worker.kill().await;
        }
        eventually("only the waker is left", async || rig.number(OURS).await == 1).await;
    }
    let Rig { waker, pool, cluster: _cluster, .. } = rig;
    drop(waker);
    eventually("and it goes with its last clone", async || {
        let left: i64 = sqlx::query_scalar(OURS).fetch_one(&pool).await.unwrap();
        left == 0
    })
    .await;
}

#[tokio::test]
async fn what_was_claimed_and_never_begun_is_given_back_uncounted() {
    let rig = Rig::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(rig.enqueue(job(number)).await);
    }
    let (seen, held) = (log.clone(), Arc::clone(&gate));
    let context = WorkerContext::new("it");
    let worker = WorkerBuilder::new(&context)
        .backend(LeaseBackend::new(&rig.pool, config().concurrency(3)))
        .layer(OneOnly::default())
        .build(move |number: u64, context: JobContext| {
            seen.note(number, &context);
            let held = Arc::clone(&held);
            async move { held.acquire().await.unwrap().forget() }
        });
    let mut task = JoinSet::new();
    task.spawn(worker.run());
    log.until_count(1).await;
    assert_eq!(rig.depth().await.running, 3);
    gate.add_permits(100);
    Worker { context, task }.drain().await;

    assert_eq!(rig.state(ids[0]).await, "done");
    assert_eq!(rig.depth().await.ready, 2);
    let counted = rig.number("select sum(attempt)::bigint from apalis_lease.jobs").await;
    assert_eq!(counted, 0);
    assert!(rig.outcomes(ids[1]).await.is_empty());
    assert_eq!(log.numbers(), [0]);
}

/// A layer that takes one task and is never ready again.
#[derive(Clone, Default)]
struct OneOnly(Arc<AtomicBool>);

#[derive(Clone)]
struct One<S>(S, Arc<AtomicBool>);

impl<S> tower_layer::Layer<S> for OneOnly {
    type Service = One<S>;

    fn layer(&self, inner: S) -> One<S> {
        One(inner, Arc::clone(&self.0))
    }
}

impl<S: tower_service::Service<T>, T> tower_service::Service<T> for One<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if self.1.load(Ordering::Acquire) { Poll::Pending } else { self.0.poll_ready(cx) }
    }

    fn call(&mut self, task: T) -> S::Future {
        self.1.store(true, Ordering::Release);
        self.0.call(task)
    }
}
