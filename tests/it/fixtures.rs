//! Real payloads that others have collected: every one is answered, and each of its items is found
//! again in the database.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest, Sha256};
use simulators::meta::{sign, wire_bytes};

use crate::outside::shared;
use crate::rig::Rig;

fn payloads() -> Option<Vec<(String, Value)>> {
    let folder = shared("the collected webhook payloads")?.join("fixtures/webhooks");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|it| it.file_name().is_some_and(|name| name != "index.json"));
    files.sort();
    let read = |file: PathBuf| {
        let payload = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        (file.file_name().unwrap().to_string_lossy().into_owned(), payload)
    };
    Some(files.into_iter().map(read).collect())
}

/// What one item of a payload must leave in the database. Shows kinds and digests only.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Trace {
    /// Its id's digest in `message_ids`.
    Message(Vec<u8>),
    /// In `parked_statuses`, for it is of no send of ours.
    Status { wamid: String, delivery: &'static str },
    /// In `templates`, by name and language.
    Template { field: String, name: String, language: String },
    /// In `opt_outs`, by phone.
    Preference { phone: String },
    /// Its bytes in `kept_items`, as they were sent.
    Kept(Vec<u8>),
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(digest) => write!(f, "message {}", hex::encode(&digest[..4])),
            Self::Status { delivery, .. } => write!(f, "status {delivery}"),
            Self::Template { field, .. } => write!(f, "{field}"),
            Self::Preference { .. } => write!(f, "preference"),
            Self::Kept(bytes) => write!(f, "kept {} bytes", bytes.len()),
        }
    }
}

impl Trace {
    /// What became of it, as the database says; `None` when it left no trace.
    async fn became(&self, rig: &Rig) -> Option<String> {
        let query = match self {
            Self::Message(digest) => sqlx::query_scalar(
                "select messages.type || ' -> messages, as ' || messages.kind
                 from messages where sha256(convert_to(wamid, 'UTF8')) = $1",
            )
            .bind(digest),
            Self::Status { wamid, delivery } => sqlx::query_scalar(
                "select 'status ' || delivery || ' -> parked_statuses'
                 from parked_statuses where wamid = $1 and delivery = $2",
            )
            .bind(wamid)
            .bind(delivery),
            Self::Template { field, name, language } => sqlx::query_scalar(
                "select $3 || ' -> templates'
                 from templates where name = $1 and language = $2",
            )
            .bind(name)
            .bind(language)
            .bind(field),
            Self::Preference { phone } => sqlx::query_scalar(
                "select 'user_preferences -> opt_outs' from opt_outs where identity = $1",
            )
            .bind(phone),
            Self::Kept(bytes) => sqlx::query_scalar(
                "select field || '/' || kind || ' -> kept raw, ' || reason
                 from kept_items where raw = $1",
            )
            .bind(bytes),
        };
        query.fetch_optional(&rig.pool).await.unwrap()
    }
}

/// What `payload` must leave, worked out from the payload alone.
fn traces(payload: &Value) -> Vec<Trace> {
    let Some(entries) = payload["entry"].as_array() else { return vec![kept(payload)] };
    let mut traces = Vec::new();
    for entry in entries {
        match entry["changes"].as_array() {
            Some(changes) => traces.extend(changes.iter().flat_map(of_change)),
            None => traces.push(kept(entry)),
        }
    }
    if traces.is_empty() { vec![kept(payload)] } else { traces }
}

fn of_change(change: &Value) -> Vec<Trace> {
    let value = &change["value"];
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    match change["field"].as_str().unwrap_or_default() {
        "messages" => {}
        field @ ("message_template_status_update"
        | "message_template_quality_update"
        | "template_category_update") => {
            let (name, language) =
                (text("message_template_name"), text("message_template_language"));
            return vec![Trace::Template { field: field.to_owned(), name, language }];
        }
        "user_preferences" => {
            let preferences = value["user_preferences"].as_array().into_iter().flatten();
            let phone = |it: &Value| it["wa_id"].as_str().unwrap().to_owned();
            return preferences.map(|it| Trace::Preference { phone: phone(it) }).collect();
        }
        _ => return vec![kept(change)],
    }
    let list = |name: &str| value[name].as_array().cloned().unwrap_or_default();
    // Some examples say PHONE_NUMBER_ID: no answer can leave from there.
    let number = value["metadata"]["phone_number_id"].as_str().unwrap_or_default();
    let can_be_answered = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    let messages = list("messages").into_iter().map(|it| match it["id"].as_str() {
        Some(id) if can_be_answered => Trace::Message(Sha256::digest(id).to_vec()),
        Some(_) | None => kept(&it),
    });
    let statuses = list("statuses").into_iter().map(|it| {
        let delivery = match it["status"].as_str() {
            Some("sent") => "sent",
            Some("delivered") => "delivered",
            Some("read" | "played") => "read",
            Some("failed") => "failed",
            Some(_) | None => return kept(&it),
        };
        Trace::Status { wamid: it["id"].as_str().unwrap().to_owned(), delivery }
    });
    let mut traces: Vec<Trace> = messages.chain(statuses).collect();
    if traces.is_empty() {
        return vec![kept(change)];
    }
    let known = ["messaging_product", "metadata", "contacts", "messages", "statuses"];
    let beside = value.as_object().into_iter().flatten();
    traces.extend(beside.filter(|(name, _)| !known.contains(&name.as_str())).map(|it| kept(it.1)));
    traces
}

/// Compact JSON is the same bytes inside a payload and alone.
fn kept(item: &Value) -> Trace {
    Trace::Kept(wire_bytes(item))
}

/// How many rows each table has that an item may come to.
async fn rows(rig: &Rig) -> [i64; 4] {
    [
        rig.count("message_ids").await,
        rig.count("messages").await,
        rig.count("parked_statuses").await,
        rig.count("kept_items").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_of_every_collected_payload_is_in_the_database_when_it_is_answered() {
    let Some(payloads) = payloads() else { return };
    assert!(payloads.len() >= 127, "only {} payloads", payloads.len());
    let rig = Rig::start().await;
    let mut lost = Vec::new();
    let mut told = HashSet::new();
    let mut table: BTreeMap<String, usize> = BTreeMap::new();
    for (name, payload) in &payloads {
        // They name media that nobody has.
        assert_eq!(rig.meta.deliver(payload).await.unwrap().status, 200, "{name}");
        for trace in traces(payload) {
            match trace.became(&rig).await {
                Some(became) => *table.entry(became).or_default() += 1,
                None => lost.push(format!("{name}: {trace:?}")),
            }
            told.insert(trace);
        }
    }
    println!("items  kind -> what became of it");
    for (became, items) in &table {
        println!("{items:>5}  {became}");
    }
    assert!(lost.is_empty(), "left no trace:\n{}", lost.join("\n"));

    // Several collections hold the same example: it is one row, and nothing else was written.
    let of = |kind: fn(&Trace) -> bool| i64::try_from(told.iter().filter(|it| kind(it)).count());
    let messages = of(|it| matches!(it, Trace::Message(_))).unwrap();
    let statuses = of(|it| matches!(it, Trace::Status { .. })).unwrap();
    let kept = of(|it| matches!(it, Trace::Kept(_))).unwrap();
    let written = rows(&rig).await;
    assert_eq!(written, [messages, messages, statuses, kept]);
    let counted = "select sum(items)::bigint from ops.kept";
    assert_eq!(rig.value::<i64>(counted).await, kept, "each is counted once");

    for (_, payload) in &payloads {
        assert_eq!(rig.meta.deliver(payload).await.unwrap().status, 200);
    }
    assert_eq!(rows(&rig).await, written, "the second round wrote something");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_collected_payload_is_403_when_not_signed_by_us() {
    let Some(payloads) = payloads() else { return };
    let rig = Rig::start().await;
    for (name, payload) in &payloads {
        let bytes = wire_bytes(payload);
        let forged = sign("not our secret", &bytes);
        let answer = rig.meta.deliver_raw(bytes, Some(&forged)).await.unwrap();
        assert_eq!(answer.status, 403, "{name}");
    }
    assert_eq!(rows(&rig).await, [0; 4]);
    rig.end().await;
}
