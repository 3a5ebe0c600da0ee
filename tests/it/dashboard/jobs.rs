//! Dead jobs are found, previewed and tried again; queues and numbers are paused and flow again.

use simulators::{Fault, MetaRoute, StripeRoute};

use super::Desk;
use crate::rig::{CAFE, CAT, Rig, somebody};

const ACTS: &str =
    "select string_agg(concat_ws(' ', action, subject, details), ', ' order by id) from audit_log";

/// Dead jobs of two causes, one of which looks like a pattern that means both; each has the id of
/// its own request in it.
const DEAD: &str =
    "insert into apalis_lease.jobs (queue, max_attempts, attempt, payload, state, reason, dead_since)
     select 'messages', 3, 3, jsonb_build_object('message_id', 900 + n), 'dead',
            case when n <= 60 then 'record: 100% of_it' else 'record: 100x of it' end
            || ', req_' || n, now()
     from generate_series(1, 63) as n";

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_is_found_previewed_and_tried_again() {
    let mut rig = Rig::start().await;
    let refused = Fault::Refuse { status: 400, code: "parameter_unknown" };
    rig.stripe.fault(StripeRoute::CustomersCreate, &refused, 1);
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;
    let desk = Desk::open(&rig.database_url);
    assert_eq!(rig.count("ops.dead_jobs").await, 1, "it gave up");

    let message = desk.page("/messages/1").await;
    assert!(message.contains("give up"), "each attempt with what became of it: {message}");
    let dead = desk.page("/dead").await;
    let reason: String = rig.value("select split_part(reason, '\"', 1) from ops.dead_jobs").await;
    assert!(dead.contains("All like this") && dead.contains(&reason), "{reason}: {dead}");
    let job: i64 = rig.value("select job from ops.dead_jobs").await;
    let answer = desk.post("/dead/retry", &[("job", &job.to_string())]).await;
    let again = desk.post("/dead/retry", &[("job", &job.to_string())]).await;
    rig.drain().await;

    assert_eq!((answer.status, again.status), (303, 409), "{}", answer.text());
    assert_eq!(rig.count("entries").await, 1, "booked after all");
    assert_eq!(rig.value::<String>(ACTS).await, format!("retry_job job {job}"));
    assert!(desk.page("/dead").await.contains("Nothing has given up"));
    desk.end().await;
    rig.end_with_dead_jobs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_like_this_are_those_that_were_previewed_and_no_others() {
    let mut rig = Rig::start().await;
    sqlx::query(DEAD).execute(&rig.pool).await.unwrap();
    let desk = Desk::open(&rig.database_url);
    let preview = desk.page("/dead/like?queue=messages&reason=record%3A+100%25+of_it").await;
    assert!(preview.contains("<strong>60</strong>") && preview.contains("Retry 60"), "{preview}");
    assert!(preview.contains("Older"), "fifty on a page");
    let (_, until) = preview.split_once("name=\"until\" value=\"").unwrap();
    let until = until.split('"').next().unwrap().to_owned();
    let later = "insert into apalis_lease.jobs (queue, max_attempts, payload, state, reason, dead_since)
                 values ('messages', 3, '{}', 'dead', 'record: 100% of_it', now() + interval '1 hour')";
    sqlx::query(later).execute(&rig.pool).await.unwrap();

    let meant = [("queue", "messages"), ("reason", "record: 100% of_it"), ("until", &until)];
    let answer = desk.post("/dead/retry-like", &meant).await;

    assert_eq!(answer.header("location"), "/dead?did=retried&n=60", "{}", answer.text());
    let left: String = rig
        .value("select string_agg(cause_of(reason), ',' order by reason) from ops.dead_jobs")
        .await;
    assert_eq!(left, "record: 100% of_it,record: 100x of it,record: 100x of it,record: 100x of it");
    let acts: String = rig.value(ACTS).await;
    assert_eq!(acts, "retry_jobs queue messages 60 jobs: record: 100% of_it");
    assert!(desk.page("/dead?did=retried&n=60").await.contains("60 jobs are ready again."));
    desk.end().await;
    rig.end_with_dead_jobs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_and_a_paused_number_wait_and_flow_again() {
    let rig = Rig::start().await;
    let desk = Desk::open(&rig.database_url);
    rig.deliver([rig.photo(&somebody(), CAT)]).await;
    let number: String = rig.value("select phone_number_id from messages").await;
    let whole = [("queue", "messages"), ("why", "Stripe is down")];
    let one = [("queue", "messages"), ("number", &number), ("why", "token")];

    assert_eq!(desk.post("/queue/pause", &whole).await.status, 303);
    assert_eq!(desk.post("/queue/pause", &whole).await.status, 409, "paused already");
    assert_eq!(desk.post("/queue/pause", &one).await.status, 303);
    assert_eq!(desk.post("/queue/pause", &[("queue", "other"), ("why", "x")]).await.status, 422);
    assert_eq!(desk.post("/queue/pause", &[("queue", "messages")]).await.status, 422, "no reason");
    let page = desk.page("/queue").await;
    assert!(page.contains("Stripe is down") && page.contains(&number), "{page}");
    assert!(desk.page("/numbers").await.contains("paused"));
    assert_eq!(desk.post("/queue/resume", &whole).await.status, 303);
    assert_eq!(desk.post("/queue/resume", &one).await.status, 303);
    rig.drain().await;

    assert_eq!(rig.meta.count(MetaRoute::Messages), 2, "read mark and answer");
    let acts: String = rig.value("select string_agg(action, ' ' order by id) from audit_log").await;
    assert_eq!(acts, "pause_queue pause_number resume_queue resume_number");
    desk.end().await;
    rig.end().await;
}
