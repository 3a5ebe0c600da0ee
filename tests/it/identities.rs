//! Who changes their number or user id stays the same sender, with one customer and all entries.

use chrono::TimeDelta;
use serde_json::Value;
use simulators::{Sender, StripeRoute};

use crate::programs::{PARAGON, output, text};
use crate::rig::{CAFE, POTRAVINY, Rig, TANKSTELLE};

const OLD: &str = "420777123456";
const NEW: &str = "420608111222";

fn jana(phone: &str) -> Sender {
    Sender::with_phone(phone, "Jana")
}

/// Sends a photo from `sender`, and says on which customer it was booked.
async fn book(rig: &Rig, sender: &Sender, photo: &[u8]) -> String {
    rig.deliver([rig.photo(sender, photo)]).await;
    rig.drain().await;
    rig.value("select customer_id from entries order by id desc limit 1").await
}

fn phones(rig: &Rig) -> Vec<Value> {
    rig.stripe.customers().iter().map(|it| it["metadata"]["whatsapp_phone"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_their_number_keeps_the_customer_and_stripe_is_told() {
    let rig = Rig::start().await;
    let before = book(&rig, &jana(OLD), CAFE).await;

    let change = rig.meta.changed_number(&jana(OLD), NEW);
    let payload = rig.deliver([change]).await;
    rig.drain().await;
    assert_eq!(phones(&rig), [NEW]);
    let asked = rig.stripe.asked().len();
    // Told again, by Meta or by a job that died: nothing more comes of it.
    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);
    rig.drain().await;
    assert_eq!(rig.stripe.asked().len(), asked);

    assert_eq!(book(&rig, &jana(NEW), POTRAVINY).await, before);
    assert_eq!(rig.stripe.count(StripeRoute::CustomersCreate), 1);
    let senders = "select count(distinct sender_id) from entries";
    assert_eq!(rig.value::<i64>(senders).await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_wrote_before_the_change_was_told_is_linked_and_the_older_customer_stays() {
    let rig = Rig::start().await;
    let older = book(&rig, &jana(OLD), CAFE).await;
    let newer = book(&rig, &jana(NEW), POTRAVINY).await;
    assert_ne!(older, newer, "nobody could know yet");

    rig.deliver([rig.meta.changed_number(&jana(OLD), NEW)]).await;
    rig.drain().await;

    let customers = "select string_agg(distinct customer_id, ' ') from entries";
    assert_eq!(rig.value::<String>(customers).await, older);
    let kept = "select was || ' ' || became from entry_revisions where what = 'customer'";
    assert_eq!(rig.value::<String>(kept).await, format!("{newer} {older}"));
    let doubled = "select customer_id || ' ' || other_customer_id from doubled_customers";
    assert_eq!(rig.value::<String>(doubled).await, format!("{older} {newer}"));
    let doctor = output(PARAGON, &["doctor"], rig.environment());
    assert_eq!(doctor.status.code(), Some(1));
    let told = text(&doctor.stdout);
    assert!(told.contains(&format!("{newer} besides {older}")), "{told}");
    assert_eq!(book(&rig, &jana(NEW), TANKSTELLE).await, older);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_from_before_the_change_is_the_same_senders_and_the_old_number_may_be_given_away() {
    let rig = Rig::start().await;
    let before = book(&rig, &jana(OLD), CAFE).await;
    let now = rig.meta.now();
    let change = rig.meta.changed_number(&jana(OLD), NEW).at(now - TimeDelta::minutes(10));
    rig.deliver([change]).await;
    rig.drain().await;

    let late = rig.photo(&jana(OLD), POTRAVINY).at(now - TimeDelta::minutes(20));
    rig.deliver([late]).await;
    rig.drain().await;
    let theirs: String =
        rig.value("select customer_id from entries order by id desc limit 1").await;
    assert_eq!(theirs, before);

    let somebody_else = Sender::with_phone(OLD, "Petr");
    assert_ne!(book(&rig, &somebody_else, TANKSTELLE).await, before);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_user_id_is_the_same_sender() {
    let rig = Rig::start().await;
    let hidden = Sender::with_user_id("CZ.13491208655302741918", "Jana");
    let before = book(&rig, &hidden, CAFE).await;

    rig.deliver([rig.meta.changed_user_id(&hidden, "CZ.20000000000000000001")]).await;
    rig.drain().await;
    let moved = Sender::with_user_id("CZ.20000000000000000001", "Jana");

    assert_eq!(book(&rig, &moved, POTRAVINY).await, before);
    assert_eq!(rig.stripe.customers().len(), 1);
    let told = rig.stripe.customers()[0]["metadata"]["whatsapp_user_id"].clone();
    assert_eq!(told, "CZ.20000000000000000001");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_only_stripe_knows_follows_the_changed_number_once_they_write() {
    let rig = Rig::start().await;
    let customer = simulators::stripe::NewCustomer::with_metadata("whatsapp_phone", OLD);
    let theirs = rig.stripe.add_customer(&customer);
    rig.deliver([rig.meta.text(&jana(OLD), "hello")]).await;
    rig.drain().await;

    rig.deliver([rig.meta.changed_number(&jana(OLD), NEW)]).await;
    rig.drain().await;

    assert_eq!(phones(&rig), [NEW]);
    assert_eq!(book(&rig, &jana(NEW), CAFE).await, theirs);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_somebody_unknown_is_kept_and_does_nothing() {
    let rig = Rig::start().await;
    rig.deliver([rig.meta.changed_number(&jana(OLD), NEW)]).await;
    rig.drain().await;

    assert_eq!(rig.count("senders").await, 0);
    assert_eq!(rig.count("moves").await, 1);
    assert_eq!(rig.stripe.asked().len(), 0);
    rig.end().await;
}
