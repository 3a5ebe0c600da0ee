//! What happens to entries reaches the integrator: signed, at least once, in order for each entry,
//! whatever an endpoint does meanwhile.

use std::collections::BTreeMap;
use std::process::Output;

use chrono::TimeDelta;
use paragon::clock::Clock;
use paragon::settings::{Source, WorkerSettings};
use serde_json::{Value, json};
use simulators::meta::{Item, Sent};
use simulators::{Fault, Integrator, IntegratorRoute, Sender};
use tokio_util::sync::CancellationToken;

use crate::crashes::is_proof;
use crate::dashboard::Desk;
use crate::programs::{PARAGON, output, text};
use crate::rig::{CAFE, CAT, POTRAVINY, Rig, TANKSTELLE, TESSERACT, somebody};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EVENTS: IntegratorRoute = IntegratorRoute::Events;

/// Nothing is owed to anybody.
const ALL_DELIVERED: &str =
    "select not exists (select from event_deliveries where state = 'pending')";

/// A Paragon that tells two endpoints.
struct Told {
    rig: Rig,
    one: Integrator,
    other: Integrator,
}

async fn told() -> Told {
    told_with(&[]).await
}

async fn told_with(more: &[(&str, &str)]) -> Told {
    let (one, other) = (Integrator::start(SECRET).unwrap(), Integrator::start(SECRET).unwrap());
    let urls = format!("{},{}", one.url(), other.url());
    let ours = [("EVENT_URLS", urls.as_str()), ("EVENT_SECRET", SECRET)];
    let rig = Rig::start_with(&[&ours, more].concat()).await;
    // The endpoints are known before anything happens.
    rig.drain_until("select count(*) = 2 from event_endpoints").await;
    Told { rig, one, other }
}

fn paragon(rig: &Rig, arguments: &[&str]) -> Output {
    output(PARAGON, &[&["events"], arguments].concat(), rig.environment())
}

#[track_caller]
fn said(rig: &Rig, arguments: &[&str]) -> String {
    let ended = paragon(rig, arguments);
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    text(&ended.stdout)
}

/// The types that an endpoint took of each message, in their order, repetitions left out.
fn by_message(endpoint: &Integrator) -> BTreeMap<i64, Vec<String>> {
    let mut seen = Vec::new();
    let mut types: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for received in endpoint.received() {
        assert_eq!(received.body["id"], received.id.as_str(), "webhook-id is the event's id");
        if seen.contains(&received.id) {
            continue;
        }
        seen.push(received.id);
        let message = received.body["data"]["message"].as_i64().unwrap();
        types.entry(message).or_default().push(received.body["type"].as_str().unwrap().to_owned());
    }
    types
}

/// Quotes the answer to a photo with these words.
fn correct(rig: &Rig, photo: &Item, words: &str) -> Item {
    let answer = rig.answers_to(photo).last().unwrap().clone();
    rig.meta.text(&somebody(), words).quoting(&answer.wamid, "15550000001")
}

/// Presses the button number `which` under an answer.
fn press(rig: &Rig, on: &Sent, which: usize) -> Item {
    rig.meta.button_reply(&somebody(), on, &on.buttons[which].id)
}

/// Lets time pass for the worker and the endpoints, a step after the other, each worked through;
/// until `done` holds, or all of it has passed.
async fn let_pass(told: &Told, clock: &Clock, step: TimeDelta, steps: u32, done: Option<&str>) {
    let stop = CancellationToken::new();
    let work = Box::pin(told.rig.worker_at(clock.clone()).await.run(stop.clone()));
    let watch = async {
        for _ in 0..steps {
            clock.advance(step);
            told.one.advance(step.to_std().unwrap());
            told.other.advance(step.to_std().unwrap());
            let hurry = "with due as (
                             update apalis_lease.jobs set run_at = now()
                             where queue = 'events' and state = 'waiting' returning id
                         )
                         select pg_notify('apalis_lease', 'events') from (select count(*) from due) as n";
            sqlx::query(hurry).execute(&told.rig.pool).await.unwrap();
            told.rig
                .wait_for_row(
                    "select not exists (
                         select from apalis_lease.jobs
                         where queue = 'events'
                             and (state = 'running' or state = 'waiting' and run_at <= now())
                     )",
                )
                .await;
            if let Some(done) = done
                && told.rig.value::<bool>(done).await
            {
                break;
            }
        }
        stop.cancel();
    };
    let (worked, ()) = tokio::join!(work, watch);
    worked.unwrap();
    if let Some(done) = done {
        assert!(told.rig.value::<bool>(done).await, "still not so: {done}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booked_entry_is_told_to_each_endpoint_signed_and_names_nobody() {
    let told = told().await;
    let photo = told.rig.photo(&somebody(), CAFE);
    let payload = told.rig.deliver([photo, told.rig.photo(&somebody(), CAT)]).await;
    told.rig.drain().await;
    // Delivered again by Meta, it is told no more.
    assert_eq!(told.rig.meta.deliver(&payload).await.unwrap().status, 200);
    told.rig.drain().await;

    for endpoint in [&told.one, &told.other] {
        let [received] = &endpoint.received()[..] else { panic!("{:?}", endpoint.received()) };
        let body = &received.body;
        assert_eq!(body["type"], "entry.booked");
        assert_eq!(body["version"], 1);
        let data = &body["data"];
        assert_eq!((&data["total_minor"], &data["currency"]), (&json!(2240), &json!("GBP")));
        assert_eq!(data["merchant"], "The Copper Kettle");
        assert_eq!((&data["date"], &data["category"]), (&json!("2026-11-19"), &json!("meals")));
        let number = &told.rig.meta.options().phone_number_id;
        assert_eq!(data["number"], number.as_str());
        assert!(data["customer"].as_str().unwrap().starts_with("cus_"));
        for personal in ["420777123456", "Jana", "wamid"] {
            assert!(!body.to_string().contains(personal), "{personal} in {body}");
        }
        assert_eq!(endpoint.count(EVENTS), 1, "taken at once");
    }
    assert_eq!(told.one.received(), told.other.received());
    told.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corrections_and_confirmations_follow_their_entry_with_what_was_before() {
    let told = told().await;
    let photo = told.rig.photo(&somebody(), CAFE);
    told.rig.deliver([photo.clone()]).await;
    told.rig.drain().await;
    told.rig.deliver([correct(&told.rig, &photo, "23,50")]).await;
    told.rig.drain().await;
    let answer = told.rig.answers_to(&photo)[0].clone();
    told.rig.deliver([press(&told.rig, &answer, 0)]).await;
    told.rig.drain().await;
    told.rig.deliver([press(&told.rig, &answer, 0)]).await;
    told.rig.drain().await;

    let types = by_message(&told.one);
    let expected = ["entry.booked", "entry.corrected", "entry.confirmed"].map(str::to_owned);
    assert_eq!(types.into_values().collect::<Vec<_>>(), [expected.to_vec()]);
    let corrected = told.one.received()[1].body["data"].clone();
    assert_eq!(corrected["total_minor"], 2350);
    let changes = json!([{ "what": "total", "was": "22.40 GBP", "became": "23.50 GBP" }]);
    assert_eq!(corrected["changes"], changes);
    assert!(told.one.received()[2].body["data"]["confirmed_at"].is_string());
    told.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_does_not_count_yet_is_told_when_it_does() {
    let told = told().await;
    told.rig.deliver([told.rig.photo(&somebody(), CAFE)]).await;
    told.rig.drain().await;
    let again = told.rig.photo(&somebody(), CAFE);
    told.rig.deliver([again.clone()]).await;
    told.rig.drain().await;
    assert_eq!(told.one.received().len(), 1, "a duplicate does not count");

    // "It is a new one."
    let asked = told.rig.answers_to(&again)[0].clone();
    told.rig.deliver([press(&told.rig, &asked, 1)]).await;
    told.rig.drain().await;

    let received = told.one.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[1].body["type"], "entry.booked");
    assert_eq!(received[1].body["data"]["state"], "booked");
    told.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_no_entry_and_who_wants_no_reminders_is_told_once() {
    let told = told_with(&[TESSERACT]).await;
    let locked = include_bytes!("../fixtures/locked.pdf");
    let media = told.rig.meta.add_media(&locked[..], "application/pdf");
    let locked = told.rig.meta.document(&somebody(), &media, "locked.pdf");
    told.rig.deliver([locked, told.rig.meta.text(&somebody(), "STOP")]).await;
    told.rig.drain().await;
    told.rig.deliver([told.rig.meta.text(&somebody(), "STOP")]).await;
    told.rig.drain().await;

    let mut received = told.one.received();
    received.sort_by_key(|it| it.body["type"].to_string());
    let [failed, opted_out] = &received[..] else { panic!("{received:?}") };
    assert_eq!(failed.body["type"], "entry.failed");
    assert_eq!(failed.body["data"]["reason"], "unreadable");
    assert_eq!(opted_out.body["type"], "sender.opted_out");
    assert_eq!(opted_out.body["data"]["told_by"], "message");
    assert_eq!(opted_out.body["data"]["sender"], failed.body["data"]["sender"]);
    told.rig.end().await;
}

/// An endpoint does `fault` for an hour, while the other one does not: nothing is lost, the order of
/// each entry is kept, and the other one has had everything meanwhile.
async fn an_hour_of(fault: Fault) {
    let told = told().await;
    let (rig, one, other) = (&told.rig, &told.one, &told.other);
    // Each of these takes the whole time-out, so that only the first ones hang.
    if fault == Fault::Hang {
        one.fault(EVENTS, &fault, 2);
        one.fault_always(EVENTS, Fault::Status(503));
    } else {
        one.fault_always(EVENTS, fault);
    }
    let photos = [CAFE, POTRAVINY, TANKSTELLE].map(|it| rig.photo(&somebody(), it));
    rig.deliver(photos.clone()).await;
    let others = |events: u32| {
        format!(
            "select count(*) = {events} from event_deliveries where endpoint_id = 2 and state = 'delivered'"
        )
    };
    rig.drain_until(&others(3)).await;
    rig.wait_for_row("select count(*) = 3 from replies where state = 'sent'").await;
    for (photo, words) in photos.iter().zip(["23,50", "99", "61"]) {
        rig.deliver([correct(rig, photo, words)]).await;
    }
    rig.drain_until(&others(6)).await;
    assert_eq!(by_message(other).len(), 3, "the other endpoint is not held up");
    assert!(one.received().is_empty());

    let clock = Clock::held_at(rig.meta.now());
    let before = one.count(EVENTS);
    let_pass(&told, &clock, TimeDelta::seconds(30), 120, None).await;
    let tried = one.count(EVENTS) - before;
    assert!((2..=20).contains(&tried), "an endpoint that is down is asked now and then: {tried}");
    assert!(one.received().is_empty());
    let state: String = rig.value("select state from ops.event_endpoints where id = 1").await;
    assert_eq!(state, "failing");

    one.clear_faults();
    let_pass(&told, &clock, TimeDelta::minutes(1), 60, Some(ALL_DELIVERED)).await;
    let expected = ["entry.booked".to_owned(), "entry.corrected".to_owned()];
    let types = by_message(one);
    assert_eq!(types.len(), 3);
    assert!(types.values().all(|it| it[..] == expected), "{types:?}");
    assert_eq!(types, by_message(other));
    told.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_an_hour_loses_nothing_and_holds_up_no_other() {
    an_hour_of(Fault::Status(500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_loses_nothing_and_holds_up_no_other() {
    an_hour_of(Fault::Hang).await;
    if is_proof() {
        for fault in [Fault::Cut, Fault::Status(302), Fault::Status(404)] {
            an_hour_of(fault).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_told_again_under_the_same_id() {
    let told = told().await;
    told.one.fault(EVENTS, &Fault::DoneButAnswerLost, 1);
    told.rig.deliver([told.rig.photo(&somebody(), CAFE)]).await;
    told.rig.drain().await;

    let received = told.one.received();
    assert_eq!(received.len(), 2, "at least once");
    assert_eq!(received[0], received[1]);
    told.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_changes_its_secret_gets_all_once_ours_has_changed_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SECRET).unwrap();
    let one = Integrator::start(SECRET).unwrap();
    let path = file.path().to_str().unwrap();
    let rig = Rig::start_with(&[("EVENT_URLS", &one.url()), ("EVENT_SECRET_FILE", path)]).await;
    rig.drain_until("select count(*) = 1 from event_endpoints").await;
    one.change_secret(OTHER_SECRET);
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    let refused = "select exists (select from event_deliveries where last_failure like '%401%')";

    let renew = async {
        rig.wait_for_row(refused).await;
        // Signed with both, each end may change when it likes.
        std::fs::write(file.path(), format!("{OTHER_SECRET},{SECRET}")).unwrap();
    };
    tokio::join!(rig.drain(), renew);
    one.change_secret(SECRET);
    rig.deliver([rig.photo(&somebody(), POTRAVINY)]).await;
    rig.drain().await;

    assert_eq!(one.received().len(), 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_paused_at_once_and_resumes_by_command() {
    let told = told().await;
    told.one.fault(EVENTS, &Fault::Status(410), 1);
    told.rig.deliver([told.rig.photo(&somebody(), CAFE)]).await;
    told.rig.drain_until("select state = 'paused' from event_endpoints where id = 1").await;
    told.rig.deliver([told.rig.photo(&somebody(), POTRAVINY)]).await;
    told.rig
        .drain_until(
            "select count(*) = 2 from event_deliveries where endpoint_id = 2 and state = 'delivered'",
        )
        .await;
    assert_eq!(told.one.count(EVENTS), 1, "nothing is sent to what is gone");
    let shown = said(&told.rig, &["endpoints"]);
    assert!(shown.contains("paused") && shown.contains("HTTP 410"), "{shown}");
    let doctor = text(&output(PARAGON, &["doctor"], told.rig.environment()).stdout);
    assert!(
        doctor.contains("✗ events: endpoint 1") && doctor.contains("events resume 1"),
        "{doctor}"
    );
    let stuck: String = told.rig.value("select min(reason) from ops.stuck_jobs").await;
    assert_eq!(stuck, "its endpoint is paused: it answered HTTP 410: it is gone");

    said(&told.rig, &["resume", "1"]);
    told.rig.drain().await;

    assert_eq!(by_message(&told.one), by_message(&told.other));
    let again = paragon(&told.rig, &["resume", "1"]);
    assert!(text(&again.stderr).contains("is not paused"), "{}", text(&again.stderr));
    told.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_days_is_paused_and_none_of_its_events_is_lost() {
    let told = told().await;
    told.one.fault_always(EVENTS, Fault::Status(500));
    told.rig
        .deliver([told.rig.photo(&somebody(), CAFE), told.rig.photo(&somebody(), POTRAVINY)])
        .await;
    let failing = "select (select failures > 0 from event_endpoints where id = 1)
                      and (select count(*) = 2 from event_deliveries where endpoint_id = 2 and state = 'delivered')";
    told.rig.drain_until(failing).await;
    told.rig.wait_for_row("select count(*) = 2 from replies where state = 'sent'").await;

    let clock = Clock::held_at(told.rig.meta.now());
    let paused = "select state = 'paused' from event_endpoints where id = 1";
    let_pass(&told, &clock, TimeDelta::hours(1), 119, None).await;
    assert!(!told.rig.value::<bool>(paused).await, "it has five days");
    let_pass(&told, &clock, TimeDelta::hours(1), 4, Some(paused)).await;
    let reason: String = told.rig.value("select reason from event_endpoints where id = 1").await;
    assert_eq!(reason, "it has failed for days: it answered HTTP 500");
    assert_eq!(told.rig.count("ops.dead_jobs").await, 0);

    told.one.clear_faults();
    let desk = Desk::open(&told.rig.database_url);
    assert!(desk.page("/events").await.contains("it has failed for days"));
    let resumed = desk.post("/events/resume", &[("endpoint", "1")]).await;
    assert_eq!(resumed.status, 303, "{}", resumed.text());
    assert_eq!(desk.post("/events/resume", &[("endpoint", "1")]).await.status, 409);
    let act: String = told.rig.value("select action || ' ' || subject from audit_log").await;
    assert_eq!(act, "resume_endpoint event endpoint 1");
    desk.end().await;
    let_pass(&told, &clock, TimeDelta::minutes(1), 60, Some(ALL_DELIVERED)).await;
    assert_eq!(by_message(&told.one), by_message(&told.other));
    told.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_one_endpoint_alone_refuses_for_days_is_given_up_visibly() {
    let mut told = told().await;
    told.one.fault(EVENTS, &Fault::Status(422), 1);
    told.rig.deliver([told.rig.photo(&somebody(), CAFE)]).await;
    told.rig.drain_until("select failures = 1 from event_endpoints where id = 1").await;
    // The endpoint takes others meanwhile.
    let clock = Clock::held_at(told.rig.meta.now());
    let well = "update event_endpoints set failures = 0, failing_since = null, next_try_at = null";
    sqlx::query(well).execute(&told.rig.pool).await.unwrap();
    clock.advance(TimeDelta::days(5));
    told.one.advance(TimeDelta::days(5).to_std().unwrap());
    told.other.advance(TimeDelta::days(5).to_std().unwrap());
    told.one.fault(EVENTS, &Fault::Status(422), 1);
    let given_up = "select exists (select from event_deliveries where state = 'given_up')";
    let_pass(&told, &clock, TimeDelta::seconds(1), 5, Some(given_up)).await;

    let dead: String = told.rig.value("select reason from ops.dead_jobs").await;
    assert_eq!(dead, "endpoint 1: it answered HTTP 422");
    let doctor = text(&output(PARAGON, &["doctor"], told.rig.environment()).stdout);
    assert!(doctor.contains("--state given_up"), "{doctor}");
    let listed = said(&told.rig, &["list", "--state", "given_up"]);
    assert!(listed.contains("1 given_up, 2 delivered"), "{listed}");
    let event = listed.split_whitespace().find(|it| it.starts_with("evt_")).unwrap();
    let preview = said(&told.rig, &["redeliver", event, "--endpoint", "1"]);
    assert!(preview.contains("nothing was changed"), "{preview}");
    said(&told.rig, &["redeliver", event, "--endpoint", "1", "--yes"]);
    let_pass(&told, &clock, TimeDelta::seconds(1), 5, Some(ALL_DELIVERED)).await;

    assert_eq!(told.one.received().len(), 1);
    assert_eq!(told.other.received().len(), 1, "only where it was asked for");
    told.rig.end_with_dead_jobs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_redelivered_by_range_also_to_an_endpoint_that_came_later() {
    let told = told().await;
    let rig = &told.rig;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.deliver([rig.photo(&Sender::with_phone("420608111222", "Petr"), POTRAVINY)]).await;
    rig.drain().await;
    // As if the other endpoint had come only now.
    let late = "delete from event_deliveries where endpoint_id = 2";
    sqlx::query(late).execute(&rig.pool).await.unwrap();

    let preview: Value =
        serde_json::from_str(&said(rig, &["redeliver", "--since", "2026-01-01", "--json"]))
            .unwrap();
    assert_eq!(preview, json!({ "events": 2, "endpoints": 2, "redelivered": 0 }));
    let none = ["redeliver", "--until", "2026-01-01", "--yes", "--json"];
    let none: Value = serde_json::from_str(&said(rig, &none)).unwrap();
    assert_eq!(none["redelivered"], 0);
    said(rig, &["redeliver", "--type", "entry.booked", "--endpoint", "2", "--yes"]);
    rig.drain().await;

    assert_eq!(told.one.received().len(), 2);
    assert_eq!(told.other.received().len(), 4);
    assert_eq!(by_message(&told.one), by_message(&told.other), "under the same ids");
    told.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_taken_out_gets_nothing_and_goes_on_when_it_is_back() {
    let told = told().await;
    told.one.fault_always(EVENTS, Fault::Status(500));
    told.rig.deliver([told.rig.photo(&somebody(), CAFE)]).await;
    told.rig.drain_until("select failures > 0 from event_endpoints where id = 1").await;
    let store = paragon::store::Store::open(&told.rig.database_url, 1).unwrap();
    store.endpoints_are(&[told.other.url()], told.rig.meta.now()).await.unwrap();
    told.one.clear_faults();
    told.rig.deliver([told.rig.photo(&somebody(), POTRAVINY)]).await;
    told.rig.wait_for_row("select count(*) = 2 from messages").await;
    let state: String = told.rig.value("select state from event_endpoints where id = 1").await;
    assert_eq!(state, "retired");
    store.close().await;

    // A worker that starts says which there are: it is back.
    told.rig.drain().await;
    assert_eq!(by_message(&told.one).len(), 2);
    told.rig.end().await;
}

#[test]
fn what_events_are_signed_with_and_where_they_go_is_checked_at_the_start() {
    let refused = |settings: &[(&str, &str)]| {
        let all = [
            ("DATABASE_URL", "postgres://localhost/x"),
            ("WA_TOKEN", "t"),
            ("STRIPE_SECRET_KEY", "sk_test_x"),
        ];
        let source = Source::given([&all[..], settings].concat());
        WorkerSettings::from(&source).unwrap_err().to_string()
    };
    let url = ("EVENT_URLS", "https://example.com/events");
    assert!(refused(&[url]).starts_with("EVENT_SECRET: not set"));
    let said = refused(&[url, ("EVENT_SECRET", "s3cret")]);
    assert!(said.starts_with("EVENT_SECRET: want whsec_") && !said.contains("s3cret"), "{said}");
    let said = refused(&[("EVENT_URLS", "example.com"), ("EVENT_SECRET", SECRET)]);
    assert!(said.starts_with("EVENT_URLS: want http"), "{said}");
}
