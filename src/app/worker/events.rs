//! The worker's part in events: it says which endpoints there are, and takes the jobs of the queue
//! `events`. Where `EVENT_URLS` is unset it does neither, and leaves what there is to other workers.

use std::time::Duration;

use apalis::prelude::{Data, WorkerBuilder, WorkerError};
use apalis_lease::{JobContext, LeaseBackend, Outcome};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};

use super::cancelled;
use crate::clients::event_endpoint::EndpointUrl;
use crate::pipeline::worker::Deps;
use crate::pipeline::worker::deliver::{AT_ONCE, Events, Undelivered, deliver};
use crate::queue::{self, Queue};
use crate::store::StoreError;
use crate::store::events::DeliveryJob;

/// How soon Postgres is asked again that was away when the worker started.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Where events go from this worker, and how.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    pub(super) events: Events,
    pub(super) urls: Vec<EndpointUrl>,
}

impl Outlet {
    /// Says which endpoints there are. Waits for Postgres, until `stop` is cancelled.
    pub(super) async fn announce(&self, deps: &Deps, stop: &CancellationToken) {
        let urls: Vec<String> = self.urls.iter().map(|it| it.as_str().to_owned()).collect();
        while let Some(Err(error)) =
            stop.run_until_cancelled(deps.store.endpoints_are(&urls, deps.clock.now())).await
        {
            warn!(%error, "the event endpoints are not written down yet");
            stop.run_until_cancelled(tokio::time::sleep(ASK_AGAIN)).await;
        }
    }

    /// Delivers until `stop` is cancelled.
    pub(super) async fn run(
        &self,
        deps: &Deps,
        name: &str,
        seen: &apalis_lease::Metrics,
        stop: CancellationToken,
    ) -> Result<(), WorkerError> {
        let slots = AT_ONCE * self.urls.len();
        let config = queue::config(Queue::Events, name, slots);
        WorkerBuilder::new(format!("{name}-events"))
            .backend(LeaseBackend::new(deps.store.pool(), config).metrics(seen))
            .data(deps.clone())
            .data(self.events.clone())
            .build(on_delivery)
            .run_until(cancelled(stop))
            .await
    }
}

async fn on_delivery(
    job: DeliveryJob,
    context: JobContext,
    deps: Data<Deps>,
    events: Data<Events>,
) -> Outcome {
    let id = job.delivery();
    let span = info_span!("worker.deliver", delivery.id = id.0, attempt = context.attempt());
    let endpoint = context.group().unwrap_or_default();
    let done = Box::pin(deliver(&deps, &events, id, endpoint)).instrument(span.clone()).await;
    span.in_scope(|| match done {
        Ok(()) => Outcome::Done,
        Err(error) => {
            note(&deps, &error);
            queue::delivery_outcome(error.fate(), &error.to_string(), deps.clock.now())
        }
    })
}

/// What the endpoint did was said where it was met; what our own Postgres did is said here.
fn note(deps: &Deps, error: &Undelivered) {
    if let Undelivered::Store(cause) = error {
        if matches!(cause, StoreError::Postgres(_)) {
            deps.unbroken.broken(deps.clock.now());
        }
        warn!(%error, "a delivery is tried again");
    }
}
