//! Hosts: settings in, a running thing out. Frameworks live here, decisions do not.

pub mod ingress;
pub mod worker;
pub mod dashboard;
pub mod api;
pub mod admin;
mod door;
mod engines;
mod correction;
mod reminding;
mod stripe_webhook;
mod home;
mod renewal;
mod probes;
mod shutdown;

use std::process::ExitCode;

use crate::clients::http::install_tls;
use crate::settings::{self, EXIT_CONFIG, SettingError, Source};
use crate::telemetry::{Telemetry, TelemetryError};

/// A program that cannot start, or that ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting is missing or unreadable: exit code 78.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Logs or traces cannot be started: exit code 78.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Everything else: exit code 1.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Setting(_) | Self::Telemetry(_) => EXIT_CONFIG,
            Self::Other(_) => 1,
        }
    }
}

/// Runs a service from the environment until it is told to end: `read` its settings ▶
/// telemetry ▶ `serve`.
pub fn run_service<S, F>(
    service: &'static str,
    read: impl FnOnce(&Source) -> Result<S, SettingError>,
    serve: impl FnOnce(S) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), Failure>>,
{
    let run = || {
        install_tls();
        let source = Source::environment()?;
        let wanted = read(&source)?;
        let _telemetry = Telemetry::start(service, &settings::telemetry(&source))?;
        runtime()?.block_on(serve(wanted))
    };
    report(service, run())
}

/// The runtime that a program's async part runs on.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::Other(error.into()))
}

/// One clear line on stderr for a failure, and its exit code.
pub fn report(program: &str, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{program}: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
