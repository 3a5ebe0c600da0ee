//! What the pages show of messages that came the whole way, and that a number never leaves its form.

use super::Desk;
use crate::rig::{CAFE, CAT, Rig, TESSERACT, somebody};

#[tokio::test(flavor = "multi_thread")]
async fn a_messages_page_shows_photo_reading_attempts_and_answer() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    // The processes open a trace; here nobody listens to one.
    let trace = "update messages
                 set trace_parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'";
    sqlx::query(trace).execute(&rig.pool).await.unwrap();
    rig.drain().await;
    rig.hear_echoes().await;
    let desk = Desk::open(&rig.database_url);

    let page = desk.page("/messages/1").await;
    let photo = desk.get("/messages/1/photo").await;

    for shown in [
        "delivered",
        "The Copper Kettle",
        "22.40",
        "percent sure",
        "Read by tesseract",
        "Booked ✓",
        "Customer known",
        "Jobs and attempts",
        "local_reading",
        "/entries/1",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(page.contains("0af7651916cd43dd8448eb211c80319c"), "the trace id");
    assert_eq!(photo.body, CAFE);
    assert_eq!(photo.header("content-type"), "image/jpeg");
    assert_eq!(photo.header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(photo.header("cache-control"), "no-store");
    assert_eq!(photo.header("x-content-type-options"), "nosniff");
    assert_eq!(desk.get("/messages/99").await.status, 404);
    assert_eq!(desk.get("/messages/99/photo").await.status, 404);
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_found_by_number_state_and_day_and_the_number_is_in_no_address() {
    let rig = Rig::start().await;
    let other = simulators::Sender::with_phone("5511987654321", "Ana");
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.deliver([rig.photo(&other, CAT)]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    let desk = Desk::open(&rig.database_url);

    // Without the ninth digit: the same person.
    let found = desk.post("/messages/find", &[("phone", "+55 11 8765-4321")]).await;
    let nobody = desk.post("/messages/find", &[("phone", "+420 602 000 000")]).await;
    let nonsense = desk.post("/messages/find", &[("phone", "Ana")]).await;

    let place = found.header("location").to_owned();
    assert!(place.starts_with("/messages?sender="), "{place} {}", found.text());
    let theirs = desk.page(&place).await;
    assert!(theirs.contains("/messages/2\"") && !theirs.contains("/messages/1\""), "{theirs}");
    assert_eq!((nobody.status, nonsense.status), (422, 422));
    assert!(!nobody.text().contains("602"), "what was typed is not repeated");
    let acts: String =
        rig.value("select string_agg(audit_log::text, ' ' order by id) from audit_log").await;
    assert!(acts.contains("find_person") && !acts.contains("8765"), "{acts}");
    let delivered = desk.page("/messages?state=delivered").await;
    assert!(delivered.contains("/messages/1\"") && delivered.contains("/messages/2\""));
    assert!(desk.page("/messages?state=lost").await.contains("None found"));
    assert!(desk.page("/messages?to=2020-01-01").await.contains("None found"));
    assert!(desk.page("/messages?from=2020-01-01").await.contains("/messages/1\""));
    assert_eq!(desk.get("/messages?id=%232").await.header("location"), "/messages/2");
    assert_eq!(desk.get("/messages?from=soon").await.status, 422);
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_back_through_all_messages_without_gap_or_repetition() {
    let rig = Rig::start().await;
    let many = "insert into messages (wamid, phone_number_id, phone, kind, sent_at, received_at,
                                      accepted_at, raw)
                select 'w' || n, '1', '420777123456', case when n % 600 = 0 then 'media' else 'text' end,
                       at, at, at, ''
                from (select n, timestamptz '2026-11-01' + n * interval '10 minutes' as at
                      from generate_series(1, 3000) as n) as given";
    sqlx::query(many).execute(&rig.pool).await.unwrap();
    let lost = "insert into media (message_id, media_id, declared_mime, state, reason)
                select id, '1', '', 'lost', 'gone' from messages where kind = 'media'";
    sqlx::query(lost).execute(&rig.pool).await.unwrap();
    let desk = Desk::open(&rig.database_url);

    let all = walk(&desk, "/messages").await;
    let rare = walk(&desk, "/messages?state=lost").await;
    let day = walk(&desk, "/messages?from=2026-11-03&to=2026-11-03").await;

    assert_eq!(all, (1..=3000).rev().collect::<Vec<i64>>());
    assert_eq!(rare, [3000, 2400, 1800, 1200, 600]);
    let first: i64 =
        rig.value("select min(id) from messages where accepted_at >= '2026-11-03Z'").await;
    assert_eq!(day, (first..first + 144).rev().collect::<Vec<i64>>());
    desk.end().await;
    rig.end().await;
}

/// The ids on this page and all that its links lead back to.
async fn walk(desk: &Desk, place: &str) -> Vec<i64> {
    let (mut ids, mut place) = (Vec::new(), Some(place.to_owned()));
    while let Some(here) = place {
        let page = desk.page(&here).await;
        ids.extend(
            page.split("<a href=\"/messages/")
                .skip(1)
                .map(|it| it.split('"').next().unwrap().parse::<i64>().unwrap()),
        );
        let link = page.split("<a class=\"button\" href=\"").nth(1);
        place = link.map(|it| it.split('"').next().unwrap().replace("&amp;", "&"));
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_and_all_other_pages_stand_before_anything_has_happened() {
    let rig = Rig::start().await;
    let desk = Desk::open(&rig.database_url);
    for (path, shown) in [
        ("/", "Oldest ready job waits"),
        ("/queue", "No worker is running"),
        ("/messages", "None found"),
        ("/entries", "None found"),
        ("/dead", "Nothing has given up"),
        ("/numbers", "nothing has arrived"),
        ("/events", "events go nowhere"),
        ("/audit", "Nothing was done yet"),
    ] {
        let page = desk.page(path).await;
        assert!(page.contains(shown), "{path}: {page}");
        assert!(page.contains("data-live"), "{path} keeps itself up to date");
    }
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_shows_steps_failures_and_what_waits() {
    let rig = Rig::start().await;
    rig.stripe.fault(simulators::StripeRoute::CustomersSearch, &simulators::Fault::Status(500), 1);
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain_until("select count(*) > 0 from ops.failures").await;
    let desk = Desk::open(&rig.database_url);

    let page = desk.page("/").await;

    assert!(page.contains("match customer") && page.contains("500"), "{page}");
    rig.drain().await;
    desk.end().await;
    rig.end().await;
}
