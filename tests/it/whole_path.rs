//! A photo becomes a booked entry and an answer.

use serde_json::json;
use simulators::{MetaRoute, Sender, StripeRoute};

use crate::rig::{CAFE, CAT, POTRAVINY, Rig, TANKSTELLE, TESSERACT, somebody};

type Entry = (String, Option<i64>, Option<String>, Option<String>, Option<String>, String);

async fn entries(rig: &Rig) -> Vec<Entry> {
    let query = "select state, total_minor, currency, merchant, category, receipt_date::text
                 from entries order by message_id";
    sqlx::query_as(query).fetch_all(&rig.pool).await.unwrap()
}

fn entry(total: i64, currency: &str, merchant: &str, category: &str, date: &str) -> Entry {
    let some = |it: &str| Some(it.to_owned());
    ("booked".into(), Some(total), some(currency), some(merchant), some(category), date.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photographed_receipt_is_booked_with_its_total_and_answered_once() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let photo = rig.photo(&somebody(), CAFE);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(
        entries(&rig).await,
        [entry(2240, "GBP", "The Copper Kettle", "meals", "2026-11-19")]
    );
    let answers = rig.answers_to(&photo);
    assert_eq!(answers.len(), 1);
    let said = answers[0].text.as_deref().unwrap();
    for word in ["Booked", "meals", "£22.40", "The Copper Kettle", "19 Nov 2026"] {
        assert!(said.contains(word), "{word} is not in: {said}");
    }
    let customers = rig.stripe.customers();
    assert_eq!(customers.len(), 1);
    assert_eq!(customers[0]["name"], "Jana Nováková");
    assert_eq!(customers[0]["metadata"], json!({ "whatsapp_phone": "420777123456" }));
    assert_eq!(rig.meta.marks().len(), 1, "the photo is marked as read, once");
    rig.hear_echoes().await;
    let state: String = rig.value("select state from ops.messages").await;
    assert_eq!(state, "delivered");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_in_three_languages_are_read_right() {
    let rig = Rig::start_with(&[TESSERACT, ("WORKER_OCR_CONCURRENCY", "2")]).await;
    let from = somebody();

    rig.deliver([rig.photo(&from, POTRAVINY), rig.photo(&from, TANKSTELLE)]).await;
    rig.drain().await;

    let mut read = entries(&rig).await;
    read.sort();
    let expected = [
        entry(8043, "EUR", "Tankhof Meisenbrunn", "fuel", "2026-11-14"),
        entry(33_546, "CZK", "POTRAVINY U LÍPY", "groceries", "2026-11-21"),
    ];
    assert_eq!(read, expected);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_two_entries_with_three_messages_and_a_status_is_handled_whole() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let (jana, emil) = (somebody(), Sender::with_phone("4915550100199", "Emil"));
    let (first, second) = (rig.photo(&jana, CAFE), rig.photo(&emil, TANKSTELLE));
    let words = rig.meta.text(&emil, "hello");
    let earlier = rig.photo(&jana, CAT);
    rig.deliver([earlier.clone()]).await;
    rig.drain().await;
    let read = rig.meta.status(&rig.answers_to(&earlier)[0], "read");

    let payload = rig.meta.batch([
        vec![rig.meta.change([first.clone()]), rig.meta.change([words.clone(), read])],
        vec![rig.meta.change([second.clone()])],
    ]);
    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);
    rig.drain().await;

    assert_eq!(entries(&rig).await.len(), 2);
    for item in [&first, &second, &words] {
        assert_eq!(rig.answers_to(item).len(), 1);
    }
    let seen: i64 = rig.value("select count(*) from send_attempts where delivery = 'read'").await;
    assert_eq!(seen, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cat_gets_a_kind_reply_and_neither_entry_nor_customer() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let photo = rig.photo(&somebody(), CAT);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.answers_to(&photo)[0].text.as_deref().unwrap().lines().count(), 1);
    assert_eq!(rig.count("entries").await, 0);
    assert_eq!(rig.stripe.asked().len(), 0, "Stripe is not even asked");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_over_the_budget_is_committed_as_pending_and_booked_all_the_same() {
    let rig = Rig::start_with(&[TESSERACT, ("MEDIA_BUDGET_MS", "100")]).await;
    let slow = simulators::Fault::Slow(std::time::Duration::from_secs(2));
    rig.meta.fault(MetaRoute::MediaBytes, &slow, 1);
    let photo = rig.photo(&somebody(), CAFE);

    rig.deliver([photo.clone()]).await;
    let state: String = rig.value("select state from media").await;
    let urgent: i16 = rig.value("select priority from apalis_lease.jobs").await;
    rig.drain().await;

    assert_eq!((state.as_str(), urgent), ("pending", 0), "pending, and of first priority");
    assert_eq!(entries(&rig).await.len(), 1);
    assert_eq!(rig.answers_to(&photo).len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_who_hides_the_number_is_a_customer_and_answered_by_user_id() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let hidden = Sender::with_user_id("CZ.13491208655302741918", "Skrytá");
    let photo = rig.photo(&hidden, CAFE);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    let answer = &rig.answers_to(&photo)[0];
    assert_eq!(answer.recipient.as_deref(), Some("CZ.13491208655302741918"));
    assert_eq!(answer.to, None);
    let metadata = &rig.stripe.customers()[0]["metadata"];
    assert_eq!(*metadata, json!({ "whatsapp_user_id": "CZ.13491208655302741918" }));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_sender_costs_stripe_no_call() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    let asked = rig.stripe.asked().len();

    rig.deliver([rig.photo(&somebody(), TANKSTELLE)]).await;
    rig.drain().await;

    assert_eq!(entries(&rig).await.len(), 2);
    assert_eq!(rig.stripe.asked().len(), asked);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_was_there_before_us_is_found_with_or_without_plus() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let before = simulators::stripe::NewCustomer::with_metadata("whatsapp_phone", "+420777123456");
    let id = rig.stripe.add_customer(&before);

    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    let customer: String = rig.value("select customer_id from entries").await;
    assert_eq!(customer, id);
    assert_eq!(rig.stripe.count(StripeRoute::CustomersCreate), 0);
    rig.end().await;
}
