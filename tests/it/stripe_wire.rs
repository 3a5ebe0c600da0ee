//! What our Stripe client says on the wire, and what it makes of the answers: against the
//! simulator over real HTTP, and against Stripe's own schema.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail as loudly as a test")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use paragon::clients::stripe::{FoundCustomer, NewCustomer, Stripe, StripeError};
use paragon::clients::{Http, Secret};
use paragon::domain::ids::CustomerId;
use paragon::domain::retry::Verdict;
use paragon::domain::sender::{Phone, ProfileName, Sender, UserId};
use simulators::stripe::NewCustomer as Known;
use simulators::{Fault, Stripe as Simulator, StripeOptions, StripeRoute};

use crate::vendor_schemas;

const PHONE: &str = "420777123456";
const USER_ID: &str = "CZ.13491208655302741918";

struct Wire {
    simulator: Simulator,
    stripe: Stripe,
}

fn wire() -> Wire {
    let simulator = Simulator::start(StripeOptions::default()).unwrap();
    // With the slash that people write.
    let base = format!("{}/", simulator.base_url());
    let key = Secret::new(&simulator.options().secret_key);
    let stripe = Stripe::new(Http::new().unwrap(), &base, &key).unwrap();
    Wire { simulator, stripe }
}

fn sender(phone: Option<&str>, user_id: Option<&str>) -> Sender {
    let phone = phone.map(|it| Phone::parse(it).unwrap());
    Sender::known_by(phone, user_id.and_then(UserId::parse)).unwrap()
}

fn jana() -> Sender {
    sender(Some(PHONE), None)
}

fn new_customer(name: &str) -> NewCustomer {
    let sender = sender(Some(PHONE), Some(USER_ID));
    NewCustomer { sender, name: ProfileName::parse(name) }
}

fn ids(found: &[FoundCustomer]) -> Vec<&str> {
    found.iter().map(|it| it.id.0.as_str()).collect()
}

fn known(metadata: (&str, &str), created: DateTime<Utc>) -> Known {
    Known { created: Some(created), ..Known::with_metadata(metadata.0, metadata.1) }
}

async fn create(wire: &Wire, name: &str, key: &str) -> Result<CustomerId, StripeError> {
    wire.stripe.create_customer(&new_customer(name), key).await
}

#[tokio::test]
async fn the_plus_of_a_number_travels_escaped() {
    let wire = wire();
    wire.stripe.customers_with(&jana()).await.unwrap();
    let asked = wire.simulator.asked_on(StripeRoute::CustomersSearch).remove(0);
    assert_eq!(asked.path, "/v1/customers/search");
    assert!(asked.query.contains("%2B420777123456"), "{}", asked.query);
    assert_eq!(
        asked.param("query").unwrap(),
        "metadata['whatsapp_phone']:'420777123456' OR metadata['whatsapp_phone']:'+420777123456'"
    );
    assert_eq!(asked.bearer(), Some(wire.simulator.options().secret_key.as_str()));
    assert!(asked.header("stripe-version").unwrap() >= "2020-08-27");
}

#[tokio::test]
async fn a_sender_is_found_however_the_number_was_written_down_oldest_first() {
    let wire = wire();
    let now = wire.simulator.now();
    let [new, old, other] = [("+420777123456", 1), ("420777123456", 9), ("+420777123457", 5)]
        .map(|(phone, days)| (("whatsapp_phone", phone), now - TimeDelta::days(days)))
        .map(|(metadata, created)| wire.simulator.add_customer(&known(metadata, created)));
    let by_id = known(("whatsapp_user_id", USER_ID), now - TimeDelta::days(20));
    let by_id = wire.simulator.add_customer(&by_id);

    let found = wire.stripe.customers_with(&jana()).await.unwrap();
    assert_eq!(ids(&found), [old.as_str(), new.as_str()]);
    assert!(!ids(&found).contains(&other.as_str()));

    let found = wire.stripe.customers_with(&sender(None, Some(USER_ID))).await.unwrap();
    assert_eq!(ids(&found), [by_id.as_str()]);

    let both = sender(Some(PHONE), Some(USER_ID));
    let found = wire.stripe.customers_with(&both).await.unwrap();
    assert_eq!(ids(&found), [by_id.as_str(), old.as_str(), new.as_str()]);
    assert_eq!(wire.simulator.count(StripeRoute::CustomersSearch), 3);
}

#[tokio::test]
async fn what_search_does_not_show_yet_the_list_does() {
    let wire = wire();
    wire.simulator.search_lag(Duration::from_mins(1));
    let before = wire.simulator.now() - TimeDelta::seconds(2);
    let id = create(&wire, "Jana", "try-1").await.unwrap();

    assert_eq!(wire.stripe.customers_with(&jana()).await.unwrap(), []);
    let listed = wire.stripe.customers_created_since(&jana(), before).await.unwrap();
    assert_eq!(ids(&listed), [id.0.as_str()]);
    let later = before + TimeDelta::hours(1);
    assert_eq!(wire.stripe.customers_created_since(&jana(), later).await.unwrap(), []);

    wire.simulator.advance(Duration::from_mins(2));
    assert_eq!(ids(&wire.stripe.customers_with(&jana()).await.unwrap()), [id.0.as_str()]);
}

#[tokio::test]
async fn a_customer_is_found_behind_a_hundred_newer_ones() {
    let wire = wire();
    let since = wire.simulator.now() - TimeDelta::seconds(2);
    let id = create(&wire, "Jana", "try-1").await.unwrap();
    for number in 0..250 {
        let phone = format!("49151{number:07}");
        wire.simulator.add_customer(&Known::with_metadata("whatsapp_phone", &phone));
    }
    let listed = wire.stripe.customers_created_since(&jana(), since).await.unwrap();
    assert_eq!(ids(&listed), [id.0.as_str()]);
    assert_eq!(wire.simulator.count(StripeRoute::CustomersList), 3);
}

#[tokio::test]
async fn a_customer_is_created_with_key_name_and_metadata() {
    let wire = wire();
    let id = create(&wire, "Jana Nováková & syn + 1", "sender-7-try-1").await.unwrap();

    let asked = wire.simulator.asked_on(StripeRoute::CustomersCreate).remove(0);
    assert_eq!(asked.header("idempotency-key"), Some("sender-7-try-1"));
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    let form = asked.form().unwrap();
    if let Some(fields) = vendor_schemas::stripe_customer_fields() {
        for (name, _) in &form {
            let field = name.split('[').next().unwrap_or_default();
            assert!(fields.get(field).is_some(), "Stripe knows no {name}");
        }
    }
    let customer = &wire.simulator.customers()[0];
    assert_eq!(customer["id"], id.0);
    assert_eq!(customer["name"], "Jana Nováková & syn + 1");
    assert_eq!(customer["metadata"]["whatsapp_phone"], PHONE);
    assert_eq!(customer["metadata"]["whatsapp_user_id"], USER_ID);
}

#[tokio::test]
async fn the_same_key_creates_one_customer_from_the_same_bytes() {
    let wire = wire();
    let first = create(&wire, "Jana", "try-1").await.unwrap();
    for _ in 0..5 {
        assert_eq!(create(&wire, "Jana", "try-1").await.unwrap(), first);
    }
    assert_eq!(wire.simulator.customers().len(), 1);
    let asked = wire.simulator.asked_on(StripeRoute::CustomersCreate);
    assert!(asked.iter().all(|it| it.body == asked[0].body));
}

#[tokio::test]
async fn another_name_under_the_same_key_is_told_apart() {
    let wire = wire();
    create(&wire, "Jana", "try-1").await.unwrap();
    let refused = create(&wire, "Jana K.", "try-1").await.unwrap_err();
    assert!(matches!(refused, StripeError::KeyReused(_)), "{refused:?}");
    assert!(refused.spends_the_key());
}

#[tokio::test]
async fn a_failure_that_stripe_has_stored_spends_the_key() {
    let wire = wire();
    wire.simulator.fault(StripeRoute::CustomersCreate, &Fault::INTERNAL_ERROR, 1);
    for _ in 0..2 {
        let failed = create(&wire, "Jana", "try-1").await.unwrap_err();
        assert!(matches!(failed, StripeError::ServerFailed(_)), "{failed:?}");
        assert!(failed.spends_the_key());
        assert!(failed.to_string().contains("req_"), "{failed}");
    }
    create(&wire, "Jana", "try-2").await.unwrap();
    assert_eq!(wire.simulator.customers().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_had_again_by_the_same_key() {
    let wire = wire();
    wire.simulator.fault(StripeRoute::CustomersCreate, &Fault::DoneButAnswerLost, 1);
    let lost = create(&wire, "Jana", "try-1").await.unwrap_err();
    assert!(matches!(lost, StripeError::OutcomeUnknown(_)), "{lost:?}");
    assert!(!lost.spends_the_key());

    let id = create(&wire, "Jana", "try-1").await.unwrap();
    let customers = wire.simulator.customers();
    assert_eq!((customers.len(), &customers[0]["id"]), (1, &id.0.into()));
}

#[tokio::test]
async fn a_failed_search_is_not_an_empty_one() {
    let wire = wire();
    let search = async |fault: Fault| {
        wire.simulator.fault(StripeRoute::CustomersSearch, &fault, 1);
        wire.stripe.customers_with(&jana()).await.unwrap_err()
    };
    let pace = search(Fault::TooManyRequests { retry_after: Some(2) }).await;
    assert_eq!(pace.verdict(), Verdict::NotBefore(Duration::from_secs(2)), "{pace:?}");
    let failed = search(Fault::INTERNAL_ERROR).await;
    assert_eq!(failed.verdict(), Verdict::Retry, "{failed:?}");
    let cut = search(Fault::Cut).await;
    assert!(matches!(cut, StripeError::Unreachable(_)), "{cut:?}");
    let key = search(Fault::Status(401)).await;
    assert_eq!(key.verdict(), Verdict::Halt, "{key:?}");

    wire.simulator.without_search();
    let refused = wire.stripe.customers_with(&jana()).await.unwrap_err();
    assert!(matches!(refused, StripeError::SearchUnavailable(_)), "{refused:?}");
}

#[tokio::test]
async fn nothing_personal_is_in_an_error() {
    let wire = wire();
    let mut all = Vec::new();
    // Without any answer the library's own error names the URL, and the query in it.
    for fault in [Fault::Cut, Fault::DoneButAnswerLost] {
        wire.simulator.fault(StripeRoute::CustomersSearch, &fault, 1);
        all.push(wire.stripe.customers_with(&jana()).await.unwrap_err());
    }
    wire.simulator.fault(StripeRoute::CustomersCreate, &Fault::Status(401), 1);
    all.push(create(&wire, "Jana", "try-1").await.unwrap_err());
    for shown in all.iter().map(|it| format!("{it} {it:?}")) {
        for secret in [PHONE, "Jana", "metadata", &wire.simulator.options().secret_key] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
