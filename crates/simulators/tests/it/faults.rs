//! The faults as a caller meets them, on whichever simulator shows them best.

use std::time::{Duration, Instant};

use serde_json::json;
use simulators::{
    Fault, Meta, MetaOptions, MetaRoute, Mischief, Sender, Stripe, StripeOptions, StripeRoute,
    TimedOut, wait_until,
};

use crate::{PATIENCE, Receiver, answer, client};

fn stripe() -> Stripe {
    Stripe::start(StripeOptions::default()).unwrap()
}

fn create(stripe: &Stripe) -> reqwest::RequestBuilder {
    let request = client().post(format!("{}/v1/customers", stripe.base_url()));
    request.bearer_auth(&stripe.options().secret_key)
}

fn list(stripe: &Stripe) -> reqwest::RequestBuilder {
    let request = client().get(format!("{}/v1/customers", stripe.base_url()));
    request.bearer_auth(&stripe.options().secret_key)
}

#[tokio::test]
async fn slow_answers_late_and_truly() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersCreate, &Fault::Slow(Duration::from_millis(150)), 1);
    let began = Instant::now();
    assert_eq!(answer(create(&stripe)).await.0, 200);
    assert!(began.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn hang_never_answers_and_does_nothing_and_holds_up_nobody_else() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersCreate, &Fault::Hang, 1);
    let hanging = create(&stripe).timeout(Duration::from_millis(300)).send();
    let other = async {
        stripe.wait_for(StripeRoute::CustomersCreate, 1, PATIENCE).await.unwrap();
        answer(list(&stripe)).await.0
    };
    let (hanging, other) = tokio::join!(hanging, other);
    assert!(hanging.unwrap_err().is_timeout());
    assert_eq!((other, stripe.customers().len()), (200, 0));
    assert_eq!(stripe.asked()[0].status(), None);
}

#[tokio::test]
async fn a_cut_read_breaks_off_in_the_body_and_a_cut_write_does_nothing() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersList, &Fault::Cut, 1);
    let half = list(&stripe).send().await.unwrap();
    assert_eq!(half.status(), 200);
    assert!(half.bytes().await.is_err());
    stripe.fault(StripeRoute::CustomersCreate, &Fault::Cut, 1);
    assert!(create(&stripe).send().await.is_err());
    assert_eq!(stripe.customers().len(), 0);
}

#[tokio::test]
async fn twice_performs_twice_and_answers_once() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersCreate, &Fault::Twice, 2);
    assert_eq!(answer(create(&stripe)).await.0, 200);
    assert_eq!(stripe.customers().len(), 2, "without a key both are made");
    answer(create(&stripe).header("idempotency-key", "k")).await;
    assert_eq!(stripe.customers().len(), 3, "with a key the second is a replay");
}

#[tokio::test]
async fn a_refusal_has_the_vendors_own_code() {
    let stripe = stripe();
    let fault = Fault::Refuse { status: 429, code: "lock_timeout" };
    stripe.fault(StripeRoute::CustomersList, &fault, 1);
    let (status, body) = answer(list(&stripe)).await;
    assert_eq!((status, &body["error"]["code"]), (429, &json!("lock_timeout")));
    let meta = Meta::start(MetaOptions::default()).unwrap();
    let fault = Fault::Refuse { status: 400, code: "131056" };
    meta.fault(MetaRoute::Messages, &fault, 1);
    let url = format!("{}/1/messages", meta.base_url());
    let (status, body) = answer(client().post(url).json(&json!({}))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(131_056)));
}

#[tokio::test]
async fn faults_are_used_up_in_their_order_and_a_lasting_one_lasts() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersList, &Fault::Status(503), 1);
    stripe.fault(StripeRoute::CustomersList, &Fault::Status(502), 1);
    stripe.fault_always(StripeRoute::CustomersList, Fault::INTERNAL_ERROR);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(answer(list(&stripe)).await.0);
    }
    stripe.clear_faults();
    statuses.push(answer(list(&stripe)).await.0);
    assert_eq!(statuses, [503, 502, 500, 500, 200]);
}

#[tokio::test]
async fn a_status_webhook_can_come_twice_or_never() {
    let (meta, receiver) = (Meta::start(MetaOptions::default()).unwrap(), Receiver::start(&[]));
    meta.webhook_url(&receiver.url);
    let ann = Sender::with_phone("420777123456", "Ann");
    meta.deliver(&meta.webhook([meta.text(&ann, "hello")])).await.unwrap();
    meta.fault(MetaRoute::StatusWebhook, &Fault::Hang, 1);
    meta.fault(MetaRoute::StatusWebhook, &Fault::Twice, 1);
    let url = format!("{}/{}/messages", meta.base_url(), meta.options().phone_number_id);
    let body = json!({
        "messaging_product": "whatsapp", "to": "420777123456", "text": { "body": "hi" },
    });
    meta.fault(MetaRoute::Messages, &Fault::DoneButAnswerLost, 1);
    let send = client().post(url).bearer_auth(&meta.options().access_token).json(&body);
    assert!(send.send().await.is_err(), "the answer is lost");
    wait_until(PATIENCE, || receiver.statuses().len() == 2).await.unwrap();
    let names: Vec<_> = receiver.statuses().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(names, ["delivered", "delivered"], "sent is lost, delivered comes twice");
}

#[tokio::test]
async fn a_dropped_simulator_frees_its_port_and_ends_what_hangs() {
    let stripe = stripe();
    let address = stripe.address();
    stripe.fault(StripeRoute::CustomersList, &Fault::Hang, 1);
    let hanging = list(&stripe).send();
    let drop_it = async {
        stripe.wait_for(StripeRoute::CustomersList, 1, PATIENCE).await.unwrap();
        tokio::task::spawn_blocking(move || drop(stripe)).await.unwrap();
    };
    let (hanging, ()) = tokio::join!(hanging, drop_it);
    assert!(hanging.is_err());
    let refused = || std::net::TcpStream::connect(address).is_err();
    wait_until(PATIENCE, refused).await.unwrap();
}

#[tokio::test]
async fn an_unknown_route_is_answered_in_the_vendors_shape_and_recorded() {
    let stripe = stripe();
    let url = format!("{}/v1/invoices?a=b", stripe.base_url());
    let (status, body) = answer(client().get(url)).await;
    assert_eq!((status, &body["error"]["type"]), (404, &json!("invalid_request_error")));
    let asked = stripe.asked_elsewhere();
    assert_eq!((asked[0].route, asked[0].param("a").as_deref()), (None, Some("b")));
}

#[tokio::test]
async fn a_wait_ends_with_its_condition_or_its_deadline() {
    let stripe = stripe();
    answer(list(&stripe)).await;
    assert_eq!(stripe.wait_for(StripeRoute::CustomersList, 1, PATIENCE).await, Ok(()));
    let soon = Duration::from_millis(20);
    assert_eq!(stripe.wait_for(StripeRoute::CustomersList, 2, soon).await, Err(TimedOut));
}

/// Which of so many calls of a seed meet a fault, and how the last one is counted.
async fn dice(seed: u64) -> (Vec<bool>, usize) {
    let stripe = stripe();
    let faults = vec![Fault::Status(503), Fault::Status(500), Fault::Cut];
    stripe.fault_at_random(StripeRoute::CustomersList, Mischief { seed, percent: 30, faults });
    let mut met = Vec::new();
    for _ in 0..60 {
        let answer = list(&stripe).send().await.unwrap();
        let status = answer.status();
        met.push(!status.is_success() || answer.bytes().await.is_err());
    }
    let counted = stripe.faults_met().values().sum();
    assert_eq!(stripe.calls(), 60);
    stripe.clear_faults();
    assert_eq!(answer(list(&stripe)).await.0, 200);
    (met, counted)
}

#[tokio::test]
async fn a_call_that_hangs_ends_unanswered_when_faults_are_cleared() {
    let stripe = stripe();
    stripe.fault(StripeRoute::CustomersCreate, &Fault::Hang, 1);
    let clear = async {
        stripe.wait_for(StripeRoute::CustomersCreate, 1, PATIENCE).await.unwrap();
        // Asked is not yet hanging: cleared again until it has ended.
        loop {
            stripe.clear_faults();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::select! {
        ended = create(&stripe).send() => ended,
        () = clear => unreachable!("it goes on for ever"),
    };
    assert!(ended.is_err(), "it is answered");
    assert_eq!(stripe.customers().len(), 0);
}

#[tokio::test]
async fn dice_of_one_seed_let_the_same_calls_fail_again() {
    let (first, counted) = dice(7).await;
    assert_eq!(first.iter().filter(|it| **it).count(), counted);
    assert!((6..=30).contains(&counted), "{counted} of 60");
    assert_eq!(dice(7).await.0, first);
    assert_ne!(dice(8).await.0, first);
}

#[tokio::test]
async fn webhooks_go_to_several_receivers_in_turn_and_their_echoes_are_known() {
    let meta = Meta::start(MetaOptions::default()).unwrap();
    let receivers = [Receiver::start(&[503]), Receiver::start(&[])];
    meta.webhook_urls(receivers.iter().map(|it| it.url.clone()));
    let ann = Sender::with_phone("420777123456", "Ann");
    let payload = meta.webhook([meta.text(&ann, "hello")]);
    let told = meta.deliver_with_redelivery(&payload).await;
    assert_eq!(told.attempts, [Some(503), Some(200)]);
    assert!(meta.echoes().is_empty(), "a message is no echo");

    let url = format!("{}/{}/messages", meta.base_url(), meta.options().phone_number_id);
    let body = json!({
        "messaging_product": "whatsapp", "to": "420777123456", "text": { "body": "hi" },
        "biz_opaque_callback_data": "attempt-1",
    });
    let send = client().post(url).bearer_auth(&meta.options().access_token).json(&body);
    assert_eq!(answer(send).await.0, 200);
    wait_until(PATIENCE, || meta.echoes().len() == 2).await.unwrap();
    let echo = &meta.echoes()[1];
    assert_eq!(
        (echo.callback_data.as_deref(), echo.status.as_str()),
        (Some("attempt-1"), "delivered")
    );
    assert!(echo.at >= meta.sent()[0].at);
}
