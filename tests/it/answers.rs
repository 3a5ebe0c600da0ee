//! One answer to each photo, true and lawful to send.

use chrono::{DateTime, TimeDelta, Utc};
use paragon::clock::Clock;
use paragon::domain::ids::{AttemptId, ReplyId};
use paragon::domain::reply::Form;
use paragon::store::{Store, StoreError};
use simulators::meta::{Item, Statuses};
use simulators::{Fault, MetaRoute, Sender};

use crate::programs::{INGRESS, Running, free_port, ready};
use crate::rig::{CAFE, CAT, Rig, somebody, until};

const WINDOW_CLOSED: Fault = Fault::Refuse { status: 400, code: "131047" };

#[tokio::test(flavor = "multi_thread")]
async fn twenty_five_hours_after_the_message_the_answer_is_the_template() {
    let rig = Rig::start_with(&[("REPLY_LANGUAGE", "cs")]).await;
    let old = rig.meta.now() - TimeDelta::hours(25);
    let photo = rig.photo(&somebody(), CAFE).at(old);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    let answers = rig.answers_to(&photo);
    assert_eq!(answers.len(), 1);
    let template = answers[0].template.as_ref().unwrap();
    assert_eq!((template.name.as_str(), template.language.as_str()), ("receipt_result", "cs"));
    let parameters: Vec<&str> = template.parameters.iter().map(String::as_str).collect();
    assert_eq!(parameters, ["stravování", "22,40 £", "The Copper Kettle", "19. 11. 2026"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_before_the_window_closes_it_is_text_and_a_minute_after_the_template() {
    for (minutes, kind) in [(24 * 60 - 1, "interactive"), (24 * 60 + 1, "template")] {
        let rig = Rig::start().await;
        let photo = rig.photo(&somebody(), CAFE);
        let clock = Clock::held_at(photo_time(&photo));
        rig.deliver([photo.clone()]).await;

        let later = TimeDelta::minutes(minutes);
        clock.advance(later);
        rig.meta.advance(later.to_std().unwrap());
        rig.drain_at(&clock).await;

        let kinds: Vec<String> = rig.answers_to(&photo).into_iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [kind], "{minutes} minutes after the message");
        rig.end().await;
    }
}

/// Meta's time of a message: whole seconds.
fn photo_time(item: &Item) -> DateTime<Utc> {
    let seconds = item.body["timestamp"].as_str().unwrap().parse().unwrap();
    DateTime::from_timestamp(seconds, 0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_meta_sees_closed_turns_the_answer_into_the_template() {
    let rig = Rig::start().await;
    // The read mark goes to the same address, before the answer.
    rig.meta.fault(MetaRoute::Messages, &WINDOW_CLOSED, 2);
    let photo = rig.photo(&somebody(), CAFE);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    let answers = rig.answers_to(&photo);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].kind, "template");
    let refused =
        "select count(*) from send_attempts where outcome = 'refused' and error_code = 131047";
    assert_eq!(rig.value::<i64>(refused).await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_closed_under_way_is_told_by_webhook_and_answered_by_the_template() {
    let rig = Rig::start().await;
    rig.meta.statuses(Statuses::Failed(131_047));
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    rig.drain_until("select exists (select from send_attempts where delivery_error_code = 131047)")
        .await;
    rig.meta.statuses(Statuses::SentThenDelivered);

    rig.drain_until("select exists (select from send_attempts where form = 'template' and outcome = 'accepted')").await;

    let kinds: Vec<String> = rig.answers_to(&photo).into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, ["interactive", "template"]);
    rig.drain().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_sent_and_lost_on_the_way_back_is_not_sent_again() {
    let rig = Rig::start().await;
    let photo = rig.photo(&somebody(), CAT);
    let lost = Fault::DoneButAnswerLost;
    // Once for the read mark, once for the answer.
    rig.meta.fault(MetaRoute::Messages, &lost, 2);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.answers_to(&photo).len(), 1);
    assert_eq!(rig.value::<String>("select state from replies").await, "sent");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_surely_did_not_arrive_is_sent_again_after_the_echo_had_its_time() {
    let rig = Rig::start().await;
    let photo = rig.photo(&somebody(), CAT);
    rig.meta.fault(MetaRoute::Messages, &Fault::Cut, 2);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.answers_to(&photo).len(), 1);
    let gap =
        "select extract(epoch from max(intended_at) - min(intended_at))::float8 from send_attempts";
    assert!(rig.value::<f64>(gap).await >= 2.0, "ECHO_WAIT_S had not passed");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn echoes_in_the_wrong_order_and_before_the_answer_settle_the_same() {
    for statuses in [Statuses::DeliveredThenSent, Statuses::BeforeTheAnswer, Statuses::UntilRead] {
        let rig = Rig::start().await;
        rig.meta.statuses(statuses);
        let photo = rig.photo(&somebody(), CAT);

        rig.deliver([photo.clone()]).await;
        rig.drain().await;

        rig.hear_echoes().await;
        assert_eq!(rig.answers_to(&photo).len(), 1);
        assert_eq!(rig.count("parked_statuses").await, 0);
        let state: String = rig.value("select state from ops.messages").await;
        assert_eq!(state, "delivered");
        rig.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_helped_once_a_day_and_other_media_asked_for_a_photo() {
    let rig = Rig::start().await;
    let from = somebody();
    let other = Sender::with_phone("4915550100199", "Emil");
    let voice = rig.meta.add_media(&b"OggS"[..], "audio/ogg");
    let hello = rig.meta.text(&from, "hello");
    let spoken = rig.meta.voice(&from, &voice);
    let heart = rig.meta.reaction(&from, &hello.wamid, "❤");

    rig.deliver([hello.clone()]).await;
    rig.drain().await;
    let again = rig.meta.text(&from, "hello?");
    let elsewhere = rig.meta.text(&other, "hi");
    rig.deliver([again.clone(), spoken.clone(), heart.clone(), elsewhere.clone()]).await;
    rig.drain().await;

    let answered = |item| rig.answers_to(item).len();
    assert_eq!([&hello, &again, &spoken, &heart, &elsewhere].map(answered), [1, 0, 1, 0, 1]);
    assert_eq!(rig.stripe.asked().len(), 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_texts_at_the_same_moment_are_helped_once() {
    let rig = Rig::start().await;
    let texts = ["hi", "how does this work?", "anybody there?"];
    let texts = texts.map(|words| rig.meta.text(&somebody(), words));

    rig.deliver(texts).await;
    rig.drain().await;

    assert_eq!(rig.meta.sent().len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_counts_from_the_senders_last_message_not_from_the_photo() {
    let rig = Rig::start().await;
    let old = rig.photo(&somebody(), CAT).at(rig.meta.now() - TimeDelta::hours(30));
    let new = rig.meta.reaction(&somebody(), &old.wamid, "?");

    rig.deliver([old.clone(), new]).await;
    rig.drain().await;

    let kinds: Vec<String> = rig.answers_to(&old).into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, ["text"], "no template says this, and free words are lawful again");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_template_says_is_withheld_outside_the_window() {
    let rig = Rig::start().await;
    let old = rig.photo(&somebody(), CAT).at(rig.meta.now() - TimeDelta::hours(30));

    rig.deliver([old.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.answers_to(&old).len(), 0);
    assert_eq!(rig.value::<String>("select state from ops.messages").await, "withheld");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_overtakes_our_own_answer_without_an_echo_is_settled_with_it() {
    let rig = Rig::start().await;
    rig.meta.statuses(Statuses::Never);
    let photo = rig.photo(&somebody(), CAT);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;
    // As if it had come before we knew the message's id.
    let mut early = rig.answers_to(&photo)[0].clone();
    early.callback_data = None;
    let taken = "update send_attempts set wamid = null, outcome = null, settled_at = null
                 returning id";
    sqlx::query(taken).execute(&rig.pool).await.unwrap();
    rig.deliver([rig.meta.status(&early, "delivered")]).await;
    assert_eq!(rig.count("parked_statuses").await, 1);

    let store = paragon::store::Store::open(&rig.database_url, 1).unwrap();
    let id: uuid::Uuid = rig.value("select id from send_attempts").await;
    let wamid = paragon::domain::ids::Wamid::parse(&early.wamid).unwrap();
    let now = paragon::clock::Clock::system().now();
    store.send_accepted(paragon::domain::ids::AttemptId(id), &wamid, now).await.unwrap();

    assert_eq!(rig.count("parked_statuses").await, 0);
    assert_eq!(rig.value::<String>("select delivery from send_attempts").await, "delivered");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_of_somebody_elses_message_is_parked() {
    let rig = Rig::start().await;
    rig.deliver([rig.photo(&somebody(), CAT)]).await;
    rig.drain().await;
    let mut stranger = rig.meta.sent()[0].clone();
    stranger.wamid = "wamid.c29tZWJvZHkgZWxzZSdz".to_owned();
    stranger.callback_data = None;

    rig.deliver([rig.meta.status(&stranger, "delivered")]).await;

    assert_eq!(rig.count("parked_statuses").await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_out_and_counts_no_attempt() {
    let rig = Rig::start().await;
    let limit = Fault::TooManyRequests { retry_after: Some(1) };
    rig.meta.fault(MetaRoute::Messages, &limit, 3);
    let photo = rig.photo(&somebody(), CAT);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;
    until("the answer", || !rig.answers_to(&photo).is_empty()).await;

    assert_eq!(rig.answers_to(&photo).len(), 1);
    let waited = "select count(*) from apalis_lease.attempts where outcome = 'not_before'";
    assert_eq!(rig.value::<i64>(waited).await, 2, "the read mark is not worth a retry");
    let counted = "select max(attempt) from apalis_lease.done_jobs where queue = 'messages'";
    assert_eq!(rig.value::<i32>(counted).await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_unknown_outcome_waits_until_every_spool_is_empty() {
    let rig = Rig::start().await;
    // Another ingress runs, and webhooks lie in its spool.
    let holds = "insert into ingresses (id, seen_at) values (gen_random_uuid(), now())";
    sqlx::query(holds).execute(&rig.pool).await.unwrap();
    let photo = rig.photo(&somebody(), CAT);
    rig.meta.fault(MetaRoute::Messages, &Fault::Cut, 2);
    rig.deliver([photo.clone()]).await;
    let waited = "select exists (
                      select from send_attempts
                      where outcome is null and lost_at < now() - interval '5 seconds')";
    rig.drain_until(waited).await;
    assert_eq!(
        rig.answers_to(&photo).len(),
        0,
        "ECHO_WAIT_S of 2 s is over, the spool is not empty"
    );

    // It has replayed everything, and ends.
    let ended = "delete from ingresses where spool_empty_at is null";
    sqlx::query(ended).execute(&rig.pool).await.unwrap();
    rig.drain().await;
    assert_eq!(rig.answers_to(&photo).len(), 1);
    rig.end().await;
}

/// An echo may come between looking for it and sending again, however long Postgres makes that.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_an_echo_settled_meanwhile_is_not_followed_by_another() {
    let rig = Rig::start().await;
    rig.deliver([rig.photo(&somebody(), CAT)]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    let reply = ReplyId(rig.value("select id from replies where part = 'answer'").await);
    let store = Store::open(&rig.database_url, 1).unwrap();

    let again = AttemptId(uuid::Uuid::new_v4());
    let intended = store.intend_send(again, reply, 2, Form::Text, rig.meta.now()).await;

    assert!(matches!(intended, Err(StoreError::Overtaken { .. })), "{intended:?}");
    assert_eq!(rig.count("send_attempts").await, 1);
    store.close().await;
    rig.end().await;
}

/// It goes by the id of its spool: the one that was killed is not somebody else who owes an answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_ingress_that_was_killed_and_runs_again_is_not_waited_for() {
    let rig = Rig::start().await;
    let (port, spool) = (free_port(), tempfile::tempdir().unwrap());
    let mut settings = rig.environment().to_vec();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    settings.push(("SPOOL_DIR".into(), spool.path().to_str().unwrap().into()));
    let mut other = Running::start(INGRESS, &settings);
    rig.wait_for_row("select count(*) = 2 from ingresses where spool_empty_at is not null").await;
    other.kill();
    let killed_at: chrono::DateTime<chrono::Utc> = rig.value("select clock_timestamp()").await;
    let _again = Running::start(INGRESS, &settings);
    ready(port).await;
    let heard = format!("select count(*) = 2 from ingresses where spool_empty_at > '{killed_at}'");
    rig.wait_for_row(&heard).await;
    assert_eq!(rig.count("ingresses").await, 2);

    let photo = rig.photo(&somebody(), CAT);
    rig.meta.fault(MetaRoute::Messages, &Fault::Cut, 2);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.answers_to(&photo).len(), 1);
    rig.end().await;
}
