//! What our client says to Meta when it answers, and what it makes of Meta's answers: against the
//! simulator over real HTTP, and against Meta's own schema.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail as loudly as a test")]

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use paragon::clients::whatsapp::{Button, Envelope, MediaHosts, SendError, Template, WhatsApp};
use paragon::clients::{Http, Secret};
use paragon::domain::ids::{AttemptId, PhoneNumberId, Wamid};
use paragon::domain::retry::Verdict;
use paragon::domain::sender::{Phone, Sender, UserId};
use paragon::domain::template::Parameter;
use simulators::{Asked, Fault, Meta, MetaOptions, MetaRoute};

use crate::vendor_schemas;

const PHONE: &str = "420777123456";
const USER_ID: &str = "CZ.13491208655302741918";

/// Meta and our client of it.
pub struct Wire {
    pub meta: Meta,
    pub whatsapp: WhatsApp,
    pub number: PhoneNumberId,
}

pub fn wire() -> Wire {
    let meta = Meta::start(MetaOptions::default()).unwrap();
    let whatsapp = client(&meta, &meta.base_url(), &meta.media_host());
    let number = PhoneNumberId::parse(&meta.options().phone_number_id).unwrap();
    Wire { meta, whatsapp, number }
}

pub fn client(meta: &Meta, base: &str, media_hosts: &str) -> WhatsApp {
    let token = Secret::new(&meta.options().access_token);
    let hosts = MediaHosts::parse(media_hosts).unwrap();
    WhatsApp::new(Http::new().unwrap(), base, &token, hosts).unwrap()
}

/// An address that nobody listens on: the port was free a moment ago.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn sender(phone: Option<&str>, user_id: Option<&str>) -> Sender {
    let phone = phone.map(|it| Phone::parse(it).unwrap());
    Sender::known_by(phone, user_id.and_then(UserId::parse)).unwrap()
}

/// Opens the window of both senders: as Meta sees it they have just written.
async fn heard_from_both(meta: &Meta) {
    let by_phone = meta.text(&simulators::Sender::with_phone(PHONE, "Jana"), "hello");
    let by_user_id = meta.text(&simulators::Sender::with_user_id(USER_ID, "Jan"), "hello");
    let webhook = meta.webhook([by_phone, by_user_id]);
    assert!(meta.deliver(&webhook).await.is_err(), "nobody listens to webhooks here");
}

async fn send_text(wire: &Wire, to: &Sender) -> Result<Wamid, SendError> {
    let quoted = Wamid::parse("wamid.HBgMNDIwNzc3MTIzNDU2").unwrap();
    let attempt = AttemptId(uuid::Uuid::from_u128(42));
    let envelope = Envelope { from: &wire.number, to, quoting: Some(&quoted), attempt };
    wire.whatsapp.send_text(&envelope, "Booked: €12.50").await
}

fn the_send(meta: &Meta) -> Arc<Asked<MetaRoute>> {
    let mut asked = meta.asked_on(MetaRoute::Messages);
    assert_eq!(asked.len(), 1);
    asked.remove(0)
}

async fn send_with_fault(fault: &Fault) -> (Wire, SendError) {
    let wire = wire();
    heard_from_both(&wire.meta).await;
    wire.meta.fault(MetaRoute::Messages, fault, 1);
    let refused = send_text(&wire, &sender(Some(PHONE), None)).await.unwrap_err();
    (wire, refused)
}

#[tokio::test]
async fn an_answer_quotes_and_carries_its_attempt_as_meta_wants_it() {
    let wire = wire();
    heard_from_both(&wire.meta).await;

    let wamid = send_text(&wire, &sender(Some(PHONE), Some(USER_ID))).await.unwrap();

    let asked = the_send(&wire.meta);
    assert_eq!(asked.path, format!("/v26.0/{}/messages", wire.number.as_str()));
    assert_eq!(asked.bearer(), Some(wire.meta.options().access_token.as_str()));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    vendor_schemas::assert_valid(vendor_schemas::graph("TextMessage"), &asked.json().unwrap());
    let sent = &wire.meta.sent()[0];
    assert_eq!(sent.wamid, wamid.as_str());
    assert_eq!((sent.to.as_deref(), sent.recipient.as_deref()), (Some(PHONE), None));
    assert_eq!(sent.quoted.as_deref(), Some("wamid.HBgMNDIwNzc3MTIzNDU2"));
    let attempt = AttemptId::parse(sent.callback_data.as_deref().unwrap()).unwrap();
    assert_eq!(attempt, AttemptId(uuid::Uuid::from_u128(42)));
}

#[tokio::test]
async fn buttons_stand_under_the_answer_as_meta_wants_them() {
    let wire = wire();
    heard_from_both(&wire.meta).await;
    let (to, attempt) = (sender(Some(PHONE), None), AttemptId(uuid::Uuid::from_u128(45)));
    let envelope = Envelope { from: &wire.number, to: &to, quoting: None, attempt };
    let buttons = [("entry:7:right", "Right"), ("entry:7:wrong", "Wrong")];

    let under = buttons.map(|(id, title)| Button { id, title });
    wire.whatsapp.send_buttons(&envelope, "Booked: €12.50", &under).await.unwrap();

    let asked = the_send(&wire.meta).json().unwrap();
    vendor_schemas::assert_valid(vendor_schemas::graph("InteractiveMessage"), &asked);
    vendor_schemas::assert_valid(vendor_schemas::graph("InteractiveObject"), &asked["interactive"]);
    let sent = &wire.meta.sent()[0];
    assert_eq!(sent.text.as_deref(), Some("Booked: €12.50"));
    let shown: Vec<_> = sent.buttons.iter().map(|it| (it.id.as_str(), it.title.as_str())).collect();
    assert_eq!(shown, buttons);
}

#[tokio::test]
async fn buttons_that_meta_would_refuse_are_refused() {
    let wire = wire();
    heard_from_both(&wire.meta).await;
    let (to, attempt) = (sender(Some(PHONE), None), AttemptId(uuid::Uuid::from_u128(46)));
    let envelope = Envelope { from: &wire.number, to: &to, quoting: None, attempt };
    let long = "x".repeat(1025);
    let refused = async |body: &str, buttons: &[(&str, &str)]| {
        let under: Vec<_> = buttons.iter().map(|(id, title)| Button { id, title }).collect();
        let refused = wire.whatsapp.send_buttons(&envelope, body, &under).await.unwrap_err();
        assert_eq!(refused.verdict(), Verdict::GiveUp, "{refused:?}");
    };
    refused("Booked", &[]).await;
    refused("Booked", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]).await;
    refused("Booked", &[("a", "1"), ("a", "2")]).await;
    refused("Booked", &[("a", "1"), ("b", "1")]).await;
    refused("Booked", &[("a", "twenty-one characters")]).await;
    refused("Booked", &[("", "1")]).await;
    refused("", &[("a", "1")]).await;
    refused(&long, &[("a", "1")]).await;
    assert_eq!(wire.meta.sent().len(), 0);
}

#[tokio::test]
async fn a_sender_without_a_phone_is_answered_by_user_id() {
    let wire = wire();
    heard_from_both(&wire.meta).await;
    send_text(&wire, &sender(None, Some(USER_ID))).await.unwrap();
    let sent = &wire.meta.sent()[0];
    assert_eq!((sent.to.as_deref(), sent.recipient.as_deref()), (None, Some(USER_ID)));
}

fn parameter(value: &str) -> Parameter {
    Parameter { name: None, value: value.to_owned() }
}

#[tokio::test]
async fn outside_the_window_the_text_is_refused_and_the_template_goes() {
    let wire = wire();
    let to = sender(Some(PHONE), None);

    let refused = send_text(&wire, &to).await.unwrap_err();
    assert!(matches!(refused, SendError::WindowClosed(_)), "{refused:?}");

    wire.meta.forget_asked();
    let parameters = ["meals", "€12.50", "Café\u{a0}\nAnny", ""].map(parameter);
    let template = Template { name: "receipt_result", language: "de", parameters: &parameters };
    let attempt = AttemptId(uuid::Uuid::from_u128(43));
    let envelope = Envelope { from: &wire.number, to: &to, quoting: None, attempt };
    wire.whatsapp.send_template(&envelope, &template).await.unwrap();

    let asked = the_send(&wire.meta).json().unwrap();
    vendor_schemas::assert_valid(vendor_schemas::graph("TemplateMessage"), &asked);
    vendor_schemas::assert_valid(vendor_schemas::graph("TemplateObject"), &asked["template"]);
    let sent = wire.meta.sent()[0].template.clone().unwrap();
    assert_eq!((sent.name.as_str(), sent.language.as_str()), ("receipt_result", "de"));
    assert_eq!(sent.parameters, ["meals", "€12.50", "Café Anny", "–"]);
}

#[tokio::test]
async fn a_template_that_is_not_there_waits_for_the_operator() {
    let wire = wire();
    let (to, attempt) = (sender(Some(PHONE), None), AttemptId(uuid::Uuid::from_u128(44)));
    let envelope = Envelope { from: &wire.number, to: &to, quoting: None, attempt };
    let send = async |name, parameters: &[Parameter]| {
        let template = Template { name, language: "en", parameters };
        wire.whatsapp.send_template(&envelope, &template).await.unwrap_err()
    };
    let missing = send("no_such_template", &[]).await;
    assert_eq!(missing.verdict(), Verdict::Halt, "{missing:?}");
    let misfit = send("receipt_result", &[parameter("one of four")]).await;
    assert!(matches!(misfit, SendError::TemplateMisfit(_)), "{misfit:?}");
}

#[tokio::test]
async fn a_read_mark_comes_with_a_typing_indicator() {
    let wire = wire();
    let read = Wamid::parse("wamid.HBgMNDIwNzc3MTIzNDU2").unwrap();
    wire.whatsapp.mark_read_and_type(&wire.number, &read).await.unwrap();
    let body = the_send(&wire.meta).json().unwrap();
    vendor_schemas::assert_valid(vendor_schemas::graph("MarkMessageRequestPayload"), &body);
    assert_eq!(wire.meta.marks()[0].typing, simulators::meta::Typing::Yes);
    assert_eq!(wire.meta.sent().len(), 0);
}

#[tokio::test]
async fn an_answer_that_was_lost_leaves_the_outcome_open() {
    let (wire, lost) = send_with_fault(&Fault::DoneButAnswerLost).await;
    assert!(matches!(lost, SendError::OutcomeUnknown(_)), "{lost:?}");
    assert_eq!(wire.meta.sent().len(), 1);
    for fault in [Fault::Cut, Fault::INTERNAL_ERROR, Fault::Status(503)] {
        let (_, unknown) = send_with_fault(&fault).await;
        assert!(matches!(unknown, SendError::OutcomeUnknown(_)), "{fault:?}: {unknown:?}");
    }
}

#[tokio::test]
async fn a_clear_refusal_is_told_by_its_code() {
    let refuse = |status, code| Fault::Refuse { status, code };
    for status in [400, 403, 429] {
        let (_, pair) = send_with_fault(&refuse(status, "131056")).await;
        assert!(matches!(pair, SendError::PairLimit(_)), "{pair:?}");
        let (_, recipient) = send_with_fault(&refuse(status, "131026")).await;
        assert_eq!(recipient.verdict(), Verdict::GiveUp, "{recipient:?}");
    }
    let (_, token) = send_with_fault(&refuse(401, "190")).await;
    assert!(matches!(token, SendError::TokenDead(_)), "{token:?}");
    let (_, policy) = send_with_fault(&refuse(400, "368")).await;
    assert!(matches!(policy, SendError::Blocked(_)), "{policy:?}");
    let (wire, pace) = send_with_fault(&Fault::TooManyRequests { retry_after: Some(3) }).await;
    assert_eq!(pace.verdict(), Verdict::NotBefore(Duration::from_secs(3)), "{pace:?}");
    assert_eq!(wire.meta.sent().len(), 0);
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let wire = wire();
    let base = format!("http://{}/v26.0", nobody());
    let away = Wire { whatsapp: client(&wire.meta, &base, "127.0.0.1:1"), ..wire };
    let unsent = send_text(&away, &sender(Some(PHONE), None)).await.unwrap_err();
    assert!(matches!(unsent, SendError::NotSent(_)), "{unsent:?}");
    assert_eq!(unsent.verdict(), Verdict::Retry);
}

#[tokio::test]
async fn nothing_personal_is_in_an_error() {
    let wire = wire();
    let unsent = send_text(&wire, &sender(Some(PHONE), None)).await.unwrap_err();
    let shown = format!("{unsent} {unsent:?}");
    for secret in [PHONE, "wamid.", &wire.meta.options().access_token] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
