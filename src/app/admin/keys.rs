//! `paragon keys`: who may use the API. A key is shown once, when it is made; here stays its digest.

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use rand::RngExt;
use serde_json::{Value, json};

use super::migrate::open;
use super::status::{print, table};
use crate::app::Failure;
use crate::clock::Clock;
use crate::domain::access::{Numbers, Scope};
use crate::domain::ids::{PhoneNumberId, Sha256};
use crate::settings::AdminSettings;
use crate::store::api_keys::{Key, KeyId, NewKey};
use crate::store::{Store, StoreError};

/// How a key begins, so that scanners of sources know one.
const PREFIX: &str = "pgk_";

/// So much of a key is shown later, to tell one from another.
const HINT: usize = 10;

/// What is to be done about keys.
#[derive(Args)]
#[command(after_help = "Examples:
  paragon keys create --label billing --scope entries:read --scope reminders:write
  paragon keys create --label 'shop in Brno' --scope entries:read --number 106540352242922
  paragon keys list
  paragon keys revoke 3

docs/api.md has the scopes.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key, and show it: it cannot be shown again.
    Create(Create),
    /// Every key: whose it is, what it may do, when it was last used. Not the keys themselves.
    List {
        /// A JSON list instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// A key is good for nothing from now on.
    Revoke {
        /// Its number, as in `paragon keys list`.
        key: i64,
    },
}

#[derive(Args)]
struct Create {
    /// Whose it is, for the list and the audit log.
    #[arg(long)]
    label: String,
    /// What it may do; once for each scope.
    #[arg(long = "scope", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// Meta's id of a number whose entries, senders, reminders and events it may see; once for each.
    /// Unset: all of them.
    #[arg(long = "number", value_name = "ID", value_parser = number)]
    numbers: Vec<PhoneNumberId>,
    /// One JSON object instead of the key alone.
    #[arg(long)]
    json: bool,
}

fn scope(text: &str) -> Result<Scope, String> {
    let known = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::parse(text).ok_or_else(|| format!("knows {known}"))
}

fn number(text: &str) -> Result<PhoneNumberId, String> {
    PhoneNumberId::parse(text).ok_or_else(|| "want Meta's id of the number".to_owned())
}

const NO_DATABASE: &str =
    "the database does not answer; is DATABASE_URL right, and was `paragon migrate` run?";

/// Does it.
pub async fn run(settings: &AdminSettings, arguments: &Arguments) -> Result<(), Failure> {
    let store = open(settings)?;
    let done = act(&store, &arguments.action, Clock::system().now()).await;
    store.close().await;
    Ok(done?)
}

async fn act(store: &Store, action: &Action, now: DateTime<Utc>) -> anyhow::Result<()> {
    let text = match action {
        Action::Create(wanted) => create(store, wanted, now).await?,
        Action::List { json } => {
            let keys = store.keys().await.context(NO_DATABASE)?;
            if *json {
                format!("{:#}\n", Value::from(keys.iter().map(shown).collect::<Vec<_>>()))
            } else {
                listed(&keys)
            }
        }
        Action::Revoke { key } => match store.revoke_key(KeyId(*key), now).await {
            Ok(()) => format!("key {key} is revoked\n"),
            Err(StoreError::Overtaken { .. }) => bail!("there is no key {key} that is good"),
            Err(error) => return Err(error).context(NO_DATABASE),
        },
    };
    print(&text)?;
    Ok(())
}

async fn create(store: &Store, wanted: &Create, now: DateTime<Utc>) -> anyhow::Result<String> {
    let random: [u8; 32] = rand::rng().random();
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let numbers = if wanted.numbers.is_empty() {
        Numbers::All
    } else {
        Numbers::These(wanted.numbers.clone())
    };
    let new = NewKey {
        label: wanted.label.clone(),
        hint: key.chars().take(HINT).collect(),
        digest: Sha256::of(key.as_bytes()),
        scopes: wanted.scopes.clone(),
        numbers,
    };
    let id = store.make_key(&new, now).await.context(NO_DATABASE)?;
    Ok(if wanted.json {
        format!("{:#}\n", json!({ "id": id.0, "key": key }))
    } else {
        eprintln!("key {}: keep it now, it is not shown again", id.0);
        format!("{key}\n")
    })
}

fn scopes(key: &Key) -> Vec<&'static str> {
    key.scopes.iter().map(|it| it.as_str()).collect()
}

fn shown(key: &Key) -> Value {
    json!({
        "id": key.id.0, "label": key.label, "hint": key.hint, "scopes": scopes(key),
        "numbers": key.numbers.texts(), "created_at": key.created_at,
        "last_used_at": key.last_used_at, "revoked_at": key.revoked_at,
    })
}

fn listed(keys: &[Key]) -> String {
    if keys.is_empty() {
        return "no keys; `paragon keys create` makes one\n".to_owned();
    }
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let rows = keys.iter().map(|it| {
        vec![
            it.id.0.to_string(),
            it.label.clone(),
            it.hint.clone() + "…",
            scopes(it).join(" "),
            it.numbers.texts().map_or("all".to_owned(), |it| it.join(" ")),
            it.last_used_at.map(day).unwrap_or_default(),
            it.revoked_at.map(day).unwrap_or_default(),
        ]
    });
    table(&["id", "label", "begins", "scopes", "numbers", "last_used", "revoked"], rows)
}
