//! `paragon templates`: the files in `templates/` against Meta's rules, Meta's account and our
//! memory. What is submitted is what stands in the files; what is shown is what Meta last told.

mod files;
mod submit;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use self::files::TemplateFile;
use super::migrate::open_url;
use super::status::{print, table};
use crate::app::{Failure, runtime};
use crate::clients::Http;
use crate::clients::whatsapp::WhatsApp;
use crate::clock::Clock;
use crate::domain::ids::AccountId;
use crate::domain::template::Listed;
use crate::domain::template::lint::{Finding, lint};
use crate::queue::{self, Bell, Order, Queue};
use crate::settings::{self, AccountSettings, AdminSettings, SettingError, Source};
use crate::store::Store;
use crate::store::templates::{TemplateRow, awake, keep_listed};
use crate::telemetry::Telemetry;

/// What `paragon templates` is told.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Find what Meta's reviewers reject, before they do. Needs no setting and no network.
    #[command(after_help = "Example: paragon templates lint --dir templates")]
    Lint(Files),
    /// Hand new and changed templates to Meta for review, all in one go. Twice does no harm.
    #[command(after_help = "Example: WA_TOKEN=… WABA_ID=… paragon templates submit\n\n\
                      Where DATABASE_URL is set, what Meta then tells is kept as `sync` does.")]
    Submit(Files),
    /// Ask Meta how every template stands, and keep it.
    #[command(after_help = "Example: WA_TOKEN=… WABA_ID=… DATABASE_URL=… paragon templates sync")]
    Sync(Output),
    /// Show how every template stands, as webhooks and the last sync told.
    #[command(
        after_help = "Example: paragon templates list --json | jq '.[] | select(.status != \"APPROVED\")'"
    )]
    List(Output),
}

#[derive(Args)]
struct Files {
    /// The folder with the definitions, a TOML file for each template.
    #[arg(long, value_name = "DIR", default_value = "templates")]
    dir: PathBuf,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Output {
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command; asks only for the settings that it needs.
pub fn run(source: &Source, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.action {
        Action::Lint(files) => {
            let read = files::read(&files.dir)?;
            Ok(report(&files.output, &read)?)
        }
        Action::Submit(files) => {
            let read = files::read(&files.dir)?;
            if read.iter().any(|it| !findings(it).is_empty()) {
                return Ok(report(&files.output, &read)?);
            }
            let settings = AccountSettings::from(source)?;
            let database = settings.database_url.clone();
            let meta = Account::of(settings)?;
            let _telemetry = Telemetry::start("paragon", &settings::telemetry(source))?;
            // A pool of connections is made on the runtime that it is used on.
            runtime()?.block_on(async {
                let store = database.as_ref().map(open_url).transpose()?;
                submit::run(&meta, store.as_ref(), &read, &files.output).await
            })
        }
        Action::Sync(output) => {
            let (database, settings) =
                (AdminSettings::from(source)?, AccountSettings::from(source)?);
            let meta = Account::of(settings)?;
            let _telemetry = Telemetry::start("paragon", &settings::telemetry(source))?;
            runtime()?.block_on(async {
                let store = open_url(&database.database_url)?;
                sync(&meta, &store).await?;
                show(&store, output).await
            })
        }
        Action::List(output) => {
            let settings = AdminSettings::from(source)?;
            let _telemetry = Telemetry::start("paragon", &settings::telemetry(source))?;
            runtime()?.block_on(async { show(&super::migrate::open(&settings)?, output).await })
        }
    }
}

/// The account at Meta, and what time it is.
struct Account {
    whatsapp: WhatsApp,
    id: AccountId,
    clock: Clock,
}

impl Account {
    fn of(settings: AccountSettings) -> Result<Self, Failure> {
        let http = Http::new().map_err(anyhow::Error::from)?;
        let graph = settings.graph;
        let whatsapp = WhatsApp::new(http, &graph.url, &graph.token, graph.media_hosts)
            .map_err(SettingError::of_client("GRAPH_API_URL", "WA_TOKEN"))?;
        Ok(Self { whatsapp, id: settings.account, clock: Clock::system() })
    }
}

fn findings(file: &TemplateFile) -> Vec<Finding> {
    lint(&file.stem, &file.definitions)
}

/// Prints what was found; an error when anything was.
fn report(output: &Output, files: &[TemplateFile]) -> anyhow::Result<()> {
    let found: Vec<(&TemplateFile, Finding)> = files
        .iter()
        .flat_map(|file| findings(file).into_iter().map(move |it| (file, it)))
        .collect();
    if output.json {
        let rows = found.iter().map(|(file, it)| {
            json!({
                "file": file.path, "language": it.language, "rule": it.rule.as_str(),
                "advice": it.advice,
            })
        });
        println!("{:#}", serde_json::Value::Array(rows.collect()));
    } else {
        for (file, it) in &found {
            let language = it.language.as_deref().unwrap_or("all languages");
            println!("{} [{language}] {}: {}", file.path.display(), it.rule, it.advice);
        }
    }
    let languages: usize = files.iter().map(|it| it.definitions.len()).sum();
    if found.is_empty() {
        if !output.json {
            println!("{} templates in {languages} texts: nothing found", files.len());
        }
        return Ok(());
    }
    bail!("{} findings in {} templates, {languages} texts", found.len(), files.len())
}

/// Asks Meta, keeps what it tells, and wakes the answers whose template may be sent now.
async fn sync(account: &Account, store: &Store) -> anyhow::Result<Vec<Listed>> {
    let asked_at = account.clock.now();
    let listed = account.whatsapp.templates(&account.id).await?;
    let mut tx = store.begin().await.context(NO_DATABASE)?;
    keep_listed(&mut tx, &listed, asked_at).await.context(NO_DATABASE)?;
    let awake = awake(&mut tx).await?;
    let order = |(message, number)| Order { message, number, urgent: false, trace_parent: None };
    let orders: Vec<Order> = awake.messages.into_iter().map(order).collect();
    if !orders.is_empty() {
        queue::enqueue(&mut tx, Queue::Messages, &orders).await?;
    }
    queue::enqueue_reminders(&mut tx, &awake.reminders, None).await?;
    tx.commit().await?;
    let bell = Bell::new(store.pool());
    bell.ring(Queue::Messages);
    bell.ring(Queue::Reminders);
    Ok(listed)
}

const NO_DATABASE: &str =
    "the database does not answer; is DATABASE_URL right, and was `paragon migrate` run?";

async fn show(store: &Store, output: &Output) -> Result<(), Failure> {
    let rows = store.template_rows().await.context(NO_DATABASE)?;
    let text = if output.json {
        let rows: Vec<_> = rows.iter().map(row_json).collect();
        format!("{:#}\n", serde_json::Value::Array(rows))
    } else if rows.is_empty() {
        "no template is known here: run `paragon templates sync`\n".to_owned()
    } else {
        let head = ["name", "language", "status", "category", "quality", "waiting", "note"];
        table(&head, rows.iter().map(cells))
    };
    print(&text).map_err(anyhow::Error::from)?;
    Ok(())
}

fn row_json(it: &TemplateRow) -> serde_json::Value {
    json!({
        "name": it.name, "language": it.language, "status": it.status, "reason": it.reason,
        "category": it.category, "previous_category": it.previous_category,
        "quality": it.quality, "waiting_replies": it.waiting_replies,
    })
}

fn cells(it: &TemplateRow) -> Vec<String> {
    let moved = it.previous_category.as_ref().map(|before| {
        let now = it.category.as_deref().unwrap_or("?");
        format!("Meta moved it from {before} to {now}: price and delivery change")
    });
    let notes: Vec<String> = it.reason.clone().into_iter().chain(moved).collect();
    let dash = |it: &Option<String>| it.clone().unwrap_or_else(|| "–".to_owned());
    vec![
        it.name.clone(),
        it.language.clone(),
        it.status.clone(),
        dash(&it.category),
        dash(&it.quality),
        it.waiting_replies.to_string(),
        notes.join("; "),
    ]
}
