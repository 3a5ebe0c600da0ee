//! What the queue's tables should say, as plain data: each step that writes to them, in memory.
//! Sends nothing and knows no time beyond the order that Postgres gave.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

/// One claim of one job: its id and its fence.
pub type Run = (i64, i32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Deferred,
    Ready,
    Paused,
    Running,
    Dead,
    Done,
    Cancelled,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub state: State,
    pub priority: i16,
    pub group: Option<String>,
    pub attempt: i32,
    pub max_attempts: i32,
    pub run: i32,
    pub lapsed: bool,
    /// It began before its group or queue was last resumed.
    pub resumed: bool,
    /// Postgres', since order goes by it.
    pub run_at: DateTime<Utc>,
}

#[derive(Default)]
pub struct Model {
    pub jobs: BTreeMap<i64, Job>,
    pub attempts: BTreeMap<Run, (String, i32)>,
    pub paused_groups: BTreeSet<String>,
    pub queue_paused: bool,
}

/// The verdicts, as the statement has them.
pub const VERDICTS: [&str; 6] = ["done", "retry", "not_before", "halt", "give_up", "release"];

impl Model {
    /// Whether a run still holds its job.
    pub fn holds(&self, (id, run): Run) -> bool {
        self.jobs.get(&id).is_some_and(|it| it.state == State::Running && it.run == run)
    }

    /// What a claim of `limit` takes, in no order; jobs of paused groups are set aside.
    pub fn claim(&mut self, limit: usize) -> BTreeSet<Run> {
        if self.queue_paused {
            return BTreeSet::new();
        }
        let mut ready: Vec<_> =
            self.jobs.iter_mut().filter(|it| it.1.state == State::Ready).collect();
        ready.sort_by_key(|(id, job)| (job.priority, job.run_at, **id));
        let mut taken = BTreeSet::new();
        for (id, job) in ready.into_iter().take(limit) {
            if job.group.as_ref().is_some_and(|it| self.paused_groups.contains(it)) {
                job.state = State::Paused;
                continue;
            }
            (job.state, job.lapsed, job.resumed) = (State::Running, false, false);
            job.attempt += 1;
            job.run += 1;
            taken.insert((*id, job.run));
        }
        taken
    }

    /// Settles one run, if it holds its job.
    pub fn settle(&mut self, run: Run, verdict: &str) -> bool {
        if !self.holds(run) {
            return false;
        }
        let job = self.jobs.get_mut(&run.0).unwrap();
        if verdict != "release" {
            self.attempts.insert(run, (verdict.to_owned(), job.attempt));
        }
        job.state = match verdict {
            "done" => State::Done,
            "give_up" => State::Dead,
            "retry" if job.attempt == job.max_attempts => State::Dead,
            "not_before" => State::Deferred,
            _ => State::Ready,
        };
        if matches!(verdict, "not_before" | "halt" | "release") {
            job.attempt -= 1;
        }
        if verdict == "halt" && !job.resumed {
            match job.group.clone() {
                Some(group) => drop(self.paused_groups.insert(group)),
                None => self.queue_paused = true,
            }
        }
        true
    }

    pub fn rescue(&mut self) -> BTreeSet<i64> {
        let mut rescued = BTreeSet::new();
        for (id, job) in &mut self.jobs {
            if job.state == State::Running && job.lapsed {
                self.attempts.insert((*id, job.run), ("lost".to_owned(), job.attempt));
                let last = job.attempt == job.max_attempts;
                job.state = if last { State::Dead } else { State::Ready };
                rescued.insert(*id);
            }
        }
        rescued
    }

    pub fn resume_group(&mut self, group: &str) {
        self.paused_groups.remove(group);
        for job in self.jobs.values_mut().filter(|it| it.group.as_deref() == Some(group)) {
            job.resumed = true;
            if job.state == State::Paused {
                job.state = State::Ready;
            }
        }
    }

    pub fn resume_queue(&mut self) {
        self.queue_paused = false;
        self.jobs.values_mut().filter(|it| it.group.is_none()).for_each(|it| it.resumed = true);
    }
}
