//! `paragon api`: `/v1` for programs of the integrator's. Keys with scopes, problems as problem+json,
//! writes that are done once, and a description generated from this code. Asks nobody but Postgres.

mod refusal;
mod guard;
mod limits;
mod once;
mod page;
mod entries;
mod amend;
mod photos;
mod senders;
mod reminders;
mod wanted;
mod events;
mod description;

use std::future::{Ready, ready};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::{
    Data, JsonConfig, PathConfig, QueryConfig, ServiceConfig, get, post, resource,
};
use actix_web::{App, HttpServer, Resource};
use anyhow::Context;
use clap::Args;
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::limits::Limits;
use self::refusal::Refusal;
use super::home::Home;
use super::{Failure, probes, runtime, shutdown};
use crate::clock::Clock;
use crate::queue::{Bell, Queue};
use crate::settings::{self, ApiSettings, SettingError, Source};
use crate::store::{Store, StoreError};
use crate::telemetry::Telemetry;

/// Connections to Postgres.
const CONNECTIONS: u32 = 8;

/// A body is a few members.
const BODY_MAX_BYTES: usize = 64 * 1024;

/// How long the head of a request may take to come.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// Connections at once for each of the server's threads.
const CONNECTIONS_A_THREAD: usize = 1024;

/// How long requests under way may take to end once it is told to.
const DRAIN_S: u64 = 5;

/// What `paragon api` is told.
#[derive(Args)]
#[command(after_help = "Examples:
  API_ADDR=127.0.0.1:8100 paragon api                 then open http://127.0.0.1:8100/docs/
  paragon keys create --label billing --scope entries:read --scope reminders:write
  curl -H 'Authorization: Bearer pgk_…' http://127.0.0.1:8100/v1/entries

Put a proxy with TLS in front before other machines reach it. docs/api.md has the rest.")]
pub struct Arguments {
    /// Print the description (`OpenAPI`, JSON), and end.
    #[arg(long)]
    openapi: bool,
}

/// Runs the command.
pub fn run(source: &Source, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.openapi {
        println!("{}", description::json().map_err(anyhow::Error::from)?);
        return Ok(());
    }
    let settings = ApiSettings::from(source)?;
    let _telemetry = Telemetry::start("paragon", &settings::telemetry(source))?;
    runtime()?.block_on(async {
        let api = Api::bind(settings, Clock::system())?;
        info!("the API is on http://{}/v1", api.address());
        shutdown::until_told(|stop| api.run(stop)).await
    })
}

/// An API that is bound to its address and does not serve yet.
#[derive(Debug)]
pub struct Api {
    listener: TcpListener,
    address: SocketAddr,
    desk: Data<Desk>,
}

/// What a request works with.
#[derive(Debug)]
struct Desk {
    store: Store,
    home: Home,
    clock: Clock,
    bell: Bell,
    limits: Limits,
    settings: ApiSettings,
}

impl Api {
    /// Checks the settings and takes the address. Must be called on a tokio runtime.
    pub fn bind(settings: ApiSettings, clock: Clock) -> Result<Self, Failure> {
        let store = Store::open(settings.database_url.reveal(), CONNECTIONS)
            .map_err(|error| SettingError::unreadable("DATABASE_URL", error))?;
        let listener = TcpListener::bind(settings.address)
            .with_context(|| format!("API_ADDR: cannot listen on {}", settings.address))?;
        let address = listener.local_addr().map_err(anyhow::Error::from)?;
        let bell = Bell::new(store.pool());
        let (home, limits) = (Home::here(), Limits::of(settings.requests_per_minute));
        let desk = Data::new(Desk { store, home, clock, bell, limits, settings });
        Ok(Self { listener, address, desk })
    }

    /// Where it listens; the port is real even where `:0` was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled, then finishes the requests under way.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Failure> {
        let Self { listener, desk, .. } = self;
        let store = desk.store.clone();
        let server = HttpServer::new(move || {
            App::new()
                .wrap(from_fn(guard::guard))
                .app_data(desk.clone())
                .app_data(Data::new(desk.home.clone()))
                .app_data(Data::new(desk.store.clone()))
                .app_data(
                    JsonConfig::default().limit(BODY_MAX_BYTES).error_handler(refusal::bad_json),
                )
                .app_data(QueryConfig::default().error_handler(refusal::bad_query))
                .app_data(PathConfig::default().error_handler(refusal::bad_path))
                .configure(probes::probes)
                .configure(routes)
                .default_service(actix_web::web::to(nowhere))
        })
        .workers(2)
        .disable_signals()
        .client_request_timeout(HEAD_WITHIN)
        .max_connections(CONNECTIONS_A_THREAD)
        .shutdown_timeout(DRAIN_S)
        .listen(listener)
        .map_err(anyhow::Error::from)?
        .run();
        let served = shutdown::serve_until(server, stop).await;
        store.close().await;
        served
    }
}

/// Every path, as `description.rs` describes it; a test holds the two together.
fn routes(config: &mut ServiceConfig) {
    config
        .configure(description::page)
        .service(read("/v1/entries").route(get().to(entries::list)))
        .service(read("/v1/entries/{id}").route(get().to(entries::one)))
        .service(write("/v1/entries/{id}/correct").route(post().to(entries::correct)))
        .service(write("/v1/entries/{id}/confirm").route(post().to(entries::confirm)))
        .service(write("/v1/entries/{id}/count").route(post().to(entries::count)))
        .service(read("/v1/photos/{message}").route(get().to(photos::one)))
        .service(read("/v1/senders").route(get().to(senders::list)))
        .service(write("/v1/senders/search").route(post().to(senders::search)))
        .service(read("/v1/senders/{id}").route(get().to(senders::one)))
        .service(
            resource("/v1/reminders")
                .route(get().to(reminders::list))
                .route(post().to(reminders::schedule))
                .default_service(actix_web::web::to(|| allows("GET, POST"))),
        )
        .service(read("/v1/reminders/{id}").route(get().to(reminders::one)))
        .service(write("/v1/reminders/{id}/cancel").route(post().to(reminders::cancel)))
        .service(read("/v1/events").route(get().to(events::list)))
        .service(read("/v1/events/{id}").route(get().to(events::one)))
        .service(write("/v1/events/{id}/redeliver").route(post().to(events::redeliver)));
}

fn read(path: &str) -> Resource {
    resource(path.to_owned()).default_service(actix_web::web::to(|| allows("GET")))
}

fn write(path: &str) -> Resource {
    resource(path.to_owned()).default_service(actix_web::web::to(|| allows("POST")))
}

/// What a path answers to other methods.
fn allows(methods: &'static str) -> Ready<Result<&'static str, Refusal>> {
    ready(Err(Refusal::Method(methods)))
}

async fn nowhere() -> Result<&'static str, Refusal> {
    Err(Refusal::NotFound)
}

impl Desk {
    /// What was written may be an event that a worker can deliver.
    fn tell_workers(&self) {
        self.bell.ring(Queue::Events);
    }

    /// Asks Postgres on the runtime that lasts, to the end whether or not anybody still waits.
    async fn ask<T, F>(&self, work: impl FnOnce(Store) -> F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let answer = self.home.run(work(self.store.clone())).await.ok_or(Refusal::Broken)?;
        Ok(answer?)
    }
}
