//! Meta's simulator: sending, the window, statuses and webhooks.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::meta::{Statuses, Template, TemplateStatus, WindowRefusal, sign, wire_bytes};
use simulators::{Meta, MetaOptions, Sender, wait_until};

use crate::{PATIENCE, Receiver, answer, client};

const PHONE: &str = "420777123456";

pub(crate) fn meta() -> Meta {
    Meta::start(MetaOptions::default()).unwrap()
}

fn ann() -> Sender {
    Sender::with_phone(PHONE, "Ann")
}

async fn send(meta: &Meta, body: &Value) -> (u16, Value) {
    let url = format!("{}/{}/messages", meta.base_url(), meta.options().phone_number_id);
    answer(client().post(url).bearer_auth(&meta.options().access_token).json(body)).await
}

fn text(body: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": PHONE, "type": "text", "text": { "body": body } })
}

fn template(parameters: &[&str]) -> Value {
    let parameters: Vec<Value> =
        parameters.iter().map(|it| json!({ "type": "text", "text": it })).collect();
    json!({
        "messaging_product": "whatsapp", "to": PHONE, "type": "template",
        "template": {
            "name": "receipt_result", "language": { "code": "cs" },
            "components": [{ "type": "body", "parameters": parameters }],
        },
    })
}

/// Starts both and lets Ann write once, so that her window is open.
async fn in_conversation(receiver_answers: &[u16]) -> (Meta, Receiver) {
    let (meta, receiver) = (meta(), Receiver::start(&[]));
    meta.webhook_url(&receiver.url);
    assert_eq!(
        meta.deliver(&meta.webhook([meta.text(&ann(), "hello")])).await.unwrap().status,
        200
    );
    let receiver_for_statuses = Receiver::start(receiver_answers);
    meta.webhook_url(&receiver_for_statuses.url);
    (meta, receiver_for_statuses)
}

pub(crate) fn code(answer: &(u16, Value)) -> (u16, i64) {
    (answer.0, answer.1["error"]["code"].as_i64().unwrap())
}

#[tokio::test]
async fn a_sent_text_is_remembered_and_its_statuses_echo_the_callback_data() {
    let (meta, receiver) = in_conversation(&[]).await;
    let mut body = text("Booked.");
    body["context"] = json!({ "message_id": "wamid.QUOTED" });
    body["biz_opaque_callback_data"] = json!("attempt-7");
    let (status, answer) = send(&meta, &body).await;
    assert_eq!((status, &answer["contacts"][0]["wa_id"]), (200, &json!(PHONE)));
    let sent = meta.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(json!(sent[0].wamid), answer["messages"][0]["id"]);
    assert_eq!(sent[0].text.as_deref(), Some("Booked."));
    assert_eq!(sent[0].quoted.as_deref(), Some("wamid.QUOTED"));
    wait_until(PATIENCE, || receiver.statuses().len() == 2).await.unwrap();
    let statuses = receiver.statuses();
    assert_eq!(
        (&statuses[0]["status"], &statuses[1]["status"]),
        (&json!("sent"), &json!("delivered"))
    );
    for status in &statuses {
        assert_eq!(status["id"], answer["messages"][0]["id"]);
        assert_eq!(status["biz_opaque_callback_data"], "attempt-7");
        assert_eq!(status["recipient_id"], PHONE);
        assert_eq!(status["pricing"]["pricing_model"], "PMP");
    }
    let heard = receiver.received.lock().unwrap();
    for (signature, bytes) in heard.iter() {
        assert_eq!(signature.as_deref(), Some(sign(&meta.options().app_secret, bytes).as_str()));
    }
}

#[tokio::test]
async fn the_same_callback_data_twice_is_two_messages() {
    let (meta, _receiver) = in_conversation(&[]).await;
    let mut body = text("Booked.");
    body["biz_opaque_callback_data"] = json!("attempt-7");
    send(&meta, &body).await;
    send(&meta, &body).await;
    assert_eq!(meta.sent().len(), 2);
}

#[tokio::test]
async fn free_text_is_refused_outside_the_24_hours_of_the_senders_own_timestamp() {
    let (meta, receiver) = (meta(), Receiver::start(&[]));
    meta.webhook_url(&receiver.url);
    assert_eq!(code(&send(&meta, &text("never wrote")).await), (400, 131_047));
    let yesterday = meta.now() - chrono::TimeDelta::hours(25);
    meta.deliver(&meta.webhook([meta.text(&ann(), "old").at(yesterday)])).await.unwrap();
    assert_eq!(code(&send(&meta, &text("too late")).await), (400, 131_047));
    assert_eq!(send(&meta, &template(&["Food", "10 €", "Shop", "1 May"])).await.0, 200);
    meta.deliver(&meta.webhook([meta.text(&ann(), "now")])).await.unwrap();
    assert_eq!(send(&meta, &text("in time")).await.0, 200);
    meta.advance(Duration::from_hours(24));
    assert_eq!(code(&send(&meta, &text("too late again")).await), (400, 131_047));
    meta.refuse_outside_window(WindowRefusal::ByStatus);
    assert_eq!(send(&meta, &text("refused later")).await.0, 200);
    let failed = || receiver.statuses().into_iter().find(|it| it["status"] == "failed");
    wait_until(PATIENCE, || failed().is_some()).await.unwrap();
    assert_eq!(failed().unwrap()["errors"][0]["code"], 131_047);
}

#[tokio::test]
async fn a_template_is_sent_only_if_it_exists_is_approved_and_its_parameters_fit() {
    let meta = meta();
    let good = template(&["Food", "10 €", "Shop", "1 May"]);
    assert_eq!(send(&meta, &good).await.0, 200);
    let sent = meta.sent()[0].template.clone().unwrap();
    assert_eq!((sent.language.as_str(), sent.parameters[1].as_str()), ("cs", "10 €"));
    assert_eq!(code(&send(&meta, &template(&["Food"])).await), (400, 132_000));
    assert_eq!(code(&send(&meta, &template(&["Food", "", "Shop", "1 May"])).await), (400, 131_008));
    assert_eq!(code(&send(&meta, &template(&["a\nb", "1", "2", "3"])).await), (400, 100));
    let paused =
        Template::approved("receipt_result", "cs", "{{1}}").with_status(TemplateStatus::Paused);
    meta.add_template(paused);
    assert_eq!(code(&send(&meta, &good).await), (400, 132_015));
    meta.remove_template("receipt_result", "cs");
    assert_eq!(code(&send(&meta, &good).await), (404, 132_001));
}

#[tokio::test]
async fn a_malformed_send_is_refused_as_meta_refuses_it() {
    let (meta, _receiver) = in_conversation(&[]).await;
    let with = |key: &str, value: Value| {
        let mut body = text("x");
        body[key] = value;
        body
    };
    let refused = [
        with("messaging_product", json!("sms")),
        with("to", json!("")),
        with("to", json!("not a phone")),
        with("type", json!("telegram")),
        with("text", json!({})),
        with("text", json!({ "body": "x".repeat(4097) })),
        with("text", json!({ "body": "x", "colour": "red" })),
        with("context", json!({ "message_id": "4711" })),
        with("biz_opaque_callback_data", json!("x".repeat(513))),
        with("idempotency_key", json!("k")),
        json!([]),
    ];
    for body in refused {
        let (status, answer) = send(&meta, &body).await;
        assert_eq!(status, 400, "{body} should be refused");
        assert!(answer["error"]["fbtrace_id"].is_string());
    }
    assert!(meta.sent().is_empty());
    assert_eq!(send(&meta, &with("text", json!({ "body": "x".repeat(4096) }))).await.0, 200);
}

#[tokio::test]
async fn a_user_without_a_phone_is_written_to_by_user_id() {
    let (meta, receiver) = (meta(), Receiver::start(&[]));
    meta.webhook_url(&receiver.url);
    let sender = Sender::with_user_id("US.13491208655302741918", "Bo");
    let payload = meta.webhook([meta.text(&sender, "hello")]);
    let message = &payload["entry"][0]["changes"][0]["value"]["messages"][0];
    assert!(message.get("from").is_none() && message["from_user_id"].is_string());
    meta.deliver(&payload).await.unwrap();
    let body = json!({
        "messaging_product": "whatsapp", "recipient": "US.13491208655302741918",
        "type": "text", "text": { "body": "hi" },
    });
    let (status, answer) = send(&meta, &body).await;
    assert_eq!((status, &answer["contacts"][0]["input"]), (200, &body["recipient"]));
    wait_until(PATIENCE, || receiver.statuses().len() == 2).await.unwrap();
    assert_eq!(receiver.statuses()[0]["recipient_user_id"], body["recipient"]);
}

#[tokio::test]
async fn a_read_mark_with_typing_is_no_message() {
    let (meta, _receiver) = in_conversation(&[]).await;
    let body = json!({
        "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.X",
        "typing_indicator": { "type": "text" },
    });
    assert_eq!(send(&meta, &body).await, (200, json!({ "success": true })));
    assert_eq!((meta.marks().len(), meta.sent().len()), (1, 0));
}

#[tokio::test]
async fn statuses_come_in_the_order_that_was_asked_for() {
    let (meta, receiver) = in_conversation(&[]).await;
    let names = || receiver.statuses().iter().map(|it| it["status"].clone()).collect::<Vec<_>>();
    meta.statuses(Statuses::BeforeTheAnswer);
    send(&meta, &text("1")).await;
    assert_eq!(names(), ["sent", "delivered"], "both came before the answer did");
    meta.statuses(Statuses::DeliveredThenSent);
    send(&meta, &text("2")).await;
    wait_until(PATIENCE, || names().len() == 4).await.unwrap();
    assert_eq!(names()[2..], ["delivered", "sent"]);
    meta.statuses(Statuses::Failed(131_026));
    send(&meta, &text("3")).await;
    wait_until(PATIENCE, || names().len() == 5).await.unwrap();
    assert_eq!(receiver.statuses()[4]["errors"][0]["code"], 131_026);
}

#[tokio::test]
async fn a_webhook_is_delivered_again_until_it_is_answered_200() {
    let (meta, receiver) = in_conversation(&[503, 500]).await;
    let redelivered = meta.deliver_with_redelivery(&meta.webhook([meta.text(&ann(), "x")])).await;
    assert_eq!(redelivered.attempts, [Some(503), Some(500), Some(200)]);
    assert!(redelivered.accepted());
    let bodies = receiver.bodies();
    assert!(bodies.len() == 3 && bodies[0] == bodies[2]);
}

#[tokio::test]
async fn a_batch_holds_several_entries_changes_and_items() {
    let meta = meta();
    let ann = ann();
    let id = meta.add_media(*b"x", "image/jpeg");
    let first = meta.change([meta.photo(&ann, &id).caption("lunch"), meta.text(&ann, "a/ž")]);
    let second = meta.change_on("300000000000003", [meta.text(&ann, "b")]);
    let payload = meta.batch([vec![first, second], vec![meta.change([meta.text(&ann, "c")])]]);
    assert_eq!(payload["entry"].as_array().unwrap().len(), 2);
    let value = &payload["entry"][0]["changes"][0]["value"];
    assert_eq!(value["messages"].as_array().unwrap().len(), 2);
    assert_eq!(value["contacts"].as_array().unwrap().len(), 1, "one contact for one sender");
    assert_eq!(value["messages"][0]["image"]["caption"], "lunch");
    let wire = String::from_utf8(wire_bytes(&payload)).unwrap();
    assert!(wire.is_ascii() && wire.contains(r"a\/\u017e"));
    assert_eq!(serde_json::from_str::<Value>(&wire).unwrap(), payload);
}

#[tokio::test]
async fn verification_wants_the_challenge_back() {
    let (meta, receiver) = (meta(), Receiver::start(&[]));
    meta.webhook_url(&receiver.url);
    assert!(meta.verify_webhook("right").await.unwrap());
    assert!(!meta.verify_webhook("wrong").await.unwrap());
}

#[tokio::test]
async fn raw_bytes_are_delivered_as_they_are() {
    let (meta, receiver) = (meta(), Receiver::start(&[]));
    meta.webhook_url(&receiver.url);
    meta.deliver_raw(*b"\xff not json", Some("sha256=00")).await.unwrap();
    meta.deliver_raw(*b"", None).await.unwrap();
    let heard = receiver.received.lock().unwrap();
    assert_eq!(heard[0], (Some("sha256=00".to_owned()), b"\xff not json".to_vec()));
    assert_eq!(heard[1], (None, Vec::new()));
}
