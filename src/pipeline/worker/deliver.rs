//! An event on its way to one endpoint of the integrator's: at least once, and in order for each
//! entry. What the endpoint does costs no other endpoint anything but a few slots for seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use serde_json::Value;
use tokio::sync::Semaphore;
use tracing::{error, info, warn};

use super::Deps;
use crate::clients::PublicUrl;
use crate::clients::event_endpoint::{DeliveryError, EventSender, Notice};
use crate::domain::access::LINK_HOLDS;
use crate::domain::event::{Fate, Photo, pause_after};
use crate::domain::ids::{DeliveryId, EndpointId};
use crate::store::StoreError;
use crate::store::event_deliveries::{AfterFailure, Begun, Claimed};

/// Events that one process sends to one endpoint at once.
pub const AT_ONCE: usize = 8;

/// Who finds an endpoint busy comes back after this long.
const BUSY: Duration = Duration::from_millis(200);

/// What is needed to deliver events.
#[derive(Clone, Debug)]
pub struct Events {
    sender: EventSender,
    /// Where our API is reached from outside.
    api: Option<PublicUrl>,
    /// By the group of an endpoint's jobs.
    busy: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Events {
    /// Delivers by `sender`; links to photos lead to `api`.
    pub fn new(sender: EventSender, api: Option<PublicUrl>) -> Self {
        Self { sender, api, busy: Arc::default() }
    }

    /// The places of one endpoint: one that hangs fills its own, and no other's.
    fn places(&self, endpoint: &str) -> Arc<Semaphore> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let places =
            busy.entry(endpoint.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE)));
        Arc::clone(places)
    }
}

/// Why an event was not delivered. Its text is kept with the job: nothing personal.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// Our own memory.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// It is not its turn.
    #[error("{1}")]
    NotYet(Duration, &'static str),
    /// Nothing is sent to its endpoint for now.
    #[error("{0}")]
    Paused(String),
    /// The endpoint did not take it.
    #[error("endpoint {}: {cause}", .endpoint.0)]
    Failed {
        /// Which.
        endpoint: EndpointId,
        /// Why.
        #[source]
        cause: DeliveryError,
        /// What that leads to.
        fate: Fate,
    },
}

/// How soon a delivery is tried again that our own Postgres stood in the way of.
const STORE_AGAIN: Duration = Duration::from_secs(1);

impl Undelivered {
    /// What becomes of the job.
    pub fn fate(&self) -> Fate {
        match self {
            Self::Store(_) => Fate::Again(STORE_AGAIN),
            Self::NotYet(wait, _) => Fate::Wait(*wait),
            Self::Paused(_) => Fate::PauseEndpoint,
            Self::Failed { fate, .. } => *fate,
        }
    }
}

/// Sends the event of `id` to its endpoint, unless it has it. `endpoint` names the group of its job.
/// Called again, also elsewhere at the same moment, it is sent again only where nobody knows whether it
/// arrived.
pub async fn deliver(
    deps: &Deps,
    events: &Events,
    id: DeliveryId,
    endpoint: &str,
) -> Result<(), Undelivered> {
    let places = events.places(endpoint);
    let Ok(_place) = places.try_acquire() else {
        return Err(Undelivered::NotYet(BUSY, "others are on their way to the same endpoint"));
    };
    let claimed = match deps.store.begin_delivery(id, deps.clock.now()).await? {
        Begun::Over => return Ok(()),
        Begun::Wait(wait, why) => return Err(Undelivered::NotYet(wait, why)),
        Begun::Paused(why) => return Err(Undelivered::Paused(why)),
        Begun::Send(claimed) => claimed,
    };
    let webhook_id = claimed.event.id.to_string();
    let body = document(deps, events, &claimed).await?;
    let timestamp = deps.clock.now().timestamp();
    let notice = Notice { id: &webhook_id, timestamp, body: &body };
    match events.sender.post(&claimed.url, &notice).await {
        Ok(()) => {
            deps.store.delivered(&claimed, deps.clock.now()).await?;
            deps.bell.ring(crate::queue::Queue::Events);
            info!(event.id = webhook_id, endpoint.id = claimed.endpoint.0, "event delivered");
            Ok(())
        }
        Err(cause) => Err(failed(deps, &claimed, cause).await?),
    }
}

/// What is sent: the event as it was written down, with its photo as it is now.
async fn document(deps: &Deps, events: &Events, claimed: &Claimed) -> Result<String, StoreError> {
    let mut document = claimed.event.document();
    if let Some(message) = claimed.event.message() {
        let expires = deps.clock.now() + LINK_HOLDS;
        let photo = deps.store.photo_to_tell(message).await?.map(|(mime, sha256, key)| {
            let id = message.to_string();
            let link = |api: &PublicUrl| {
                (api.link(&["v1", "photos", &id], &key.query(message, expires)), expires)
            };
            Photo { mime, sha256, link: events.api.as_ref().map(link) }
        });
        document["data"]["photo"] = photo.map_or(Value::Null, |it| it.document());
    }
    Ok(document.to_string())
}

/// Writes the failure down, and decides what it leads to.
async fn failed(
    deps: &Deps,
    claimed: &Claimed,
    cause: DeliveryError,
) -> Result<Undelivered, StoreError> {
    let (now, endpoint) = (deps.clock.now(), claimed.endpoint);
    let failures = claimed.attempts.max(claimed.endpoint_failures) + 1;
    let wait = pause_after(failures, cause.retry_after(), rand::rng().random());
    let again = later(now, wait);
    let after = deps.store.not_delivered(claimed, &cause.to_string(), again, now).await?;
    let fate = match (after, &cause) {
        (_, DeliveryError::Gone) => pause(deps, endpoint, &cause.to_string(), now).await?,
        (AfterFailure::EndpointIsDead, _) => {
            pause(deps, endpoint, &format!("it has failed for days: {cause}"), now).await?
        }
        (AfterFailure::GivenUp, _) => {
            error!(endpoint.id = endpoint.0, event.id = %claimed.event.id, %cause,
                   "an event that endpoint {} alone refuses is given up", endpoint.0);
            Fate::GiveUp
        }
        (AfterFailure::Again, _) => {
            warn!(endpoint.id = endpoint.0, event.id = %claimed.event.id, %cause,
                  "an event is tried again");
            Fate::Again(wait)
        }
    };
    Ok(Undelivered::Failed { endpoint, cause, fate })
}

async fn pause(
    deps: &Deps,
    endpoint: EndpointId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Fate, StoreError> {
    deps.store.pause_endpoint(endpoint, reason, now).await?;
    error!(
        endpoint.id = endpoint.0,
        reason,
        "event endpoint {0} is paused; mend it, then: paragon events resume {0}",
        endpoint.0
    );
    Ok(Fate::PauseEndpoint)
}

fn later(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}
