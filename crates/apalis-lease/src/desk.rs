//! What the parts of one worker share: the jobs it holds, those of them that nobody has started
//! yet, and the bells by which the parts wake each other. Talks to no database.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use chrono::{DateTime, Utc};
use futures::task::AtomicWaker;
use tokio::sync::{Notify, mpsc, oneshot};

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
    /// Set by the keeper when somebody else has the job.
    pub(crate) lost: Arc<AtomicBool>,
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

/// A verdict on its way to the pump, and where to say that it is durable.
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
    slots: usize,
    papers: Mutex<Papers>,
    settlements: mpsc::UnboundedSender<Settlement>,
    /// apalis has asked for a task and got none.
    asked: AtomicBool,
    /// Jobs may have become ready that nobody has looked for.
    woken: AtomicBool,
    closing: AtomicBool,
    pump: Notify,
    apalis: AtomicWaker,
}

#[derive(Default)]
struct Papers {
    held: HashMap<Fence, Arc<AtomicBool>>,
    ready: VecDeque<Claimed>,
}

impl Desk {
    /// A desk with room for `slots` held jobs, and the pump's end of the settlements.
    pub(crate) fn new(slots: usize) -> (Arc<Self>, mpsc::UnboundedReceiver<Settlement>) {
        let (settlements, inbox) = mpsc::unbounded_channel();
        let desk = Desk {
            slots,
            papers: Mutex::default(),
            settlements,
            asked: AtomicBool::new(false),
            woken: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            pump: Notify::new(),
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
        self.slots.saturating_sub(self.papers().held.len())
    }

    /// Lays claimed jobs down for apalis to start, and holds their leases from now on.
    pub(crate) fn hand_over(&self, claimed: Vec<Claimed>) {
        if claimed.is_empty() {
            return;
        }
        let mut papers = self.papers();
        for job in claimed {
            papers.held.insert(job.fence, Arc::clone(&job.lost));
            papers.ready.push_back(job);
        }
        drop(papers);
        self.asked.store(false, Ordering::Release);
        self.apalis.wake();
    }

    /// The next job to start. With none, remembers that apalis wants one, and wakes `context` then.
    pub(crate) fn next(&self, context: &Context<'_>) -> Option<Claimed> {
        self.apalis.register(context.waker());
        let next = self.papers().ready.pop_front();
        if next.is_none() && !self.asked.swap(true, Ordering::AcqRel) {
            self.pump.notify_one();
        }
        next
    }

    /// Whether apalis waits for a task.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Takes away every job that nobody has started. They are still held.
    pub(crate) fn take_unstarted(&self) -> Vec<Claimed> {
        self.papers().ready.drain(..).collect()
    }

    /// The runs whose leases are to be prolonged.
    pub(crate) fn held(&self) -> Vec<Fence> {
        let papers = self.papers();
        let ours = papers.held.iter().filter(|(_, lost)| !lost.load(Ordering::Acquire));
        ours.map(|(fence, _)| *fence).collect()
    }

    /// Notes that `fence` is somebody else's. False if it was not held any more.
    pub(crate) fn lose(&self, fence: Fence) -> bool {
        let papers = self.papers();
        papers.held.get(&fence).is_some_and(|lost| !lost.swap(true, Ordering::AcqRel))
    }

    /// Lets go of a run: its slot is free and its lease is no longer prolonged.
    pub(crate) fn let_go(&self, fence: Fence) {
        if self.papers().held.remove(&fence).is_some() {
            self.pump.notify_one();
        }
    }

    /// Gives a verdict to the pump.
    pub(crate) fn settle(&self, fence: Fence, verdict: Verdict) -> oneshot::Receiver<Settled> {
        let (told, heard) = oneshot::channel();
        // The inbox lives as long as the pump; without one, `heard` says so.
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
}
