//! Random interleavings of everything that writes to the tables, against a model of them.
//!
//! Workers here are connections that send the crate's own statements, one step at a time, so that
//! what each step must do is known exactly: after every step the tables are compared with the model,
//! row by row (`model.rs`). Crashes are fences whose holder never speaks again, or speaks too late; leases lapse
//! by hand, since the model has no clock. What real workers do at the same time is for
//! `processes.rs`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::{Connection, PgConnection};

use crate::model::{Job, Model, Run, State, VERDICTS};
use crate::rig::{QUEUE, Rig, is_proof};

#[path = "../../src/sql.rs"]
#[expect(dead_code, reason = "the statements of enqueuing and waking are used through the crate")]
mod sql;

const LEASE_MS: i32 = 15_000;
const STEPS: usize = 120;

/// A model, the database that must agree with it, and every run there has ever been.
struct World<'a> {
    rig: &'a Rig,
    dice: StdRng,
    model: Model,
    workers: Vec<PgConnection>,
    runs: Vec<Run>,
}

#[tokio::test]
async fn no_interleaving_loses_a_job_settles_a_fence_twice_or_exceeds_max_attempts() {
    let rig = Rig::start().await;
    let seeds = if is_proof() { 300 } else { 10 };
    for seed in 0..seeds {
        println!("seed {seed}");
        rig.execute(
            "truncate apalis_lease.jobs, apalis_lease.done_jobs, apalis_lease.attempts,
                 apalis_lease.paused_queues, apalis_lease.paused_groups, apalis_lease.resumptions"
                .to_owned(),
        )
        .await;
        let mut world = World::new(&rig, seed).await;
        for _ in 0..STEPS {
            world.step().await;
            world.compare().await;
        }
        world.finish().await;
    }
}

impl<'a> World<'a> {
    async fn new(rig: &'a Rig, seed: u64) -> Self {
        let mut workers = Vec::new();
        for _ in 0..3 {
            workers.push(connect(rig).await);
        }
        let dice = StdRng::seed_from_u64(seed);
        World { rig, dice, model: Model::default(), workers, runs: Vec::new() }
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.dice.random_range(0..sides)
    }

    async fn step(&mut self) {
        match self.roll(20) {
            0..=3 => self.enqueue().await,
            4..=7 => self.claim().await,
            8..=10 => self.settle().await,
            11 => self.settle_and_lose_the_answer().await,
            12 => self.settle_in_a_transaction_that_ends_otherwise().await,
            13 => self.claim_behind_an_open_claim().await,
            14 => self.leases_lapse().await,
            15 => self.prolong().await,
            16 => self.rescue().await,
            17 => self.pause_or_resume().await,
            18 => self.time_passes().await,
            19 => self.cancel_or_retry().await,
            _ => unreachable!("a die has twenty sides"),
        }
    }

    async fn enqueue(&mut self) {
        let max_attempts = i32::try_from(1 + self.roll(3)).unwrap();
        let priority = i16::try_from(self.roll(3)).unwrap();
        let group = (self.roll(2) == 0).then(|| self.roll(3).to_string());
        let deferred = self.roll(4) == 0;
        let (id, run_at) = sqlx::query_as(
            "insert into apalis_lease.jobs (queue, priority, max_attempts, group_key, run_at, payload)
             values ($1, $2, $3, $4, now() + $5 * interval '1 day', '1') returning id, run_at",
        )
        .bind(QUEUE)
        .bind(priority)
        .bind(max_attempts)
        .bind(&group)
        .bind(i32::from(deferred))
        .fetch_one(&self.rig.pool)
        .await
        .unwrap();
        let state = if deferred { State::Deferred } else { State::Ready };
        let job = Job {
            state,
            priority,
            group,
            attempt: 0,
            max_attempts,
            run: 0,
            lapsed: false,
            resumed: false,
            run_at,
        };
        self.model.jobs.insert(id, job);
    }

    fn worker(&mut self) -> &mut PgConnection {
        let which = self.roll(self.workers.len());
        &mut self.workers[which]
    }

    async fn claim(&mut self) {
        let limit = 1 + self.roll(4);
        let claimed = claim(self.worker(), limit).await;
        assert_eq!(claimed, self.model.claim(limit));
        self.runs.extend(claimed);
    }

    /// Two workers at once: the second passes by what the first has locked.
    async fn claim_behind_an_open_claim(&mut self) {
        let (limit, kept) = (1 + self.roll(3), self.roll(2) == 0);
        let [first, second, ..] = &mut self.workers[..] else { panic!("three workers") };
        let mut open = first.begin().await.unwrap();
        let claimed = claim(&mut open, limit).await;
        let before = (self.model.jobs.clone(), self.model.claim(limit));
        assert_eq!(claimed, before.1);
        let beside = claim(second, limit).await;
        assert_eq!(beside, self.model.claim(limit));
        if kept {
            open.commit().await.unwrap();
            self.runs.extend(claimed);
        } else {
            open.rollback().await.unwrap();
            for id in before.0.keys().filter(|it| !beside.iter().any(|run| run.0 == **it)) {
                let undone = before.0[id].clone();
                let now = self.model.jobs.get_mut(id).unwrap();
                // What the second set aside stays aside.
                if now.state == State::Running {
                    *now = undone;
                }
            }
            self.set_aside_is_what_postgres_says().await;
        }
        self.runs.extend(beside);
    }

    /// After a claim that was rolled back the model cannot tell which of two claims had met a job
    /// of a paused group. Either way it is ready or set aside, and nothing else.
    async fn set_aside_is_what_postgres_says(&mut self) {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("select id, state from apalis_lease.jobs where state <> 'running'")
                .fetch_all(&self.rig.pool)
                .await
                .unwrap();
        for (id, state) in rows {
            let job = self.model.jobs.get_mut(&id).unwrap();
            if matches!(job.state, State::Ready | State::Paused) {
                let paused =
                    job.group.as_ref().is_some_and(|it| self.model.paused_groups.contains(it));
                job.state = if state == "paused" { State::Paused } else { State::Ready };
                assert!(paused || job.state == State::Ready, "set aside without a pause");
            }
        }
    }

    /// Some runs and what they say: live ones, and late ones that lost their job long ago.
    fn batch(&mut self) -> Vec<(Run, &'static str)> {
        let mut batch = BTreeMap::new();
        for _ in 0..self.roll(4) {
            if !self.runs.is_empty() {
                let (run, verdict) = (self.roll(self.runs.len()), self.roll(VERDICTS.len()));
                batch.insert(self.runs[run], VERDICTS[verdict]);
            }
        }
        batch.into_iter().collect()
    }

    fn settle_in_the_model(&mut self, batch: &[(Run, &'static str)]) -> BTreeSet<Run> {
        let written = batch.iter().filter(|(run, verdict)| self.model.settle(*run, verdict));
        written.map(|(run, _)| *run).collect()
    }

    async fn settle(&mut self) {
        let batch = self.batch();
        let written = settle(self.worker(), &batch).await;
        assert_eq!(written, self.settle_in_the_model(&batch));
    }

    /// The outage that hurts: it is committed, and the worker does not know.
    async fn settle_and_lose_the_answer(&mut self) {
        let batch = self.batch();
        let written = settle(self.worker(), &batch).await;
        assert_eq!(written, self.settle_in_the_model(&batch));
        assert_eq!(settle(self.worker(), &batch).await, BTreeSet::new(), "never twice");
        let before: Vec<(i64, i32, String)> = sqlx::query_as(sql::SETTLED_BEFORE)
            .bind(batch.iter().map(|it| it.0.0).collect::<Vec<_>>())
            .bind(batch.iter().map(|it| it.0.1).collect::<Vec<_>>())
            .fetch_all(self.worker())
            .await
            .unwrap();
        let found: BTreeSet<Run> = before.into_iter().map(|(id, run, _)| (id, run)).collect();
        for (run, verdict) in batch.iter().filter(|it| written.contains(&it.0)) {
            assert!(found.contains(run) || *verdict == "release", "{run:?} {verdict}");
        }
    }

    async fn settle_in_a_transaction_that_ends_otherwise(&mut self) {
        let (batch, torn) = (self.batch(), self.roll(2) == 0);
        let first = &mut self.workers[0];
        let mut open = first.begin().await.unwrap();
        settle(&mut open, &batch).await;
        if torn {
            let ours = sqlx::query_scalar("select pg_backend_pid()");
            let ours: i32 = ours.fetch_one(&mut *open).await.unwrap();
            sqlx::query("select pg_terminate_backend($1, 5000)")
                .bind(ours)
                .execute(&self.rig.pool)
                .await
                .unwrap();
            drop(open);
            self.workers[0] = connect(self.rig).await;
        } else {
            open.rollback().await.unwrap();
        }
    }

    async fn leases_lapse(&mut self) {
        let running: Vec<i64> = self.running();
        let chosen: Vec<i64> = running.into_iter().filter(|_| self.roll(2) == 0).collect();
        sqlx::query(
            "update apalis_lease.jobs set lease_until = now() - interval '1 second'
             where id = any ($1)",
        )
        .bind(&chosen)
        .execute(&self.rig.pool)
        .await
        .unwrap();
        for id in chosen {
            self.model.jobs.get_mut(&id).unwrap().lapsed = true;
        }
    }

    fn running(&self) -> Vec<i64> {
        let running = self.model.jobs.iter().filter(|it| it.1.state == State::Running);
        running.map(|(id, _)| *id).collect()
    }

    async fn prolong(&mut self) {
        let all: Vec<Run> = self.runs.clone();
        let runs: Vec<Run> = all.into_iter().filter(|_| self.roll(2) == 0).collect();
        let kept: Vec<Run> = sqlx::query_as(sql::PROLONG)
            .bind(runs.iter().map(|it| it.0).collect::<Vec<_>>())
            .bind(runs.iter().map(|it| it.1).collect::<Vec<_>>())
            .fetch_all(self.worker())
            .await
            .unwrap();
        let expected: BTreeSet<Run> =
            runs.into_iter().filter(|run| self.model.holds(*run)).collect();
        for (id, _) in &expected {
            self.model.jobs.get_mut(id).unwrap().lapsed = false;
        }
        assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    /// By a worker that has been connected for a whole lease, or that has not.
    async fn rescue(&mut self) {
        let heard_ms = if self.roll(3) == 0 { LEASE_MS - 1 } else { LEASE_MS };
        let rescued: Vec<(i64, String, String)> =
            sqlx::query_as(sql::RESCUE).bind(heard_ms).fetch_all(self.worker()).await.unwrap();
        let rescued: BTreeSet<i64> = rescued.into_iter().map(|it| it.0).collect();
        let expected = if heard_ms < LEASE_MS { BTreeSet::new() } else { self.model.rescue() };
        assert_eq!(rescued, expected);
    }

    async fn pause_or_resume(&mut self) {
        let (group, what) = (self.roll(3).to_string(), self.roll(6));
        let pool = &self.rig.pool;
        match what {
            0 | 1 => {
                let news = apalis_lease::pause_group(pool, QUEUE, &group, "why").await.unwrap();
                assert_eq!(news, self.model.paused_groups.insert(group));
            }
            2 => {
                let news = apalis_lease::pause_queue(pool, QUEUE, "why").await.unwrap();
                assert_eq!(news, !std::mem::replace(&mut self.model.queue_paused, true));
            }
            3 | 4 => {
                let news = apalis_lease::resume_group(pool, QUEUE, &group).await.unwrap();
                assert_eq!(news, self.model.paused_groups.contains(&group));
                if news {
                    self.model.resume_group(&group);
                }
            }
            _ => {
                let news = apalis_lease::resume_queue(pool, QUEUE).await.unwrap();
                assert_eq!(news, self.model.queue_paused);
                if news {
                    self.model.resume_queue();
                }
            }
        }
    }

    /// Deferred jobs become due.
    async fn time_passes(&mut self) {
        sqlx::query(
            "update apalis_lease.jobs set run_at = now() - interval '1 second'
             where state = 'waiting' and run_at > now()",
        )
        .execute(&self.rig.pool)
        .await
        .unwrap();
        let deferred = self.model.jobs.values_mut().filter(|it| it.state == State::Deferred);
        deferred.for_each(|it| it.state = State::Ready);
    }

    async fn cancel_or_retry(&mut self) {
        let ids: Vec<i64> = self.model.jobs.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let (id, retry) = (ids[self.roll(ids.len())], self.roll(2) == 0);
        let job = self.model.jobs.get_mut(&id).unwrap();
        let (sql, expected) = if retry {
            ("select apalis_lease.retry_job($1)", job.state == State::Dead)
        } else {
            let over = matches!(job.state, State::Done | State::Cancelled);
            ("select apalis_lease.cancel_job($1, 'why')", !over)
        };
        let news: bool = sqlx::query_scalar(sql).bind(id).fetch_one(&self.rig.pool).await.unwrap();
        assert_eq!(news, expected);
        if news && retry {
            (job.state, job.attempt) = (State::Ready, 0);
        } else if news {
            if job.state == State::Running {
                self.model.attempts.insert((id, job.run), ("cancelled".to_owned(), job.attempt));
            }
            job.state = State::Cancelled;
        }
    }

    /// Row by row. Takes over only what the model cannot know: the moments.
    async fn compare(&mut self) {
        type Row = (i64, String, i32, i32, DateTime<Utc>);
        let rows: Vec<Row> = sqlx::query_as(
            "select id, case when state = 'waiting' and run_at <= now() then 'Ready'
                             when state = 'waiting' then 'Deferred'
                             else initcap(state) end, attempt, run, run_at
             from apalis_lease.jobs
             union all
             select id, initcap(outcome), attempt, run, run_at from apalis_lease.done_jobs
             order by id",
        )
        .fetch_all(&self.rig.pool)
        .await
        .unwrap();
        let found: Vec<_> = rows.iter().map(|row| (row.0, row.1.clone(), row.2, row.3)).collect();
        let expected = self.model.jobs.iter();
        let expected: Vec<_> = expected
            .map(|(id, job)| (*id, format!("{:?}", job.state), job.attempt, job.run))
            .collect();
        assert_eq!(found, expected);
        for row in rows {
            self.model.jobs.get_mut(&row.0).unwrap().run_at = row.4;
        }
        let attempts: Vec<(i64, i32, String, i32)> = sqlx::query_as(
            "select job_id, run, outcome, attempt from apalis_lease.attempts order by job_id, run",
        )
        .fetch_all(&self.rig.pool)
        .await
        .unwrap();
        let attempts: Vec<_> = attempts
            .into_iter()
            .map(|(id, run, word, number)| ((id, run), (word, number)))
            .collect();
        assert_eq!(attempts, self.model.attempts.clone().into_iter().collect::<Vec<_>>());
        self.compare_pauses().await;
    }

    async fn compare_pauses(&self) {
        let pool = &self.rig.pool;
        let groups: Vec<String> = sqlx::query_scalar(
            "select group_key from apalis_lease.paused_groups order by group_key",
        )
        .fetch_all(pool)
        .await
        .unwrap();
        assert_eq!(groups, self.model.paused_groups.iter().cloned().collect::<Vec<_>>());
        let queues = self.rig.number("select count(*) from apalis_lease.paused_queues").await;
        assert_eq!(queues, i64::from(self.model.queue_paused));
    }

    /// With everything mended, every job comes to an end.
    async fn finish(&mut self) {
        for group in self.model.paused_groups.clone() {
            apalis_lease::resume_group(&self.rig.pool, QUEUE, &group).await.unwrap();
            self.model.resume_group(&group);
        }
        apalis_lease::resume_queue(&self.rig.pool, QUEUE).await.unwrap();
        self.model.resume_queue();
        self.time_passes().await;
        self.compare().await;
        for id in self.running() {
            let run = (id, self.model.jobs[&id].run);
            settle(self.worker(), &[(run, "done")]).await;
            assert!(self.model.settle(run, "done"), "the last run holds its job");
        }
        loop {
            let claimed = claim(self.worker(), 1_000).await;
            assert_eq!(claimed, self.model.claim(1_000));
            let batch: Vec<_> = claimed.into_iter().map(|run| (run, "done")).collect();
            if batch.is_empty() {
                break;
            }
            settle(self.worker(), &batch).await;
            self.settle_in_the_model(&batch);
        }
        self.compare().await;
        for (id, job) in &self.model.jobs {
            let over = matches!(job.state, State::Done | State::Dead | State::Cancelled);
            assert!(over && job.attempt <= job.max_attempts, "job {id} is left: {job:?}");
        }
    }
}

async fn connect(rig: &Rig) -> PgConnection {
    let options = rig.pool.connect_options();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(sql::PLAN_BY_INDEX).execute(&mut connection).await.unwrap();
    connection
}

async fn claim(connection: &mut PgConnection, limit: usize) -> BTreeSet<Run> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: i64,
        run: i32,
        state: String,
    }
    let rows: Vec<Row> = sqlx::query_as(sql::CLAIM)
        .bind(QUEUE)
        .bind(i64::try_from(limit).unwrap())
        .bind("it")
        .bind(LEASE_MS)
        .fetch_all(connection)
        .await
        .unwrap();
    rows.into_iter().filter(|it| it.state == "running").map(|it| (it.id, it.run)).collect()
}

async fn settle(connection: &mut PgConnection, batch: &[(Run, &'static str)]) -> BTreeSet<Run> {
    let far: DateTime<Utc> = "2100-01-01T00:00:00Z".parse().unwrap();
    let reasons = batch.iter().map(|it| (it.1 != "done").then_some("why")).collect::<Vec<_>>();
    let rows: Vec<(i64, i32, String)> = sqlx::query_as(sql::SETTLE)
        .bind(batch.iter().map(|it| it.0.0).collect::<Vec<_>>())
        .bind(batch.iter().map(|it| it.0.1).collect::<Vec<_>>())
        .bind(batch.iter().map(|it| it.1).collect::<Vec<_>>())
        .bind(vec![0_i64; batch.len()])
        .bind(vec![far; batch.len()])
        .bind(reasons)
        .fetch_all(connection)
        .await
        .unwrap();
    rows.into_iter().map(|(id, run, _)| (id, run)).collect()
}
