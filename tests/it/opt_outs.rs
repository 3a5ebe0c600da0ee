//! STOP and START: heard in every language, confirmed once, and answers to photos go on.

use std::path::Path;

use chrono::TimeDelta;
use simulators::Sender;

use crate::rig::{CAFE, Rig, somebody};
use crate::talk::Talk;

const OUT: &str = "select coalesce(bool_or(is_out), false) from opt_outs";

/// The whole conversation in one language against its file.
async fn conversation(language: &str, stop: &str, start: &str) {
    let mut talk = Talk::start_with(&[("REPLY_LANGUAGE", language)]).await;
    talk.write(stop).await;
    talk.write("STOP").await;
    talk.photo("cafe.jpg", CAFE).await;
    assert!(talk.rig.value::<bool>(OUT).await);
    talk.write(start).await;
    talk.write(start).await;
    assert!(!talk.rig.value::<bool>(OUT).await);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conversations");
    let file = file.join(format!("stop-{language}.txt"));
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let written = talk.written();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stop-{language}.txt"));
    std::fs::write(&kept, &written).unwrap();
    assert!(written == expected, "{} is not {}:\n{written}", file.display(), kept.display());
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_and_start_in_english_read_as_they_are_written_down() {
    conversation("en", "Unsubscribe", "START").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_and_start_in_czech_read_as_they_are_written_down() {
    conversation("cs", "ODHLÁSIT", "Přihlásit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_and_start_in_german_read_as_they_are_written_down() {
    conversation("de", "Stopp!", "anmelden").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_start_does_not_undo_a_newer_stop() {
    let rig = Rig::start().await;
    let now = rig.meta.now();
    let stop = rig.meta.text(&somebody(), "stop").at(now);
    let start = rig.meta.text(&somebody(), "start").at(now - TimeDelta::minutes(5));

    rig.deliver([stop.clone()]).await;
    rig.drain().await;
    rig.deliver([start.clone()]).await;
    rig.drain().await;

    assert!(rig.value::<bool>(OUT).await);
    assert_eq!(rig.answers_to(&stop).len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatsapps_own_switch_is_heard_for_phones_and_user_ids() {
    let rig = Rig::start().await;
    let hidden = Sender::with_user_id("CZ.13491208655302741918", "Jana");
    for who in [somebody(), hidden] {
        assert!(rig.meta.prefer(&who, "stop").await.accepted());
        assert!(rig.value::<bool>(OUT).await);
        assert!(rig.meta.prefer(&who, "stop").await.accepted());
        rig.meta.advance(std::time::Duration::from_secs(2));
        sqlx::query("update opt_outs set told_at = told_at - interval '1 minute'")
            .execute(&rig.pool)
            .await
            .unwrap();
        assert!(rig.meta.prefer(&who, "resume").await.accepted());
        assert!(!rig.value::<bool>(OUT).await);
    }
    assert_eq!(rig.count("kept_items").await, 0);
    assert!(rig.meta.sent().is_empty(), "nothing is sent because of a switch");
    rig.end().await;
}
