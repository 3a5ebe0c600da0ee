//! Real payloads that others have collected: every one is answered, none is lost.

use std::path::PathBuf;

use serde_json::Value;
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

/// Everything that a webhook may become.
const TABLES: &str = "select (select count(*) from messages) + (select count(*) from kept_items)
                           + (select count(*) from parked_statuses)";

#[tokio::test(flavor = "multi_thread")]
async fn every_collected_payload_is_200_when_signed_and_leaves_a_trace() {
    let Some(payloads) = payloads() else { return };
    let rig = Rig::start().await;
    // They name media that nobody has.
    let mut lost = Vec::new();
    for (name, payload) in &payloads {
        let before: i64 = rig.value(TABLES).await;
        let answer = rig.meta.deliver(payload).await.unwrap();
        assert_eq!(answer.status, 200, "{name}");
        if rig.value::<i64>(TABLES).await == before {
            lost.push(name.clone());
        }
    }
    assert!(payloads.len() >= 127, "only {} payloads", payloads.len());
    // Several collections hold the same example: their second is a redelivery.
    let again: i64 = rig.value(TABLES).await;
    for (_, payload) in &payloads {
        assert_eq!(rig.meta.deliver(payload).await.unwrap().status, 200);
    }
    assert_eq!(rig.value::<i64>(TABLES).await, again, "the second round wrote something");
    assert!(lost.len() <= 30, "left no trace: {lost:?}");
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
    assert_eq!(rig.value::<i64>(TABLES).await, 0);
    rig.end().await;
}
