//! `paragon remind`: writes down what is to be sent, and when; workers send it. Nothing is written
//! before everything that was given is understood, and the same reminder is there once.

mod list;
mod price;

use std::path::PathBuf;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde_json::json;

use self::list::{Wanted, from_arguments, from_csv};
use self::price::Price;
use super::migrate::open_url;
use super::progress;
use super::status::print;
use crate::app::reminding::{key, misfit, misfit_of_template};
use crate::app::{Failure, runtime};
use crate::clock::Clock;
use crate::domain::template::is_sendable;
use crate::queue::{self, Bell, Queue};
use crate::settings::{self, ReminderSettings, Source};
use crate::store::Store;
use crate::store::reminders::{Batch, NewReminder, schedule};
use crate::store::templates::Known;
use crate::telemetry::Telemetry;

/// Reminders in one commit.
const STEP: usize = 200;

/// A moment that lies so little in the past is meant as now.
const JUST_NOW: TimeDelta = TimeDelta::minutes(1);

/// What `paragon remind` is told.
#[derive(Args)]
#[command(after_help = "Examples:
  paragon remind --template payment_reminder --to 420777123456 \\
      --param 'VAT for October' --param '12,400 CZK' --param '25 Nov 2026'
  paragon remind --template payment_reminder --csv due.csv --at 2026-12-01T09:00:00+01:00
  paragon remind --template payment_reminder --csv due.csv --dry-run --price '0.0315 EUR'
  paragon remind --cancel 17 18

The CSV file has a header. The column `to` is the phone, digits with the country code; `key`, if there
is one, names the row (see --key); every other column is a parameter, in their order, or by its name
where the template has names.")]
pub struct Arguments {
    /// The approved template.
    #[arg(long, required_unless_present = "cancel")]
    template: Option<String>,
    /// Whom to send it to: a phone with its country code, or a business-scoped user id.
    #[arg(long, conflicts_with = "csv", required_unless_present_any = ["csv", "cancel"])]
    to: Option<String>,
    /// A parameter of the template; once for each, in their order. `name=value` gives it by name.
    #[arg(long = "param", value_name = "VALUE", conflicts_with = "csv")]
    parameters: Vec<String>,
    /// Many recipients, a line for each.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Not before this moment, with its offset from UTC. Unset: now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The template's language. Unset: `REPLY_LANGUAGE`.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Names the reminder: asked for again under this key, nothing more is sent. Unset: template,
    /// recipient, parameters and time name it.
    #[arg(long, conflicts_with = "csv")]
    key: Option<String>,
    /// Say how many would be sent, and what that costs; write nothing.
    #[arg(long)]
    dry_run: bool,
    /// What one message costs, as on Meta's price list: '0.0315 EUR'. For --dry-run.
    #[arg(long, value_name = "PRICE", requires = "dry_run")]
    price: Option<String>,
    /// Cancel these reminders (ids as in ops.reminders) as far as they have not been sent.
    #[arg(long, value_name = "ID", num_args = 1.., conflicts_with_all = ["template", "to", "csv"])]
    cancel: Vec<i64>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(source: &Source, arguments: &Arguments) -> Result<(), Failure> {
    let settings = ReminderSettings::from(source)?;
    let _telemetry = Telemetry::start("paragon", &settings::telemetry(source))?;
    let clock = Clock::system();
    runtime()?.block_on(async {
        let store = open_url(&settings.database_url)?;
        if !arguments.cancel.is_empty() {
            return Ok(cancel(&store, arguments, clock.now()).await?);
        }
        let now = clock.now();
        let run_at = moment(arguments.at.as_deref(), now)?;
        let wanted = match &arguments.csv {
            Some(file) => from_csv(file)?,
            None => {
                from_arguments(arguments.to.as_deref().unwrap_or_default(), &arguments.parameters)?
            }
        };
        let template = arguments.template.clone().unwrap_or_default();
        let language =
            arguments.language.clone().unwrap_or_else(|| settings.language.code().to_owned());
        let number = settings.number;
        let job = Job {
            store,
            batch: Batch { number, template, language, run_at },
            key: arguments.key.clone(),
            // Two runs without --at ask for the same thing.
            at: arguments.at.as_ref().map(|_| run_at),
        };
        Ok(job.run(&wanted, arguments, now).await?)
    })
}

async fn cancel(store: &Store, arguments: &Arguments, now: DateTime<Utc>) -> anyhow::Result<()> {
    let cancelled = store.cancel_reminders(&arguments.cancel, now).await.context(NO_DATABASE)?;
    let text = if arguments.json {
        format!("{:#}\n", json!({ "cancelled": cancelled }))
    } else {
        let of = arguments.cancel.len();
        format!("{} of {of} cancelled; the others are sent, withheld or unknown\n", cancelled.len())
    };
    print(&text)?;
    Ok(())
}

const NO_DATABASE: &str =
    "the database does not answer; is DATABASE_URL right, and was `paragon migrate` run?";

fn moment(at: Option<&str>, now: DateTime<Utc>) -> anyhow::Result<DateTime<Utc>> {
    let Some(text) = at else { return Ok(now) };
    let Ok(moment) = DateTime::parse_from_rfc3339(text) else {
        bail!(
            "--at: want a moment with its offset, such as 2026-12-01T09:00:00+01:00, found {text:?}"
        );
    };
    let moment = moment.with_timezone(&Utc);
    if moment < now - JUST_NOW {
        bail!("--at: {text} has passed");
    }
    Ok(moment)
}

/// One run of the command.
struct Job {
    store: Store,
    batch: Batch,
    key: Option<String>,
    at: Option<DateTime<Utc>>,
}

/// What came of it.
struct Counts {
    new: usize,
    repeated: usize,
    opted_out: usize,
}

impl Job {
    async fn run(
        &self,
        wanted: &[Wanted],
        arguments: &Arguments,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let price = arguments.price.as_deref().map(Price::parse).transpose()?;
        let (name, language) = (&self.batch.template, &self.batch.language);
        let known = self.store.known_template(name, language).await.context(NO_DATABASE)?;
        self.check(known.as_ref(), wanted)?;
        let mut counts = self.count(wanted).await?;
        if !arguments.dry_run {
            counts.new = self.schedule(wanted, now).await?;
            counts.repeated = wanted.len() - counts.new;
        }
        let text = self.told(&counts, known.as_ref(), price, arguments);
        print(&text)?;
        Ok(())
    }

    /// Holds every reminder against the template, and names all that do not fit.
    fn check(&self, known: Option<&Known>, wanted: &[Wanted]) -> anyhow::Result<()> {
        if let Some(misfit) = misfit_of_template(known) {
            bail!("{}: {misfit}", self.batch.template);
        }
        let misfits: Vec<String> = wanted
            .iter()
            .filter_map(|it| Some((it, misfit(known, &it.parameters)?)))
            .map(|(it, misfit)| format!("{}: {misfit}", it.place))
            .collect();
        if misfits.is_empty() { Ok(()) } else { bail!(list::all_of(&misfits)) }
    }

    fn key_of(&self, wanted: &Wanted) -> String {
        let named = wanted.key.as_ref().or(self.key.as_ref());
        key(named, &self.batch, self.at, &wanted.to, &wanted.parameters)
    }

    /// How many are new, and how many of their people want none. Nothing is written.
    async fn count(&self, wanted: &[Wanted]) -> anyhow::Result<Counts> {
        let mut counts = Counts { new: 0, repeated: 0, opted_out: 0 };
        let mut seen = std::collections::HashSet::new();
        for step in wanted.chunks(STEP) {
            let keys: Vec<String> = step.iter().map(|it| self.key_of(it)).collect();
            let known = self.store.known_reminders(&keys).await?;
            for (wanted, key) in step.iter().zip(keys) {
                if known.contains(&key) || !seen.insert(key) {
                    counts.repeated += 1;
                    continue;
                }
                counts.new += 1;
                if self.store.is_opted_out(&wanted.to).await? {
                    counts.opted_out += 1;
                }
            }
        }
        Ok(counts)
    }

    /// Writes them down, each with its job, a commit for every [`STEP`]. How many are new.
    async fn schedule(&self, wanted: &[Wanted], now: DateTime<Utc>) -> anyhow::Result<usize> {
        let bar = progress::bar(wanted.len(), "written down");
        let mut new = 0;
        for step in wanted.chunks(STEP) {
            let mut reminders = Vec::with_capacity(step.len());
            for wanted in step {
                let sender = self.store.recipient(&wanted.to).await?;
                let parameters = wanted.parameters.clone();
                reminders.push(NewReminder { key: self.key_of(wanted), sender, parameters });
            }
            let mut tx = self.store.begin().await?;
            let ids = schedule(&mut tx, &self.batch, &reminders, now).await?;
            let number = &self.batch.number;
            let orders: Vec<_> = ids.iter().map(|id| (*id, number.clone())).collect();
            queue::enqueue_reminders(&mut tx, &orders, Some(self.batch.run_at)).await?;
            tx.commit().await?;
            new += ids.len();
            bar.inc(u64::try_from(step.len()).unwrap_or_default());
        }
        bar.finish_and_clear();
        Bell::new(self.store.pool()).ring(Queue::Reminders);
        Ok(new)
    }

    fn told(
        &self,
        counts: &Counts,
        known: Option<&Known>,
        price: Option<Price>,
        arguments: &Arguments,
    ) -> String {
        let Batch { template, language, run_at, .. } = &self.batch;
        let category = known.and_then(|it| it.category.as_deref()).unwrap_or("UNKNOWN");
        let status = known.map_or("UNKNOWN", |it| it.status.as_str());
        let sent = counts.new - counts.opted_out.min(counts.new);
        let cost = price.map(|it| it.times(sent));
        if arguments.json {
            let told = json!({
                "template": template, "language": language, "status": status,
                "category": category, "run_at": run_at, "dry_run": arguments.dry_run,
                "new": counts.new, "repeated": counts.repeated, "opted_out": counts.opted_out,
                "cost": cost,
            });
            return format!("{told:#}\n");
        }
        let did = if arguments.dry_run { "would be scheduled" } else { "scheduled" };
        let at = run_at.format("%Y-%m-%d %H:%M:%S UTC");
        let mut lines = vec![format!(
            "{} reminders {did} for {at}: {template} ({language}), {category}",
            counts.new
        )];
        if counts.repeated > 0 {
            let rest = "were asked for before and are not sent again (--key names new ones)";
            lines.push(format!("{} {rest}", counts.repeated));
        }
        if counts.opted_out > 0 {
            lines.push(format!("{} of them go to nobody: opted out", counts.opted_out));
        }
        if !is_sendable(status) {
            let rest = "they wait until it is APPROVED (paragon templates sync)";
            lines.push(format!("the template is {status} as far as is known here: {rest}"));
        }
        if arguments.dry_run {
            let cost = cost.unwrap_or_else(|| {
                "unknown; give --price, as on Meta's price list for their country".to_owned()
            });
            lines.push(format!("cost of {sent} messages: {cost}"));
        }
        format!("{}\n", lines.join("\n"))
    }
}
