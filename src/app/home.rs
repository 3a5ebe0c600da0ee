//! The runtime that our own work runs on. actix serves each connection on a runtime of its own,
//! which ends with its last connection, and drops a handler whose client has gone. Work that is
//! sent home survives both: its connections to Postgres belong to a runtime that lasts.

use tokio::runtime::Handle;

/// The program's own runtime, seen from a handler.
#[derive(Clone, Debug)]
pub struct Home(Handle);

impl Home {
    /// The runtime that this is called on.
    pub fn here() -> Self {
        Self(Handle::current())
    }

    /// Runs `work` at home, to its end whether or not it is waited for. `None` when it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.0.spawn(work).await.ok()
    }
}
