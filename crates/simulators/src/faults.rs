//! What can go wrong, in one vocabulary for all simulators, and the queue of what shall go wrong
//! next on which route. It decides nothing about what a fault looks like on the wire.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Notify;

/// One misbehaviour of one call. The crate's first page has the table of effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is performed and answered after this long.
    Slow(Duration),
    /// Nothing is done and nothing is answered until the caller gives up, or all faults are cleared.
    Hang,
    /// The connection closes in the middle: half a body for a read, before the effect for a write.
    Cut,
    /// 429 in the vendor's shape; nothing is done.
    TooManyRequests {
        /// Seconds for the `Retry-After` header; absent when `None`.
        retry_after: Option<u64>,
    },
    /// This status with the error body the vendor sends with it; nothing is done.
    Status(u16),
    /// A particular error of the vendor: Meta's number (`"131056"`), Stripe's code
    /// (`"lock_timeout"`), Anthropic's type (`"overloaded_error"`); nothing is done.
    Refuse {
        /// HTTP status of the answer.
        status: u16,
        /// The vendor's own code.
        code: &'static str,
    },
    /// The call is performed twice and the second answer returned, as if a proxy had retried.
    Twice,
    /// The call is performed, then the connection closes before the answer.
    DoneButAnswerLost,
}

impl Fault {
    /// A plain 500 in the vendor's shape.
    pub const INTERNAL_ERROR: Fault = Fault::Status(500);

    /// Its kind, as it is counted.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Slow(_) => "slow",
            Self::Hang => "hang",
            Self::Cut => "cut",
            Self::TooManyRequests { .. } => "429",
            Self::Status(_) => "status",
            Self::Refuse { .. } => "refused",
            Self::Twice => "twice",
            Self::DoneButAnswerLost => "answer lost",
        }
    }
}

/// Faults by dice. Whether a route's n-th call meets one, and which, is fixed by the seed: the same
/// calls in the same order meet the same faults, whatever happens elsewhere.
#[derive(Clone, Debug)]
pub struct Mischief {
    /// Another one for each route.
    pub seed: u64,
    /// So many of a hundred calls meet a fault.
    pub percent: u8,
    /// Each is as likely as the others; one that stands here twice is twice as likely.
    pub faults: Vec<Fault>,
}

impl Mischief {
    fn nth(&self, call: u64) -> Option<Fault> {
        let mut dice = StdRng::seed_from_u64(self.seed.rotate_left(32) ^ call);
        if dice.random_range(0..100) >= self.percent || self.faults.is_empty() {
            return None;
        }
        self.faults.get(dice.random_range(0..self.faults.len())).cloned()
    }
}

struct Script<R> {
    once: HashMap<R, VecDeque<Fault>>,
    always: HashMap<R, Fault>,
    dice: HashMap<R, (Mischief, u64)>,
    calls: usize,
    met: BTreeMap<&'static str, usize>,
}

impl<R: Copy + Eq + Hash> Script<R> {
    fn next(&mut self, route: R) -> Option<Fault> {
        let queued = self.once.get_mut(&route).and_then(VecDeque::pop_front);
        if let Some(fault) = queued.or_else(|| self.always.get(&route).cloned()) {
            return Some(fault);
        }
        let (mischief, calls) = self.dice.get_mut(&route)?;
        *calls += 1;
        mischief.nth(*calls)
    }
}

/// Faults waiting for their call. Clones share one script.
pub(crate) struct Faults<R> {
    script: Arc<Mutex<Script<R>>>,
    clearing: Arc<Notify>,
}

impl<R> Clone for Faults<R> {
    fn clone(&self) -> Self {
        Self { script: Arc::clone(&self.script), clearing: Arc::clone(&self.clearing) }
    }
}

impl<R: Copy + Eq + Hash> Faults<R> {
    pub(crate) fn none() -> Self {
        let script = Script {
            once: HashMap::new(),
            always: HashMap::new(),
            dice: HashMap::new(),
            calls: 0,
            met: BTreeMap::new(),
        };
        Self { script: Arc::new(Mutex::new(script)), clearing: Arc::new(Notify::new()) }
    }

    pub(crate) fn queue(&self, route: R, fault: &Fault, times: usize) {
        let mut script = self.script();
        script.once.entry(route).or_default().extend(std::iter::repeat_n(fault.clone(), times));
    }

    pub(crate) fn always(&self, route: R, fault: Fault) {
        self.script().always.insert(route, fault);
    }

    pub(crate) fn at_random(&self, route: R, mischief: Mischief) {
        self.script().dice.insert(route, (mischief, 0));
    }

    pub(crate) fn no_more(&self, route: R) {
        let mut script = self.script();
        script.always.remove(&route);
        script.dice.remove(&route);
    }

    pub(crate) fn clear(&self) {
        let mut script = self.script();
        script.once.clear();
        script.always.clear();
        script.dice.clear();
        self.clearing.notify_waiters();
    }

    /// Returns when all faults are cleared after this was called.
    pub(crate) async fn cleared(&self) {
        self.clearing.notified().await;
    }

    /// The fault for the call that is being made now; queued ones first, in their order, and dice last.
    pub(crate) fn next(&self, route: R) -> Option<Fault> {
        let mut script = self.script();
        script.calls += 1;
        let fault = script.next(route);
        if let Some(fault) = &fault {
            *script.met.entry(fault.kind()).or_default() += 1;
        }
        fault
    }

    /// How many calls could have met a fault so far.
    pub(crate) fn calls(&self) -> usize {
        self.script().calls
    }

    /// How many faults calls have met so far, by kind.
    pub(crate) fn met(&self) -> BTreeMap<&'static str, usize> {
        self.script().met.clone()
    }

    /// Queued faults that no call has met yet.
    pub(crate) fn left(&self) -> usize {
        self.script().once.values().map(VecDeque::len).sum()
    }

    fn script(&self) -> MutexGuard<'_, Script<R>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
