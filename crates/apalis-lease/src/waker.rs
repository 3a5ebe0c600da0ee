//! Tells the workers, after a commit, that there are jobs. Never part of a transaction that writes
//! them: a NOTIFY inside the commit costs more than half of the throughput of enqueuing.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::link::{Link, within};
use crate::sql;

/// After one notification the next waits this long and carries all that came meanwhile.
const TOGETHER: Duration = Duration::from_millis(10);
const STATEMENT: Duration = Duration::from_secs(5);

/// Announces committed jobs, on a connection of its own. Clones share it; with the last one its
/// task ends.
///
/// An announcement is a courtesy. One that is lost (Postgres is away, the process dies) costs at
/// most a worker's poll interval.
#[derive(Clone)]
pub struct Waker {
    bell: Arc<Bell>,
    _task: Arc<Mutex<JoinSet<()>>>,
}

#[derive(Default)]
struct Bell {
    queues: Mutex<BTreeSet<String>>,
    rung: Notify,
}

impl Waker {
    /// A waker for the database of `pool`, of which it takes the address but no connection.
    /// Connects in the background.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(pool: &PgPool) -> Self {
        let bell = Arc::new(Bell::default());
        let link = Link::new("waker", pool.connect_options().as_ref(), None);
        let mut task = JoinSet::new();
        task.spawn(announce(Arc::clone(&bell), link));
        Waker { bell, _task: Arc::new(Mutex::new(task)) }
    }

    /// Says that jobs were committed to `queue`. Call it after the commit. Never waits and never
    /// fails; many calls within milliseconds are one announcement.
    pub fn wake(&self, queue: &str) {
        let mut queues = self.bell.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if !queues.contains(queue) {
            queues.insert(queue.to_owned());
        }
        drop(queues);
        self.bell.rung.notify_one();
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waker").finish_non_exhaustive()
    }
}

/// At once when it has been quiet, then together.
async fn announce(bell: Arc<Bell>, mut link: Link) {
    // The first announcement should not wait for a connection to be made.
    let opened = link.open().await.map(drop);
    let _logged = link.keep_if_good(opened);
    loop {
        bell.rung.notified().await;
        let queues: Vec<String> = {
            let mut queues = bell.queues.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *queues).into_iter().collect()
        };
        if queues.is_empty() {
            continue;
        }
        let told = notify(&mut link, queues.clone()).await;
        if link.keep_if_good(told).is_err() {
            bell.queues.lock().unwrap_or_else(PoisonError::into_inner).extend(queues);
            bell.rung.notify_one();
            tokio::time::sleep(link.pause()).await;
        }
        tokio::time::sleep(TOGETHER).await;
    }
}

async fn notify(link: &mut Link, queues: Vec<String>) -> Result<(), sqlx::Error> {
    let connection = link.open().await?;
    within(STATEMENT, sqlx::query(sql::WAKE).bind(queues).execute(connection)).await.map(drop)
}
