//! What gave up is seen first and retried then, by job, by message, by reason or all of it.

use std::process::Output;

use serde_json::{Value, json};

use crate::programs::{PARAGON, output, text};
use crate::rig::{CAFE, POTRAVINY, Rig, somebody};

fn paragon(rig: &Rig, arguments: &[&str]) -> Output {
    output(PARAGON, &[&["retry"], arguments].concat(), rig.environment())
}

#[track_caller]
fn told(rig: &Rig, arguments: &[&str]) -> Value {
    let ended = paragon(rig, &[arguments, &["--json"]].concat());
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Two photos and a text whose jobs gave up, each for a reason of its own.
async fn given_up() -> Rig {
    let rig = Rig::start().await;
    rig.deliver([rig.photo(&somebody(), CAFE), rig.photo(&somebody(), POTRAVINY)]).await;
    rig.deliver([rig.meta.text(&somebody(), "hello")]).await;
    let done = sqlx::query(
        "update apalis_lease.jobs
         set state = 'dead', dead_since = now(), attempt = max_attempts,
             reason = case (payload ->> 'message_id')::bigint
                      when 3 then 'send: refused: code 100, HTTP 400'
                      else 'stripe: Stripe failed: HTTP 503, 100%' end",
    )
    .execute(&rig.pool)
    .await
    .unwrap();
    assert_eq!(done.rows_affected(), 3);
    rig
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_jobs_are_shown_by_reason_and_nothing_is_retried_without_a_yes() {
    let rig = given_up().await;
    let all = told(&rig, &["--all"]);
    assert_eq!(
        all,
        json!({ "jobs": 3, "retried": 0, "dead": [
            { "queue": "messages", "reason": "stripe: Stripe failed: HTTP 503, 100%", "jobs": 2 },
            { "queue": "messages", "reason": "send: refused: code 100, HTTP 400", "jobs": 1 },
        ] })
    );
    assert_eq!(rig.count("ops.dead_jobs").await, 3);
    let said = text(&paragon(&rig, &["--all"]).stdout);
    assert!(said.contains("3 would be made ready again; nothing was changed"), "{said}");

    told(&rig, &["--all", "--yes"]);
    rig.drain().await;
    assert_eq!(rig.count("entries").await, 2);
    assert_eq!(rig.meta.sent().len(), 3);
    assert_eq!(told(&rig, &["--all", "--yes"])["retried"], 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_chosen_dead_jobs_are_retried() {
    let mut rig = given_up().await;
    let job: i64 = rig.value("select job from ops.dead_jobs where message = 1").await;

    // A reason is words, not a pattern.
    assert_eq!(told(&rig, &["--reason", "HTTP 503, 100%"])["jobs"], 2);
    assert_eq!(paragon(&rig, &["--reason", "HTTP %"]).status.code(), Some(1));
    assert_eq!(told(&rig, &["--reason", "503", "--message", "2"])["jobs"], 1);
    assert_eq!(told(&rig, &["--queue", "messages"])["jobs"], 3);
    assert_eq!(told(&rig, &["--job", &job.to_string(), "--yes"])["retried"], 1);
    assert_eq!(told(&rig, &["--message", "2", "--yes"])["retried"], 1);
    rig.drain().await;

    assert_eq!(rig.count("entries").await, 2);
    assert_eq!(rig.value::<i64>("select message from ops.dead_jobs").await, 3);
    let nothing = paragon(&rig, &["--job", &job.to_string(), "--yes"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing.stderr).contains("no dead job is of that kind"));
    let bare = paragon(&rig, &["--yes"]);
    assert_eq!(bare.status.code(), Some(2), "it must be said which");
    rig.end_with_dead_jobs().await;
}
