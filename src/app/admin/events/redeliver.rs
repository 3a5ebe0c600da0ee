//! `paragon events redeliver`: by hand or by range. Without `--yes` it changes nothing.

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};
use serde_json::json;

use super::{NO_DATABASE, Span};
use crate::domain::event::EventId;
use crate::domain::ids::EndpointId;
use crate::queue::{Bell, Queue};
use crate::store::Store;
use crate::store::event_log::Wanted;

/// Which events, and to whom.
#[derive(Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true).args(["events", "since", "until", "kind"])))]
pub(super) struct Arguments {
    /// These events (`evt_…`).
    #[arg(value_name = "EVENT", value_parser = event)]
    events: Vec<EventId>,
    #[command(flatten)]
    span: Span,
    /// To this endpoint alone. Unset: to all that are not retired.
    #[arg(long, value_name = "ID")]
    endpoint: Option<i64>,
    /// Do it.
    #[arg(long)]
    yes: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn event(text: &str) -> Result<EventId, String> {
    EventId::parse(text).ok_or_else(|| "want evt_ and 32 hex digits".to_owned())
}

/// Previews, or owes them again; what is to be printed.
pub(super) async fn redeliver(store: &Store, arguments: &Arguments) -> anyhow::Result<String> {
    let ids = (!arguments.events.is_empty()).then(|| arguments.events.clone());
    let wanted = Wanted { ids, ..arguments.span.wanted() };
    let endpoints = store.endpoints().await.context(NO_DATABASE)?;
    let meant = |it: &&crate::store::event_endpoints::Endpoint| {
        it.state != "retired" && arguments.endpoint.is_none_or(|id| id == it.id)
    };
    let to = endpoints.iter().filter(meant).count();
    if to == 0 {
        bail!("no such endpoint (paragon events endpoints shows which there are)");
    }
    let events = store.count_events(&wanted).await?;
    let mut owed = 0;
    if arguments.yes {
        owed = store.redeliver(&wanted, arguments.endpoint.map(EndpointId)).await?;
        Bell::new(store.pool()).ring(Queue::Events);
    }
    if arguments.json {
        let told = json!({ "events": events, "endpoints": to, "redelivered": owed });
        return Ok(format!("{told:#}\n"));
    }
    Ok(if arguments.yes {
        format!("{owed} deliveries of {events} events are owed again; those owed before stay so\n")
    } else {
        format!(
            "{events} events would go to {to} endpoints again; nothing was changed. Do it with --yes\n"
        )
    })
}
