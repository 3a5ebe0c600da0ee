//! `paragon retry`: shows which jobs gave up and why, and makes those chosen ready again. Without
//! `--yes` it changes nothing.

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use super::migrate::open;
use super::status::{print, table};
use crate::app::Failure;
use crate::settings::AdminSettings;
use crate::store::Store;
use crate::store::dead_jobs::{Chosen, DeadForReason};

/// Jobs made ready in one statement.
const STEP: i64 = 1000;

/// Which of the dead jobs.
#[derive(Args)]
#[command(after_help = "Examples:
  paragon retry --all                                # what gave up, and why; changes nothing
  paragon retry --reason 'HTTP 503' --yes
  paragon retry --job 17 18 --yes
  paragon retry --message 4711 --yes

Conditions that are given together must all hold. A retried job has all its attempts again and goes on
with the first step that was not written down: nothing is read, booked or answered twice.")]
#[command(group(ArgGroup::new("which").required(true).multiple(true)))]
pub struct Arguments {
    /// These jobs (ids as in `ops.dead_jobs`).
    #[arg(long, value_name = "ID", num_args = 1.., group = "which")]
    job: Vec<i64>,
    /// Those about these messages.
    #[arg(long, value_name = "ID", num_args = 1.., group = "which")]
    message: Vec<i64>,
    /// Those with these words in their reason, as they are written there.
    #[arg(long, value_name = "WORDS", group = "which")]
    reason: Option<String>,
    /// Those of this queue: messages, `local_reading`, reminders or events.
    #[arg(long, group = "which")]
    queue: Option<String>,
    /// Every one.
    #[arg(long, group = "which", conflicts_with_all = ["job", "message", "reason", "queue"])]
    all: bool,
    /// Do it.
    #[arg(long)]
    yes: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Previews, or retries.
pub async fn run(settings: &AdminSettings, arguments: &Arguments) -> Result<(), Failure> {
    let store = open(settings)?;
    let done = retry(&store, arguments).await;
    store.close().await;
    Ok(done?)
}

async fn retry(store: &Store, arguments: &Arguments) -> anyhow::Result<()> {
    let chosen = chosen(arguments);
    let dead = store.dead_by_reason(&chosen).await.context(
        "the database does not answer; is DATABASE_URL right, and was `paragon migrate` run?",
    )?;
    let mut retried = 0;
    if arguments.yes {
        loop {
            let step = store.retry_dead(&chosen, STEP).await?;
            retried += step;
            if step < STEP {
                break;
            }
        }
    }
    print(&told(&dead, retried, arguments))?;
    if dead.is_empty() && !arguments.all {
        bail!("no dead job is of that kind (paragon retry --all shows which there are)");
    }
    Ok(())
}

fn chosen(arguments: &Arguments) -> Chosen {
    let some = |ids: &Vec<i64>| (!ids.is_empty()).then(|| ids.clone());
    Chosen {
        jobs: some(&arguments.job),
        messages: some(&arguments.message),
        reason: arguments.reason.clone(),
        queue: arguments.queue.clone(),
    }
}

fn told(dead: &[DeadForReason], retried: i64, arguments: &Arguments) -> String {
    let jobs: i64 = dead.iter().map(|it| it.jobs).sum();
    if arguments.json {
        let dead: Vec<Value> = dead
            .iter()
            .map(|it| json!({ "queue": it.queue, "reason": it.reason, "jobs": it.jobs }))
            .collect();
        return format!("{:#}\n", json!({ "dead": dead, "jobs": jobs, "retried": retried }));
    }
    if dead.is_empty() {
        return "no dead jobs\n".to_owned();
    }
    let rows = dead.iter().map(|it| vec![it.jobs.to_string(), it.queue.clone(), it.reason.clone()]);
    let table = table(&["jobs", "queue", "reason"], rows);
    if arguments.yes {
        format!("{table}{retried} made ready again\n")
    } else {
        format!("{table}{jobs} would be made ready again; nothing was changed. Do it with --yes\n")
    }
}
