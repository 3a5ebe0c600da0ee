//! `paragon`, the operator's command: each subcommand a file. Asks only for the settings that the
//! command needs.

#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod audit;
mod migrate;
mod remind;
mod status;
mod templates;
mod read;
mod eval;
mod replay;
mod retry;
pub(super) mod export;
mod forget;
mod events;
mod keys;
mod moment;
mod progress;
mod somebody;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::{Failure, api, dashboard, report, runtime};
use crate::clients::http::install_tls;
use crate::settings::{self, AdminSettings, AuditSettings, ReadingSettings, Source};
use crate::telemetry::Telemetry;

/// Receipts photographed in WhatsApp become booked entries and one true answer.
#[derive(Parser)]
#[command(name = "paragon", version)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// The whole service on this machine, no account needed: a photo becomes a booked entry.
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
    /// Bring the database to the current schema. Running it twice does no harm.
    #[command(after_help = "Example: DATABASE_URL=postgres://localhost/paragon paragon migrate")]
    Migrate,
    /// Serve pages for a browser: how it is, what became of a message, corrections, retries.
    Dashboard(dashboard::Arguments),
    /// Ask each part how it is, and say what to do where something is not well.
    Doctor(doctor::Arguments),
    /// Hold what is stored against what is promised: nothing lost, doubled or stuck. Reads only.
    Audit(audit::Arguments),
    /// Read photos or documents here and show what was read. Needs no database and no account.
    Read(read::Arguments),
    /// Measure an engine on labelled photos: what is right, wrong and unknown, and what it costs.
    Eval(eval::Arguments),
    /// Read stored photos again and show what an engine makes of them now.
    Replay(replay::Arguments),
    /// Show how much work waits, the newest messages and the jobs that gave up.
    Status(status::Arguments),
    /// Write down reminders for workers to send by template; the same one is sent once.
    Remind(remind::Arguments),
    /// Show which jobs gave up and why, and make them ready again.
    Retry(retry::Arguments),
    /// Entries as CSV or JSON lines, with their photos.
    Export(export::Arguments),
    /// Serve the API for programs of your own.
    Api(api::Arguments),
    /// Who may use the API: make a key, list them, revoke one.
    Keys(keys::Arguments),
    /// Where events go and how far they have come; send them again, resume an endpoint.
    Events(events::Arguments),
    /// Erase everything that is kept of a person, everywhere.
    Forget(forget::Arguments),
    /// Message templates: lint the files, submit them to Meta, see how they stand.
    Templates(templates::Arguments),
}

/// Runs what the command line says.
pub fn run() -> ExitCode {
    report("paragon", act(Command::parse().action))
}

fn act(action: Action) -> Result<(), Failure> {
    install_tls();
    let source = Source::environment()?;
    match action {
        #[cfg(feature = "demo")]
        Action::Demo(arguments) => demo::run(&source, arguments),
        Action::Migrate => {
            let settings = AdminSettings::from(&source)?;
            let _telemetry = Telemetry::start("paragon", &settings::telemetry(&source))?;
            runtime()?.block_on(migrate::run(&settings))
        }
        Action::Dashboard(arguments) => dashboard::run(&source, &arguments),
        Action::Doctor(arguments) => doctor::run(&source, &arguments),
        Action::Audit(arguments) => {
            let settings = AuditSettings::from(&source)?;
            let _telemetry = Telemetry::start("paragon", &settings::quiet_telemetry(&source))?;
            runtime()?.block_on(audit::run(&settings, &arguments))
        }
        Action::Read(arguments) => {
            let settings = ReadingSettings::from(&source)?;
            let _telemetry = Telemetry::start("paragon", &settings::quiet_telemetry(&source))?;
            runtime()?.block_on(read::run(&settings, &arguments))
        }
        Action::Eval(arguments) => {
            let settings = ReadingSettings::from(&source)?;
            let _telemetry = Telemetry::start("paragon", &settings::quiet_telemetry(&source))?;
            runtime()?.block_on(eval::run(&settings, &arguments))
        }
        Action::Replay(arguments) => {
            let settings = AdminSettings::from(&source)?;
            let reading = ReadingSettings::from(&source)?;
            let _telemetry = Telemetry::start("paragon", &settings::quiet_telemetry(&source))?;
            runtime()?.block_on(replay::run(&settings, &reading, &arguments))
        }
        Action::Status(arguments) => {
            let settings = AdminSettings::from(&source)?;
            let _telemetry = Telemetry::start("paragon", &settings::telemetry(&source))?;
            runtime()?.block_on(status::run(&settings, &arguments))
        }
        Action::Retry(arguments) => {
            with_database(&source, async |settings| retry::run(&settings, &arguments).await)
        }
        Action::Export(arguments) => {
            with_database(&source, async |settings| export::run(&settings, &arguments).await)
        }
        Action::Api(arguments) => api::run(&source, &arguments),
        Action::Keys(arguments) => {
            with_database(&source, async |settings| keys::run(&settings, &arguments).await)
        }
        Action::Events(arguments) => {
            with_database(&source, async |settings| events::run(&settings, &arguments).await)
        }
        Action::Forget(arguments) => forget::run(&source, &arguments),
        Action::Remind(arguments) => remind::run(&source, &arguments),
        Action::Templates(arguments) => templates::run(&source, &arguments),
    }
}

/// Runs a command that asks for the database only, and whose answer is on standard output.
fn with_database(
    source: &Source,
    command: impl AsyncFnOnce(AdminSettings) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let settings = AdminSettings::from(source)?;
    let _telemetry = Telemetry::start("paragon", &settings::quiet_telemetry(source))?;
    runtime()?.block_on(command(settings))
}
