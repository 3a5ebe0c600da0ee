//! The ingress as an HTTP server. Turns outcomes into status codes, and nothing else: 200 for what
//! is in our custody, 403 for a signature that does not hold, 503 when neither Postgres nor the spool
//! takes it, so that Meta delivers again. What is sent away unread is the door's.

mod challenge;
mod custody;

use std::fmt::Display;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::web::Data;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use self::challenge::challenge;
use self::custody::{Custody, Taken};
use super::door::{Body, Door};
use super::home::Home;
use super::probes::{self, Numbers};
use super::renewal::{Renewable, keep_renewing};
use super::stripe_webhook::{StripeDoor, stripe_webhook};
use super::{Failure, shutdown};
use crate::clients::whatsapp::{Room, WhatsApp};
use crate::clients::{Http, Secret};
use crate::clock::Clock;
use crate::pipeline::ingress::fetch_media::Budget;
use crate::pipeline::ingress::replay::Replay;
use crate::pipeline::ingress::share::Ledger;
use crate::pipeline::ingress::verify::{SigningSecrets, verify};
use crate::queue::Bell;
use crate::settings::{IngressSettings, SettingError};
use crate::spool::Spool;
use crate::store::Store;
use crate::telemetry::ingress::{IngressMetrics, outcome};

/// Connections to Postgres for all of an ingress's requests: few commits hold many webhooks.
const CONNECTIONS: u32 = 8;

/// Further ones that photos are written by.
const PHOTO_CONNECTIONS: u32 = 8;

/// Meta waits longer, but an answer after this is no answer. From the head of the request on.
const ANSWER_WITHIN: Duration = Duration::from_millis(9500);

/// Work that nobody waits for any more must not hold a connection for ever.
const TAKE_WITHIN: Duration = Duration::from_secs(15);

/// How long connections to Postgres may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How long the head of a request may take to come.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long a connection without a request stays open: longer than a proxy in front leaves it idle.
const IDLE_WITHIN: Duration = Duration::from_secs(75);

/// Connections at once for each of the server's threads; further ones wait unaccepted.
const CONNECTIONS_A_THREAD: usize = 10_000;

/// How long requests under way may take to end once the ingress is told to.
const DRAIN_S: u64 = 10;

/// Serves until the process is told to end, then finishes what runs.
pub async fn serve(settings: IngressSettings) -> Result<(), Failure> {
    let ingress = Ingress::bind(settings, Clock::system())?;
    info!("listening on {}", ingress.address());
    shutdown::until_told(|stop| ingress.run(stop)).await
}

/// An ingress that is bound to its address and does not serve yet.
#[derive(Debug)]
pub struct Ingress {
    listener: TcpListener,
    address: SocketAddr,
    metrics_listener: TcpListener,
    metrics_address: SocketAddr,
    door: Arc<Door>,
    state: Arc<State>,
    stripe: Option<StripeDoor>,
    token: Option<Renewable>,
}

/// What a request works with.
#[derive(Debug)]
struct State {
    custody: Custody,
    metrics: IngressMetrics,
    app_secrets: SigningSecrets,
    verify_token: Secret,
}

impl Ingress {
    /// Checks the settings and takes the address. Must be called on a tokio runtime.
    pub fn bind(settings: IngressSettings, clock: Clock) -> Result<Self, Failure> {
        let store = Store::open(settings.database_url.reveal(), CONNECTIONS)
            .map_err(|error| SettingError::unreadable("DATABASE_URL", error))?;
        let http = Http::new().map_err(anyhow::Error::from)?;
        let graph = settings.graph;
        let whatsapp = WhatsApp::new(http, &graph.url, &graph.token, graph.media_hosts)
            .map_err(SettingError::of_client("GRAPH_API_URL", "WA_TOKEN"))?;
        let token = Renewable::new("WA_TOKEN", graph.token_file, whatsapp.bearer().clone());
        let app_secrets = SigningSecrets::parse(settings.app_secrets.reveal())
            .ok_or_else(|| SettingError::unreadable("META_APP_SECRET", "holds only commas"))?;
        let stripe = match &settings.stripe_webhook_secrets {
            None => None,
            Some(secrets) => Some(StripeDoor::new(secrets, &store, &clock)?),
        };
        let (listener, address) = listen("INGRESS_ADDR", settings.address)?;
        let (metrics_listener, metrics_address) = listen("METRICS_ADDR", settings.metrics_address)?;
        let metrics = IngressMetrics::default();
        let spool = Spool::open(&settings.spool_dir, settings.spool_max_bytes)
            .map_err(|error| SettingError::unreadable("SPOOL_DIR", error))?;
        let photos = Store::open(settings.database_url.reveal(), PHOTO_CONNECTIONS)
            .map_err(|error| SettingError::unreadable("DATABASE_URL", error))?;
        let ledger = Ledger { bell: Bell::new(store.pool()), store, clock };
        let budget = Budget {
            time: settings.media_budget,
            max_bytes: graph.media_max_bytes,
            room: Room::new(settings.media_in_flight_max_bytes),
        };
        let custody =
            Custody::new(Replay { ledger, spool }, photos, whatsapp, budget, metrics.clone());
        let door = Arc::new(Door::new(settings.in_flight_max_bytes, metrics.clone()));
        let verify_token = settings.verify_token;
        let state = Arc::new(State { custody, metrics, app_secrets, verify_token });
        Ok(Self {
            listener,
            address,
            metrics_listener,
            metrics_address,
            door,
            state,
            stripe,
            token,
        })
    }

    /// Where it listens; the port is real even where `:0` was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it shows its metrics, and its probes a second time.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics_address
    }

    /// Serves until `stop` is cancelled, then finishes the requests under way.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Failure> {
        let Self { listener, metrics_listener, door, state, stripe, token, .. } = self;
        let custody = Arc::clone(&state);
        let home = Home::here();
        let told = serve_metrics(metrics_listener, &door, &state, &home, stop.clone())?;
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&state)))
                .app_data(Data::from(Arc::clone(&door)))
                .app_data(Data::new(home.clone()))
                .app_data(Data::new(state.custody.store().clone()))
                .configure(probes::probes)
                .configure(stripe_webhook(stripe.clone()))
                .route("/webhook", web::get().to(challenge))
                .route("/webhook", web::post().to(receive))
        })
        .disable_signals()
        .client_request_timeout(HEAD_WITHIN)
        .keep_alive(IDLE_WITHIN)
        .max_connections(CONNECTIONS_A_THREAD)
        .tcp_nodelay(true)
        .shutdown_timeout(DRAIN_S)
        .listen(listener)
        .map_err(anyhow::Error::from)?
        .run();
        let (tokens, renewed) = (token.into_iter().collect(), Notify::new());
        let (served, told, (), ()) = tokio::join!(
            shutdown::serve_until(server, stop.clone()),
            told,
            custody.custody.keep_replaying(stop.clone()),
            keep_renewing(tokens, stop, &renewed)
        );
        // A Postgres that hangs must not keep us from ending.
        timeout(CLOSE_WITHIN, custody.custody.close()).await.ok();
        served.and(told)
    }
}

/// Takes `address`; the port of the answer is real even where `:0` was asked for.
fn listen(name: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind(address)
        .with_context(|| format!("{name}: cannot listen on {address}"))?;
    let address = listener.local_addr().map_err(anyhow::Error::from)?;
    Ok((listener, address))
}

/// Serves `/metrics` and the probes, for whoever watches.
fn serve_metrics(
    listener: TcpListener,
    door: &Arc<Door>,
    state: &Arc<State>,
    home: &Home,
    stop: CancellationToken,
) -> Result<impl Future<Output = Result<(), Failure>> + use<>, Failure> {
    let (door, store, home) = (Arc::clone(door), state.custody.store().clone(), home.clone());
    let numbers = {
        let (door, state) = (Arc::clone(&door), Arc::clone(state));
        Numbers(Arc::new(move || state.numbers(&door)))
    };
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::from(Arc::clone(&door)))
            .app_data(Data::new(home.clone()))
            .app_data(Data::new(store.clone()))
            .app_data(Data::new(numbers.clone()))
            .configure(probes::probes)
            .configure(probes::metrics)
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(DRAIN_S)
    .listen(listener)
    .map_err(anyhow::Error::from)?
    .run();
    Ok(shutdown::serve_until(server, stop))
}

impl State {
    /// All numbers, those that are levels as they are now.
    fn numbers(&self, door: &Door) -> String {
        let (requests, bytes) = door.under_way();
        let level = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        self.metrics.requests.set(level(requests));
        self.metrics.request_bytes.set(level(bytes));
        self.custody.show();
        self.metrics.text()
    }
}

async fn receive(
    state: Data<State>,
    home: Data<Home>,
    request: HttpRequest,
    body: Body,
) -> HttpResponse {
    let span = info_span!(
        "ingress.webhook",
        webhook.size_bytes = body.bytes.len(),
        http.status = tracing::field::Empty
    );
    let (state, began) = (state.into_inner(), Instant::now());
    let answer = answer(Arc::clone(&state), &home, request.headers(), body);
    let (answer, outcome) = answer.instrument(span.clone()).await;
    span.record("http.status", answer.status().as_u16());
    state.metrics.webhooks.one(outcome);
    state.metrics.answer_s.note(began.elapsed().as_secs_f64());
    answer
}

async fn answer(
    state: Arc<State>,
    home: &Home,
    headers: &HeaderMap,
    body: Body,
) -> (HttpResponse, &'static str) {
    let Body { bytes, began_at, entered } = body;
    let verified = match verify(&state.app_secrets, signature(headers), bytes) {
        Ok(verified) => verified,
        Err(forged) => {
            warn!("refused a webhook: {forged}; if it was Meta's, compare META_APP_SECRET");
            return (HttpResponse::Forbidden().finish(), outcome::FORGED);
        }
    };
    // At home it goes on when Meta hangs up: what has been fetched is not thrown away.
    let taking = async move {
        let _under_way = entered;
        timeout(TAKE_WITHIN, state.custody.take(&verified)).await
    };
    let taken = timeout_at(began_at + ANSWER_WITHIN, home.run(taking.in_current_span())).await;
    let refused: &dyn Display = match &taken {
        Ok(Some(Ok(Ok(Taken::Accepted(accepted))))) => {
            info!(?accepted, "accepted a webhook");
            return (HttpResponse::Ok().finish(), outcome::ACCEPTED);
        }
        Ok(Some(Ok(Ok(Taken::Spooled)))) => {
            info!("a webhook is in the spool");
            return (HttpResponse::Ok().finish(), outcome::SPOOLED);
        }
        Ok(Some(Ok(Err(refused)))) => refused,
        Ok(None) => &"taking it panicked",
        Err(_) | Ok(Some(Err(_))) => &"it took too long",
    };
    error!("a webhook is not in our custody: {refused}");
    (try_again(), outcome::NOT_TAKEN)
}

/// Meta delivers again, for up to 7 days.
fn try_again() -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "5")).finish()
}

fn signature(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get("X-Hub-Signature-256").map(HeaderValue::as_bytes)
}
