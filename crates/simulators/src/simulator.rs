//! A running simulator as a test holds it, and what makes one vendor different from another. It
//! is gone, port and all, when it is dropped.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;

use crate::answer::{Answer, Outcome};
use crate::asked::{Asked, Log, TimedOut, wait_until};
use crate::clock::Clock;
use crate::faults::{Fault, Faults, Mischief};
use crate::server;

/// What makes one vendor different from another. Implemented in this crate only.
pub trait Vendor: Send + Sync + 'static {
    /// The routes that can be counted and made to fail.
    type Route: Copy + Eq + Hash + fmt::Debug + Send + Sync + 'static;

    /// Which route a request names, if the vendor has it.
    fn route(&self, method: &str, path: &str) -> Option<Self::Route>;
    /// Whether calls on this route change something.
    fn writes(route: Self::Route) -> bool;
    /// An answer that is due before anything is performed (and before any fault).
    fn stored(&self, _route: Self::Route, _asked: &Asked<Self::Route>) -> Option<Answer> {
        None
    }
    /// Told once when performing begins.
    fn begin(&self, _route: Self::Route, _asked: &Asked<Self::Route>) {}
    /// Does what was asked.
    fn perform(&self, route: Self::Route, asked: &Asked<Self::Route>) -> Outcome;
    /// An error in the vendor's shape; `code` is the vendor's own, if a particular one is meant.
    fn refuse(&self, asked: &Asked<Self::Route>, status: u16, code: Option<&str>) -> Answer;
}

/// What the server and its handle share.
pub(crate) struct Core<V: Vendor> {
    pub(crate) vendor: V,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults<V::Route>,
    pub(crate) log: Log<V::Route>,
}

/// A running simulator; dropping it stops it and frees its port.
pub struct Simulator<V: Vendor> {
    core: Arc<Core<V>>,
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// What a vendor is given when it is made.
pub(crate) struct Surroundings<R> {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults<R>,
}

impl<V: Vendor> Simulator<V> {
    pub(crate) fn run(make: impl FnOnce(Surroundings<V::Route>) -> V) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (clock, faults) = (Clock::default(), Faults::none());
        let surroundings = Surroundings { address, clock: clock.clone(), faults: faults.clone() };
        let vendor = make(surroundings);
        let core = Arc::new(Core { vendor, clock, faults, log: Log::empty() });
        let (handle, thread) = server::spawn(Arc::clone(&core), listener)?;
        Ok(Self { core, address, handle, thread: Some(thread) })
    }

    pub(crate) fn vendor(&self) -> &V {
        &self.core.vendor
    }

    /// `127.0.0.1` and the port it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next `times` calls on `route` meet `fault`, after those already queued there.
    pub fn fault(&self, route: V::Route, fault: &Fault, times: usize) {
        self.core.faults.queue(route, fault, times);
    }

    /// Every call on `route` meets `fault` until [`Simulator::clear_faults`]; queued faults go first.
    pub fn fault_always(&self, route: V::Route, fault: Fault) {
        self.core.faults.always(route, fault);
    }

    /// Calls on `route` meet faults as `mischief` has them, from its first call on, until
    /// [`Simulator::clear_faults`]; queued faults and [`Simulator::fault_always`] go first.
    pub fn fault_at_random(&self, route: V::Route, mischief: Mischief) {
        self.core.faults.at_random(route, mischief);
    }

    /// How many calls on the vendor's routes there were, those that are forgotten included; not those
    /// that Stripe answers from a stored answer.
    pub fn calls(&self) -> usize {
        self.core.faults.calls()
    }

    /// How many faults calls have met so far, by kind.
    pub fn faults_met(&self) -> BTreeMap<&'static str, usize> {
        self.core.faults.met()
    }

    /// Ends what [`Simulator::fault_always`] or [`Simulator::fault_at_random`] began on `route`;
    /// queued faults stay.
    pub fn fault_no_more(&self, route: V::Route) {
        self.core.faults.no_more(route);
    }

    /// Forgets all faults that have not been met, and ends the calls that hang: their connections
    /// close.
    pub fn clear_faults(&self) {
        self.core.faults.clear();
    }

    /// How many queued faults no call has met yet. A test that meant them wants 0 at its end.
    pub fn faults_left(&self) -> usize {
        self.core.faults.left()
    }

    /// Every request so far, oldest first, unknown routes included.
    pub fn asked(&self) -> Vec<Arc<Asked<V::Route>>> {
        self.core.log.all()
    }

    /// Every request on `route` so far, oldest first.
    pub fn asked_on(&self, route: V::Route) -> Vec<Arc<Asked<V::Route>>> {
        self.core.log.on(route)
    }

    /// Every request that named no route of the vendor's, oldest first. A test wants none.
    pub fn asked_elsewhere(&self) -> Vec<Arc<Asked<V::Route>>> {
        self.core.log.all().into_iter().filter(|it| it.route.is_none()).collect()
    }

    /// How often `route` was asked, faults included.
    pub fn count(&self, route: V::Route) -> usize {
        self.core.log.on(route).len()
    }

    /// Forgets what was asked; what was done stays done.
    pub fn forget_asked(&self) {
        self.core.log.clear();
    }

    /// Waits until `route` was asked at least `times`.
    pub async fn wait_for(
        &self,
        route: V::Route,
        times: usize,
        within: Duration,
    ) -> Result<(), TimedOut> {
        wait_until(within, || self.count(route) >= times).await
    }

    /// Moves the simulator's clock forward.
    pub fn advance(&self, by: Duration) {
        self.core.clock.advance(by);
    }

    /// Sets the simulator's clock, backwards too; it runs on from there.
    pub fn set_now(&self, now: chrono::DateTime<chrono::Utc>) {
        self.core.clock.set(now);
    }

    /// The simulator's time.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.core.clock.now()
    }
}

impl<V: Vendor> fmt::Debug for Simulator<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<V: Vendor> Drop for Simulator<V> {
    fn drop(&mut self) {
        // The command is sent by the call itself; the future would only report its end.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
