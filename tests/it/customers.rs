//! One sender is one customer, whatever becomes of it at Stripe and however the number is written.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta};
use paragon::domain::sender::Phone;
use paragon::pipeline::ingress::verify::SigningSecrets;
use paragon::pipeline::ingress::verify_stripe::verify_stripe;
use paragon::pipeline::worker::{Pace, StepError};
use paragon::store::Store;
use serde_json::{Value, json};
use simulators::stripe::{NewCustomer, sign_webhook, wire_bytes};
use simulators::{Fault, Sender, StripeRoute};

use crate::outside::shared;
use crate::rig::{CAFE, Rig, TANKSTELLE, somebody};

const PHONE: &str = "420777123456";

/// Sends a photo from `sender`, works until nothing is left to do, and says whose entry it became.
async fn book(rig: &Rig, sender: &Sender) -> String {
    rig.deliver([rig.photo(sender, CAFE)]).await;
    rig.drain().await;
    rig.value("select customer_id from entries order by id desc limit 1").await
}

/// A customer of `phone` that is older than search's lag of an hour.
fn old_customer(rig: &Rig, phone: &str) -> String {
    rig.stripe.search_lag(Duration::from_hours(1));
    let created = Some(rig.stripe.now() - TimeDelta::days(200));
    let customer = NewCustomer { created, ..NewCustomer::with_metadata("whatsapp_phone", phone) };
    rig.stripe.add_customer(&customer)
}

async fn deliver(rig: &Rig, event: &Value) {
    assert_eq!(rig.stripe.deliver(event).await.unwrap(), 200);
}

fn metadata_of(rig: &Rig, id: &str) -> Value {
    rig.stripe.customers().into_iter().find(|it| it["id"] == id).unwrap()["metadata"].clone()
}

// --- what Stripe's webhooks tell --------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn only_a_fresh_webhook_with_stripes_signature_is_heard_and_each_event_once() {
    let rig = Rig::start().await;
    let id = rig.stripe.add_customer(&NewCustomer::with_metadata("whatsapp_phone", PHONE));
    let event = rig.stripe.set_metadata(&id, "tier", "gold").unwrap();
    let (bytes, now) = (wire_bytes(&event), rig.stripe.now().timestamp());
    let secret = rig.stripe.options().webhook_secret.clone();
    let forged = sign_webhook("whsec_of_somebody_else", now, &bytes);
    let recorded = sign_webhook(&secret, now - 400, &bytes);
    for signature in [None, Some("v1=00"), Some(forged.as_str()), Some(recorded.as_str())] {
        let status = rig.stripe.deliver_raw(bytes.clone(), signature).await.unwrap();
        assert_eq!(status, 400, "{signature:?}");
    }
    assert_eq!(rig.count("stripe_events").await, 0);

    let (one, two) = tokio::join!(rig.stripe.deliver(&event), rig.stripe.deliver(&event));
    assert_eq!((one.unwrap(), two.unwrap()), (200, 200));
    deliver(&rig, &event).await;
    assert_eq!(rig.count("stripe_events").await, 1);

    let mut other = event.clone();
    other["type"] = json!("invoice.paid");
    other["id"] = json!("evt_other");
    deliver(&rig, &other).await;
    assert_eq!(rig.count("stripe_events").await, 1, "events of other types are not kept");
    let unreadable = b"not an event";
    let signature = sign_webhook(&secret, now, unreadable);
    assert_eq!(rig.stripe.deliver_raw(*unreadable, Some(&signature)).await.unwrap(), 400);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_nobody_listens_to_stripe() {
    let rig = Rig::start_with(&[("STRIPE_WEBHOOK_SECRET", "")]).await;
    let id = rig.stripe.add_customer(&NewCustomer::with_metadata("whatsapp_phone", PHONE));
    let event = rig.stripe.delete_customer(&id).unwrap();
    assert_eq!(rig.stripe.deliver(&event).await.unwrap(), 404);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_customer_is_forgotten_at_once_although_search_still_shows_it() {
    let rig = Rig::start().await;
    let first = old_customer(&rig, PHONE);
    assert_eq!(book(&rig, &somebody()).await, first);
    let gone = rig.stripe.delete_customer(&first).unwrap();
    deliver(&rig, &gone).await;
    deliver(&rig, &gone).await;

    let second = book(&rig, &somebody()).await;
    assert_ne!(second, first);
    assert_eq!(rig.stripe.customers().len(), 1);
    // An older event that comes late changes nothing any more.
    let late = json!({ "id": "evt_late", "type": "customer.updated", "created": 1_700_000_000,
        "data": { "object": { "id": first, "metadata": { "whatsapp_phone": PHONE } } } });
    deliver(&rig, &late).await;
    assert_eq!(book(&rig, &somebody()).await, second);
    assert_eq!(rig.stripe.count(StripeRoute::CustomersCreate), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_was_given_to_somebody_else_is_not_booked_on_any_more() {
    let rig = Rig::start().await;
    let first = old_customer(&rig, PHONE);
    assert_eq!(book(&rig, &somebody()).await, first);
    let moved = rig.stripe.set_metadata(&first, "whatsapp_phone", "420777999888").unwrap();
    deliver(&rig, &moved).await;

    let second = book(&rig, &somebody()).await;
    assert_ne!(second, first);
    assert_eq!(metadata_of(&rig, &first), json!({ "whatsapp_phone": "420777999888" }));
    assert_eq!(metadata_of(&rig, &second), json!({ "whatsapp_phone": PHONE }));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_any_order_and_of_one_second_end_with_what_stripe_says() {
    let rig = Rig::start().await;
    let id = old_customer(&rig, PHONE);
    assert_eq!(book(&rig, &somebody()).await, id);
    let searches = rig.stripe.count(StripeRoute::CustomersSearch);
    // Nothing to ask: it is the sender's as before.
    deliver(&rig, &rig.stripe.set_metadata(&id, "tier", "gold").unwrap()).await;
    assert_eq!(book(&rig, &somebody()).await, id);
    assert_eq!(rig.stripe.count(StripeRoute::CustomersSearch), searches);

    let away = rig.stripe.set_metadata(&id, "whatsapp_phone", "420777999888").unwrap();
    let mut back = rig.stripe.set_metadata(&id, "whatsapp_phone", PHONE).unwrap();
    back["created"] = away["created"].clone();
    for event in [&back, &away, &back] {
        deliver(&rig, event).await;
    }
    assert_eq!(book(&rig, &somebody()).await, id, "as Stripe says when it is asked");
    assert_eq!(rig.stripe.count(StripeRoute::CustomersSearch), searches + 1);
    assert_eq!(rig.stripe.count(StripeRoute::CustomersCreate), 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_something_later_overtook_raises_no_doubt() {
    let rig = Rig::start().await;
    let id = old_customer(&rig, PHONE);
    assert_eq!(book(&rig, &somebody()).await, id);
    let away = rig.stripe.set_metadata(&id, "whatsapp_phone", "420777999888").unwrap();
    rig.stripe.advance(Duration::from_secs(2));
    let back = rig.stripe.set_metadata(&id, "whatsapp_phone", PHONE).unwrap();
    deliver(&rig, &back).await;
    deliver(&rig, &away).await;
    let doubted: bool = rig.value("select bool_or(raises_doubt) from stripe_events").await;
    assert!(!doubted);
    rig.end().await;
}

#[test]
fn published_signatures_of_stripe_hold_and_its_refusals_too() {
    let Some(folder) = shared("signature vectors of Stripe") else { return };
    let text = std::fs::read_to_string(folder.join("fixtures/vectors.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let mut checked = 0;
    for vector in vectors["stripe_signature"].as_array().unwrap() {
        let secrets = SigningSecrets::parse(vector["secret"].as_str().unwrap()).unwrap();
        let now = DateTime::from_timestamp(vector["now"].as_i64().unwrap(), 0).unwrap();
        let header = vector["header"].as_str().map(str::as_bytes);
        let body = STANDARD.decode(vector["payload_b64"].as_str().unwrap()).unwrap();
        // A time yet to come is left to whoever verifies; Stripe's own libraries accept it.
        let Some(valid) = vector["valid"].as_bool() else { continue };
        let holds = verify_stripe(&secrets, header, body, now).is_ok();
        assert_eq!(holds, valid, "{}", vector["name"]);
        checked += 1;
    }
    assert!(checked >= 11, "only {checked} vectors");
}

// --- asking again -----------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_search_does_not_show_yet_is_kept_when_it_is_asked_again() {
    let rig = Rig::start_with(&[("CUSTOMER_TTL_HOURS", "0")]).await;
    rig.stripe.search_lag(Duration::from_hours(1));
    let first = book(&rig, &somebody()).await;
    rig.stripe.fault(StripeRoute::CustomerGet, &Fault::INTERNAL_ERROR, 1);
    assert_eq!(book(&rig, &somebody()).await, first);
    assert_eq!(rig.stripe.customers().len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_deleted_while_nobody_listened_is_replaced_when_it_is_asked_again() {
    let rig = Rig::start_with(&[("CUSTOMER_TTL_HOURS", "0")]).await;
    rig.stripe.search_lag(Duration::from_hours(1));
    let first = book(&rig, &somebody()).await;
    rig.stripe.delete_customer(&first).unwrap();

    // Both find it gone at the same time.
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::Slow(Duration::from_secs(1)), 2);
    rig.deliver([rig.photo(&somebody(), CAFE), rig.photo(&somebody(), TANKSTELLE)]).await;
    rig.drain().await;

    let customers = rig.stripe.customers();
    assert_eq!(customers.len(), 1);
    let on_it: i64 = rig
        .value(&format!(
            "select count(*) from entries where customer_id = '{}'",
            customers[0]["id"].as_str().unwrap()
        ))
        .await;
    assert_eq!(on_it, 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_customers_for_one_sender_the_oldest_that_lives_is_taken() {
    let rig = Rig::start().await;
    let deleted = old_customer(&rig, PHONE);
    let old = old_customer(&rig, &format!("+{PHONE}"));
    rig.stripe.add_customer(&NewCustomer::with_metadata("whatsapp_phone", PHONE));
    rig.stripe.search_lag(Duration::ZERO);
    rig.stripe.delete_customer(&deleted).unwrap();
    assert_eq!(book(&rig, &somebody()).await, old);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_search_finds_the_customer_in_the_list() {
    let rig = Rig::start_with(&[("CUSTOMER_TTL_HOURS", "0")]).await;
    rig.stripe.without_search();
    let id = old_customer(&rig, PHONE);
    for number in 0..250 {
        let phone = format!("49151{number:07}");
        rig.stripe.add_customer(&NewCustomer::with_metadata("whatsapp_phone", &phone));
    }
    // A list that breaks off is not "none".
    rig.stripe.fault(StripeRoute::CustomersList, &Fault::Cut, 1);
    assert_eq!(book(&rig, &somebody()).await, id);
    let pages = rig.stripe.count(StripeRoute::CustomersList);
    assert_eq!(book(&rig, &somebody()).await, id);
    assert_eq!(
        rig.stripe.count(StripeRoute::CustomersList),
        pages,
        "one that is known is read by id"
    );
    assert_eq!(rig.stripe.count(StripeRoute::CustomersCreate), 0);

    let other = Sender::with_phone("420777999888", "Petr");
    let created = book(&rig, &other).await;
    assert_eq!(metadata_of(&rig, &created), json!({ "whatsapp_phone": "420777999888" }));
    rig.end().await;
}

// --- numbers with two ways of writing ---------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_of_writing_a_number_are_one_sender_and_neither_is_rewritten() {
    let rig = Rig::start().await;
    let before = old_customer(&rig, "+5531988887777");
    assert_eq!(book(&rig, &Sender::with_phone("553188887777", "Ana")).await, before);
    assert_eq!(book(&rig, &Sender::with_phone("5531988887777", "Ana")).await, before);
    assert_eq!(rig.count("senders").await, 1);
    assert_eq!(metadata_of(&rig, &before), json!({ "whatsapp_phone": "+5531988887777" }));
    assert_eq!(rig.stripe.count(StripeRoute::CustomersCreate), 0);

    // A new one is written down as Meta writes it, and answered where it wrote from.
    let photo = rig.photo(&Sender::with_phone("5491123456789", "Eva"), CAFE);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;
    let created: String =
        rig.value("select customer_id from entries order by id desc limit 1").await;
    assert_eq!(metadata_of(&rig, &created), json!({ "whatsapp_phone": "5491123456789" }));
    assert_eq!(rig.answers_to(&photo)[0].to.as_deref(), Some("5491123456789"));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_and_the_code_mean_the_same_number() {
    let rig = Rig::start().await;
    for digits in [
        "5531988887777",
        "553188887777",
        "551134567890",
        "5511934567890",
        "5501988887777",
        "5491123456789",
        "541123456789",
        "541123456",
        "54911234567890",
        "544123456789",
        "5215512345678",
        "525512345678",
        "520551234567",
        "52155123456789",
        "420777123456",
        "15551234567",
        "5511988887777",
        "550088887777",
    ] {
        sqlx::query("delete from senders").execute(&rig.pool).await.unwrap();
        let key: String =
            sqlx::query_scalar("insert into senders (phone) values ($1) returning phone_key")
                .bind(digits)
                .fetch_one(&rig.pool)
                .await
                .unwrap();
        assert_eq!(key, Phone::parse(digits).unwrap().key().as_str(), "{digits}");
    }
    rig.end().await;
}

// --- Stripe's patience with searches ----------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn searches_of_all_workers_together_keep_one_pace() {
    let rig = Rig::start().await;
    let stores = [1, 2].map(|_| Store::open(&rig.database_url, 2).unwrap());
    let paces = [1, 2].map(|_| Pace::new("stripe_search", 20));
    let began = tokio::time::Instant::now();
    let turns = (0..30).map(|it| paces[it % 2].turn(&stores[it % 2]));
    futures::future::try_join_all(turns).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(29 * 50), "{:?}", began.elapsed());

    sqlx::query("update paces set free_at = now() + interval '1 minute'")
        .execute(&rig.pool)
        .await
        .unwrap();
    let refused = paces[0].turn(&stores[0]).await.unwrap_err();
    assert!(matches!(refused, StepError::OutOfTurn(_)), "far off is not waited for: {refused:?}");
    for store in stores {
        store.close().await;
    }
    rig.end().await;
}
