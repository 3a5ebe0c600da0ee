//! When to end: the first SIGTERM or SIGINT drains, the second leaves at once.

use actix_web::dev::Server;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Failure;

/// Runs `serve` until it ends. The first signal cancels its token; at the second it is dropped,
/// and what it was doing is done again by whoever takes over.
pub async fn until_told<F>(serve: impl FnOnce(CancellationToken) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let mut told = Told::new().map_err(anyhow::Error::from)?;
    let stop = CancellationToken::new();
    let leave = async {
        told.again().await;
        info!("told to end: finishing what runs");
        stop.cancel();
        told.again().await;
        warn!("told to end again: leaving at once");
    };
    tokio::select! {
        ended = serve(stop.clone()) => ended,
        () = leave => Ok(()),
    }
}

/// Serves HTTP until `stop` is cancelled, then finishes the requests under way.
pub async fn serve_until(server: Server, stop: CancellationToken) -> Result<(), Failure> {
    let handle = server.handle();
    let draining = async {
        stop.cancelled().await;
        handle.stop(true).await;
    };
    let serving = async {
        // A server that ends by itself ends the wait for the signal too.
        let _ended = stop.clone().drop_guard();
        server.await
    };
    let (served, ()) = tokio::join!(serving, draining);
    served.map_err(|error| Failure::Other(error.into()))
}

/// Both signals that ask a program to end.
struct Told {
    terminate: Signal,
    interrupt: Signal,
}

impl Told {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn again(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
