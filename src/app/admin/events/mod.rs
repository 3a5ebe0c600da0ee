//! `paragon events`: where events go and how far they have come; sends them again, and resumes an
//! endpoint. Delivers nothing itself: workers do.

mod redeliver;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::redeliver::redeliver;
use super::migrate::open;
use super::moment::moment;
use super::status::{print, table};
use crate::app::Failure;
use crate::clock::Clock;
use crate::domain::event::EventKind;
use crate::domain::ids::EndpointId;
use crate::queue::{Bell, Queue};
use crate::settings::AdminSettings;
use crate::store::event_endpoints::Endpoint;
use crate::store::event_log::{Listed, Wanted};
use crate::store::{Store, StoreError};

/// What is to be done about events.
#[derive(Args)]
#[command(after_help = "Examples:
  paragon events endpoints
  paragon events list --state pending
  paragon events resume 2
  paragon events redeliver evt_0198f1c2a5d47c6e8f0011223344aabb --yes
  paragon events redeliver --since 2026-11-01 --until 2026-11-02 --endpoint 2 --yes

docs/events.md has what an event says, how it is signed and when it is tried again.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Where events go, and how each endpoint is.
    Endpoints {
        /// A JSON list instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// The newest events, and how far each has come.
    List(List),
    /// Owe events to the endpoints once more. Without --yes: say how many, and change nothing.
    Redeliver(redeliver::Arguments),
    /// Send to a paused endpoint again, beginning with what it is owed.
    Resume {
        /// Its number, as in `paragon events endpoints`.
        endpoint: i64,
    },
}

/// Which events are listed.
#[derive(Args)]
struct List {
    #[command(flatten)]
    span: Span,
    /// With a delivery in this state.
    #[arg(long, value_parser = ["pending", "delivered", "given_up"])]
    state: Option<String>,
    /// So many at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
    limit: i64,
    /// A JSON list, with what each event says.
    #[arg(long)]
    json: bool,
}

/// Which kind of events, and of when.
#[derive(Args)]
struct Span {
    /// That happened from then on: a day (UTC) or a moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<DateTime<Utc>>,
    /// That happened before.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<DateTime<Utc>>,
    /// Of this type, such as `entry.booked`.
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kind: Option<EventKind>,
}

impl Span {
    fn wanted(&self) -> Wanted {
        Wanted { since: self.since, until: self.until, kind: self.kind, ..Wanted::default() }
    }
}

fn kind(text: &str) -> Result<EventKind, String> {
    let known = EventKind::ALL.map(EventKind::as_str).join(", ");
    EventKind::parse(text).ok_or_else(|| format!("knows {known}"))
}

const NO_DATABASE: &str =
    "the database does not answer; is DATABASE_URL right, and was `paragon migrate` run?";

/// Does it.
pub async fn run(settings: &AdminSettings, arguments: &Arguments) -> Result<(), Failure> {
    let store = open(settings)?;
    let done = act(&store, &arguments.action).await;
    store.close().await;
    Ok(done?)
}

async fn act(store: &Store, action: &Action) -> anyhow::Result<()> {
    let text = match action {
        Action::Endpoints { json } => {
            let endpoints = store.endpoints().await.context(NO_DATABASE)?;
            if *json { json_list(endpoints.iter().map(endpoint_json)) } else { shown(&endpoints) }
        }
        Action::List(asked) => {
            let wanted = Wanted { state: asked.state.clone(), ..asked.span.wanted() };
            let events = store.list_events(&wanted, asked.limit).await.context(NO_DATABASE)?;
            if asked.json { json_list(events.iter().map(event_json)) } else { listed(&events) }
        }
        Action::Redeliver(arguments) => redeliver(store, arguments).await?,
        Action::Resume { endpoint } => resume(store, *endpoint).await?,
    };
    print(&text)?;
    Ok(())
}

async fn resume(store: &Store, id: i64) -> anyhow::Result<String> {
    let now = Clock::system().now();
    match store.resume_endpoint(EndpointId(id), now).await {
        Err(StoreError::Overtaken { .. }) => {
            bail!("endpoint {id} is not paused (paragon events endpoints shows which is)")
        }
        done => done.context(NO_DATABASE)?,
    }
    Bell::new(store.pool()).ring(Queue::Events);
    Ok(format!("endpoint {id} is resumed; what it is owed is sent\n"))
}

fn json_list(items: impl Iterator<Item = Value>) -> String {
    format!("{:#}\n", Value::from(items.collect::<Vec<_>>()))
}

fn endpoint_json(it: &Endpoint) -> Value {
    json!({
        "id": it.id, "url": it.url, "state": it.state, "reason": it.reason,
        "failures": it.failures, "failing_since": it.failing_since,
        "next_try_at": it.next_try_at, "last_delivered_at": it.last_delivered_at,
        "pending": it.pending, "oldest_pending_at": it.oldest_pending_at,
        "given_up": it.given_up,
    })
}

fn event_json(it: &Listed) -> Value {
    let mut document = it.event.document();
    document["deliveries"] = it.deliveries.clone();
    document
}

fn shown(endpoints: &[Endpoint]) -> String {
    if endpoints.is_empty() {
        return "no endpoints: set EVENT_URLS and EVENT_SECRET where the workers run\n".to_owned();
    }
    let rows = endpoints.iter().map(|it| {
        vec![
            it.id.to_string(),
            it.state.clone(),
            it.pending.to_string(),
            it.given_up.to_string(),
            it.last_delivered_at.map(time).unwrap_or_default(),
            it.url.clone(),
            it.reason.clone().unwrap_or_default(),
        ]
    });
    table(&["id", "state", "pending", "given_up", "last_delivered", "url", "reason"], rows)
}

fn listed(events: &[Listed]) -> String {
    if events.is_empty() {
        return "no such events\n".to_owned();
    }
    let rows = events.iter().map(|it| {
        vec![
            it.event.id.to_string(),
            it.event.kind.as_str().to_owned(),
            time(it.event.occurred_at),
            it.message.map(|it| it.to_string()).unwrap_or_default(),
            it.how_far(),
        ]
    });
    table(&["event", "type", "occurred", "message", "deliveries"], rows)
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}
