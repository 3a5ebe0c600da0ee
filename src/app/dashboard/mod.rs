//! `paragon dashboard`: pages for whoever runs Paragon and whoever keeps its books. One process, no
//! assets from elsewhere, nothing but the database. Each page reads a bounded piece of it however
//! long the history; each act is written down in `audit_log`.

mod assets;
mod form;
mod guard;
mod login;
mod password;
mod refusal;
mod session;
mod shell;
mod throttle;
mod overview;
mod queue;
mod messages;
mod message;
mod entries;
mod entries_file;
mod entry;
mod dead;
mod numbers;
mod events;
mod audit;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::{Data, FormConfig, PayloadConfig, ServiceConfig, get, post};
use actix_web::{App, HttpServer};
use anyhow::Context;
use clap::Args;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::password::Password;
use self::refusal::Refusal;
use self::session::Sessions;
use self::throttle::Throttle;
use super::home::Home;
use super::{Failure, probes, runtime, shutdown};
use crate::clock::Clock;
use crate::settings::{self, DashboardSettings, SettingError, Source};
use crate::store::{Store, StoreError};
use crate::telemetry::Telemetry;

/// Connections to Postgres: a few people look at pages that ask short questions.
const CONNECTIONS: u32 = 4;

/// A form is a few words.
const FORM_MAX_BYTES: usize = 16 * 1024;

/// How long the head of a request may take to come.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// Connections at once for each of the server's threads.
const CONNECTIONS_A_THREAD: usize = 256;

/// How long requests under way may take to end once it is told to.
const DRAIN_S: u64 = 5;

/// What `paragon dashboard` is told.
#[derive(Args)]
#[command(after_help = "Examples:
  DATABASE_URL=postgres://localhost/paragon paragon dashboard      then open http://localhost:8090
  paragon dashboard --hash-password                                for DASHBOARD_PASSWORD_HASH
  pass show paragon | paragon dashboard --hash-password

Without a password it listens on loopback only. With DASHBOARD_PASSWORD_HASH it may listen anywhere
(DASHBOARD_ADDR=0.0.0.0:8090); put a proxy with TLS in front. See docs/dashboard.md.")]
pub struct Arguments {
    /// Read a password, from the terminal or standard input, print its hash, and end.
    #[arg(long)]
    hash_password: bool,
}

/// Runs the command.
pub fn run(source: &Source, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.hash_password {
        println!("{}", password::ask_and_hash()?);
        return Ok(());
    }
    let settings = DashboardSettings::from(source)?;
    let _telemetry = Telemetry::start("paragon", &settings::telemetry(source))?;
    runtime()?.block_on(async {
        let dashboard = Dashboard::bind(&settings, Clock::system())?;
        info!("the dashboard is on http://{}", dashboard.address());
        shutdown::until_told(|stop| dashboard.run(stop)).await
    })
}

/// A dashboard that is bound to its address and does not serve yet.
#[derive(Debug)]
pub struct Dashboard {
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
    password: Option<Password>,
    sessions: Sessions,
    throttle: Throttle,
    /// Passwords are compared one at a time.
    comparing: Semaphore,
}

impl Dashboard {
    /// Checks the settings and takes the address. Must be called on a tokio runtime.
    pub fn bind(settings: &DashboardSettings, clock: Clock) -> Result<Self, Failure> {
        let store = Store::open(settings.database_url.reveal(), CONNECTIONS)
            .map_err(|error| SettingError::unreadable("DATABASE_URL", error))?;
        let password = settings.password_hash.as_ref().map(Password::parse).transpose()?;
        let listener = TcpListener::bind(settings.address)
            .with_context(|| format!("DASHBOARD_ADDR: cannot listen on {}", settings.address))?;
        let address = listener.local_addr().map_err(anyhow::Error::from)?;
        let desk = Data::new(Desk {
            store,
            home: Home::here(),
            clock,
            password,
            sessions: Sessions::default(),
            throttle: Throttle::default(),
            comparing: Semaphore::new(1),
        });
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
                .app_data(PayloadConfig::new(FORM_MAX_BYTES))
                .app_data(FormConfig::default().limit(FORM_MAX_BYTES))
                .configure(probes::probes)
                .configure(pages)
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

fn pages(config: &mut ServiceConfig) {
    config
        .configure(assets::assets)
        .route("/login", get().to(login::form))
        .route("/login", post().to(login::sign_in))
        .route("/logout", post().to(login::sign_out))
        .route("/", get().to(overview::page))
        .route("/queue", get().to(queue::page))
        .route("/queue/pause", post().to(queue::pause))
        .route("/queue/resume", post().to(queue::resume))
        .route("/messages", get().to(messages::page))
        .route("/messages/find", post().to(messages::find))
        .route("/messages/{id}", get().to(message::page))
        .route("/messages/{id}/photo", get().to(message::photo))
        .route("/entries", get().to(entries::page))
        .route("/entries.csv", get().to(entries_file::file))
        .route("/entries/{id}", get().to(entry::page))
        .route("/entries/{id}/correct", post().to(entry::correct))
        .route("/entries/{id}/confirm", post().to(entry::confirm))
        .route("/entries/{id}/count", post().to(entry::count))
        .route("/dead", get().to(dead::page))
        .route("/dead/like", get().to(dead::preview))
        .route("/dead/retry", post().to(dead::retry_one))
        .route("/dead/retry-like", post().to(dead::retry_like))
        .route("/numbers", get().to(numbers::page))
        .route("/events", get().to(events::page))
        .route("/events/resume", post().to(events::resume))
        .route("/audit", get().to(audit::page))
        .default_service(get().to(nowhere));
}

async fn nowhere() -> Result<&'static str, Refusal> {
    Err(Refusal::NotFound)
}

impl Desk {
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
