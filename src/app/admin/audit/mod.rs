//! `paragon audit`: holds what is stored against what is promised, on a database that is in use. Reads
//! only, a small step at a time, and shows nothing of anybody: rows by our own ids, files by their names.

mod look;
mod finding;
mod words;

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde_json::{Value, json};

use self::finding::Finding;
use self::look::{Looked, Wanted};
use super::migrate::open_url;
use super::moment::moment;
use super::status::print;
use crate::app::Failure;
use crate::clock::Clock;
use crate::settings::AuditSettings;
use crate::store::breaches::Scope;

/// What is looked at, and how it is shown.
#[derive(Args)]
#[command(after_help = "Examples:
  paragon audit
  paragon audit --all-photos                        # after a restore
  paragon audit --since 2026-11-01 --json | jq '.findings[] | select(.well | not)'

Ends with exit code 0 when every promise is kept, and 1 when one is broken, or it could not be looked.
Writes nothing, and Postgres is told to refuse it. docs/audit.md has every finding and what it reads.")]
pub struct Arguments {
    /// Messages accepted since this day or moment (UTC); without it all.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<DateTime<Utc>>,
    /// What is younger may still be under way, and is not looked at.
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    grace_minutes: u32,
    /// Hold the bytes of so many photos against their digests.
    #[arg(long, value_name = "PHOTOS", default_value_t = 200)]
    photos: u32,
    /// Of every photo.
    #[arg(long, conflicts_with = "photos")]
    all_photos: bool,
    /// End where a statement takes longer: the database has other worries.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    statement_seconds: u32,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// Looks, and prints the findings; a failure when a promise is broken.
pub async fn run(settings: &AuditSettings, arguments: &Arguments) -> Result<(), Failure> {
    let store = open_url(&settings.database_url)?;
    let wanted = Wanted {
        scope: Scope {
            settled_before: Clock::system().now()
                - TimeDelta::minutes(arguments.grace_minutes.into()),
            statement_limit: Duration::from_secs(arguments.statement_seconds.into()),
        },
        since: arguments.since,
        photos: (!arguments.all_photos).then_some(arguments.photos),
        spool: &settings.spool_dir,
    };
    let looked = look::look(&store, &wanted).await;
    store.close().await;
    let looked = looked.context(
        "the audit was not finished; is DATABASE_URL right, and was `paragon migrate` run? A database \
         under another's lock, or too busy to answer in time (--statement-seconds), is audited later",
    )?;
    Ok(show(&looked, arguments)?)
}

fn show(looked: &Looked, arguments: &Arguments) -> anyhow::Result<()> {
    let findings = Finding::all(looked);
    let broken = findings.iter().filter(|it| !it.is_well()).count();
    let text = if arguments.json {
        let findings: Vec<Value> = findings.iter().map(Finding::json).collect();
        let told = json!({
            "well": broken == 0, "findings": findings, "looked_at": looked.json(),
            "grace_minutes": arguments.grace_minutes,
        });
        format!("{told:#}\n")
    } else {
        let lines: String = findings.iter().map(Finding::line).collect();
        format!("{lines}{}\n", looked.line())
    };
    print(&text)?;
    if broken == 0 {
        return Ok(());
    }
    Err(anyhow::anyhow!("{broken} of {} promises are broken", findings.len()))
}
