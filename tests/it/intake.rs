//! Webhooks that arrive together, photos within their bounds, and what the ingress counts.

use futures::future::join_all;
use paragon::domain::ids::Sha256;
use serde_json::{Value, json};
use simulators::meta::Sender;
use simulators::{Fault, MetaRoute};

use crate::rig::{CAFE, Rig, TANKSTELLE, somebody};

async fn deliver_all(rig: &Rig, payloads: &[Value]) {
    for answer in join_all(payloads.iter().map(|it| rig.meta.deliver(it))).await {
        assert_eq!(answer.unwrap().status, 200);
    }
}

fn texts(rig: &Rig, count: usize) -> Vec<Value> {
    (0..count).map(|_| rig.meta.webhook([rig.meta.text(&somebody(), "hi")])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_arrive_together_share_commits_and_each_is_there_once() {
    let rig = Rig::start().await;
    let mut payloads = texts(&rig, 100);
    // Meta is impatient: half of them come twice at the same moment.
    payloads.extend_from_within(..50);

    deliver_all(&rig, &payloads).await;

    assert_eq!(rig.count("messages").await, 100);
    assert_eq!(rig.count("apalis_lease.jobs").await, 100);
    let commits = rig.metric("paragon_ingress_commit_webhooks_count").await;
    assert!(commits < 100.0, "{commits} commits for 150 webhooks");
    assert!((rig.metric("paragon_ingress_commit_webhooks_sum").await - 150.0).abs() < 0.5);
    let accepted = rig.metric("paragon_ingress_webhooks_total{outcome=\"accepted\"}").await;
    assert!((accepted - 150.0).abs() < 0.5);
    let repeated = rig.metric("paragon_ingress_items_total{item=\"repeated\"}").await;
    assert!((repeated - 50.0).abs() < 0.5);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_postgres_never_takes_does_not_cost_those_that_share_its_commit() {
    let rig = Rig::start().await;
    sqlx::query(
        "alter table messages add constraint nobody_likes_it check (profile_name <> 'Bad')",
    )
    .execute(&rig.pool)
    .await
    .unwrap();
    let bad = Sender::with_phone("15550001111", "Bad");
    let mut payloads = texts(&rig, 60);
    for place in [3, 17, 40] {
        payloads.insert(place, rig.meta.webhook([rig.meta.text(&bad, "x")]));
    }

    deliver_all(&rig, &payloads).await;

    assert_eq!(rig.count("messages").await, 60, "all that are good, before their 200");
    let spooled = rig.metric("paragon_ingress_webhooks_total{outcome=\"spooled\"}").await;
    assert!((spooled - 3.0).abs() < 0.5, "the others are in the spool: {spooled}");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_messages_and_statuses_told_crosswise_at_once_neither_deadlock_nor_double() {
    let rig = Rig::start().await;
    let items: Vec<_> = (0..30).map(|_| rig.meta.text(&somebody(), "hi")).collect();
    let status = |number: usize, word: &str| json!({ "id": format!("wamid.S{number}"), "status": word, "timestamp": "1795400000" });
    let payload = |step: usize| {
        let mut order: Vec<usize> = (0..30).map(|it| (it * step) % 30).collect();
        order.dedup();
        let mut payload = rig.meta.webhook(order.iter().map(|it| items[*it].clone()));
        let statuses: Vec<Value> = order
            .iter()
            .flat_map(|it| [status(*it, "read"), status(*it, "sent"), status(*it, "read")])
            .collect();
        payload["entry"][0]["changes"][0]["value"]["statuses"] = json!(statuses);
        payload
    };
    let payloads: Vec<Value> = [1, 7, 11, 13, 17, 19, 23, 29].map(payload).into();

    deliver_all(&rig, &payloads).await;

    assert_eq!(rig.count("messages").await, 30);
    assert_eq!(rig.count("apalis_lease.jobs").await, 30);
    assert_eq!(rig.count("parked_statuses").await, 60);
    let spooled = rig.metric("paragon_ingress_webhooks_total{outcome=\"spooled\"}").await;
    assert!(spooled < 0.5, "{spooled} went to the spool");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_with_its_url_in_the_webhook_is_fetched_in_one_step() {
    let rig = Rig::start().await;
    let media = rig.meta.add_media(CAFE, "image/jpeg");
    let photo = rig.meta.photo(&somebody(), &media).with_url(&rig.meta.url_of(&media));
    rig.deliver([photo]).await;

    assert_eq!(rig.meta.count(MetaRoute::MediaObject), 0);
    assert_eq!(rig.meta.count(MetaRoute::MediaBytes), 1);
    assert_eq!(rig.value::<String>("select state from media").await, "stored");
    assert!(
        (rig.metric("paragon_ingress_media_total{outcome=\"inline\"}").await - 1.0).abs() < 0.5
    );
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_finds_no_room_in_memory_is_pending_and_fetched_later() {
    let room = [("MEDIA_IN_FLIGHT_MAX_BYTES", "100000"), ("MEDIA_BUDGET_MS", "700")];
    let rig = Rig::start_with(&room).await;
    let photos = [rig.photo(&somebody(), CAFE), rig.photo(&somebody(), TANKSTELLE)];
    rig.deliver(photos).await;

    let states = "select string_agg(state, ' ' order by state) from media";
    assert_eq!(rig.value::<String>(states).await, "pending stored");
    assert!(
        (rig.metric("paragon_ingress_media_total{outcome=\"no_room\"}").await - 1.0).abs() < 0.5
    );
    assert!(rig.metric("paragon_ingress_media_bytes_in_flight").await < 0.5, "given back");
    rig.drain().await;
    assert_eq!(rig.count("entries").await, 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_webhooks_do_not_wait_behind_photos_that_postgres_is_slow_to_take() {
    let rig = Rig::start().await;
    let mut holder = rig.pool.begin().await.unwrap();
    sqlx::query("lock table blobs in share mode").execute(&mut *holder).await.unwrap();
    let photos: Vec<Value> = (0..12)
        .map(|it| [CAFE, format!("{it}").as_bytes()].concat())
        .map(|bytes| rig.meta.webhook([rig.photo(&somebody(), &bytes)]))
        .collect();

    let texts = async {
        rig.meta.wait_for(MetaRoute::MediaBytes, 12, crate::rig::PATIENCE).await.unwrap();
        deliver_all(&rig, &texts(&rig, 20)).await;
        rig.value::<i64>("select count(*) from messages where kind = 'text'").await
    };
    let ((), there) = tokio::join!(deliver_all(&rig, &photos), texts);

    assert_eq!(there, 20, "while no photo could be written");
    holder.rollback().await.unwrap();
    let pending = "select count(*) from media where state = 'pending'";
    assert_eq!(
        rig.value::<i64>(pending).await,
        12,
        "each message is there, its photo to be fetched"
    );
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_photo_sent_by_two_people_is_kept_once() {
    let rig = Rig::start().await;
    let other = Sender::with_phone("420777654321", "Petr");
    let photos = [rig.photo(&somebody(), CAFE), rig.photo(&other, CAFE)];
    deliver_all(&rig, &photos.map(|it| rig.meta.webhook([it]))).await;

    assert_eq!(rig.count("media").await, 2);
    let kept: Vec<u8> = rig.value("select sha256 from blobs").await;
    assert_eq!(kept, Sha256::of(CAFE).as_bytes());
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_a_deleted_photo_a_reaction_and_an_edit_nothing_is_answered() {
    let rig = Rig::start().await;
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    let told = |kind: &str, content: Value| {
        let mut payload = rig.meta.webhook([rig.meta.text(&somebody(), "x")]);
        let message = &mut payload["entry"][0]["changes"][0]["value"]["messages"][0];
        message["type"] = json!(kind);
        message[kind] = content;
        payload
    };
    let of_photo = json!({ "original_message_id": photo.wamid });
    let mut payloads = vec![
        told("revoke", of_photo.clone()),
        told("edit", of_photo),
        rig.meta.webhook([rig.meta.unsupported(&somebody())]),
    ];
    payloads.push(rig.meta.webhook([rig.meta.reaction(&somebody(), &photo.wamid, "👍")]));
    deliver_all(&rig, &payloads).await;
    rig.drain().await;

    assert_eq!(rig.meta.sent().len(), 1, "the photo's answer and no other");
    let types = "select string_agg(type, ' ' order by type) from messages where kind = 'silent'";
    assert_eq!(rig.value::<String>(types).await, "edit reaction revoke unsupported");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_one_batch_stand_in_the_order_in_which_they_were_written() {
    let rig = Rig::start().await;
    let now = rig.meta.now();
    let minutes = |it| chrono::TimeDelta::minutes(it);
    let items = [3, 1, 2].map(|ago| {
        rig.meta.text(&somebody(), "x").at(now - minutes(ago)).with_wamid(&format!("wamid.{ago}"))
    });
    rig.deliver(items).await;
    let order = "select string_agg(wamid, ' ' order by id) from messages";
    assert_eq!(rig.value::<String>(order).await, "wamid.3 wamid.2 wamid.1");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn account_alerts_and_what_meta_may_add_are_kept_raw_and_counted() {
    let rig = Rig::start().await;
    let change = |field: &str, value: Value| json!({ "field": field, "value": value });
    let changes = [
        change(
            "phone_number_quality_update",
            json!({ "event": "FLAGGED", "current_limit": "TIER_50" }),
        ),
        change("account_update", json!({ "event": "DISABLED_UPDATE" })),
        change("account_alerts", json!({ "alert_type": "OBA_APPROVED" })),
        change("security", json!({ "event": "PIN_CHANGED" })),
        change("business_capability_update", json!({ "max_phone_numbers_per_business": 25 })),
        change("a field of tomorrow", json!({ "words": "\u{0}" })),
    ];
    let payload = json!({ "entry": [{ "id": "1", "changes": changes }] });
    for _ in 0..2 {
        assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);
    }

    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "select field, kind, items from ops.kept where reason = 'not_acted_on' order by field",
    )
    .fetch_all(&rig.pool)
    .await
    .unwrap();
    let of = |field: &str, kind: &str| (field.to_owned(), kind.to_owned(), 1_i64);
    assert_eq!(
        rows,
        [
            of("account_alerts", "OBA_APPROVED"),
            of("account_update", "DISABLED_UPDATE"),
            of("afieldoftomorrow", ""),
            of("business_capability_update", ""),
            of("phone_number_quality_update", "FLAGGED"),
            of("security", "PIN_CHANGED"),
        ]
    );
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_whose_fetching_hangs_holds_up_nobody_elses_webhook() {
    let rig = Rig::start_with(&[("MEDIA_BUDGET_MS", "3000")]).await;
    rig.meta.fault(MetaRoute::MediaObject, &Fault::Hang, 1);
    let slow = rig.meta.webhook([rig.photo(&somebody(), CAFE)]);
    let quick = async {
        rig.meta.wait_for(MetaRoute::MediaObject, 1, crate::rig::PATIENCE).await.unwrap();
        deliver_all(&rig, &texts(&rig, 5)).await;
        rig.count("messages").await
    };
    let (answer, there) = tokio::join!(rig.meta.deliver(&slow), quick);
    assert_eq!((answer.unwrap().status, there), (200, 5));
    rig.end().await;
}
