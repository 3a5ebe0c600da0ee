//! What has reached its age goes, and nothing that anybody is still owed.

use chrono::TimeDelta;
use paragon::clock::Clock;
use paragon::domain::retention::Retention;
use paragon::settings::{Source, WorkerSettings};
use paragon::store::Store;

use crate::rig::{CAFE, POTRAVINY, Rig, cluster, somebody};

/// A worker does this each hour; nobody is owed what goes.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_outlived_its_use_is_removed_and_nothing_else() {
    let cluster = cluster().await;
    let url = cluster.create_database("tidy").await.unwrap();
    let store = paragon::store::Store::open(&url, 2).unwrap();
    store.migrate().await.unwrap();
    sqlx::raw_sql(
        "insert into parked_statuses (wamid, delivery, told_at, received_at)
         values ('old', 'sent', now(), now() - interval '8 days'), ('new', 'sent', now(), now());
         insert into apalis_lease.done_jobs (id, queue, priority, run_at, attempt, max_attempts, run,
                                             payload, created_at, done_at)
         select id, 'messages', 1, now(), 1, 3, 1, '{}', now(), now() - make_interval(days => 28 + id::int)
         from generate_series(1, 5) as id;
         insert into blobs (sha256, mime, bytes, stored_at)
         select sha256(name::bytea), 'image/jpeg', name::bytea, now() - age
         from (values ('orphan', interval '2 days'), ('young orphan', interval '2 hours'),
                      ('of a message', interval '2 days')) as given (name, age);
         insert into messages (wamid, phone_number_id, phone, kind, sent_at, received_at, accepted_at, raw)
         values ('wamid.1', '1', '420777123456', 'media', now(), now(), now(), '');
         insert into media (message_id, media_id, declared_mime, state, sha256)
         select id, '1', '', 'stored', sha256('of a message') from messages;",
    )
    .execute(store.pool())
    .await
    .unwrap();

    store.tidy(&Retention::default(), Clock::system().now()).await.unwrap();

    let parked: Vec<String> = sqlx::query_scalar("select wamid from parked_statuses")
        .fetch_all(store.pool())
        .await
        .unwrap();
    let done: Vec<i64> = sqlx::query_scalar("select id from apalis_lease.done_jobs order by id")
        .fetch_all(store.pool())
        .await
        .unwrap();
    assert_eq!((parked, done), (vec!["new".to_owned()], vec![1]));
    let photos: Vec<Vec<u8>> = sqlx::query_scalar("select bytes from blobs order by bytes")
        .fetch_all(store.pool())
        .await
        .unwrap();
    assert_eq!(photos, [b"of a message".to_vec(), b"young orphan".to_vec()]);
    store.close().await;
}

/// Photos of two ages, the older one twice; then what a worker does each hour.
async fn aged(wishes: &[(&str, &str)]) -> Rig {
    let rig = Rig::start_with(wishes).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    let older = "with older as (
                     update messages set accepted_at = accepted_at - interval '10 days' returning id),
                 bytes as (
                     update blobs set stored_at = stored_at - interval '10 days' returning sha256)
                 select (select count(*) from older) = (select count(*) from bytes)";
    assert!(rig.value::<bool>(older).await);
    rig.deliver([rig.photo(&somebody(), POTRAVINY)]).await;
    rig.drain().await;
    rig
}

async fn tidy(rig: &Rig) {
    let store = Store::open(&rig.database_url, 1).unwrap();
    let settings = WorkerSettings::from(&Source::given(rig.environment().to_vec())).unwrap();
    for _ in 0..2 {
        store.tidy(&settings.retention, Clock::system().now()).await.unwrap();
    }
    store.close().await;
}

const PHOTOS: &str = "select array_agg(media.state order by messages.id)
                      from messages join media on media.message_id = messages.id";

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_goes_at_its_age_and_its_entry_and_message_id_stay() {
    let rig = aged(&[("RETAIN_PHOTOS_DAYS", "9")]).await;

    tidy(&rig).await;

    assert_eq!(rig.value::<Vec<String>>(PHOTOS).await, ["lost", "stored"]);
    assert_eq!(rig.count("blobs").await, 1);
    assert_eq!(rig.count("entries").await, 2);
    assert_eq!(rig.count("message_ids").await, 2);
    let why = "select reason from media where state = 'lost'";
    assert_eq!(rig.value::<String>(why).await, "removed after RETAIN_PHOTOS_DAYS");
    assert_eq!(rig.value::<i64>("select count(*) from messages where raw <> ''").await, 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_another_message_has_too_keeps_its_bytes() {
    let rig = aged(&[("RETAIN_PHOTOS_DAYS", "9")]).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    tidy(&rig).await;

    assert_eq!(rig.value::<Vec<String>>(PHOTOS).await, ["lost", "stored", "stored"]);
    assert_eq!(rig.count("blobs").await, 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_whose_answer_is_owed_stays_whatever_its_age() {
    let rig = Rig::start_with(&[("RETAIN_PHOTOS_DAYS", "8")]).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    let older = "with older as (
                     update messages set accepted_at = accepted_at - interval '90 days' returning id)
                 select count(*) from older";
    assert_eq!(rig.value::<i64>(older).await, 1);

    tidy(&rig).await;

    assert_eq!(rig.value::<Vec<String>>(PHOTOS).await, ["stored"]);
    rig.drain().await;
    assert_eq!(rig.count("entries").await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_and_the_words_that_were_read_go_at_ages_of_their_own() {
    let rig = aged(&[("RETAIN_RAW_DAYS", "9"), ("RETAIN_HISTORY_DAYS", "20")]).await;
    let payloads = "select array_agg(raw = '' order by id) from messages";
    let words = "select array_agg(merchant is null order by message_id) from readings";

    tidy(&rig).await;
    assert_eq!(rig.value::<Vec<bool>>(payloads).await, [true, false]);
    assert_eq!(rig.value::<Vec<bool>>(words).await, [false, false]);

    let store = Store::open(&rig.database_url, 1).unwrap();
    let history = Retention { history: Some(TimeDelta::days(9)), ..Retention::default() };
    store.tidy(&history, Clock::system().now()).await.unwrap();
    store.close().await;
    assert_eq!(rig.value::<Vec<bool>>(words).await, [true, false]);
    let merchant = "select merchant is not null from entries order by id limit 1";
    assert!(rig.value::<bool>(merchant).await, "an entry keeps its own");
    assert_eq!(rig.value::<Vec<String>>(PHOTOS).await, ["stored", "stored"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_one_step_of_messages_and_counts_goes_at_once() {
    let cluster = cluster().await;
    let url = cluster.create_database("steps").await.unwrap();
    let store = Store::open(&url, 2).unwrap();
    store.migrate().await.unwrap();
    sqlx::raw_sql(
        "insert into messages (wamid, phone_number_id, phone, kind, sent_at, received_at, accepted_at, raw)
         select 'wamid.' || n, '1', '420777123456', 'text', at, at, at, 'raw'
         from generate_series(1, 2600) as n, lateral (select now() - (2700 - n) * interval '1 hour' as at) as past;
         insert into step_minutes (minute, step)
         select now() - n * interval '1 hour', 'message' from generate_series(1, 2600) as n;
         insert into failure_hours (hour, step, outcome, reason, failures, last_at)
         values (now() - interval '40 days', 'reply', 'retry', 'old', 1, now()),
                (now() - interval '4 days', 'reply', 'retry', 'new', 1, now())",
    )
    .execute(store.pool())
    .await
    .unwrap();

    // Two workers at it at once do no harm.
    let (kept, now) = (Retention::default(), Clock::system().now());
    let (one, other) = tokio::join!(store.tidy(&kept, now), store.tidy(&kept, now));
    one.and(other).unwrap();
    store.tidy(&kept, now).await.unwrap();

    let left = "select array[
                    (select count(*) from messages where raw <> ''),
                    (select count(*) from messages where raw <> '' and accepted_at < now() - interval '90 days'),
                    (select count(*) from step_minutes), (select count(*) from failure_hours)]";
    let left: Vec<i64> = sqlx::query_scalar(left).fetch_one(store.pool()).await.unwrap();
    // Of messages up to 100 hours ago those of 90 days, of counts those of 30.
    assert_eq!(left, [90 * 24 - 100, 0, 30 * 24 - 1, 1]);
    store.close().await;
}

#[test]
fn an_age_at_which_meta_still_delivers_is_refused() {
    let mut settings: Vec<(&str, &str)> =
        ["DATABASE_URL", "WA_TOKEN", "STRIPE_SECRET_KEY"].map(|it| (it, "x")).to_vec();
    settings.push(("RETAIN_RAW_DAYS", "7"));
    let error = WorkerSettings::from(&Source::given(settings)).unwrap_err().to_string();
    assert!(error.starts_with("RETAIN_RAW_DAYS: want 0 (for ever) or at least 8 days"), "{error}");
}
