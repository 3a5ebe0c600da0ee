//! What a worker of a queue may be told. Pure settings: reads no environment.

use std::time::Duration;

use crate::backoff::Backoff;

/// The settings of one [`crate::LeaseBackend`]. Made by [`Config::new`], then changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub(crate) queue: String,
    pub(crate) worker: String,
    pub(crate) concurrency: usize,
    pub(crate) ahead: usize,
    pub(crate) lease: Duration,
    pub(crate) poll: Duration,
    pub(crate) timeout: Duration,
    pub(crate) backoff: Backoff,
}

impl Config {
    /// A worker called `worker` that claims from `queue`, one job at a time. The name is shown to
    /// people and means nothing to the queue: two workers may share it.
    pub fn new(queue: impl Into<String>, worker: impl Into<String>) -> Self {
        Config {
            queue: queue.into(),
            worker: worker.into(),
            concurrency: 1,
            ahead: 0,
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(1),
            timeout: Duration::from_mins(5),
            backoff: Backoff::default(),
        }
    }

    /// How many jobs run at once in this worker; 1 unless told otherwise, 0 counts as 1.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }

    /// How many jobs may be held beyond those that run: claimed and not begun, or ended and not yet
    /// written. 0 unless told otherwise: then a job is claimed when there is a slot for it, and the
    /// slot is free again when its verdict is durable.
    ///
    /// With some hundreds, thousands of short jobs a second are claimed and settled by few
    /// statements. The price: a worker that is killed takes that many ended jobs' verdicts with it,
    /// so they run again elsewhere; and jobs it has claimed ahead wait while others may be idle. A
    /// job that must not run again after its end settles in its own transaction
    /// ([`crate::JobContext::settle`]), which is durable before the handler returns.
    #[must_use]
    pub fn ahead(mut self, jobs: usize) -> Self {
        self.ahead = jobs;
        self
    }

    /// How long a worker may be unheard of before its jobs are given to others; 15 s unless told
    /// otherwise, kept between 100 ms and 1 h. Heartbeats come five times in a lease; a killed
    /// worker's jobs run again after one lease and a fifth.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(Duration::from_millis(100), Duration::from_hours(1));
        self
    }

    /// How often to look for jobs that nobody announced; 1 s unless told otherwise, 10 ms at least.
    /// A deferred job that is already in the queue starts on time whatever this is.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll.max(Duration::from_millis(10));
        self
    }

    /// How long one attempt may take; 5 min unless told otherwise. Then its future is dropped, and
    /// the attempt is a retry.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long failed jobs wait.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Time between two heartbeats.
    pub(crate) fn beat(&self) -> Duration {
        self.lease / 5
    }

    /// The lease as the table has it.
    pub(crate) fn lease_ms(&self) -> i32 {
        i32::try_from(self.lease.as_millis()).unwrap_or(i32::MAX)
    }
}
