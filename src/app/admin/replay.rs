//! `paragon replay`: stored photos read again by an engine of choice, and what differs from the
//! reading that counted. Entries and answers stay as they are: the sender has had their answer.

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::migrate::open;
use super::moment::moment;
use super::progress;
use super::read::{engine_name, hints, rows};
use super::status::print;
use crate::app::{Failure, engines};
use crate::clients::Http;
use crate::clock::Clock;
use crate::domain::ids::MessageId;
use crate::domain::reading::{Fields, Verdict};
use crate::pipeline::worker::extract::{Engine, Extracted, best};
use crate::reading::Hints;
use crate::settings::{AdminSettings, EngineName, ReadingSettings};
use crate::store::media::Media;
use crate::store::readings::{Read, replace_reading};
use crate::store::{Store, StoreError};

/// So many messages are asked for at once; their photos one by one.
const BATCH: i64 = 100;

/// Which photos, read by whom.
#[derive(Args)]
#[command(after_help = "Example: paragon replay --engine ppocr --since 2026-11-01 --dry-run\n\n\
    Without --dry-run the new readings are kept beside those of other engines (one of the same\n\
    engine is replaced). Entries and answers are never changed.")]
pub struct Arguments {
    /// Who reads: local (the best on this machine), ppocr, tesseract or anthropic (which costs).
    #[arg(long, default_value = "local", value_parser = engine_name)]
    engine: EngineName,
    /// Photos received from then on: 2026-11-01, or 2026-11-01T08:00:00Z.
    #[arg(long, value_parser = moment)]
    since: DateTime<Utc>,
    /// Keep nothing; only show what would change.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object for each photo that is read otherwise, each in a line.
    #[arg(long)]
    json: bool,
}

/// Reads them, oldest first, and tells what differs.
pub async fn run(
    settings: &AdminSettings,
    reading: &ReadingSettings,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let http = Http::new().map_err(anyhow::Error::from)?;
    let replay = Replay {
        store: open(settings)?,
        engine: engines::one(reading, arguments.engine, &http).await?,
        hints: hints(reading)?,
        arguments,
    };
    let mut after = MessageId(0);
    let (mut looked_at, mut differing) = (0_usize, 0_usize);
    let progress = progress::count("photos read");
    loop {
        let batch = replay.store.photos_since(arguments.since, after, BATCH).await;
        let batch = batch.map_err(anyhow::Error::from)?;
        let Some(last) = batch.last() else { break };
        after = *last;
        for id in batch {
            looked_at += 1;
            differing += usize::from(replay.one(id).await?);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    replay.store.close().await;
    if !arguments.json {
        let kept = if arguments.dry_run { "nothing was kept" } else { "the readings were kept" };
        let text = format!("{looked_at} photos read, {differing} of them otherwise; {kept}\n");
        print(&text).map_err(anyhow::Error::from)?;
    }
    Ok(())
}

struct Replay<'a> {
    store: Store,
    engine: Engine,
    hints: Hints,
    arguments: &'a Arguments,
}

impl Replay<'_> {
    /// Reads one photo; whether it is read otherwise now.
    async fn one(&self, id: MessageId) -> Result<bool, Failure> {
        let read = async {
            let before = self.store.readings(id).await?;
            Ok::<_, StoreError>((before, self.store.media(id).await?))
        };
        let (before, media) = read.await.map_err(anyhow::Error::from)?;
        let Media::Stored(photo) = media else { return Ok(false) };
        let now = self.engine.read(photo.bytes, &self.hints).await.map_err(anyhow::Error::from)?;
        let changes = changes(&best(&before), &best(std::slice::from_ref(&now)));
        if !changes.is_empty() {
            self.tell(id, &changes)?;
        }
        if !self.arguments.dry_run {
            self.keep(id, &now).await.map_err(anyhow::Error::from)?;
        }
        Ok(!changes.is_empty())
    }

    fn tell(&self, id: MessageId, changes: &[Change]) -> Result<(), Failure> {
        let text = if self.arguments.json {
            let changes: Vec<Value> = changes
                .iter()
                .map(|it| json!({ "field": it.field, "before": it.before, "now": it.now }))
                .collect();
            format!("{}\n", json!({ "message": id.0, "changes": changes }))
        } else {
            let known = |it: &Option<String>| it.clone().unwrap_or_else(|| "unknown".to_owned());
            let changes: Vec<String> = changes
                .iter()
                .map(|it| format!("{} {} → {}", it.field, known(&it.before), known(&it.now)))
                .collect();
            format!("message {}: {}\n", id.0, changes.join("; "))
        };
        print(&text).map_err(anyhow::Error::from)?;
        Ok(())
    }

    async fn keep(&self, id: MessageId, read: &Read) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        replace_reading(&mut tx, id, read, Clock::system().now()).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A field that is read otherwise; `None` is unknown.
struct Change {
    field: &'static str,
    before: Option<String>,
    now: Option<String>,
}

fn changes(before: &Extracted, now: &Extracted) -> Vec<Change> {
    let (was, is) = (outcome(before), outcome(now));
    let mut out = Vec::new();
    if was.0 != is.0 {
        let (before, now) = (Some(was.0.to_owned()), Some(is.0.to_owned()));
        out.push(Change { field: "outcome", before, now });
    }
    for ((field, before, _), (_, now, _)) in rows(&was.1).into_iter().zip(rows(&is.1)) {
        if before != now {
            out.push(Change { field, before, now });
        }
    }
    out
}

fn outcome(extracted: &Extracted) -> (&'static str, Fields) {
    match extracted {
        Extracted::Read(Verdict::Receipt(fields)) => ("receipt", fields.clone()),
        Extracted::Read(Verdict::NotAReceipt) => ("not a receipt", Fields::default()),
        Extracted::Unreadable => ("unreadable", Fields::default()),
    }
}
