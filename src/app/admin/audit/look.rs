//! The look itself: table by table, step by step, and how much was read for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::breach::Breach;
use crate::spool::lying_in;
use crate::store::breaches::{Found, Photos, Rows, Scope, Walked};
use crate::store::{Store, StoreError};

/// What is to be looked at.
pub struct Wanted<'a> {
    /// Which rows, and how patiently.
    pub scope: Scope,
    /// Messages accepted since then; without it all.
    pub since: Option<DateTime<Utc>>,
    /// How many photos' bytes; without it all.
    pub photos: Option<u32>,
    /// Where an ingress's spool may be.
    pub spool: &'a Path,
}

/// What was seen.
#[derive(Default)]
pub struct Looked {
    /// By promise; those that were kept have no rows.
    pub rows: BTreeMap<Breach, Rows>,
    /// Names of the spool's files behind a breach.
    pub files: BTreeMap<Breach, Vec<String>>,
    messages: i64,
    jobs: i64,
    photos: i64,
    photo_bytes: i64,
    has_spool: bool,
    took: Duration,
    longest_step: Duration,
}

/// Looks at everything.
pub async fn look(store: &Store, wanted: &Wanted<'_>) -> anyhow::Result<Looked> {
    let began = Instant::now();
    let mut looked = Looked::default();
    messages(store, wanted, &mut looked).await?;
    reminders(store, wanted, &mut looked).await?;
    at_large(store, wanted, &mut looked).await?;
    photos(store, wanted, &mut looked).await?;
    spool(wanted, &mut looked)?;
    looked.took = began.elapsed();
    Ok(looked)
}

async fn messages(
    store: &Store,
    wanted: &Wanted<'_>,
    looked: &mut Looked,
) -> Result<(), StoreError> {
    let mut after = match wanted.since {
        Some(since) => store.first_message_since(since).await? - 1,
        None => 0,
    };
    while let Some(span) = store.next_span(&wanted.scope, Walked::Messages, after).await? {
        let began = Instant::now();
        let (messages, found) = store.breaches_among_messages(&wanted.scope, span).await?;
        looked.messages += messages;
        looked.add(found, began);
        after = span.end();
        // From here on all are too young, however many come while this looks.
        if messages == 0 && wanted.since.is_none_or(|it| it < wanted.scope.settled_before) {
            break;
        }
    }
    Ok(())
}

async fn reminders(
    store: &Store,
    wanted: &Wanted<'_>,
    looked: &mut Looked,
) -> Result<(), StoreError> {
    let mut after = 0;
    while let Some(span) = store.next_span(&wanted.scope, Walked::Reminders, after).await? {
        let began = Instant::now();
        looked.add(store.breaches_among_reminders(&wanted.scope, span).await?, began);
        after = span.end();
    }
    Ok(())
}

async fn at_large(
    store: &Store,
    wanted: &Wanted<'_>,
    looked: &mut Looked,
) -> Result<(), StoreError> {
    let began = Instant::now();
    let (jobs, found) = store.breaches_at_large(&wanted.scope).await?;
    looked.jobs = jobs;
    looked.add(found, began);
    Ok(())
}

/// A sample begins anywhere, and goes on from the beginning where the end comes too soon.
async fn photos(store: &Store, wanted: &Wanted<'_>, looked: &mut Looked) -> Result<(), StoreError> {
    let start = match wanted.photos {
        Some(_) => Photos { above: Uuid::new_v4().as_bytes().to_vec() },
        None => Photos::default(),
    };
    some_photos(store, wanted, looked, start.clone(), &Photos::default()).await?;
    if wanted.photos.is_some() {
        some_photos(store, wanted, looked, Photos::default(), &start).await?;
    }
    Ok(())
}

/// Up to the photo before `end` (an empty one: to the last), as far as is wanted.
async fn some_photos(
    store: &Store,
    wanted: &Wanted<'_>,
    looked: &mut Looked,
    from: Photos,
    end: &Photos,
) -> Result<(), StoreError> {
    let mut next = Some(from);
    while let Some(from) = next {
        let left = wanted.photos.map_or(i64::MAX, |it| i64::from(it) - looked.photos);
        if left <= 0 {
            break;
        }
        let began = Instant::now();
        let step = store.check_photos(&wanted.scope, &from, end, left).await?;
        looked.photos += step.photos;
        looked.photo_bytes += step.bytes;
        looked.add(vec![(Breach::PhotoDamaged, step.damaged)], began);
        next = step.next;
    }
    Ok(())
}

fn spool(wanted: &Wanted<'_>, looked: &mut Looked) -> std::io::Result<()> {
    let Some(lying) = lying_in(wanted.spool, wanted.scope.settled_before.into())? else {
        return Ok(());
    };
    looked.has_spool = true;
    let of =
        [(Breach::RecordSetAside, lying.set_aside), (Breach::RecordNotReplayed, lying.waiting)];
    for (breach, paths) in of {
        let count = i64::try_from(paths.len()).unwrap_or(i64::MAX);
        looked.rows.entry(breach).or_default().add(Rows { count, examples: Vec::new() });
        let names = paths.iter().filter_map(|it| it.file_name()?.to_str().map(str::to_owned));
        looked.files.insert(breach, names.take(5).collect());
    }
    Ok(())
}

impl Looked {
    fn add(&mut self, found: Found, began: Instant) {
        self.longest_step = self.longest_step.max(began.elapsed());
        for (breach, rows) in found {
            self.rows.entry(breach).or_default().add(rows);
        }
    }

    /// How much was read, for a terminal.
    pub fn line(&self) -> String {
        let spool = if self.has_spool { "the spool" } else { "no spool (none at SPOOL_DIR here)" };
        format!(
            "looked at {} messages, {} jobs, {} photos ({} MB of bytes) and {spool} in {:.1} s, \
             {:.2} s in the longest step",
            self.messages,
            self.jobs,
            self.photos,
            self.photo_bytes / 1_000_000,
            self.took.as_secs_f64(),
            self.longest_step.as_secs_f64()
        )
    }

    /// The same for a script.
    pub fn json(&self) -> Value {
        json!({
            "messages": self.messages, "jobs": self.jobs, "photos": self.photos,
            "photo_bytes": self.photo_bytes, "spool": self.has_spool,
            "seconds": self.took.as_secs_f64(),
            "longest_step_seconds": self.longest_step.as_secs_f64(),
        })
    }
}
