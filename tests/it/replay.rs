//! `paragon replay`: what another engine makes of the photos that are here, without touching what
//! was booked and told.

use serde_json::{Value, json};

use crate::engines::answer;
use crate::programs::{PARAGON, output, text};
use crate::rig::{CAFE, CAT, Rig, somebody};

/// `paragon replay --engine tesseract --json …`: its lines.
fn replay(rig: &Rig, arguments: &[&str]) -> Vec<Value> {
    let all = [&["replay", "--engine", "tesseract", "--json"], arguments].concat();
    let ended = output(PARAGON, &all, rig.environment());
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    text(&ended.stdout).lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_photos_show_what_is_read_otherwise_and_change_no_entry_and_no_answer() {
    let rig = Rig::start_with(&[("OCR_ENGINES", "anthropic")]).await;
    let mut misread = answer();
    misread["total"] = json!("224.00");
    rig.anthropic.script(misread);
    let cafe = rig.photo(&somebody(), CAFE);
    rig.deliver([cafe.clone()]).await;
    rig.drain().await;
    let mut no_receipt = answer();
    no_receipt["is_receipt"] = json!(false);
    rig.anthropic.script(no_receipt);
    rig.deliver([rig.photo(&somebody(), CAT)]).await;
    rig.drain().await;

    let told = replay(&rig, &["--since", "2026-01-01", "--dry-run"]);
    assert_eq!(told.len(), 1, "a cat is a cat to both: {told:?}");
    let changes = told[0]["changes"].as_array().unwrap();
    let total = changes.iter().find(|it| it["field"] == "total").unwrap();
    assert_eq!([&total["before"], &total["now"]], ["224.00", "22.40"]);
    assert_eq!(rig.count("readings").await, 2, "nothing is kept of a dry run");

    assert_eq!(replay(&rig, &["--since", "2026-01-01"]).len(), 1);
    assert_eq!(replay(&rig, &["--since", "2026-01-01"]).len(), 1, "it may be run again");
    let engines = "select string_agg(engine, ',' order by engine) from readings";
    assert_eq!(
        rig.value::<String>(engines).await,
        "anthropic,anthropic,tesseract,tesseract",
        "the new reading stands beside the old"
    );
    assert!(replay(&rig, &["--since", "2099-01-01"]).is_empty());
    assert_eq!(rig.value::<i64>("select total_minor from entries").await, 22_400);
    assert_eq!(rig.count("entry_revisions").await, 0);
    rig.drain().await;
    assert_eq!(rig.answers_to(&cafe).len(), 1);
    rig.end().await;
}
