//! `paragon forget`: shows what is kept of a person, asks, and erases it everywhere. Prints counts and
//! Stripe's ids, never what it erased.

use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::migrate::open_url;
use super::progress;
use super::somebody::somebody;
use super::status::print;
use crate::app::{Failure, runtime};
use crate::clients::Http;
use crate::clients::stripe::Stripe;
use crate::clients::whatsapp::WhatsApp;
use crate::clock::Clock;
use crate::domain::sender::Sender;
use crate::pipeline::forget::{Forget, Report};
use crate::pipeline::ingress::share::Ledger;
use crate::queue::Bell;
use crate::settings::{self, ForgetSettings, Party, SettingError, Source};
use crate::store::forget::OptOut;
use crate::telemetry::Telemetry;

/// Whom to forget.
#[derive(Args)]
#[command(after_help = "Examples:
  paragon forget 420777123456 --dry-run
  paragon forget '+420 777 123 456' --yes --json
  paragon forget CZ.13491208655302741918 --without meta

Export the person's entries first where you must keep them (paragon export). What stays, and why, is in
docs/forget.md. It may be run again at any time, and must be when it was interrupted.")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Arguments {
    /// The person: a phone with its country code, or a business-scoped user id.
    #[arg(value_name = "PHONE|USER_ID", value_parser = somebody)]
    who: Sender,
    /// Show what would be erased, and erase nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Erase a STOP too. Unset: it stands under a digest, so that no reminder reaches them again.
    #[arg(long)]
    also_opt_out: bool,
    /// Leave this one out: you have no key for it any more.
    #[arg(long, value_name = "WHERE")]
    without: Vec<Where>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Who else has something of a person.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Where {
    Meta,
    Stripe,
}

/// Runs the command.
pub fn run(source: &Source, arguments: &Arguments) -> Result<(), Failure> {
    let left_out: Vec<Party> = arguments
        .without
        .iter()
        .map(|it| match it {
            Where::Meta => Party::Meta,
            Where::Stripe => Party::Stripe,
        })
        .collect();
    let settings = ForgetSettings::from(source, &left_out)?;
    let _telemetry = Telemetry::start("paragon", &settings::quiet_telemetry(source))?;
    runtime()?.block_on(forget(settings, arguments))
}

async fn forget(settings: ForgetSettings, arguments: &Arguments) -> Result<(), Failure> {
    let store = open_url(&settings.database_url)?;
    let forget = prepare(settings, arguments, &store)?;
    let known = store.person(&arguments.who).await;
    let known = known.context(
        "the database does not answer; is DATABASE_URL right, and was `paragon migrate` run?",
    )?;
    let preview = forget.preview(&known).await.map_err(anyhow::Error::from)?;
    if arguments.dry_run {
        return show(&preview, arguments);
    }
    if !arguments.yes {
        confirm(&preview)?;
    }
    let waiting =
        progress::wait("erasing; what is under way meanwhile is waited for, 10 s and more:");
    let report = forget.forget(&known).await.context(
        "not everything is erased; run it again when this is mended (what is erased stays erased)",
    );
    waiting.finish_and_clear();
    let report = report?;
    store.close().await;
    show(&report, arguments)?;
    if report.damaged.is_empty() {
        return Ok(());
    }
    let files: Vec<String> = report.damaged.iter().map(|it| it.display().to_string()).collect();
    let files = files.join(", ");
    Err(anyhow::anyhow!("damaged files of the spool name them; look, and delete them: {files}")
        .into())
}

fn prepare(
    settings: ForgetSettings,
    arguments: &Arguments,
    store: &crate::store::Store,
) -> Result<Forget, Failure> {
    let http = Http::new().map_err(anyhow::Error::from)?;
    let whatsapp = settings.graph.map(|graph| {
        WhatsApp::new(http.clone(), &graph.url, &graph.token, graph.media_hosts)
            .map_err(SettingError::of_client("GRAPH_API_URL", "WA_TOKEN"))
    });
    let stripe = settings.stripe.map(|it| {
        Stripe::new(http.clone(), &it.url, &it.key)
            .map_err(SettingError::of_client("STRIPE_API_URL", "STRIPE_SECRET_KEY"))
    });
    let bell = Bell::new(store.pool());
    Ok(Forget {
        ledger: Ledger { store: store.clone(), bell, clock: Clock::system() },
        whatsapp: whatsapp.transpose()?,
        stripe: stripe.transpose()?,
        spool_dir: settings.spool_dir,
        opt_out: if arguments.also_opt_out { OptOut::Erased } else { OptOut::Stands },
    })
}

/// Shows what would go, and waits for a yes.
fn confirm(preview: &Report) -> anyhow::Result<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("nobody is there to ask: look at --dry-run first, then say --yes");
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "{}Erase this for good? Type yes: ", text(preview, "would be erased"))?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case("yes") { Ok(()) } else { bail!("nothing was erased") }
}

fn show(report: &Report, arguments: &Arguments) -> Result<(), Failure> {
    let text = if arguments.json {
        format!("{:#}\n", as_json(report, arguments))
    } else {
        text(report, if arguments.dry_run { "would be erased" } else { "erased" })
    };
    print(&text).map_err(anyhow::Error::from)?;
    Ok(())
}

fn as_json(report: &Report, arguments: &Arguments) -> Value {
    let rows: Map<String, Value> =
        report.rows.iter().map(|(table, rows)| ((*table).to_owned(), json!(rows))).collect();
    let customers: Vec<&str> = report.customers.iter().map(|it| it.0.as_str()).collect();
    json!({
        "dry_run": arguments.dry_run, "postgres": rows, "stripe_customers": customers,
        "meta_media": report.media, "spool_set_aside": report.set_aside,
        "spool_damaged": report.damaged,
    })
}

fn text(report: &Report, did: &str) -> String {
    if report.is_nothing() && report.media == 0 {
        return "nothing is kept of this person\n".to_owned();
    }
    let mut lines = vec![format!("Of this person {did}:")];
    for (table, rows) in report.rows.iter().filter(|(_, rows)| *rows > 0) {
        lines.push(format!("  {table:<20}{rows:>8}"));
    }
    lines.push(format!("  {:<20}{:>8}", "photos at Meta", report.media));
    lines.push(format!("  {:<20}{:>8}", "set aside on disk", report.set_aside));
    for customer in &report.customers {
        lines.push(format!("  Stripe {customer}: whatsapp_* in its metadata"));
    }
    if !report.customers.is_empty() {
        lines.push(
            "The customers stay at Stripe, with their names: they are yours to delete.".into(),
        );
    }
    lines.push(String::new());
    lines.join("\n")
}
