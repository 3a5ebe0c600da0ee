//! From the photo's webhook to the answer at Meta: an ingress, a worker, Postgres, and the other services
//! as slow as they are, or answering at once.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::load::{Pace, ms, run};
use crate::others::{Manners, Others};
use crate::payloads::photo;
use crate::pgbench::{self, Script};
use crate::report::{Report, rounded, with};
use crate::stage::Stage;

/// All photos are sent by then.
const PLENTY: Duration = Duration::from_mins(30);

/// How long nothing may move before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Photos of new senders at a steady pace, the other services as slow as they are: for four times as long
/// as other loads, since there are few of them.
pub async fn path(report: &mut Report, seconds: u64) -> anyhow::Result<()> {
    for rate in [2_u32, 10] {
        let scene = Scene::start(Manners::REAL).await?;
        let photos = usize::try_from(u64::from(rate) * 4 * seconds)?;
        // Few: one that is idle for 5 s is closed.
        let connections = usize::try_from(2 * rate)?;
        let figures = scene.play(photos, Pace::Open(rate), connections).await?;
        let begun = scene.stage.query(BEGUN)?;
        let mut begun = begun.split('|').map(|it| it.trim().parse::<f64>());
        let more = json!({
            "begun_p50_ms": begun.next().transpose()?.map(rounded),
            "begun_p99_ms": begun.next().transpose()?.map(rounded),
        });
        let case = format!("{rate} photos/s of new senders, the others as slow as they are");
        report.line("path", &case, &with(figures, &more));
    }
    Ok(())
}

/// As many photos as go through, the other services answering at once; pgbench commits photos of 200 kB.
pub async fn through(report: &mut Report, seconds: u64) -> anyhow::Result<()> {
    let floor = {
        let stage = Stage::start(None).await?;
        stage.photo_for_pgbench()?;
        pgbench::run(&stage, Script::Photo, 32, seconds).await?
    };
    for senders in ["new", "known"] {
        let scene = Scene::start(Manners::NONE).await?;
        let photos = usize::try_from(200 * seconds)?;
        if senders == "known" {
            scene.stage.know(photos)?;
        }
        let figures = scene.play(photos, Pace::Closed, 64).await?;
        let rate = figures["answers_per_s"].as_f64().unwrap_or_default();
        let more = json!({
            "pgbench_32_per_s": rounded(floor), "against_pgbench": rounded(rate / floor),
        });
        let case = format!("photos of {senders} senders, the others at once");
        report.line("through", &case, &with(figures, &more));
    }
    Ok(())
}

/// How long after the beginning of its commit a message's job was begun.
const BEGUN: &str = "
    select percentile_cont(0.5) within group (order by waited),
           percentile_cont(0.99) within group (order by waited)
    from (
        select 1000 * extract(epoch from attempts.started_at - messages.accepted_at) as waited
        from apalis_lease.attempts
        join apalis_lease.done_jobs on done_jobs.id = attempts.job_id
        join messages on messages.id = (done_jobs.payload ->> 'message_id')::bigint
        where attempts.run = 1 and attempts.queue = 'messages'
    ) as begun";

struct Scene {
    others: Others,
    stage: Stage,
}

impl Scene {
    async fn start(manners: Manners) -> anyhow::Result<Self> {
        let others = Others::start(manners, crate::photo::receipt()?).await?;
        let mut stage = Stage::start(Some(others.address)).await?;
        stage.start_worker(others.address).await?;
        Ok(Self { others, stage })
    }

    /// So many photos are sent; how long each took to be answered, and how many a second were.
    async fn play(&self, photos: usize, pace: Pace, connections: usize) -> anyhow::Result<Value> {
        let requests = (0..photos).map(photo).collect();
        let before = (self.stage.ingress_cpu_s()?, self.stage.worker_cpu_s()?, self.commits()?);
        let began = Instant::now();
        let told = run(self.stage.address, requests, pace, connections, PLENTY).await?;
        ensure!(told.failed == 0, "{} webhooks were not answered 200", told.failed);
        self.answered(photos).await?;
        let took = self.others.journeys.last_answer().unwrap_or(began) - began;
        let (mut whole, mut own): (Vec<_>, Vec<_>) =
            self.others.journeys.taken(&told.sent).into_iter().unzip();
        whole.sort();
        own.sort();
        let many = f64::from(u32::try_from(photos)?);
        Ok(json!({
            "photos": photos,
            "seconds": rounded(took.as_secs_f64()),
            "answers_per_s": rounded(many / took.as_secs_f64()),
            "webhook_p50_ms": rounded(told.ms(500)),
            "webhook_p99_ms": rounded(told.ms(990)),
            "answer_p50_ms": rounded(ms(&whole, 500)),
            "answer_p95_ms": rounded(ms(&whole, 950)),
            "own_p50_ms": rounded(ms(&own, 500)),
            "own_p95_ms": rounded(ms(&own, 950)),
            "own_max_ms": rounded(ms(&own, 1000)),
            "ingress_cpu_ms_each": rounded((self.stage.ingress_cpu_s()? - before.0) * 1e3 / many),
            "worker_cpu_ms_each": rounded((self.stage.worker_cpu_s()? - before.1) * 1e3 / many),
            "commits_each": rounded((self.commits()? - before.2) / many),
        }))
    }

    /// Transactions that Postgres has committed so far, those that only read among them.
    fn commits(&self) -> anyhow::Result<f64> {
        let commits = self
            .stage
            .query("select xact_commit from pg_stat_database where datname = current_database()")?;
        Ok(commits.trim().parse()?)
    }

    async fn answered(&self, photos: usize) -> anyhow::Result<()> {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let answers = self.others.journeys.answers();
            if answers >= photos {
                return Ok(());
            }
            if answers > last {
                (last, since) = (answers, Instant::now());
            }
            let log = self.stage.folder().join("worker.log");
            let said = || std::fs::read_to_string(&log).unwrap_or_default();
            ensure!(since.elapsed() < PATIENCE, "{answers} of {photos} answered: {}", said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
