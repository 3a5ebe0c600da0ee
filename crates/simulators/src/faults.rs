//! What can go wrong, in one vocabulary for all simulators, and the queue of what shall go wrong
//! next on which route. It decides nothing about what a fault looks like on the wire.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One misbehaviour of one call. The crate's first page has the table of effects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is performed and answered after this long.
    Slow(Duration),
    /// Nothing is done and nothing is answered until the caller gives up.
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
}

struct Script<R> {
    once: HashMap<R, VecDeque<Fault>>,
    always: HashMap<R, Fault>,
}

/// Faults waiting for their call. Clones share one script.
pub(crate) struct Faults<R> {
    script: Arc<Mutex<Script<R>>>,
}

impl<R> Clone for Faults<R> {
    fn clone(&self) -> Self {
        Self { script: Arc::clone(&self.script) }
    }
}

impl<R: Copy + Eq + Hash> Faults<R> {
    pub(crate) fn none() -> Self {
        let script = Script { once: HashMap::new(), always: HashMap::new() };
        Self { script: Arc::new(Mutex::new(script)) }
    }

    pub(crate) fn queue(&self, route: R, fault: &Fault, times: usize) {
        let mut script = self.script();
        script.once.entry(route).or_default().extend(std::iter::repeat_n(fault.clone(), times));
    }

    pub(crate) fn always(&self, route: R, fault: Fault) {
        self.script().always.insert(route, fault);
    }

    pub(crate) fn no_more(&self, route: R) {
        self.script().always.remove(&route);
    }

    pub(crate) fn clear(&self) {
        let mut script = self.script();
        script.once.clear();
        script.always.clear();
    }

    /// The fault for the call that is being made now; queued ones first, in their order.
    pub(crate) fn next(&self, route: R) -> Option<Fault> {
        let mut script = self.script();
        let queued = script.once.get_mut(&route).and_then(VecDeque::pop_front);
        queued.or_else(|| script.always.get(&route).cloned())
    }

    /// Queued faults that no call has met yet.
    pub(crate) fn left(&self) -> usize {
        self.script().once.values().map(VecDeque::len).sum()
    }

    fn script(&self) -> MutexGuard<'_, Script<R>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
