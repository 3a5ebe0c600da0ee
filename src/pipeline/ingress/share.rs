//! Webhooks that arrive together share a commit. While some commits are under way, whoever arrives
//! waits for the next; with none under way nobody waits for anybody. One webhook that Postgres will
//! never take does not cost those that it shares a commit with. Nothing is kept here: a webhook
//! whose caller has gone is not committed any more, unless it is on its way already.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

use super::accept::{Accepted, Batch, NotAccepted, accept};
use crate::clock::Clock;
use crate::queue::Bell;
use crate::store::Store;

/// Commits under way at once. More of them are smaller each, and Postgres does more for the same.
const AT_ONCE: usize = 3;

/// Webhooks in one commit at most: more would make the first of them wait.
const TOGETHER: usize = 256;

/// What is needed to commit.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Where to.
    pub store: Store,
    /// Whom it wakes.
    pub bell: Bell,
    /// What time it is.
    pub clock: Clock,
}

impl Ledger {
    /// Takes all of `batches` into custody. See [`accept`].
    pub async fn accept(&self, batches: &[Arc<Batch>]) -> Result<Vec<Accepted>, NotAccepted> {
        accept(&self.store, &self.bell, &self.clock, batches).await
    }
}

/// Why a webhook was not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotShared {
    /// Postgres will never take what it says.
    Refused,
    /// Postgres is away, or did not do it in time.
    Away,
}

/// The way to the commits. A clone leads to the same ones; with the last one they end.
#[derive(Clone, Debug)]
pub struct SharedCommits {
    waiting: mpsc::UnboundedSender<Waiting>,
    _task: Arc<Mutex<JoinSet<()>>>,
}

/// A webhook on its way into a commit.
#[derive(Debug)]
struct Waiting {
    batch: Arc<Batch>,
    told: oneshot::Sender<Result<Accepted, NotShared>>,
}

impl SharedCommits {
    /// Begins to commit to `ledger`. A commit that takes longer than `within` is given up: Postgres
    /// counts as away. `observe` is told the size of each commit, in webhooks.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(
        ledger: Ledger,
        within: Duration,
        observe: impl Fn(u32) + Send + Sync + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(gather(ledger, within, Arc::new(observe), receiver));
        Self { waiting: sender, _task: Arc::new(Mutex::new(task)) }
    }

    /// Commits `batch`, alone or with others. How many wait at once is for the caller to bound.
    pub async fn commit(&self, batch: Arc<Batch>) -> Result<Accepted, NotShared> {
        let (told, answer) = oneshot::channel();
        self.waiting.send(Waiting { batch, told }).map_err(|_| NotShared::Away)?;
        answer.await.unwrap_or(Err(NotShared::Away))
    }
}

/// Whoever waits when a commit may begin goes into it.
async fn gather<O>(
    ledger: Ledger,
    within: Duration,
    observe: Arc<O>,
    mut waiting: mpsc::UnboundedReceiver<Waiting>,
) where
    O: Fn(u32) + Send + Sync + 'static,
{
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let mut commits = JoinSet::new();
    while let Ok(turn) = Arc::clone(&free).acquire_owned().await {
        let Some(first) = waiting.recv().await else { break };
        let mut group = vec![first];
        while group.len() < TOGETHER
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        let (ledger, observe) = (ledger.clone(), Arc::clone(&observe));
        commits.spawn(async move {
            commit(&ledger, within, &*observe, group).await;
            drop(turn);
        });
        while commits.try_join_next().is_some() {}
    }
    while commits.join_next().await.is_some() {}
}

/// Commits `group`, in halves where one of it is refused, until whoever is refused is alone.
async fn commit(
    ledger: &Ledger,
    within: Duration,
    observe: &(impl Fn(u32) + Sync),
    group: Vec<Waiting>,
) {
    let mut groups = vec![group];
    while let Some(mut group) = groups.pop() {
        // Whoever has gone has put it into the spool.
        group.retain(|it| !it.told.is_closed());
        if group.is_empty() {
            continue;
        }
        let batches: Vec<Arc<Batch>> = group.iter().map(|it| Arc::clone(&it.batch)).collect();
        let failed = match timeout(within, twice(ledger, &batches)).await {
            Ok(Ok(accepted)) => {
                observe(u32::try_from(group.len()).unwrap_or(u32::MAX));
                for (waiting, accepted) in group.into_iter().zip(accepted) {
                    waiting.told.send(Ok(accepted)).ok();
                }
                continue;
            }
            Ok(Err(refused)) if refused.is_final() && group.len() > 1 => {
                groups.push(group.split_off(group.len() / 2));
                groups.push(group);
                continue;
            }
            Ok(Err(refused)) => {
                warn!(error = %refused, webhooks = group.len(), "Postgres does not take webhooks");
                if refused.is_final() { NotShared::Refused } else { NotShared::Away }
            }
            Err(_) => {
                warn!(webhooks = group.len(), "Postgres does not take webhooks in time");
                NotShared::Away
            }
        };
        for waiting in group {
            waiting.told.send(Err(failed)).ok();
        }
    }
}

/// Once more where another commit stood in the way.
async fn twice(ledger: &Ledger, batches: &[Arc<Batch>]) -> Result<Vec<Accepted>, NotAccepted> {
    match ledger.accept(batches).await {
        Err(refused) if refused.is_conflict() => ledger.accept(batches).await,
        done => done,
    }
}
