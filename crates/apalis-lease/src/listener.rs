//! Hears that jobs were committed, so that they start before the next poll. Nothing depends on it:
//! what it misses, the poll finds.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::desk::Desk;
use crate::sql;

const PAUSE: Duration = Duration::from_millis(500);

/// Wakes `desk` for each notification of `queue`, until it is dropped.
pub(crate) async fn listen(desk: Arc<Desk>, options: PgConnectOptions, queue: String) {
    loop {
        let Err(error) = listen_once(&desk, &options, &queue).await;
        tracing::debug!(%error, "the queue's listener lost its connection");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_once(
    desk: &Desk,
    options: &PgConnectOptions,
    queue: &str,
) -> Result<std::convert::Infallible, sqlx::Error> {
    // `PgListener` wants a pool to take its connection from: this one holds that one only.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options.clone().application_name("apalis-lease"));
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(sql::CHANNEL).await?;
    // What was committed while nobody listened was announced to nobody.
    desk.wake();
    loop {
        match listener.try_recv().await? {
            Some(notification) if notification.payload() == queue => desk.wake(),
            Some(_) => {}
            None => desk.wake(),
        }
    }
}
