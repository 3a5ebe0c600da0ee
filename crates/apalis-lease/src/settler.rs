//! Writes down how runs ended, over a connection of its own, so that claims go on meanwhile. The
//! only place where a held job is let go, which is after its verdict is durable. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::sync::mpsc;

use crate::desk::{Desk, Settlement};
use crate::link::{Link, within};
use crate::settling;
use crate::sql;

/// So many verdicts are written by one statement at most.
const BATCH: usize = 500;
/// A statement that takes longer is given up with its connection, and what it did is found out.
const STATEMENT: Duration = Duration::from_secs(30);
/// What is owed to Postgres at the end is offered for so long.
const FAREWELL: Duration = Duration::from_secs(2);

/// Moves verdicts from the desk to the table. Those that come while it writes are written together.
pub(crate) struct Settler {
    desk: Arc<Desk>,
    inbox: mpsc::UnboundedReceiver<Settlement>,
    link: Link,
}

impl Settler {
    pub(crate) fn new(
        desk: Arc<Desk>,
        inbox: mpsc::UnboundedReceiver<Settlement>,
        options: &PgConnectOptions,
    ) -> Self {
        Settler { desk, inbox, link: Link::new("settler", options, Some(sql::PLAN_BY_INDEX)) }
    }

    /// Works until the pump has handed in what it gives back, then writes what is left.
    pub(crate) async fn run(mut self) {
        // The first verdict should not wait for a connection to be made.
        let opened = self.link.open().await.map(drop);
        let _logged = self.link.keep_if_good(opened);
        while !self.desk.is_finished() {
            let mut batch = Vec::new();
            tokio::select! {
                _ = self.inbox.recv_many(&mut batch, BATCH) => {}
                () = self.desk.finished() => {}
            }
            self.settle(batch).await;
        }
        let mut batch = Vec::new();
        while let Ok(settlement) = self.inbox.try_recv() {
            batch.push(settlement);
        }
        // A refusal is logged by the link; leases that could not be given back lapse.
        let _too_late = tokio::time::timeout(FAREWELL, self.settle(batch)).await;
        let _logged = tokio::time::timeout(FAREWELL, self.forget()).await;
        self.link.close().await;
    }

    /// Writes verdicts until they are durable. An outage is waited out: the jobs are done, and
    /// only Postgres can say whether they were still ours.
    async fn settle(&mut self, batch: Vec<Settlement>) {
        if batch.is_empty() {
            return;
        }
        // Verdicts that may be written already: by a try whose answer was lost, or by the job.
        let mut maybe_written = batch.iter().any(|it| self.desk.has_settled_itself(it.fence));
        loop {
            let written = self.settle_once(&batch, maybe_written).await;
            match self.link.keep_if_good(written) {
                Ok(written) => {
                    settling::tell(&self.desk, batch, &written);
                    // A retry may be due before anything else is.
                    if written.values().any(|next| next != "done") {
                        self.desk.wake();
                    }
                    return;
                }
                Err(_logged) if self.desk.is_closing() => return,
                Err(_logged) => tokio::time::sleep(self.link.pause()).await,
            }
            maybe_written = true;
        }
    }

    async fn settle_once(
        &mut self,
        batch: &[Settlement],
        maybe_written: bool,
    ) -> Result<settling::Written, sqlx::Error> {
        let connection = self.link.open().await?;
        within(STATEMENT, settling::settle(connection, batch, maybe_written)).await
    }

    async fn forget(&mut self) -> Result<(), sqlx::Error> {
        let instance = self.desk.instance;
        let connection = self.link.open().await?;
        sqlx::query(sql::FORGET).bind(instance).execute(connection).await.map(drop)
    }
}
