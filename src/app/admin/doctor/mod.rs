//! `paragon doctor`: asks each part one question, and says of each that is not well what to do.
//! Changes nothing but one parked status that tells of nobody (the webhook's self-test), and shows
//! nobody's number and no secret.

mod database;
mod events;
mod keys;
mod finding;
mod machine;
mod meta;
mod number;
mod others;
mod webhook;

use clap::Args;
use serde_json::Value;

use self::finding::Finding;
use super::status::print;
use crate::app::{Failure, runtime};
use crate::clients::Http;
use crate::settings::{self, DoctorSettings, Source};
use crate::telemetry::Telemetry;

/// How the findings are shown.
#[derive(Args)]
#[command(after_help = "Examples:
  paragon doctor
  paragon doctor --json | jq '.[] | select(.well | not)'

Ends with exit code 0 when all is well, and 1 when something is not. What a setting is missing for is not
well either: run it where the settings of ingress and worker are. docs/doctor.md has every finding.")]
pub struct Arguments {
    /// A JSON list instead of lines.
    #[arg(long)]
    json: bool,
}

/// Asks, and prints the findings; a failure when something is not well.
pub fn run(source: &Source, arguments: &Arguments) -> Result<(), Failure> {
    let settings = DoctorSettings::from(source);
    // What is wrong is said in the findings.
    let _telemetry = Telemetry::start("paragon", &settings::silent_telemetry(source))?;
    runtime()?.block_on(async {
        let http = Http::new().map_err(anyhow::Error::from)?;
        let findings = findings(&settings, &http).await;
        Ok(show(&findings, arguments)?)
    })
}

async fn findings(settings: &DoctorSettings, http: &Http) -> Vec<Finding> {
    let mut findings = database::look(settings).await;
    findings.extend(meta::look(settings, http).await);
    findings.extend(others::look(settings, http).await);
    findings.push(machine::spool(settings));
    findings
}

fn show(findings: &[Finding], arguments: &Arguments) -> anyhow::Result<()> {
    let text = if arguments.json {
        let list: Vec<Value> = findings.iter().map(Finding::json).collect();
        format!("{:#}\n", Value::from(list))
    } else {
        findings.iter().map(Finding::line).collect()
    };
    print(&text)?;
    match findings.iter().filter(|it| !it.is_well()).count() {
        0 => Ok(()),
        ailing => Err(anyhow::anyhow!("{ailing} of {} need a hand", findings.len())),
    }
}
