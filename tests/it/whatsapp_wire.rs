//! What our WhatsApp client says on the wire, and what it makes of the answers: against the
//! simulator over real HTTP, and against Meta's own schema.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use paragon::clients::whatsapp::{
    Envelope, FetchedMedia, MediaError, MediaHosts, SendError, Template, WhatsApp,
};
use paragon::clients::{Http, Secret};
use paragon::domain::ids::{AttemptId, MediaId, PhoneNumberId, Sha256, Wamid};
use paragon::domain::inbound::MediaRef;
use paragon::domain::language::Language;
use paragon::domain::retry::Verdict;
use paragon::domain::sender::{Phone, Sender, UserId};
use simulators::meta::Tamper;
use simulators::{Asked, Fault, Meta, MetaOptions, MetaRoute};

use crate::vendor_schemas;

const PHONE: &str = "420777123456";
const USER_ID: &str = "CZ.13491208655302741918";
const PHOTO: &[u8] = b"\xff\xd8\xff\xe0 a photo of a receipt, as far as its first bytes go";
const SOON: Duration = Duration::from_secs(5);

struct Wire {
    meta: Meta,
    whatsapp: WhatsApp,
    number: PhoneNumberId,
}

fn wire() -> Wire {
    let meta = Meta::start(MetaOptions::default()).unwrap();
    let whatsapp = client(&meta, &meta.base_url(), &meta.media_host());
    let number = PhoneNumberId::parse(&meta.options().phone_number_id).unwrap();
    Wire {
        meta,
        whatsapp,
        number,
    }
}

fn client(meta: &Meta, base: &str, media_hosts: &str) -> WhatsApp {
    let token = Secret::new(&meta.options().access_token);
    let hosts = MediaHosts::parse(media_hosts).unwrap();
    WhatsApp::new(Http::new().unwrap(), base, &token, hosts).unwrap()
}

/// An address that nobody listens on: the port was free a moment ago.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

// ---- media ----------------------------------------------------------------------------------

fn photo(meta: &Meta) -> (simulators::MediaId, MediaRef) {
    let uploaded = meta.add_media(PHOTO, "image/jpeg");
    let media = MediaRef {
        id: MediaId::parse(uploaded.as_str()).unwrap(),
        mime: "image/jpeg".to_owned(),
        sha256: Some(Sha256::of(PHOTO)),
    };
    (uploaded, media)
}

async fn fetch(wire: &Wire, media: &MediaRef) -> Result<FetchedMedia, MediaError> {
    wire.whatsapp
        .fetch_media(media, Some(&wire.number), 1 << 20, SOON)
        .await
}

async fn fetch_tampered(tamper: Tamper) -> Result<FetchedMedia, MediaError> {
    let wire = wire();
    let (uploaded, media) = photo(&wire.meta);
    wire.meta.tamper(&uploaded, tamper);
    fetch(&wire, &media).await
}

async fn fetch_with_fault(route: MetaRoute, fault: Fault) -> Result<FetchedMedia, MediaError> {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    wire.meta.fault_always(route, fault);
    wire.whatsapp
        .fetch_media(&media, None, 1 << 20, Duration::from_millis(400))
        .await
}

#[tokio::test]
async fn both_media_steps_carry_the_token_and_the_first_the_version() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);

    let fetched = fetch(&wire, &media).await.unwrap();

    assert_eq!(
        (fetched.bytes.as_slice(), fetched.mime.as_str()),
        (PHOTO, "image/jpeg")
    );
    assert_eq!(fetched.sha256, Sha256::of(PHOTO));
    let asked = wire.meta.asked();
    let token = wire.meta.options().access_token.clone();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|it| it.bearer() == Some(&token)));
    assert_eq!(asked[0].path, format!("/v26.0/{}", media.id.as_str()));
    assert_eq!(
        asked[0].param("phone_number_id").as_deref(),
        Some(wire.number.as_str())
    );
}

#[tokio::test]
async fn we_say_who_we_are_and_trace_nobody_elses_machines() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    fetch(&wire, &media).await.unwrap();
    let asked = &wire.meta.asked()[0];
    assert!(asked.header("user-agent").unwrap().starts_with("paragon/"));
    assert_eq!(asked.header("traceparent"), None);
}

#[tokio::test]
async fn a_photo_whose_digest_is_not_the_promised_one_is_not_taken() {
    for tamper in [
        Tamper::WrongDigest,
        Tamper::Truncated,
        Tamper::Larger { by_bytes: 9 },
    ] {
        let refused = fetch_tampered(tamper).await.unwrap_err();
        assert!(matches!(refused, MediaError::WrongDigest), "{refused:?}");
        assert_eq!(refused.verdict(), Verdict::Retry);
    }
}

#[tokio::test]
async fn a_photo_that_is_not_the_one_of_the_webhook_is_not_taken() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    let other = MediaRef {
        sha256: Some(Sha256::of(b"another photo")),
        ..media
    };
    let refused = fetch(&wire, &other).await.unwrap_err();
    assert!(matches!(refused, MediaError::WrongDigest), "{refused:?}");
}

#[tokio::test]
async fn what_is_not_what_its_mime_says_is_not_taken() {
    let other = fetch_tampered(Tamper::OtherMime("application/pdf".to_owned()))
        .await
        .unwrap_err();
    assert!(matches!(other, MediaError::NotWhatItSays), "{other:?}");

    let wire = wire();
    let page = wire
        .meta
        .add_media(&b"<html>not a photo</html>"[..], "image/jpeg");
    let media = MediaRef {
        id: MediaId::parse(page.as_str()).unwrap(),
        mime: "image/jpeg".to_owned(),
        sha256: None,
    };
    let page = fetch(&wire, &media).await.unwrap_err();
    assert!(matches!(page, MediaError::NotWhatItSays), "{page:?}");
}

#[tokio::test]
async fn media_over_the_limit_is_not_read_to_its_end() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    let refused = wire
        .whatsapp
        .fetch_media(&media, None, 10, SOON)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, MediaError::TooLarge { limit: 10 }),
        "{refused:?}"
    );
    assert_eq!(refused.verdict(), Verdict::GiveUp);
}

#[tokio::test]
async fn the_token_never_goes_to_a_host_that_is_not_allowed() {
    let foreign = Meta::start(MetaOptions::default()).unwrap();
    let host = foreign.media_host();
    for tamper in [
        Tamper::UrlOnHost(host.clone()),
        Tamper::RedirectTo(host.clone()),
    ] {
        let refused = fetch_tampered(tamper).await.unwrap_err();
        assert!(matches!(refused, MediaError::HostNotAllowed), "{refused:?}");
    }
    assert_eq!(foreign.asked().len(), 0);
}

#[tokio::test]
async fn a_redirect_to_an_allowed_host_is_followed_with_the_token() {
    let cdn = Meta::start(MetaOptions::default()).unwrap();
    let wire = wire();
    let (uploaded, media) = photo(&wire.meta);
    wire.meta
        .tamper(&uploaded, Tamper::RedirectTo(cdn.media_host()));
    let hosts = format!("{},{}", wire.meta.media_host(), cdn.media_host());
    let whatsapp = client(&wire.meta, &wire.meta.base_url(), &hosts);

    let refused = whatsapp
        .fetch_media(&media, None, 1 << 20, SOON)
        .await
        .unwrap_err();

    // The simulated CDN has no such photo; that it was asked properly is the point.
    assert!(
        matches!(refused, MediaError::UrlExpired { .. }),
        "{refused:?}"
    );
    let asked = cdn.asked();
    assert_eq!(
        asked[0].bearer(),
        Some(wire.meta.options().access_token.as_str())
    );
}

#[tokio::test]
async fn an_expired_url_is_asked_for_once_more() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    wire.meta
        .fault(MetaRoute::MediaBytes, &Fault::Status(404), 1);
    assert_eq!(fetch(&wire, &media).await.unwrap().bytes, PHOTO);
    assert_eq!(wire.meta.count(MetaRoute::MediaObject), 2);

    wire.meta
        .fault(MetaRoute::MediaBytes, &Fault::Status(401), 2);
    let refused = fetch(&wire, &media).await.unwrap_err();
    assert!(
        matches!(refused, MediaError::UrlExpired { status: 401 }),
        "{refused:?}"
    );
    assert_eq!(refused.verdict(), Verdict::Retry);
}

#[tokio::test]
async fn media_that_graph_no_longer_knows_is_gone() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    wire.meta.advance(Duration::from_hours(8 * 24));
    let refused = fetch(&wire, &media).await.unwrap_err();
    assert!(matches!(refused, MediaError::Gone(_)), "{refused:?}");
    assert_eq!(refused.verdict(), Verdict::GiveUp);
}

#[tokio::test]
async fn a_dead_token_waits_for_the_operator() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    wire.meta.accept_only_token("another-token");
    let refused = fetch(&wire, &media).await.unwrap_err();
    assert!(matches!(refused, MediaError::TokenDead(_)), "{refused:?}");
    assert_eq!(refused.verdict(), Verdict::Halt);
}

#[tokio::test]
async fn retry_after_of_graph_is_honoured() {
    let fault = Fault::TooManyRequests {
        retry_after: Some(7),
    };
    let refused = fetch_with_fault(MetaRoute::MediaObject, fault)
        .await
        .unwrap_err();
    assert_eq!(
        refused.verdict(),
        Verdict::NotBefore(Duration::from_secs(7))
    );
}

#[tokio::test]
async fn a_hang_a_cut_and_a_failure_of_graph_are_tried_again() {
    for route in [MetaRoute::MediaObject, MetaRoute::MediaBytes] {
        for fault in [Fault::Hang, Fault::Cut, Fault::INTERNAL_ERROR] {
            let refused = fetch_with_fault(route, fault.clone()).await.unwrap_err();
            assert_eq!(
                refused.verdict(),
                Verdict::Retry,
                "{route:?} {fault:?}: {refused:?}"
            );
        }
    }
}

// ---- sending --------------------------------------------------------------------------------

fn sender(phone: Option<&str>, user_id: Option<&str>) -> Sender {
    let phone = phone.map(|it| Phone::parse(it).unwrap());
    Sender::known_by(phone, user_id.and_then(UserId::parse)).unwrap()
}

/// Opens the window of both senders: as Meta sees it they have just written.
async fn heard_from_both(meta: &Meta) {
    let by_phone = meta.text(&simulators::Sender::with_phone(PHONE, "Jana"), "hello");
    let by_user_id = meta.text(&simulators::Sender::with_user_id(USER_ID, "Jan"), "hello");
    let webhook = meta.webhook([by_phone, by_user_id]);
    assert!(
        meta.deliver(&webhook).await.is_err(),
        "nobody listens to webhooks here"
    );
}

async fn send_text(wire: &Wire, to: &Sender) -> Result<Wamid, SendError> {
    let quoted = Wamid::parse("wamid.HBgMNDIwNzc3MTIzNDU2").unwrap();
    let attempt = AttemptId(uuid::Uuid::from_u128(42));
    let envelope = Envelope {
        from: &wire.number,
        to,
        quoting: Some(&quoted),
        attempt,
    };
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
    let refused = send_text(&wire, &sender(Some(PHONE), None))
        .await
        .unwrap_err();
    (wire, refused)
}

#[tokio::test]
async fn an_answer_quotes_and_carries_its_attempt_as_meta_wants_it() {
    let wire = wire();
    heard_from_both(&wire.meta).await;

    let wamid = send_text(&wire, &sender(Some(PHONE), Some(USER_ID)))
        .await
        .unwrap();

    let asked = the_send(&wire.meta);
    assert_eq!(
        asked.path,
        format!("/v26.0/{}/messages", wire.number.as_str())
    );
    assert_eq!(
        asked.bearer(),
        Some(wire.meta.options().access_token.as_str())
    );
    assert_eq!(asked.header("content-type"), Some("application/json"));
    vendor_schemas::assert_valid(vendor_schemas::graph("TextMessage"), &asked.json().unwrap());
    let sent = &wire.meta.sent()[0];
    assert_eq!(sent.wamid, wamid.as_str());
    assert_eq!(
        (sent.to.as_deref(), sent.recipient.as_deref()),
        (Some(PHONE), None)
    );
    assert_eq!(sent.quoted.as_deref(), Some("wamid.HBgMNDIwNzc3MTIzNDU2"));
    let attempt = AttemptId::parse(sent.callback_data.as_deref().unwrap()).unwrap();
    assert_eq!(attempt, AttemptId(uuid::Uuid::from_u128(42)));
}

#[tokio::test]
async fn a_sender_without_a_phone_is_answered_by_user_id() {
    let wire = wire();
    heard_from_both(&wire.meta).await;
    send_text(&wire, &sender(None, Some(USER_ID)))
        .await
        .unwrap();
    let sent = &wire.meta.sent()[0];
    assert_eq!(
        (sent.to.as_deref(), sent.recipient.as_deref()),
        (None, Some(USER_ID))
    );
}

#[tokio::test]
async fn outside_the_window_the_text_is_refused_and_the_template_goes() {
    let wire = wire();
    let to = sender(Some(PHONE), None);

    let refused = send_text(&wire, &to).await.unwrap_err();
    assert!(matches!(refused, SendError::WindowClosed(_)), "{refused:?}");

    wire.meta.forget_asked();
    let body = ["meals", "€12.50", "Café\u{a0}\nAnny", ""].map(str::to_owned);
    let template = Template {
        name: "receipt_result",
        language: Language::De,
        body: &body,
    };
    let attempt = AttemptId(uuid::Uuid::from_u128(43));
    let envelope = Envelope {
        from: &wire.number,
        to: &to,
        quoting: None,
        attempt,
    };
    wire.whatsapp
        .send_template(&envelope, &template)
        .await
        .unwrap();

    let asked = the_send(&wire.meta).json().unwrap();
    vendor_schemas::assert_valid(vendor_schemas::graph("TemplateMessage"), &asked);
    vendor_schemas::assert_valid(vendor_schemas::graph("TemplateObject"), &asked["template"]);
    let sent = wire.meta.sent()[0].template.clone().unwrap();
    assert_eq!(
        (sent.name.as_str(), sent.language.as_str()),
        ("receipt_result", "de")
    );
    assert_eq!(sent.parameters, ["meals", "€12.50", "Café Anny", "–"]);
}

#[tokio::test]
async fn a_template_that_is_not_there_waits_for_the_operator() {
    let wire = wire();
    let (to, attempt) = (
        sender(Some(PHONE), None),
        AttemptId(uuid::Uuid::from_u128(44)),
    );
    let envelope = Envelope {
        from: &wire.number,
        to: &to,
        quoting: None,
        attempt,
    };
    let send = async |name, body: &[String]| {
        let template = Template {
            name,
            language: Language::En,
            body,
        };
        wire.whatsapp
            .send_template(&envelope, &template)
            .await
            .unwrap_err()
    };
    let missing = send("no_such_template", &[]).await;
    assert_eq!(missing.verdict(), Verdict::Halt, "{missing:?}");
    let misfit = send("receipt_result", &["one of four".to_owned()]).await;
    assert!(matches!(misfit, SendError::TemplateMisfit(_)), "{misfit:?}");
}

#[tokio::test]
async fn a_read_mark_comes_with_a_typing_indicator() {
    let wire = wire();
    let read = Wamid::parse("wamid.HBgMNDIwNzc3MTIzNDU2").unwrap();
    wire.whatsapp
        .mark_read_and_type(&wire.number, &read)
        .await
        .unwrap();
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
        assert!(
            matches!(unknown, SendError::OutcomeUnknown(_)),
            "{fault:?}: {unknown:?}"
        );
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
    let (wire, pace) = send_with_fault(&Fault::TooManyRequests {
        retry_after: Some(3),
    })
    .await;
    assert_eq!(
        pace.verdict(),
        Verdict::NotBefore(Duration::from_secs(3)),
        "{pace:?}"
    );
    assert_eq!(wire.meta.sent().len(), 0);
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let wire = wire();
    let base = format!("http://{}/v26.0", nobody());
    let away = Wire {
        whatsapp: client(&wire.meta, &base, "127.0.0.1:1"),
        ..wire
    };
    let unsent = send_text(&away, &sender(Some(PHONE), None))
        .await
        .unwrap_err();
    assert!(matches!(unsent, SendError::NotSent(_)), "{unsent:?}");
    assert_eq!(unsent.verdict(), Verdict::Retry);
}

#[tokio::test]
async fn nothing_personal_is_in_an_error() {
    let wire = wire();
    let unsent = send_text(&wire, &sender(Some(PHONE), None))
        .await
        .unwrap_err();
    let (_, media) = photo(&wire.meta);
    wire.meta.fault_always(MetaRoute::MediaBytes, Fault::Cut);
    let cut = fetch(&wire, &media).await.unwrap_err();
    for shown in [format!("{unsent} {unsent:?}"), format!("{cut} {cut:?}")] {
        for secret in [
            PHONE,
            "wamid.",
            "hash=",
            "mid=",
            &wire.meta.options().access_token,
        ] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
