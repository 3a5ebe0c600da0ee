//! The HTTP server that all three simulators are: it records, applies faults, asks the vendor
//! and answers. It promises to know nothing of any vendor and to be gone when it is dropped.

use std::fmt;
use std::hash::Hash;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};

use crate::answer::{Answer, Outcome};
use crate::asked::{Asked, Log, TimedOut, wait_until};
use crate::clock::Clock;
use crate::faults::{Fault, Faults};

/// More than any vendor accepts, so that the vendor's own limit answers.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

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

struct Core<V: Vendor> {
    vendor: V,
    clock: Clock,
    faults: Faults<V::Route>,
    log: Log<V::Route>,
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
        let (handle, thread) = spawn(Arc::clone(&core), listener)?;
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

    /// Forgets all faults that have not been met.
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

fn spawn<V: Vendor>(
    core: Arc<Core<V>>,
    listener: TcpListener,
) -> io::Result<(ServerHandle, JoinHandle<()>)> {
    let (started, starting) = mpsc::channel();
    let core = Data::from(core);
    let thread = thread::Builder::new().name("simulator".to_owned()).spawn(move || {
        rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new()
                    .app_data(core.clone())
                    .app_data(PayloadConfig::new(MAX_BODY_BYTES))
                    .default_service(web::to(serve::<V>))
            });
            // One worker: calls are performed one after the other, so no route needs a lock
            // around "look, then do".
            let server = server.workers(1).disable_signals().shutdown_timeout(0).listen(listener);
            match server.map(HttpServer::run) {
                Ok(server) => {
                    let _ = started.send(Ok(server.handle()));
                    let _ = server.await;
                }
                Err(error) => drop(started.send(Err(error))),
            }
        });
    })?;
    let handle = starting.recv().map_err(|_| io::Error::other("the server thread ended"))??;
    Ok((handle, thread))
}

async fn serve<V: Vendor>(core: Data<Core<V>>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let route = core.vendor.route(request.method().as_str(), request.path());
    let asked = core.log.note(note(&request, body, route, &core.clock));
    let Some(route) = route else {
        let answer = core.vendor.refuse(&asked, 404, None);
        return send(&asked, answer);
    };
    if let Some(answer) = core.vendor.stored(route, &asked) {
        return send(&asked, answer);
    }
    match core.faults.next(route) {
        None => send(&asked, perform(&core, route, &asked).await),
        Some(fault) => misbehave(&core, route, &asked, fault).await,
    }
}

async fn misbehave<V: Vendor>(
    core: &Core<V>,
    route: V::Route,
    asked: &Asked<V::Route>,
    fault: Fault,
) -> HttpResponse {
    match fault {
        Fault::Slow(by) => {
            core.vendor.begin(route, asked);
            tokio::time::sleep(by).await;
            send(asked, finish(core.vendor.perform(route, asked)).await)
        }
        Fault::Hang => std::future::pending().await,
        Fault::Cut if V::writes(route) => Answer::lost(),
        Fault::Cut => {
            let answer = perform(core, route, asked).await;
            let _ = asked.answered.set(answer.status);
            answer.half()
        }
        Fault::TooManyRequests { retry_after } => {
            let answer = core.vendor.refuse(asked, 429, None);
            send(
                asked,
                match retry_after {
                    Some(seconds) => answer.with("retry-after", seconds.to_string()),
                    None => answer,
                },
            )
        }
        Fault::Status(status) => send(asked, core.vendor.refuse(asked, status, None)),
        Fault::Refuse { status, code } => {
            send(asked, core.vendor.refuse(asked, status, Some(code)))
        }
        Fault::Twice => {
            perform(core, route, asked).await;
            let second = core.vendor.stored(route, asked);
            send(
                asked,
                match second {
                    Some(answer) => answer,
                    None => perform(core, route, asked).await,
                },
            )
        }
        Fault::DoneButAnswerLost => {
            perform(core, route, asked).await;
            Answer::lost()
        }
    }
}

async fn perform<V: Vendor>(core: &Core<V>, route: V::Route, asked: &Asked<V::Route>) -> Answer {
    core.vendor.begin(route, asked);
    finish(core.vendor.perform(route, asked)).await
}

async fn finish(outcome: Outcome) -> Answer {
    if let Some(before) = outcome.before {
        before.await;
    }
    if let Some(after) = outcome.after {
        rt::spawn(after);
    }
    outcome.answer
}

fn send<R>(asked: &Asked<R>, answer: Answer) -> HttpResponse {
    let _ = asked.answered.set(answer.status);
    answer.whole()
}

fn note<R>(request: &HttpRequest, body: Bytes, route: Option<R>, clock: &Clock) -> Asked<R> {
    let header = |(name, value): (&actix_web::http::header::HeaderName, &_)| {
        let value: &actix_web::http::header::HeaderValue = value;
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Asked {
        route,
        method: request.method().as_str().to_owned(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: request.headers().iter().map(header).collect(),
        body: body.into(),
        at: clock.now(),
        answered: OnceLock::new(),
    }
}
