//! Workers as processes of their own: killed at random, with Postgres restarted under them, and a
//! job that kills whoever runs it. Each run leaves a line in a file when it begins and when it ends,
//! which no outage can lose. `PARAGON_PROOF=1` makes it long.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use apalis_core::worker::builder::WorkerBuilder;
use apalis_lease::{JobContext, LeaseBackend, Outcome};
use rand::RngExt;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::rig::{LEASE, QUEUE, Rig, config, is_proof, job};

const URL: &str = "APALIS_LEASE_TEST_URL";
const DIARY: &str = "APALIS_LEASE_TEST_DIARY";
const WORKERS: usize = 4;
const SLOTS: usize = 8;
/// Aborts its process.
const POISON: u64 = 0;
/// Every so many-th job lasts through an outage.
const LONG: u64 = 97;

/// How much is done, and how often something is broken.
struct Plan {
    jobs: u64,
    restarts: u32,
    kills: u32,
    patience: Duration,
}

fn plan() -> Plan {
    if is_proof() {
        Plan { jobs: 20_000, restarts: 3, kills: 40, patience: Duration::from_mins(10) }
    } else {
        Plan { jobs: 500, restarts: 1, kills: 4, patience: Duration::from_secs(100) }
    }
}

#[tokio::test]
async fn killed_workers_and_a_restarted_postgres_lose_nothing_and_repeat_only_what_was_killed() {
    let plan = plan();
    let mut rig = Rig::start().await;
    let diary =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("diary-{}", std::process::id()));
    enqueue(&rig.pool, plan.jobs).await;
    let mut crew = Crew::new(&rig.url, &diary);
    let (mut restarts, mut kills) = (0, 0);
    let began = Instant::now();
    while !is_drained(&rig.pool).await {
        assert!(began.elapsed() < plan.patience, "not drained: {:?}", rig.depth().await);
        crew.keep_up();
        // The life of the crew: something breaks now and then.
        tokio::time::sleep(Duration::from_millis(rand::rng().random_range(200..900))).await;
        if kills < plan.kills {
            crew.kill_one().await;
            kills += 1;
        }
        if restarts < plan.restarts && kills * plan.restarts > restarts * plan.kills {
            rig.stop_postgres().await;
            tokio::time::sleep(LEASE / 2).await;
            rig.start_postgres().await;
            restarts += 1;
        }
    }
    assert_eq!((restarts, kills), (plan.restarts, plan.kills), "it was over too soon");
    let killed = crew.end().await;
    let story = Story::read(&diary);
    std::fs::remove_file(&diary).unwrap();
    judge(&rig, &plan, &story, &killed).await;
}

async fn enqueue(pool: &PgPool, jobs: u64) {
    let mut connection = pool.acquire().await.unwrap();
    let poison = job(POISON).max_attempts(3);
    apalis_lease::enqueue(&mut connection, &poison).await.unwrap();
    let jobs: Vec<_> = (1..=jobs).map(|it| job(it).max_attempts(1_000)).collect();
    for chunk in jobs.chunks(1_000) {
        apalis_lease::enqueue_all(&mut connection, chunk).await.unwrap();
    }
}

async fn is_drained(pool: &PgPool) -> bool {
    apalis_lease::depth(pool, QUEUE).await.is_ok_and(|it| it.is_drained())
}

async fn judge(rig: &Rig, plan: &Plan, story: &Story, killed: &BTreeSet<u32>) {
    let done = rig.number("select count(distinct payload) from apalis_lease.done_jobs").await;
    assert_eq!(u64::try_from(done).unwrap(), plan.jobs, "each done");
    let left: Vec<(String, i32, i32)> =
        sqlx::query_as("select state, attempt, max_attempts from apalis_lease.jobs")
            .fetch_all(&rig.pool)
            .await
            .unwrap();
    assert_eq!(left, [("dead".to_owned(), 3, 3)], "the poison, and nothing under a lease");
    assert_eq!(story.begun[&POISON].len(), 3, "the poison was tried three times");

    let attempts: Vec<(i64, String)> = sqlx::query_as(
        "select d.payload::bigint, a.outcome from apalis_lease.attempts as a
         join apalis_lease.done_jobs as d on d.id = a.job_id order by a.job_id, a.run",
    )
    .fetch_all(&rig.pool)
    .await
    .unwrap();
    let mut told: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for (number, outcome) in attempts {
        told.entry(number.unsigned_abs()).or_default().push(outcome);
    }
    let mut again = 0;
    for number in 1..=plan.jobs {
        let (begun, told) = (&story.begun[&number], &told[&number]);
        assert!(begun.len() <= told.len(), "job {number}: {begun:?} but {told:?}");
        assert_eq!(told.last().map(String::as_str), Some("done"));
        assert!(told[..told.len() - 1].iter().all(|it| it == "lost"), "job {number}: {told:?}");
        for process in &begun[..begun.len() - 1] {
            assert!(killed.contains(process), "job {number} was run again without need: {begun:?}");
            again += 1;
        }
    }
    println!("{} jobs, {} processes killed, {again} runs repeated", plan.jobs, killed.len());
}

/// Which process began which job, in the order of beginning.
struct Story {
    begun: BTreeMap<u64, Vec<u32>>,
}

impl Story {
    fn read(diary: &Path) -> Story {
        let mut begun: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for line in std::fs::read_to_string(diary).unwrap().lines() {
            let (number, process) = line.split_once(' ').unwrap();
            begun.entry(number.parse().unwrap()).or_default().push(process.parse().unwrap());
        }
        Story { begun }
    }
}

/// The processes, and the ids of those that did not end by themselves.
struct Crew {
    url: String,
    diary: PathBuf,
    alive: Vec<Child>,
    killed: BTreeSet<u32>,
}

impl Crew {
    fn new(url: &str, diary: &Path) -> Crew {
        let (url, diary) = (url.to_owned(), diary.to_owned());
        Crew { url, diary, alive: Vec::new(), killed: BTreeSet::new() }
    }

    /// Buries those that the poison has killed, and fills the ranks.
    fn keep_up(&mut self) {
        let ids: Vec<Option<u32>> = self.alive.iter().map(Child::id).collect();
        let mut ids = ids.into_iter();
        let killed = &mut self.killed;
        self.alive.retain_mut(|child| {
            let id = ids.next().flatten();
            let lives = child.try_wait().unwrap().is_none();
            if !lives {
                killed.extend(id);
            }
            lives
        });
        while self.alive.len() < WORKERS {
            self.alive.push(self.hire());
        }
    }

    fn hire(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::as_a_process_of_its_own", "--ignored", "--nocapture"])
            .env(URL, &self.url)
            .env(DIARY, &self.diary)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    async fn kill_one(&mut self) {
        let mut child = self.alive.swap_remove(rand::rng().random_range(0..self.alive.len()));
        self.killed.extend(child.id());
        child.kill().await.unwrap();
    }

    /// By now they have nothing left to do.
    async fn end(mut self) -> BTreeSet<u32> {
        for mut child in self.alive.drain(..) {
            child.kill().await.unwrap();
        }
        self.killed
    }
}

/// What the processes run.
#[tokio::test]
#[ignore = "is started by the test above, once for each worker"]
async fn as_a_process_of_its_own() {
    let url = std::env::var_os(URL).unwrap().into_string().unwrap();
    let diary = std::env::var_os(DIARY).unwrap();
    let pool = PgPoolOptions::new().connect_lazy(&url).unwrap();
    let worker = WorkerBuilder::new("it")
        .backend(LeaseBackend::new(&pool, config().poll(LEASE / 10).concurrency(SLOTS)))
        .build(move |number: u64, _: JobContext| {
            let mut diary = OpenOptions::new().append(true).create(true).open(&diary).unwrap();
            let line = format!("{number} {}\n", std::process::id());
            diary.write_all(line.as_bytes()).unwrap();
            async move {
                if number == POISON {
                    std::process::abort();
                }
                // The job's work.
                let millis = if number.is_multiple_of(LONG) { 2_500 } else { 5 + number % 40 };
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Outcome::Done
            }
        });
    worker.run().await.unwrap();
}
