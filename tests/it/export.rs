//! What the bookkeeper gets: every booked entry once, exact, harmless to open, with its photo.

use std::process::Output;

use serde_json::Value;

use crate::programs::{PARAGON, output, text};
use crate::rig::{CAFE, CAT, Rig, TANKSTELLE, somebody};

fn export(rig: &Rig, arguments: &[&str]) -> Output {
    let ended = output(PARAGON, &[&["export"], arguments].concat(), rig.environment());
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    ended
}

fn lines(rig: &Rig, arguments: &[&str]) -> Vec<Value> {
    let said = export(rig, &[&["--format", "jsonl"], arguments].concat()).stdout;
    text(&said).lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// Two receipts, one of them sent again; a cat; and entries in other currencies.
async fn booked() -> Rig {
    let rig = Rig::start().await;
    for photo in [CAFE, TANKSTELLE, CAFE, CAT] {
        rig.deliver([rig.photo(&somebody(), photo)]).await;
        rig.drain().await;
    }
    rig
}

/// Another entry, as a worker would have recorded it.
async fn another(rig: &Rig, state: &str, merchant: &str, money: Option<(i64, &str)>) {
    rig.deliver([rig.photo(&somebody(), CAT)]).await;
    rig.drain().await;
    sqlx::query(
        "insert into entries (message_id, sender_id, customer_id, state, merchant, total_minor,
                              currency, booked_at)
         select max(messages.id), min(senders.id), 'cus_1', $1, $2, $3, $4, '2025-06-30T23:59:59Z'
         from messages, senders",
    )
    .bind(state)
    .bind(merchant)
    .bind(money.map(|it| it.0))
    .bind(money.map(|it| it.1))
    .execute(&rig.pool)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn booked_entries_are_exported_exactly_and_with_their_photos() {
    let rig = booked().await;
    let photos = tempfile::tempdir().unwrap();
    let folder = photos.path().to_str().unwrap();

    let all = lines(&rig, &["--photos", folder]);
    assert_eq!(all.len(), 2, "neither the repeat nor the cat: {all:?}");
    assert_eq!(all[0]["merchant"], "The Copper Kettle");
    assert_eq!(all[0]["amount"], "22.40");
    assert_eq!(all[0]["amount_minor"], 2240);
    assert_eq!(all[0]["currency"], "GBP");
    assert_eq!(all[0]["date"], "2026-11-19");
    let customer: String = rig.value("select customer_id from entries limit 1").await;
    assert_eq!(all[0]["customer"], customer);
    for (line, photo) in all.iter().zip([CAFE, TANKSTELLE]) {
        let file = photos.path().join(line["photo"].as_str().unwrap());
        assert_eq!(std::fs::read(file).unwrap(), photo);
    }
    let whole = text(&export(&rig, &["--format", "jsonl"]).stdout);
    assert!(!whole.contains("420777123456") && !whole.contains("Jana"), "{whole}");

    let states = |more: &[&str]| {
        let lines = lines(&rig, more);
        lines.iter().map(|it| it["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(&["--duplicates"]), ["booked", "booked", "duplicate"]);
    assert_eq!(states(&["--since", "2100-01-01"]), [""; 0]);
    assert_eq!(states(&["--until", "2100-01-01"]).len(), 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_currency_is_exported_with_its_own_decimals_and_no_formula_reaches_a_spreadsheet() {
    let rig = Rig::start().await;
    another(&rig, "booked", "=HYPERLINK(\"http://evil\",\"x\")", Some((1200, "JPY"))).await;
    another(&rig, "booked", "Kuwait, \"Café\"", Some((1234, "KWD"))).await;
    another(&rig, "booked", "-1+1", Some((-50, "EUR"))).await;
    another(&rig, "incomplete", "Nobody knows", None).await;

    let said = text(&export(&rig, &["--until", "2025-07-01"]).stdout);
    let mut csv = csv::Reader::from_reader(said.as_bytes());
    let header = csv.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|it| it == name).unwrap();
    let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
    let cells = |name: &str| rows.iter().map(|it| it[column(name)].to_owned()).collect::<Vec<_>>();
    assert_eq!(cells("amount"), ["1200", "1.234", "-0.50"]);
    assert_eq!(cells("amount_minor"), ["1200", "1234", "-50"]);
    assert_eq!(cells("currency"), ["JPY", "KWD", "EUR"]);
    let merchants = ["'=HYPERLINK(\"http://evil\",\"x\")", "Kuwait, \"Café\"", "'-1+1"];
    assert_eq!(cells("merchant"), merchants);
    assert_eq!(cells("booked_at")[0], "2025-06-30T23:59:59Z");

    let incomplete = lines(&rig, &["--incomplete"]);
    assert_eq!(incomplete.len(), 4);
    assert_eq!(incomplete[3]["amount"], Value::Null);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_into_a_file_is_there_whole_or_not_at_all() {
    let rig = Rig::start().await;
    another(&rig, "booked", "Somebody", Some((1200, "JPY"))).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entries.csv");
    let path = file.to_str().unwrap();

    let ended = export(&rig, &["--output", path]);
    assert!(ended.stdout.is_empty());
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);

    std::fs::write(&file, "before").unwrap();
    sqlx::query("alter table entries rename to gone").execute(&rig.pool).await.unwrap();
    let ended = output(PARAGON, &["export", "--output", path], rig.environment());
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("paragon migrate"), "{}", text(&ended.stderr));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "before");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing half-written is left");
    rig.end().await;
}
