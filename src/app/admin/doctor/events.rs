//! Whether events reach the integrator: what the endpoints have answered lately, by our own memory.
//! Asks no endpoint.

use chrono::TimeDelta;

use super::finding::Finding;
use crate::clock::Clock;
use crate::store::Store;
use crate::store::event_endpoints::Endpoint;

const ABOUT: &str = "events";

/// An event that is owed for longer, to an endpoint that does not fail, is delivered by nobody.
const SOON: TimeDelta = TimeDelta::minutes(10);

/// A finding for each endpoint, or one that there is none.
pub(super) async fn look(store: &Store) -> Vec<Finding> {
    match store.endpoints().await {
        Err(error) => vec![super::database::unanswered(ABOUT, &error)],
        Ok(endpoints) if endpoints.iter().all(|it| it.state == "retired") => {
            vec![Finding::well(
                ABOUT,
                "go nowhere: EVENT_URLS is not set, or no worker has run yet",
            )]
        }
        Ok(endpoints) => endpoints.iter().filter(|it| it.state != "retired").map(found).collect(),
    }
}

fn found(it: &Endpoint) -> Finding {
    let (id, url) = (it.id, &it.url);
    let owed = format!("endpoint {id} ({url}) is owed {} events", it.pending);
    let reason = it.reason.as_deref().unwrap_or("not said why");
    if it.state == "paused" {
        return Finding::ill(
            ABOUT,
            format!("{owed}, and is paused: {reason}"),
            format!("mend it, then `paragon events resume {id}`"),
        );
    }
    if it.given_up > 0 {
        return Finding::ill(
            ABOUT,
            format!("endpoint {id} ({url}) refused {} events for days", it.given_up),
            "see why (`paragon events list --state given_up`), then `paragon events redeliver`",
        );
    }
    if let Some(since) = it.failing_since {
        return Finding::ill(
            ABOUT,
            format!("{owed}, and has failed since {}: {reason}", since.format("%d %b %H:%M UTC")),
            "see to the endpoint; it is tried again by itself, and paused after 5 days",
        );
    }
    if it.oldest_pending_at.is_some_and(|at| Clock::system().now() - at > SOON) {
        return Finding::ill(
            ABOUT,
            format!("{owed}, some for over 10 minutes, and does not fail"),
            "does a worker run with EVENT_URLS and EVENT_SECRET?",
        );
    }
    Finding::well(ABOUT, format!("endpoint {id} ({url}) takes them"))
}
