//! `paragon doctor`: asks each part one question, and says of each that is not well what to do.
//! Changes nothing, and shows nobody's number.

use clap::Args;
use serde_json::{Value, json};

use super::migrate::open;
use super::status::print;
use crate::app::Failure;
use crate::settings::AdminSettings;
use crate::store::senders::DoubledCustomer;
use crate::store::{Store, StoreError};

/// How the findings are shown.
#[derive(Args)]
#[command(after_help = "Example: paragon doctor --json | jq '.[] | select(.well | not)'")]
pub struct Arguments {
    /// A JSON list instead of lines.
    #[arg(long)]
    json: bool,
}

/// What a question came to: how it is, or what is wrong and what to do.
struct Finding {
    about: &'static str,
    state: Result<String, Ailment>,
}

struct Ailment {
    what: String,
    remedy: &'static str,
}

/// Asks, and prints the findings; a failure when something is not well.
pub async fn run(settings: &AdminSettings, arguments: &Arguments) -> Result<(), Failure> {
    let store = open(settings)?;
    let findings = findings(&store).await;
    store.close().await;
    let text = if arguments.json {
        let list: Vec<Value> = findings.iter().map(Finding::json).collect();
        format!("{:#}\n", Value::from(list))
    } else {
        findings.iter().map(Finding::line).collect()
    };
    print(&text).map_err(anyhow::Error::from)?;
    match findings.iter().filter(|it| it.state.is_err()).count() {
        0 => Ok(()),
        ailing => Err(anyhow::anyhow!("{ailing} of {} need a hand", findings.len()).into()),
    }
}

async fn findings(store: &Store) -> Vec<Finding> {
    let database = database(store).await;
    let answers = database.state.is_ok();
    let mut findings = vec![database];
    if answers {
        findings.push(doubled_customers(store).await);
    }
    findings
}

async fn database(store: &Store) -> Finding {
    let state = match store.is_migrated().await {
        Ok(true) => Ok("answers, and its schema is this version's".to_owned()),
        Ok(false) => Err(Ailment {
            what: "its schema is older than this program".to_owned(),
            remedy: "run `paragon migrate`",
        }),
        Err(error) => Err(unanswered(&error)),
    };
    Finding { about: "database", state }
}

async fn doubled_customers(store: &Store) -> Finding {
    let state = match store.doubled_customers().await {
        Ok(pairs) if pairs.is_empty() => Ok("one for each sender".to_owned()),
        Ok(pairs) => Err(Ailment {
            what: shown(&pairs),
            remedy: "at Stripe, merge what you need into the older customer, and take whatsapp_phone and \
                     whatsapp_user_id out of the younger one's metadata; the next photo ends this finding",
        }),
        Err(error) => Err(unanswered(&error)),
    };
    Finding { about: "customers", state }
}

fn shown(pairs: &[DoubledCustomer]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|it| format!("{} besides {}", it.other, it.used)).collect();
    format!("two for one sender: {}", pairs.join(", "))
}

fn unanswered(error: &StoreError) -> Ailment {
    Ailment { what: error.to_string(), remedy: "is DATABASE_URL right, and does Postgres run?" }
}

impl Finding {
    fn line(&self) -> String {
        match &self.state {
            Ok(how) => format!("✓ {}: {how}\n", self.about),
            Err(Ailment { what, remedy }) => format!("✗ {}: {what}\n    → {remedy}\n", self.about),
        }
    }

    fn json(&self) -> Value {
        match &self.state {
            Ok(how) => json!({ "about": self.about, "well": true, "found": how }),
            Err(Ailment { what, remedy }) => {
                json!({ "about": self.about, "well": false, "found": what, "remedy": remedy })
            }
        }
    }
}
