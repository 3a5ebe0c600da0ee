//! A private Postgres with the queue in it, workers on it, and ways to wait for what should
//! happen. Knows the tables, since what they say is what is promised; calls nothing private.

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apalis_core::error::{BoxDynError, WorkerError};
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_lease::{
    Backoff, Config, Depth, Enqueued, JobContext, JobId, LeaseBackend, NewJob, Outcome, Waker,
};
use futures::future::BoxFuture;
use private_postgres::{Cluster, Options, Stop};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub const QUEUE: &str = "letters";
pub const LEASE: Duration = Duration::from_secs(2);
/// Longer than any test: what starts before it was woken or timed, not polled for.
pub const NEVER: Duration = Duration::from_mins(5);
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether this is the long proof (`make proof`), or its quick slice.
pub fn is_proof() -> bool {
    std::env::var_os("PARAGON_PROOF").is_some()
}

/// What a handler returns here: everything a handler may.
pub type Ended = Result<Outcome, BoxDynError>;
type Handler = Arc<dyn Fn(u64, JobContext) -> BoxFuture<'static, Ended> + Send + Sync>;

pub struct Rig {
    pub cluster: Cluster,
    pub url: String,
    pub pool: PgPool,
    pub waker: Waker,
}

impl Rig {
    pub async fn start() -> Rig {
        Rig::start_with(Vec::new()).await
    }

    pub async fn start_with(settings: Vec<(String, String)>) -> Rig {
        let templates = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("clusters"));
        let options = Options { templates, settings, ..Options::default() };
        let cluster = Cluster::start(options).await.unwrap();
        let url = cluster.create_database("queue").await.unwrap();
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(PATIENCE)
            .connect(&url)
            .await
            .unwrap();
        apalis_lease::migrate(&pool).await.unwrap();
        let waker = Waker::new(&pool);
        Rig { cluster, url, pool, waker }
    }

    pub async fn stop_postgres(&mut self) {
        self.cluster.stop(Stop::Fast).await.unwrap();
    }

    pub async fn start_postgres(&mut self) {
        self.cluster.start_again().await.unwrap();
    }

    /// Commits a job without a word to the workers.
    pub async fn enqueue(&self, job: NewJob<u64>) -> JobId {
        let mut connection = self.pool.acquire().await.unwrap();
        match apalis_lease::enqueue(&mut connection, &job).await.unwrap() {
            Enqueued::New(id) => id,
            Enqueued::Already => panic!("the key is taken"),
        }
    }

    /// Commits a job and tells the workers.
    pub async fn announce(&self, job: NewJob<u64>) -> JobId {
        let id = self.enqueue(job).await;
        self.waker.wake(QUEUE);
        id
    }

    pub async fn depth(&self) -> Depth {
        apalis_lease::depth(&self.pool, QUEUE).await.unwrap()
    }

    pub async fn until_drained(&self) {
        eventually("the queue is drained", async || self.depth().await.is_drained()).await;
    }

    /// One number from the database.
    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// `state` of a job that is not done, `done` of one that is.
    pub async fn state(&self, id: JobId) -> String {
        sqlx::query_scalar(
            "select coalesce((select state from apalis_lease.jobs where id = $1),
                             (select 'done' from apalis_lease.done_jobs where id = $1), 'nowhere')",
        )
        .bind(id.get())
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    pub async fn until_state(&self, id: JobId, state: &str) {
        eventually(state, async || self.state(id).await == state).await;
    }

    /// The attempts of a job: number, outcome, reason.
    pub async fn attempts(&self, id: JobId) -> Vec<(i32, String, Option<String>)> {
        sqlx::query_as(
            "select attempt, outcome, reason from apalis_lease.attempts where job_id = $1
             order by run",
        )
        .bind(id.get())
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    /// The outcomes of a job, in order.
    pub async fn outcomes(&self, id: JobId) -> Vec<String> {
        self.attempts(id).await.into_iter().map(|(_, outcome, _)| outcome).collect()
    }

    pub async fn execute(&self, sql: String) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }

    /// A worker with `handler`, running by the time this returns.
    pub async fn work<F>(
        &self,
        config: Config,
        handler: impl Fn(u64, JobContext) -> F + Send + Sync + 'static,
    ) -> Worker
    where
        F: Future<Output = Ended> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |number, job| Box::pin(handler(number, job)));
        let context = WorkerContext::new("it");
        let worker = WorkerBuilder::new(&context)
            .backend(LeaseBackend::new(&self.pool, config))
            .build(move |number: u64, job: JobContext| handler(number, job));
        let mut task = JoinSet::new();
        task.spawn(worker.run());
        eventually("the worker runs", async || context.is_running()).await;
        Worker { context, task }
    }
}

/// Short times, and polls so seldom that only wake-ups and due times start jobs.
pub fn config() -> Config {
    Config::new(QUEUE, "it")
        .lease(LEASE)
        .poll(NEVER)
        .timeout(NEVER)
        .backoff(Backoff { first: Duration::from_millis(20), most: Duration::from_millis(100) })
}

pub fn job(number: u64) -> NewJob<u64> {
    NewJob::new(QUEUE, number)
}

pub struct Worker {
    pub context: WorkerContext,
    pub task: JoinSet<Result<(), WorkerError>>,
}

impl Worker {
    /// Asks it to stop, and returns when it has.
    pub async fn drain(mut self) {
        self.context.stop().unwrap();
        let ended = tokio::time::timeout(PATIENCE, self.task.join_next()).await;
        ended.expect("the worker drains").unwrap().unwrap().unwrap();
    }

    /// Drops it where it stands, as a crash would.
    pub async fn kill(mut self) {
        self.task.shutdown().await;
    }
}

/// What handlers saw, in order.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<(u64, u32, Instant)>>>);

impl Log {
    pub fn note(&self, number: u64, job: &JobContext) {
        self.0.lock().unwrap().push((number, job.attempt(), Instant::now()));
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.0.lock().unwrap().iter().map(|it| it.0).collect()
    }

    pub fn attempts(&self) -> Vec<u32> {
        self.0.lock().unwrap().iter().map(|it| it.1).collect()
    }

    pub fn times(&self) -> Vec<Instant> {
        self.0.lock().unwrap().iter().map(|it| it.2).collect()
    }

    pub async fn until_count(&self, count: usize) {
        eventually("the handler has run so often", async || self.numbers().len() >= count).await;
    }
}

/// Polls until `holds`, for so long and no longer.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
