//! `paragon read`: what an engine makes of photos and documents, with how sure it is. Reads files
//! only; it asks no database and books nothing.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use super::status::print;
use crate::app::{Failure, engines};
use crate::clients::Http;
use crate::clock::Clock;
use crate::domain::money::Decimal;
use crate::domain::reading::{Fields, Reading, TaxLine, Verdict};
use crate::reading::Hints;
use crate::settings::{EngineName, ReadingSettings};
use crate::store::readings::Read;

/// Which files, and how they are shown.
#[derive(Args)]
#[command(after_help = "Example: paragon read receipt.jpg invoice.pdf --json | jq .total.value")]
pub struct Arguments {
    /// JPEG, PNG, WebP, HEIC or PDF.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Who reads: local (the best on this machine), ppocr, tesseract or anthropic.
    #[arg(long, default_value = "local", value_parser = engine_name)]
    engine: EngineName,
    /// One JSON object a file, each in a line.
    #[arg(long)]
    json: bool,
}

/// Reads an engine's name, or says which there are.
pub fn engine_name(word: &str) -> Result<EngineName, String> {
    EngineName::parse(word)
        .ok_or_else(|| "there are local, ppocr, tesseract and anthropic".to_owned())
}

/// What today is, where most receipts come from, which words speak for which category.
pub fn hints(settings: &ReadingSettings) -> Result<Hints, Failure> {
    let categories = engines::categories(settings)?;
    let today = Clock::system().now().date_naive();
    Ok(Hints { today, home: settings.home_country, categories })
}

/// Reads each file. One that cannot be read is said so, costs the others nothing, and makes the
/// exit code 1.
pub async fn run(settings: &ReadingSettings, arguments: &Arguments) -> Result<(), Failure> {
    let http = Http::new().map_err(anyhow::Error::from)?;
    let engine = engines::one(settings, arguments.engine, &http).await?;
    let hints = hints(settings)?;
    let mut unread = 0_usize;
    for file in &arguments.files {
        let begun = Instant::now();
        let read = match tokio::fs::read(file).await {
            Err(error) => Err(error.to_string()),
            Ok(bytes) => engine.read(bytes, &hints).await.map_err(|error| error.to_string()),
        };
        let (text, json) = match &read {
            Ok(Read::Seen(reading)) => (seen(file, reading, begun), reading_json(file, reading)),
            Ok(Read::Not { engine, reason }) => unreadable(file, engine, reason),
            Err(reason) => unreadable(file, engine.name(), reason),
        };
        if !matches!(read, Ok(Read::Seen(_))) {
            unread += 1;
        }
        let text = if arguments.json { format!("{json}\n") } else { text };
        print(&text).map_err(anyhow::Error::from)?;
    }
    if unread > 0 {
        return Err(anyhow::anyhow!(
            "{unread} of {} files could not be read",
            arguments.files.len()
        )
        .into());
    }
    Ok(())
}

fn unreadable(file: &Path, engine: &str, reason: &str) -> (String, Value) {
    let text = format!("{}\n  cannot be read: {reason}\n", file.display());
    let json = json!({
        "file": file, "engine": engine, "verdict": "unreadable", "reason": reason,
    });
    (text, json)
}

fn seen(file: &Path, reading: &Reading, begun: Instant) -> String {
    let took = begun.elapsed().as_secs_f64();
    let mut text = format!("{} ({}, {took:.2} s)\n", file.display(), reading.engine);
    match &reading.verdict {
        Verdict::NotAReceipt => text.push_str("  not a receipt\n"),
        Verdict::Receipt(fields) => {
            for (name, value, sure) in rows(fields) {
                let sure = sure.map_or(String::new(), |it| format!("  {it} % sure"));
                let value = value.unwrap_or_else(|| "unknown".to_owned());
                text.push_str(format!("  {name:<10} {value:<32}{sure}").trim_end());
                text.push('\n');
            }
        }
    }
    text
}

/// A field's name, its value, and how sure it is in percent.
pub type Row = (&'static str, Option<String>, Option<u8>);

/// The fields as they are shown; `None` is unknown.
pub fn rows(fields: &Fields) -> Vec<Row> {
    let sure = fields.confidence;
    vec![
        ("merchant", fields.merchant.clone(), sure.merchant),
        ("total", fields.total.map(|it| it.to_string()), sure.total),
        ("currency", fields.currency.map(|it| it.code().to_owned()), sure.currency),
        ("date", fields.date.map(|it| it.to_string()), sure.date),
        ("category", fields.category.map(|it| it.as_str().to_owned()), sure.category),
        ("tax", fields.tax.map(|it| it.to_string()), None),
        ("tax_number", fields.tax_number.clone(), None),
        ("country", fields.country.map(|it| it.code().to_owned()), None),
    ]
}

fn reading_json(file: &Path, reading: &Reading) -> Value {
    let mut json = json!({ "file": file, "engine": reading.engine });
    match &reading.verdict {
        Verdict::NotAReceipt => json["verdict"] = "not_a_receipt".into(),
        Verdict::Receipt(fields) => {
            json["verdict"] = "receipt".into();
            for (name, value, sure) in rows(fields) {
                json[name] = json!({ "value": value, "sure": sure });
            }
            let number = |it: Decimal| it.to_string();
            let line = |it: &TaxLine| {
                let (rate, net) = (it.rate.map(number), number(it.net));
                json!({ "rate": rate, "net": net, "tax": number(it.tax) })
            };
            json["tax_lines"] = fields.tax_lines.iter().map(line).collect();
        }
    }
    json
}
