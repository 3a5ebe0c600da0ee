//! What the parts of one worker share: the jobs it holds, those of them that nobody has started
//! yet, how many run, and the bells by which the parts wake each other. Talks to no database.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use chrono::{DateTime, Utc};
use futures::task::AtomicWaker;
use rand::RngExt;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::metrics::Meters;
use crate::outcome::Outcome;

/// One run of one job. Only its holder may settle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fence {
    pub(crate) id: i64,
    pub(crate) run: i32,
}

/// A job that this worker has claimed.
pub(crate) struct Claimed {
    pub(crate) fence: Fence,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) priority: i16,
    pub(crate) run_at: DateTime<Utc>,
    pub(crate) enqueued_at: DateTime<Utc>,
    pub(crate) payload: String,
    pub(crate) trace_parent: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) marks: Arc<Marks>,
}

/// What becomes known of a run while it lasts.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Somebody else has the job; the keeper has noticed.
    pub(crate) lost: AtomicBool,
    /// The job has settled in a transaction of its own, which may be committed or not.
    pub(crate) settled: AtomicBool,
}

/// What to write about a run that ended.
pub(crate) enum Verdict {
    Ended {
        outcome: Outcome,
        delay_ms: i64,
    },
    /// It never began: ready again, and no attempt.
    Release,
}

/// A verdict on its way to the settler, and where to say that it is durable.
pub(crate) struct Settlement {
    pub(crate) fence: Fence,
    pub(crate) verdict: Verdict,
    pub(crate) told: oneshot::Sender<Settled>,
}

/// What came of a [`Settlement`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Committed.
    Durably,
    /// Somebody else has the job; nothing was written.
    TooLate,
}

/// Where the parts of one worker meet.
pub(crate) struct Desk {
    /// Names the worker in `apalis_lease.workers`, since names need not be unique.
    pub(crate) instance: i64,
    pub(crate) meters: Meters,
    /// How many jobs may run at once.
    slots: usize,
    /// How many more may be held: claimed and not begun, or ended and not written.
    ahead: usize,
    papers: Mutex<Papers>,
    settlements: mpsc::UnboundedSender<Settlement>,
    /// apalis has asked for a task and got none.
    asked: AtomicBool,
    /// Jobs may have become ready that nobody has looked for.
    woken: AtomicBool,
    closing: AtomicBool,
    finished: AtomicBool,
    pump: Notify,
    settler: Notify,
    apalis: AtomicWaker,
}

#[derive(Default)]
struct Papers {
    held: HashMap<Fence, Arc<Marks>>,
    ready: VecDeque<Claimed>,
    running: usize,
}

impl Desk {
    /// A desk for `slots` running jobs and `ahead` more held ones, and the settler's end of the
    /// settlements. Events are told to `meters`.
    pub(crate) fn new(
        slots: usize,
        ahead: usize,
        meters: Meters,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Settlement>) {
        let (settlements, inbox) = mpsc::unbounded_channel();
        let desk = Desk {
            instance: rand::rng().random(),
            meters,
            slots,
            ahead,
            papers: Mutex::default(),
            settlements,
            asked: AtomicBool::new(false),
            woken: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            pump: Notify::new(),
            settler: Notify::new(),
            apalis: AtomicWaker::new(),
        };
        (Arc::new(desk), inbox)
    }

    /// A panic elsewhere leaves the papers whole: every change to them is one call.
    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many more jobs may be claimed.
    pub(crate) fn free(&self) -> usize {
        (self.slots + self.ahead).saturating_sub(self.papers().held.len())
    }

    /// Whether verdicts may wait while their slots go on.
    pub(crate) fn works_ahead(&self) -> bool {
        self.ahead > 0
    }

    /// Lays claimed jobs down for apalis to start, and holds their leases from now on.
    pub(crate) fn hand_over(&self, claimed: Vec<Claimed>) {
        if claimed.is_empty() {
            return;
        }
        let mut papers = self.papers();
        for job in claimed {
            papers.held.insert(job.fence, Arc::clone(&job.marks));
            papers.ready.push_back(job);
        }
        drop(papers);
        self.asked.store(false, Ordering::Release);
        self.apalis.wake();
    }

    /// The next job to start, which takes a slot until [`Desk::leave_slot`]. With none, remembers
    /// that apalis wants one. Wakes `context` when there may be one.
    pub(crate) fn next(&self, context: &Context<'_>) -> Option<Claimed> {
        self.apalis.register(context.waker());
        let mut papers = self.papers();
        if papers.running >= self.slots {
            return None;
        }
        let next = papers.ready.pop_front();
        papers.running += usize::from(next.is_some());
        drop(papers);
        if next.is_none() && !self.asked.swap(true, Ordering::AcqRel) {
            self.pump.notify_one();
        }
        next
    }

    /// Frees the slot of a job that [`Desk::next`] gave.
    pub(crate) fn leave_slot(&self) {
        let mut papers = self.papers();
        papers.running = papers.running.saturating_sub(1);
        drop(papers);
        self.apalis.wake();
    }

    /// Whether to claim: apalis waits for a task, or half of what may be held ahead is gone.
    pub(crate) fn wants_jobs(&self) -> bool {
        self.asked.load(Ordering::Acquire) || (self.ahead > 0 && self.free() * 2 >= self.ahead)
    }

    /// Takes away every job that nobody has started. They are still held.
    pub(crate) fn take_unstarted(&self) -> Vec<Claimed> {
        self.papers().ready.drain(..).collect()
    }

    /// The runs whose leases are to be prolonged.
    pub(crate) fn held(&self) -> Vec<Fence> {
        let papers = self.papers();
        let ours = papers.held.iter().filter(|(_, marks)| !marks.lost.load(Ordering::Acquire));
        ours.map(|(fence, _)| *fence).collect()
    }

    /// Notes that `fence` is somebody else's. False if that is no news: it is not held any more, or
    /// is over by its own transaction.
    pub(crate) fn lose(&self, fence: Fence) -> bool {
        let papers = self.papers();
        papers.held.get(&fence).is_some_and(|marks| {
            let known = marks.lost.swap(true, Ordering::AcqRel);
            !known && !marks.settled.load(Ordering::Acquire)
        })
    }

    /// Whether the run has settled in a transaction of its own.
    pub(crate) fn has_settled_itself(&self, fence: Fence) -> bool {
        let papers = self.papers();
        papers.held.get(&fence).is_some_and(|marks| marks.settled.load(Ordering::Acquire))
    }

    /// Lets go of a run: there is room for another and its lease is no longer prolonged.
    pub(crate) fn let_go(&self, fence: Fence) {
        if self.papers().held.remove(&fence).is_some() {
            self.pump.notify_one();
        }
    }

    /// Gives a verdict to the settler.
    pub(crate) fn settle(&self, fence: Fence, verdict: Verdict) -> oneshot::Receiver<Settled> {
        let (told, heard) = oneshot::channel();
        // The inbox lives as long as the settler; without one, `heard` says so.
        let _gone = self.settlements.send(Settlement { fence, verdict, told });
        heard
    }

    /// Says that jobs may have become ready. Never waits.
    pub(crate) fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        self.pump.notify_one();
    }

    /// Whether [`Desk::wake`] was called since the last time.
    pub(crate) fn take_woken(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }

    /// Returns when there may be something for the pump to do.
    pub(crate) async fn stirred(&self) {
        self.pump.notified().await;
    }

    /// Tells the pump to end.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.pump.notify_one();
    }

    /// Whether [`Desk::close`] was called.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Tells the settler that nothing more will be handed in.
    pub(crate) fn finish(&self) {
        self.finished.store(true, Ordering::Release);
        self.settler.notify_one();
    }

    /// Whether [`Desk::finish`] was called.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// Returns when [`Desk::finish`] is called.
    pub(crate) async fn finished(&self) {
        self.settler.notified().await;
    }
}
