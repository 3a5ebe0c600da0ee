//! Stripe's simulator: customers, search with its lag, idempotency keys.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use simulators::stripe::{NewCustomer, sign_webhook};
use simulators::{Fault, Stripe, StripeOptions, StripeRoute};

use crate::fixtures::{folder, read};
use crate::{PATIENCE, answer, client};

fn stripe() -> Stripe {
    Stripe::start(StripeOptions::default()).unwrap()
}

fn get(stripe: &Stripe, path: &str) -> RequestBuilder {
    let url = format!("{}{path}", stripe.base_url());
    client().get(url).bearer_auth(&stripe.options().secret_key)
}

fn post(stripe: &Stripe, path: &str, form: &str) -> RequestBuilder {
    let request = client().post(format!("{}{path}", stripe.base_url())).body(form.to_owned());
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.bearer_auth(&stripe.options().secret_key)
}

/// Percent-encodes as a query parameter.
fn encoded(text: &str) -> String {
    let encode = |text: String, byte: u8| text + "%" + &hex::encode([byte]);
    text.bytes().fold(String::new(), encode)
}

async fn search(stripe: &Stripe, query: &str) -> (u16, Value) {
    answer(get(stripe, &format!("/v1/customers/search?query={}", encoded(query)))).await
}

async fn found(stripe: &Stripe, query: &str) -> Vec<Value> {
    let (status, result) = search(stripe, query).await;
    assert_eq!((status, &result["object"]), (200, &json!("search_result")));
    result["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_created_customer_is_found_by_its_metadata_with_its_plus_sign() {
    let stripe = stripe();
    let form = "name=Ann%20%26%20Co&metadata[whatsapp_phone]=%2B420777123456";
    let (status, customer) = answer(post(&stripe, "/v1/customers", form)).await;
    assert_eq!((status, &customer["name"]), (200, &json!("Ann & Co")));
    let with_plus = found(&stripe, "metadata['whatsapp_phone']:'+420777123456'").await;
    assert_eq!(with_plus, std::slice::from_ref(&customer));
    assert!(found(&stripe, "metadata['whatsapp_phone']:'420777123456'").await.is_empty());
    let raw_plus = "/v1/customers/search?query=metadata['whatsapp_phone']:'+420777123456'";
    let (_, result) = answer(get(&stripe, raw_plus)).await;
    assert_eq!(result["data"], json!([]), "a raw + in a query is a space");
    assert_eq!(stripe.customers(), [customer]);
}

#[tokio::test]
async fn search_lags_behind_writes_and_listing_does_not() {
    let stripe = Stripe::start(StripeOptions {
        search_lag: Duration::from_mins(1),
        ..StripeOptions::default()
    })
    .unwrap();
    let form = "metadata[whatsapp_phone]=1";
    let (_, customer) = answer(post(&stripe, "/v1/customers", form)).await;
    let query = "metadata['whatsapp_phone']:'1'";
    assert!(found(&stripe, query).await.is_empty());
    let created = customer["created"].as_i64().unwrap();
    let list = format!("/v1/customers?created[gte]={created}&limit=3");
    assert_eq!(answer(get(&stripe, &list)).await.1["data"], json!([customer]));
    let later = format!("/v1/customers?created[gte]={}", created + 1);
    assert_eq!(answer(get(&stripe, &later)).await.1["data"], json!([]));
    stripe.advance(Duration::from_secs(61));
    assert_eq!(found(&stripe, query).await.len(), 1);
    let id = customer["id"].as_str().unwrap().to_owned();
    answer(post(&stripe, &format!("/v1/customers/{id}"), "metadata[whatsapp_phone]=2")).await;
    assert_eq!(found(&stripe, query).await.len(), 1, "search still shows the old value");
    stripe.advance(Duration::from_secs(61));
    assert!(found(&stripe, query).await.is_empty());
}

#[tokio::test]
async fn a_query_that_stripe_cannot_parse_is_a_400() {
    let stripe = stripe();
    for query in ["metadata['a']:'b", "whatsapp_phone:'1'", "metadata['a']='b'", ""] {
        let (status, result) = search(&stripe, query).await;
        assert_eq!((status, &result["error"]["type"]), (400, &json!("invalid_request_error")));
    }
    assert_eq!(answer(get(&stripe, "/v1/customers/search?query=%zz")).await.0, 400);
    assert_eq!(answer(get(&stripe, "/v1/customers/search")).await.1["error"]["param"], "query");
}

#[tokio::test]
async fn search_gives_the_newest_first_page_by_page() {
    let stripe = stripe();
    for name in ["a", "b", "c"] {
        stripe.add_customer(&NewCustomer::with_metadata("k", "v").named(name));
    }
    let query = encoded("metadata['k']:'v' AND -name:'b'");
    let (_, first) =
        answer(get(&stripe, &format!("/v1/customers/search?limit=1&query={query}"))).await;
    assert_eq!((&first["data"][0]["name"], &first["has_more"]), (&json!("c"), &json!(true)));
    let page = first["next_page"].as_str().unwrap();
    let path = format!("/v1/customers/search?limit=1&query={query}&page={page}");
    let (_, second) = answer(get(&stripe, &path)).await;
    assert_eq!((&second["data"][0]["name"], &second["has_more"]), (&json!("a"), &json!(false)));
    assert!(second["next_page"].is_null());
}

#[tokio::test]
async fn the_same_key_with_the_same_parameters_replays_the_first_answer() {
    let stripe = stripe();
    let create = || post(&stripe, "/v1/customers", "name=A").header("idempotency-key", "k1");
    let (_, first) = answer(create()).await;
    let again = create().send().await.unwrap();
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let other = post(&stripe, "/v1/customers", "name=B").header("idempotency-key", "k1");
    let (status, refused) = answer(other).await;
    assert_eq!((status, &refused["error"]["type"]), (400, &json!("idempotency_error")));
    assert_eq!(stripe.customers().len(), 1);
    stripe.advance(Duration::from_hours(24));
    let (_, second) = answer(create()).await;
    assert_ne!(second["id"], first["id"], "a key is forgotten after 24 hours");
}

#[tokio::test]
async fn a_stored_500_is_replayed_and_another_key_gets_through() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersCreate, &Fault::INTERNAL_ERROR, 1);
    let create =
        |key: &str| post(&stripe, "/v1/customers", "name=A").header("idempotency-key", key);
    assert_eq!(answer(create("try-1")).await.0, 500);
    let replayed = create("try-1").send().await.unwrap();
    assert_eq!(replayed.status(), 500);
    assert_eq!(replayed.headers()["idempotent-replayed"], "true");
    assert_eq!(answer(create("try-2")).await.0, 200);
    assert_eq!((stripe.customers().len(), stripe.faults_left()), (1, 0));
}

#[tokio::test]
async fn a_429_or_a_refused_parameter_is_not_stored_under_the_key() {
    let stripe = stripe();
    let fault = Fault::TooManyRequests { retry_after: Some(2) };
    stripe.fault(StripeRoute::CustomersCreate, &fault, 1);
    let create = |form: &str| post(&stripe, "/v1/customers", form).header("idempotency-key", "k");
    let limited = create("name=A").send().await.unwrap();
    assert_eq!(
        (limited.status().as_u16(), limited.headers()["retry-after"].as_bytes()),
        (429, &b"2"[..])
    );
    assert_eq!(answer(create("bogus=1")).await.1["error"]["code"], "parameter_unknown");
    assert_eq!(answer(create("name=A")).await.0, 200);
}

#[tokio::test]
async fn a_key_whose_first_request_still_runs_is_in_use() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersCreate, &Fault::Slow(Duration::from_millis(1200)), 1);
    let create = || post(&stripe, "/v1/customers", "name=A").header("idempotency-key", "k");
    let meanwhile = async {
        stripe.wait_for(StripeRoute::CustomersCreate, 1, PATIENCE).await.unwrap();
        answer(create()).await
    };
    let (first, second) = tokio::join!(answer(create()), meanwhile);
    assert_eq!((first.0, second.0), (200, 409));
    assert_eq!(second.1["error"]["code"], "idempotency_key_in_use");
    assert_eq!(answer(create()).await, first);
}

#[tokio::test]
async fn an_answer_that_got_lost_was_nevertheless_done_once() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersCreate, &Fault::DoneButAnswerLost, 1);
    let create = || post(&stripe, "/v1/customers", "name=A").header("idempotency-key", "k");
    assert!(create().send().await.is_err());
    assert_eq!(stripe.customers().len(), 1);
    let (_, replayed) = answer(create()).await;
    assert_eq!([replayed], stripe.customers().as_slice());
}

#[tokio::test]
async fn metadata_has_its_limits() {
    let stripe = stripe();
    let many: Vec<String> = (0..51).map(|n| format!("metadata[k{n}]=x")).collect();
    let refused = [
        format!("metadata[{}]=x", "k".repeat(41)),
        format!("metadata[k]={}", "x".repeat(501)),
        many.join("&"),
    ];
    for form in refused {
        let (status, refused) = answer(post(&stripe, "/v1/customers", &form)).await;
        assert_eq!((status, &refused["error"]["type"]), (400, &json!("invalid_request_error")));
    }
    assert!(stripe.customers().is_empty());
}

#[tokio::test]
async fn a_customer_is_read_changed_and_deleted_by_id() {
    let stripe = stripe();
    let id = stripe.add_customer(&NewCustomer::with_metadata("a", "1").named("Ann"));
    let path = format!("/v1/customers/{id}");
    assert_eq!(answer(get(&stripe, &path)).await.1["name"], "Ann");
    let (_, changed) = answer(post(&stripe, &path, "metadata[b]=2&metadata[a]=")).await;
    assert_eq!(changed["metadata"], json!({ "b": "2" }));
    let delete = client().delete(format!("{}{path}", stripe.base_url()));
    let delete = delete.basic_auth(&stripe.options().secret_key, Some(""));
    assert_eq!(answer(delete).await.1["deleted"], true);
    assert_eq!(answer(get(&stripe, &path)).await.1["deleted"], true);
    assert_eq!(
        answer(get(&stripe, "/v1/customers/cus_x")).await.1["error"]["code"],
        "resource_missing"
    );
    assert!(stripe.customers().is_empty());
}

#[tokio::test]
async fn a_wrong_key_is_401_and_a_merchant_in_india_cannot_search() {
    let stripe = stripe();
    let wrong =
        client().get(format!("{}/v1/customers", stripe.base_url())).bearer_auth("sk_live_x");
    let refused = wrong.send().await.unwrap();
    assert!(refused.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(refused.status(), 401);
    stripe.without_search();
    assert_eq!(search(&stripe, "name:'x'").await.0, 400);
    stripe.with_search();
    assert_eq!(search(&stripe, "name:'x'").await.0, 200);
}

#[tokio::test]
async fn each_change_of_a_customer_is_an_event_and_delivered_when_told() {
    let stripe = stripe();
    let receiver = Stripe::start(StripeOptions::default()).unwrap();
    stripe.webhook_url(format!("{}/stripe/webhook", receiver.base_url()));
    let (_, created) = answer(post(&stripe, "/v1/customers", "metadata[a]=1")).await;
    let id = created["id"].as_str().unwrap();
    let updated = stripe.set_metadata(id, "a", "2").unwrap();
    let deleted = stripe.delete_customer(id).unwrap();

    assert_eq!(updated["data"]["object"]["metadata"], json!({ "a": "2" }));
    assert_eq!(deleted["data"]["object"]["id"], id);
    let kinds: Vec<_> = stripe.events().iter().map(|it| it["type"].clone()).collect();
    assert_eq!(kinds, ["customer.created", "customer.updated", "customer.deleted"]);
    assert_eq!(stripe.set_metadata(id, "a", "3"), None, "it is gone");
    assert_eq!(stripe.delete_customer(id), None, "it is gone");

    assert_eq!(stripe.deliver(&deleted).await.unwrap(), 404, "nobody listens there");
    let asked = &receiver.asked()[0];
    let secret = &stripe.options().webhook_secret;
    let header = asked.header("stripe-signature").unwrap();
    let time = header.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
    assert_eq!(header, sign_webhook(secret, time, &asked.body));
}

#[test]
fn webhooks_are_signed_as_in_the_published_vectors() {
    let Some(folder) = folder() else { return };
    let vectors = read(&folder, "vectors.json");
    let whole =
        vectors["stripe_signature"].as_array().unwrap().iter().find(|it| it["name"] == "valid");
    let valid = whole.unwrap();
    let text = |name: &str| valid[name].as_str().unwrap();
    let time = valid["now"].as_i64().unwrap();
    let signed = sign_webhook(text("secret"), time, text("payload_utf8").as_bytes());
    assert_eq!(signed, text("header"));
}
