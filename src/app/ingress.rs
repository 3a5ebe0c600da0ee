//! The ingress as an HTTP server. Turns outcomes into status codes, and nothing else: 200 for what
//! is in our custody, 403 for a signature that does not hold, 413 over 3 MB, 503 when neither
//! Postgres nor the spool takes it, so that Meta delivers again.

mod custody;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::web::{Bytes, Data, PayloadConfig, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use self::custody::{Custody, Taken};
use super::home::Home;
use super::renewal::{Renewable, keep_renewing};
use super::stripe_webhook::{StripeDoor, stripe_webhook};
use super::{Failure, probes, shutdown};
use crate::clients::whatsapp::WhatsApp;
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

/// Meta's payloads are at most 3 MB. Source: Meta, "Webhooks from Meta", payload size.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// Connections to Postgres for all of an ingress's requests: few commits hold many webhooks.
const CONNECTIONS: u32 = 8;

/// Further ones that photos are written by.
const PHOTO_CONNECTIONS: u32 = 8;

/// Meta waits longer, but an answer after this is no answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(9);

/// Work that nobody waits for any more must not hold a connection for ever.
const TAKE_WITHIN: Duration = Duration::from_secs(15);

/// How long connections to Postgres may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

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
    state: Arc<State>,
    stripe: Option<StripeDoor>,
    token: Option<Renewable>,
}

/// What a request works with.
#[derive(Debug)]
struct State {
    custody: Custody,
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
        let token = Renewable::new("WA_TOKEN", graph.token_file, whatsapp.bearer());
        let app_secrets = SigningSecrets::parse(settings.app_secrets.reveal())
            .ok_or_else(|| SettingError::unreadable("META_APP_SECRET", "holds only commas"))?;
        let stripe = match &settings.stripe_webhook_secrets {
            None => None,
            Some(secrets) => Some(StripeDoor::new(secrets, &store, &clock)?),
        };
        let listener = TcpListener::bind(settings.address)
            .with_context(|| format!("INGRESS_ADDR: cannot listen on {}", settings.address))?;
        let address = listener.local_addr().map_err(anyhow::Error::from)?;
        let spool = Spool::open(&settings.spool_dir, settings.spool_max_bytes)
            .map_err(|error| SettingError::unreadable("SPOOL_DIR", error))?;
        let photos = Store::open(settings.database_url.reveal(), PHOTO_CONNECTIONS)
            .map_err(|error| SettingError::unreadable("DATABASE_URL", error))?;
        let ledger = Ledger { bell: Bell::new(store.pool()), store, clock };
        let budget = Budget { time: settings.media_budget, max_bytes: graph.media_max_bytes };
        let custody = Custody::new(Replay { ledger, spool }, photos, whatsapp, budget);
        let state = Arc::new(State { custody, app_secrets, verify_token: settings.verify_token });
        Ok(Self { listener, address, state, stripe, token })
    }

    /// Where it listens; the port is real even where `:0` was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled, then finishes the requests under way.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Failure> {
        let Self { listener, state, stripe, token, .. } = self;
        let custody = Arc::clone(&state);
        let home = Home::here();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&state)))
                .app_data(Data::new(home.clone()))
                .app_data(Data::new(state.custody.store().clone()))
                .app_data(PayloadConfig::new(BODY_LIMIT))
                .configure(probes::probes)
                .configure(stripe_webhook(stripe.clone()))
                .route("/webhook", web::get().to(challenge))
                .route("/webhook", web::post().to(receive))
        })
        .disable_signals()
        .shutdown_timeout(DRAIN_S)
        .listen(listener)
        .map_err(anyhow::Error::from)?
        .run();
        let (tokens, renewed) = (token.into_iter().collect(), Notify::new());
        let (served, (), ()) = tokio::join!(
            shutdown::serve_until(server, stop.clone()),
            custody.custody.keep_replaying(stop.clone()),
            keep_renewing(tokens, stop, &renewed)
        );
        // A Postgres that hangs must not keep us from ending.
        timeout(CLOSE_WITHIN, custody.custody.close()).await.ok();
        served
    }
}

/// Meta's question when a webhook is registered. It carries no signature.
#[derive(Deserialize)]
struct Question {
    #[serde(rename = "hub.mode")]
    mode: Option<String>,
    #[serde(rename = "hub.verify_token")]
    token: Option<String>,
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

async fn challenge(state: Data<State>, asked: Query<Question>) -> HttpResponse {
    let Question { mode, token, challenge } = asked.into_inner();
    let token = token.unwrap_or_default();
    let known: bool = token.as_bytes().ct_eq(state.verify_token.reveal().as_bytes()).into();
    match challenge {
        Some(challenge) if known && mode.as_deref() == Some("subscribe") => {
            HttpResponse::Ok().content_type("text/plain").body(challenge)
        }
        _ => {
            warn!("a webhook challenge was refused: is META_VERIFY_TOKEN the one in Meta's app?");
            HttpResponse::Forbidden().finish()
        }
    }
}

async fn receive(
    state: Data<State>,
    home: Data<Home>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let span = info_span!(
        "ingress.webhook",
        webhook.size_bytes = body.len(),
        http.status = tracing::field::Empty
    );
    let answer = answer(state.into_inner(), &home, request.headers(), body);
    let answer = answer.instrument(span.clone()).await;
    span.record("http.status", answer.status().as_u16());
    answer
}

async fn answer(state: Arc<State>, home: &Home, headers: &HeaderMap, body: Bytes) -> HttpResponse {
    let verified = match verify(&state.app_secrets, signature(headers), body) {
        Ok(verified) => verified,
        Err(forged) => {
            warn!("refused a webhook: {forged}; if it was Meta's, compare META_APP_SECRET");
            return HttpResponse::Forbidden().finish();
        }
    };
    // At home it goes on when Meta hangs up: what has been fetched is not thrown away.
    let taking = async move { timeout(TAKE_WITHIN, state.custody.take(&verified)).await };
    match timeout(ANSWER_WITHIN, home.run(taking.in_current_span())).await {
        Ok(Some(Ok(Ok(taken)))) => {
            match taken {
                Taken::Accepted(accepted) => info!(?accepted, "accepted a webhook"),
                Taken::Spooled => info!("a webhook is in the spool"),
            }
            HttpResponse::Ok().finish()
        }
        Ok(Some(Ok(Err(refused)))) => {
            error!(error = %refused, "a webhook is not in our custody");
            try_again()
        }
        Ok(None) => {
            error!("a webhook is not in our custody: taking it panicked");
            try_again()
        }
        Err(_) | Ok(Some(Err(_))) => {
            error!("a webhook is not in our custody: it took too long");
            try_again()
        }
    }
}

/// Meta delivers again, for up to 7 days.
fn try_again() -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "5")).finish()
}

fn signature(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get("X-Hub-Signature-256").map(HeaderValue::as_bytes)
}
