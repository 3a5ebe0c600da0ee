//! What a job is before it is in the queue, and what it is called afterwards. Holds no connection.

use std::fmt;

use chrono::{DateTime, Utc};

/// Names one job for good; grows, is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(crate) i64);

impl JobId {
    /// The value of `apalis_lease.jobs.id`.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which jobs of a queue are claimed before the others.
///
/// Few on purpose: a claim looks into each. A job of a lower priority starts only when no job of a
/// higher one is ready, so a steady stream of `First` starves the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Priority {
    /// Before everything else.
    First,
    /// What most jobs are.
    #[default]
    Normal,
    /// Only when there is nothing else to do.
    Last,
}

impl Priority {
    /// As written in `apalis_lease.jobs.priority`.
    pub(crate) fn code(self) -> i16 {
        match self {
            Priority::First => 0,
            Priority::Normal => 1,
            Priority::Last => 2,
        }
    }
}

/// A job that is not in the queue yet.
///
/// ```
/// use apalis_lease::{NewJob, Priority};
///
/// let job = NewJob::new("letters", serde_json::json!({ "letter": 17 }))
///     .key("letter-17")
///     .priority(Priority::First)
///     .max_attempts(5);
/// ```
#[derive(Clone)]
pub struct NewJob<P> {
    pub(crate) queue: String,
    pub(crate) payload: P,
    pub(crate) key: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) priority: Priority,
    pub(crate) run_at: Option<DateTime<Utc>>,
    pub(crate) max_attempts: u16,
    pub(crate) trace_parent: Option<String>,
}

impl<P> NewJob<P> {
    /// Attempts a job has unless told otherwise.
    pub const MAX_ATTEMPTS: u16 = 10;

    /// A job of normal priority, ready at once, with [`Self::MAX_ATTEMPTS`] attempts.
    ///
    /// `queue` has 1 to 200 bytes. `payload` is stored as `jsonb`.
    pub fn new(queue: impl Into<String>, payload: P) -> Self {
        NewJob {
            queue: queue.into(),
            payload,
            key: None,
            group: None,
            priority: Priority::default(),
            run_at: None,
            max_attempts: Self::MAX_ATTEMPTS,
            trace_parent: None,
        }
    }

    /// Makes the job the only one of its key in its queue: while another with this key waits,
    /// runs or is dead, enqueuing writes nothing. 1 to 1,000 bytes.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Puts the job into a group of its queue: the jobs of one sender, tenant or account, which are
    /// paused and resumed together ([`crate::pause_group`], [`crate::Outcome::Halt`]). Groups need
    /// not be declared, and cost nothing while they are not paused. 1 to 200 bytes.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Which jobs go first; [`Priority::Normal`] unless told otherwise.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Not to start before this moment, by Postgres's clock; kept to the microsecond. Without it
    /// the job is ready as soon as it is committed.
    #[must_use]
    pub fn run_at(mut self, run_at: DateTime<Utc>) -> Self {
        self.run_at = Some(run_at);
        self
    }

    /// How often the job is tried in all, lost attempts included; 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, max_attempts: u16) -> Self {
        self.max_attempts = max_attempts.max(1);
        self
    }

    /// The W3C `traceparent` that the handler goes on with.
    #[must_use]
    pub fn trace_parent(mut self, trace_parent: Option<String>) -> Self {
        self.trace_parent = trace_parent;
        self
    }
}

/// Leaves out payload, key and group: they are the caller's data.
impl<P> fmt::Debug for NewJob<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewJob")
            .field("queue", &self.queue)
            .field("priority", &self.priority)
            .field("run_at", &self.run_at)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}

/// What came of enqueuing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// The job is part of the caller's transaction.
    New(JobId),
    /// A job with this key is in the queue already; nothing was written.
    Already,
}
