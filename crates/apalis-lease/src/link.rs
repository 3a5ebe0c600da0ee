//! One connection to Postgres that may break and comes back. Retries nothing by itself: a failed
//! statement is the caller's to repeat.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};

const CONNECT: Duration = Duration::from_secs(5);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection of our own, made when it is needed.
pub(crate) struct Link {
    what: &'static str,
    options: PgConnectOptions,
    preparation: Option<&'static str>,
    connection: Option<PgConnection>,
    pause: Duration,
}

impl Link {
    /// Connects nowhere yet. `what` names the connection in the log; `preparation` is run on each
    /// new connection.
    pub(crate) fn new(
        what: &'static str,
        options: &PgConnectOptions,
        preparation: Option<&'static str>,
    ) -> Self {
        let options = options.clone().application_name("apalis-lease");
        Link { what, options, preparation, connection: None, pause: SHORTEST_PAUSE }
    }

    /// The connection, made if there is none.
    pub(crate) async fn open(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => within(CONNECT, self.connect()).await?,
        };
        Ok(self.connection.insert(connection))
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        if let Some(preparation) = self.preparation {
            connection.execute(preparation).await?;
        }
        Ok(connection)
    }

    /// Keeps the connection after a success and drops it after a failure, whose state nobody
    /// knows. Logs where things change, so that a long outage is two lines.
    pub(crate) fn keep_if_good<T>(
        &mut self,
        done: Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        match &done {
            Ok(_) => {
                if self.pause > SHORTEST_PAUSE {
                    tracing::info!(link = self.what, "Postgres answers the queue again");
                }
                self.pause = SHORTEST_PAUSE;
            }
            Err(error) => {
                if self.pause == SHORTEST_PAUSE {
                    tracing::warn!(link = self.what, %error, "Postgres does not answer the queue");
                }
                self.connection = None;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
        }
        done
    }

    /// How long to wait before the next try: grows with failures in a row.
    pub(crate) fn pause(&self) -> Duration {
        self.pause
    }

    /// Says goodbye to Postgres.
    pub(crate) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            // What cannot be said to a server that is gone need not be said.
            let _gone = within(CONNECT, connection.close()).await;
        }
    }
}

/// A statement that must not take longer than `limit`. After a failure the connection is spoilt.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}
