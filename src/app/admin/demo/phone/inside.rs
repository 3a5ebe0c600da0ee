//! What happens behind the phone: of each message how far it has come and what it waits for, and
//! how the parts are. Everything is asked of what runs, at the moment it is shown; while Postgres
//! is away, what it last said of a message is shown as that.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use simulators::phone::Letter;
use tokio::time::timeout;

use super::super::part::Part;
use super::super::stage::Stage;
use super::{way, wire};
use crate::domain::ids::Wamid;
use crate::store::StoreError;
use crate::store::views::QueueDepth;

/// How many of a phone's messages are shown, the newest first.
const WAYS: usize = 4;

/// A Postgres that takes longer counts as away.
const POSTGRES_WITHIN: Duration = Duration::from_secs(1);

/// Looks inside.
pub struct Inside {
    stage: Arc<Stage>,
    /// What Postgres last said, by Meta's message id.
    last: Mutex<HashMap<String, Value>>,
}

impl Inside {
    /// Nothing has been seen yet.
    pub fn new(stage: Arc<Stage>) -> Self {
        Self { stage, last: Mutex::default() }
    }

    /// Everything as it is now, for whoever sent `letters`.
    pub async fn look(&self, letters: Vec<Letter>) -> Value {
        let newest: Vec<Letter> = letters.into_iter().rev().take(WAYS).collect();
        let spooled_bytes = spooled_bytes(self.stage.spool.path());
        let (queues, ways) = if let Some((queues, ways)) = self.ask_postgres(&newest).await {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let known = newest.iter().zip(&ways);
            last.extend(known.map(|(it, way)| (it.wamid.clone(), way.clone())));
            (Some(queues), ways)
        } else {
            let seen = newest.iter().map(|it| self.as_last_seen(it, spooled_bytes));
            (None, seen.collect())
        };
        json!({
            "gauges": self.gauges(queues.as_deref(), spooled_bytes),
            "ways": ways,
            "wire": wire::last_calls(&self.stage),
        })
    }

    async fn ask_postgres(&self, letters: &[Letter]) -> Option<(Vec<QueueDepth>, Vec<Value>)> {
        // While it is being switched off or on, it does not answer.
        self.stage.cluster.try_lock().ok().and_then(|it| it.pid())?;
        let asking = async {
            let queues = self.stage.store.queue_depth().await?;
            let mut ways = Vec::new();
            for letter in letters {
                ways.push(self.way(letter).await?);
            }
            Ok::<_, StoreError>((queues, ways))
        };
        timeout(POSTGRES_WITHIN, asking).await.ok()?.ok()
    }

    async fn way(&self, letter: &Letter) -> Result<Value, StoreError> {
        let store = &self.stage.store;
        let id = match Wamid::parse(&letter.wamid) {
            Some(wamid) => store.message_with(&wamid).await?,
            None => None,
        };
        Ok(match id {
            Some(id) => way::of(&way::Known::of(store, id).await?, letter),
            None => way::not_in_postgres(letter),
        })
    }

    fn as_last_seen(&self, letter: &Letter, spooled_bytes: u64) -> Value {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last.get(&letter.wamid) {
            Some(way) if way["is_stored"] == true => {
                let mut way = way.clone();
                let title = way["title"].as_str().unwrap_or_default();
                way["title"] = json!(format!("{title} (as last seen)"));
                way
            }
            Some(_) | None if spooled_bytes > 0 => way::not_in_postgres(letter),
            Some(_) | None => way::unknown(letter),
        }
    }

    fn gauges(&self, queues: Option<&[QueueDepth]>, spooled_bytes: u64) -> Value {
        let postgres = match self.stage.cluster.try_lock() {
            Ok(cluster) => process("Postgres", cluster.pid(), "stopped"),
            Err(_) => gauge("Postgres", "being switched", "busy"),
        };
        let spool = match spooled_bytes {
            0 => gauge("spool on disk", "empty", "calm"),
            bytes => gauge("spool on disk", &format!("{} kB", bytes.div_ceil(1000)), "busy"),
        };
        let mut all = vec![
            part("ingress", &self.stage.ingress),
            part("worker", &self.stage.worker),
            postgres,
            spool,
        ];
        match queues {
            None => all.push(gauge("queues", "not known while Postgres is away", "away")),
            Some(queues) => {
                all.extend(queues.iter().filter(|it| it.queue != "reminders").map(queue));
            }
        }
        Value::Array(all)
    }
}

fn gauge(name: &str, value: &str, state: &str) -> Value {
    json!({ "name": name, "value": value, "state": state })
}

fn process(name: &str, pid: Option<u32>, gone: &str) -> Value {
    match pid {
        Some(pid) => gauge(name, &format!("runs, pid {pid}"), "calm"),
        None => gauge(name, gone, "away"),
    }
}

fn part(name: &str, part: &tokio::sync::Mutex<Part>) -> Value {
    match part.try_lock() {
        Ok(mut part) => process(name, part.pid(), "killed"),
        Err(_) => gauge(name, "being switched", "busy"),
    }
}

fn queue(it: &QueueDepth) -> Value {
    let counts = [
        (it.ready, "ready"),
        (it.running, "running"),
        (it.deferred, "waiting for their time"),
        (it.dead, "given up"),
    ];
    let there = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = there.map(|(count, word)| format!("{count} {word}")).collect();
    let name = format!("queue {}", it.queue);
    if words.is_empty() {
        return gauge(&name, "empty", "calm");
    }
    gauge(&name, &words.join(" · "), if it.dead > 0 { "away" } else { "busy" })
}

/// What the ingress's segments hold on the disk. A file that goes away meanwhile was replayed.
fn spooled_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = files.filter_map(|it| it.metadata().ok()).filter(std::fs::Metadata::is_file);
    sizes.map(|it| it.len()).sum()
}
