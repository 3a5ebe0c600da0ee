//! The worker: apalis workers on two queues, one for messages on their way and one for photos
//! that are read on this machine. Turns what a step says into what the queue understands.

mod chores;
mod events;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::web::Data as WebData;
use actix_web::{App, HttpServer};
use anyhow::Context;
use apalis::prelude::{Data, WorkerBuilder, WorkerError};
use apalis_lease::{JobContext, LeaseBackend, Outcome};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, error, info, info_span, warn};

use self::chores::{keep_counting, keep_looking_after_pauses, keep_telling_delays, keep_tidy};
use self::events::Outlet;
use super::home::Home;
use super::probes::Numbers;
use super::renewal::{Renewable, keep_renewing};
use super::{Failure, engines, probes, shutdown};
use crate::clients::Http;
use crate::clients::event_endpoint::EventSender;
use crate::clients::stripe::Stripe;
use crate::clients::whatsapp::WhatsApp;
use crate::clock::Clock;
use crate::domain::ids::ReminderId;
use crate::domain::retry::Verdict;
use crate::pipeline::worker::deliver::Events;
use crate::pipeline::worker::extract::{Engine, read_locally};
use crate::pipeline::worker::remind::remind;
use crate::pipeline::worker::{
    Deps, Pace, SendPace, StepError, Timings, Try, Unbroken, Wishes, late, process,
};
use crate::queue::{self, Bell, Errand, Job, Queue, ReminderJob};
use crate::settings::{SettingError, WorkerSettings};
use crate::store::Store;
use crate::telemetry;
use crate::telemetry::worker::WorkerMetrics;

/// Connections besides one for each job, for probes and chores. The queue has its own.
const SPARE_CONNECTIONS: usize = 2;

/// Reminders that one process sends at once: they wait for Meta, hardly for Postgres, and answers go
/// first.
const REMINDERS_AT_ONCE: usize = 4;

/// A job needs Postgres for moments only, so that connections are fewer than jobs.
const MOST_CONNECTIONS: usize = 8;

/// Works until the process is told to end, then finishes what runs.
pub async fn serve(settings: WorkerSettings) -> Result<(), Failure> {
    let worker = Worker::prepare(settings, Clock::system()).await?;
    shutdown::until_told(|stop| Box::pin(worker.run(stop))).await
}

/// A worker that is ready to take jobs.
#[derive(Debug)]
pub struct Worker {
    deps: Deps,
    name: String,
    concurrency: usize,
    ocr_concurrency: usize,
    tokens: Vec<Renewable>,
    outlet: Option<Outlet>,
    probes: TcpListener,
}

impl Worker {
    /// Checks the settings, finds the engines and takes the probes' address.
    pub async fn prepare(settings: WorkerSettings, clock: Clock) -> Result<Self, Failure> {
        let connections = settings.concurrency.min(MOST_CONNECTIONS) + SPARE_CONNECTIONS;
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        let store = Store::open(settings.database_url.reveal(), connections)
            .map_err(|error| SettingError::unreadable("DATABASE_URL", error))?;
        let http = Http::new().map_err(anyhow::Error::from)?;
        let graph = settings.graph;
        let metrics = WorkerMetrics::default();
        let counted = |to: &'static str| {
            let metrics = metrics.clone();
            http.watched(Arc::new(move |outcome, took| metrics.called(to, outcome, took)))
        };
        let whatsapp = WhatsApp::new(counted("graph"), &graph.url, &graph.token, graph.media_hosts)
            .map_err(SettingError::of_client("GRAPH_API_URL", "WA_TOKEN"))?;
        let stripe = Stripe::new(counted("stripe"), &settings.stripe.url, &settings.stripe.key)
            .map_err(SettingError::of_client("STRIPE_API_URL", "STRIPE_SECRET_KEY"))?;
        let mut tokens = vec![
            Renewable::new("WA_TOKEN", graph.token_file, whatsapp.bearer().clone()),
            Renewable::new("STRIPE_SECRET_KEY", settings.stripe.key_file, stripe.bearer().clone()),
        ];
        let outlet = settings.events.map(|it| {
            tokens.push(Renewable::new("EVENT_SECRET", it.secret_file, it.signer.clone()));
            let sender = EventSender::new(counted("event_endpoint"), it.signer);
            Outlet { events: Events::new(sender, it.api_url), urls: it.urls }
        });
        let engines = engines::all(&settings.reading, &counted("anthropic")).await?;
        let probes = TcpListener::bind(settings.metrics_address).with_context(|| {
            format!("METRICS_ADDR: cannot listen on {}", settings.metrics_address)
        })?;
        let wishes = Wishes {
            language: settings.language,
            template: settings.reply_template,
            echo_wait: settings.echo_wait,
            customer_ttl: settings.customer_ttl,
            media_max_bytes: graph.media_max_bytes,
            sender_daily_limit: settings.sender_daily_limit,
            new_senders: settings.new_senders,
            retention: settings.retention,
        };
        let deps = Deps {
            bell: Bell::new(store.pool()),
            store,
            unbroken: Arc::new(Unbroken::beginning(clock.now())),
            clock,
            whatsapp,
            stripe,
            stripe_searches: Pace::new("stripe_search", settings.stripe_searches_per_second),
            sends: SendPace::new(settings.sends_per_second),
            events: outlet.as_ref().map(|it| it.events.clone()),
            engines: Arc::new(engines),
            wishes: Arc::new(wishes),
            timings: Timings::default(),
            metrics,
        };
        Ok(Self {
            deps,
            // Never the same twice: a lease belongs to one life of one process.
            name: format!("worker-{}", uuid::Uuid::new_v4().simple()),
            concurrency: settings.concurrency,
            ocr_concurrency: settings.ocr_concurrency,
            tokens: tokens.into_iter().flatten().collect(),
            outlet,
            probes,
        })
    }

    /// The engines that it found, in the order in which they are asked.
    pub fn engines(&self) -> String {
        let names: Vec<&str> = self.deps.engines.in_order().iter().map(Engine::name).collect();
        names.join(", ")
    }

    /// Where it shows its metrics and probes; the port is real even where `:0` was asked for.
    pub fn metrics_address(&self) -> std::io::Result<SocketAddr> {
        self.probes.local_addr()
    }

    /// Takes jobs until `stop` is cancelled, then finishes and settles what runs.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Failure> {
        let Self { deps, name, concurrency, ocr_concurrency, tokens, outlet, probes: listener } =
            self;
        let pool = deps.store.pool();
        info!(worker = name, concurrency, ocr_concurrency, "working");
        let seen = apalis_lease::Metrics::new(deps.metrics.meter());
        if let Some(outlet) = &outlet {
            // Before anything happens that they are to be told.
            outlet.announce(&deps, &stop).await;
        }
        let backend = |queue, slots| {
            LeaseBackend::new(pool, queue::config(queue, &name, slots)).metrics(&seen)
        };
        let messages = WorkerBuilder::new(format!("{name}-messages"))
            .backend(backend(Queue::Messages, concurrency))
            .data(deps.clone())
            .build(on_message);
        let readings = WorkerBuilder::new(format!("{name}-reading"))
            .backend(backend(Queue::LocalReading, ocr_concurrency))
            .data(deps.clone())
            .build(on_local_reading);
        let reminders = WorkerBuilder::new(format!("{name}-reminders"))
            .backend(
                LeaseBackend::new(pool, queue::config(Queue::Reminders, &name, REMINDERS_AT_ONCE))
                    .metrics(&seen),
            )
            .data(deps.clone())
            .build(on_reminder);
        let has_local = deps.engines.locals().next().is_some();
        let reading = async {
            if has_local {
                readings.run_until(cancelled(stop.clone())).await
            } else {
                // A worker without a local engine leaves that queue to those that have one.
                cancelled(stop.clone()).await
            }
        };
        let telling = async {
            match &outlet {
                Some(outlet) => outlet.run(&deps, &name, &seen, stop.clone()).await,
                None => cancelled(stop.clone()).await,
            }
        };
        let renewed = Notify::new();
        let (worked, reminded, has_read, told, probes, (), (), (), (), ()) = tokio::join!(
            ending_all(&stop, messages.run_until(cancelled(stop.clone()))),
            ending_all(&stop, reminders.run_until(cancelled(stop.clone()))),
            ending_all(&stop, reading),
            ending_all(&stop, telling),
            ending_all(&stop, serve_probes(listener, &deps, stop.clone())),
            keep_tidy(&deps, stop.clone()),
            keep_counting(&deps, &seen, stop.clone()),
            keep_telling_delays(&deps, stop.clone()),
            keep_renewing(tokens, stop.clone(), &renewed),
            keep_looking_after_pauses(&deps, stop.clone(), &renewed),
        );
        // What ran to its end after the last count.
        if let Err(error) = deps.timings.write_down(&deps.store).await {
            warn!(%error, "how long the last steps took is not counted");
        }
        deps.store.close().await;
        worked.and(reminded).and(has_read).and(told).map_err(anyhow::Error::from)?;
        probes
    }
}

/// A part that has ended, for whatever reason, ends the others: half a worker would look alive and
/// take no job.
async fn ending_all<T>(stop: &CancellationToken, part: impl Future<Output = T>) -> T {
    let _ended = stop.clone().drop_guard();
    part.await
}

async fn cancelled(stop: CancellationToken) -> Result<(), WorkerError> {
    stop.cancelled().await;
    Ok(())
}

async fn serve_probes(
    listener: TcpListener,
    deps: &Deps,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let (home, store, metrics) = (Home::here(), deps.store.clone(), deps.metrics.clone());
    let numbers = Numbers(Arc::new(move || metrics.text()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(WebData::new(store.clone()))
            .app_data(WebData::new(home.clone()))
            .app_data(WebData::new(numbers.clone()))
            .configure(probes::probes)
            .configure(probes::metrics)
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .map_err(anyhow::Error::from)?
    .run();
    shutdown::serve_until(server, stop).await
}

async fn on_message(job: Job, context: JobContext, deps: Data<Deps>) -> Outcome {
    let span = job_span("worker.message", job, &context);
    let work = async {
        match job.errand() {
            Errand::Process => Box::pin(process(&deps, job.message(), which_try(&context))).await,
            Errand::TellDelay => Box::pin(late::tell_delay(&deps, job.message())).await,
        }
    };
    let done = work.instrument(span.clone()).await;
    if deps.events.is_some() {
        // What the message led to may be an event.
        deps.bell.ring(Queue::Events);
    }
    span.in_scope(|| settle(&deps, job, &context, done))
}

async fn on_local_reading(job: Job, context: JobContext, deps: Data<Deps>) -> Outcome {
    let span = job_span("worker.read_locally", job, &context);
    let done =
        read_locally(&deps, job.message(), which_try(&context)).instrument(span.clone()).await;
    span.in_scope(|| settle(&deps, job, &context, done))
}

async fn on_reminder(job: ReminderJob, context: JobContext, deps: Data<Deps>) -> Outcome {
    let id = job.reminder();
    let span = info_span!("worker.remind", reminder.id = id.0, attempt = context.attempt());
    let done = Box::pin(remind(&deps, id)).instrument(span.clone()).await;
    span.in_scope(|| settle_reminder(&deps, id, &context, done))
}

/// A span that goes on with the webhook's trace.
fn job_span(name: &'static str, job: Job, context: &JobContext) -> Span {
    let span = info_span!(
        "worker.job",
        otel.name = name,
        message.id = %job.message(),
        attempt = context.attempt()
    );
    telemetry::continue_trace(&span, context.trace_parent());
    span
}

fn which_try(context: &JobContext) -> Try {
    Try { number: context.attempt(), is_last: context.is_last_attempt() }
}

/// Says once what became of a reminder's job.
fn settle_reminder(
    deps: &Deps,
    id: ReminderId,
    context: &JobContext,
    done: Result<(), StepError>,
) -> Outcome {
    let Err(error) = done else { return Outcome::Done };
    if error.is_postgres_away() {
        deps.unbroken.broken(deps.clock.now());
    }
    let (id, verdict) = (id.0, error.verdict());
    match verdict {
        Verdict::Retry | Verdict::NotBefore(_) => {
            warn!(reminder.id = id, %error, ?verdict, "reminder {id} is tried again");
        }
        Verdict::PauseNumber => warn!(reminder.id = id, %error, "reminder {id} waits for a token"),
        Verdict::Halt => {
            error!(reminder.id = id, %error, "reminder {id} waits for the operator");
        }
        Verdict::GiveUp => error!(reminder.id = id, %error, "gave up on reminder {id}"),
    }
    let now = deps.clock.now();
    let age = (now - context.enqueued_at()).to_std().unwrap_or_default();
    queue::outcome(verdict, &error.to_string(), now, age)
}

/// Says once what became of the job.
fn settle(deps: &Deps, job: Job, context: &JobContext, done: Result<(), StepError>) -> Outcome {
    let Err(error) = done else { return Outcome::Done };
    let id = job.message();
    if error.is_postgres_away() {
        deps.unbroken.broken(deps.clock.now());
    }
    let verdict = error.verdict();
    match verdict {
        Verdict::Retry | Verdict::NotBefore(_) => {
            warn!(message.id = %id, %error, ?verdict, "message {id} is tried again");
        }
        Verdict::PauseNumber => warn!(message.id = %id, %error, "message {id} waits for a token"),
        Verdict::Halt => {
            error!(message.id = %id, %error, "message {id} waits for the operator");
        }
        Verdict::GiveUp => {
            error!(message.id = %id, %error, "gave up on message {id}");
        }
    }
    let now = deps.clock.now();
    let age = (now - context.enqueued_at()).to_std().unwrap_or_default();
    queue::outcome(verdict, &error.to_string(), now, age)
}
