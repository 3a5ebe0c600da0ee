//! How our client fetches what was sent to us, and what it refuses: against the simulator over
//! real HTTP.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail as loudly as a test")]

use std::time::Duration;

use paragon::clients::whatsapp::{FetchedMedia, MediaError};
use paragon::domain::ids::{MediaId, Sha256};
use paragon::domain::inbound::MediaRef;
use paragon::domain::retry::Verdict;
use simulators::meta::Tamper;
use simulators::{Fault, Meta, MetaOptions, MetaRoute};

use crate::whatsapp_wire::{Wire, client, wire};

const PHOTO: &[u8] = b"\xff\xd8\xff\xe0 a photo of a receipt, as far as its first bytes go";
const SOON: Duration = Duration::from_secs(5);

fn photo(meta: &Meta) -> (simulators::MediaId, MediaRef) {
    uploaded(meta, PHOTO, "image/jpeg")
}

fn uploaded(meta: &Meta, bytes: &[u8], mime: &str) -> (simulators::MediaId, MediaRef) {
    let uploaded = meta.add_media(bytes, mime);
    let media = MediaRef {
        id: MediaId::parse(uploaded.as_str()).unwrap(),
        mime: mime.to_owned(),
        sha256: Some(Sha256::of(bytes)),
        url: None,
    };
    (uploaded, media)
}

async fn fetch(wire: &Wire, media: &MediaRef) -> Result<FetchedMedia, MediaError> {
    wire.whatsapp.fetch_media(media, Some(&wire.number), 1 << 20, SOON).await
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
    wire.whatsapp.fetch_media(&media, None, 1 << 20, Duration::from_millis(400)).await
}

#[tokio::test]
async fn both_media_steps_carry_the_token_and_the_first_the_version() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);

    let fetched = fetch(&wire, &media).await.unwrap();

    assert_eq!((fetched.bytes.as_slice(), fetched.mime.as_str()), (PHOTO, "image/jpeg"));
    assert_eq!(fetched.sha256, Sha256::of(PHOTO));
    let asked = wire.meta.asked();
    let token = wire.meta.options().access_token.clone();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|it| it.bearer() == Some(&token)));
    assert_eq!(asked[0].path, format!("/v26.0/{}", media.id.as_str()));
    assert_eq!(asked[0].param("phone_number_id").as_deref(), Some(wire.number.as_str()));
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
    for tamper in [Tamper::WrongDigest, Tamper::Truncated, Tamper::Larger { by_bytes: 9 }] {
        let refused = fetch_tampered(tamper).await.unwrap_err();
        assert!(matches!(refused, MediaError::WrongDigest), "{refused:?}");
        assert_eq!(refused.verdict(), Verdict::Retry);
    }
}

#[tokio::test]
async fn a_photo_that_is_not_the_one_of_the_webhook_is_not_taken() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    let other = MediaRef { sha256: Some(Sha256::of(b"another photo")), ..media };
    let refused = fetch(&wire, &other).await.unwrap_err();
    assert!(matches!(refused, MediaError::WrongDigest), "{refused:?}");
}

#[tokio::test]
async fn what_is_not_what_its_mime_says_is_not_taken() {
    let other = fetch_tampered(Tamper::OtherMime("application/pdf".to_owned())).await.unwrap_err();
    assert!(matches!(other, MediaError::NotWhatItSays), "{other:?}");

    for (bytes, mime) in [
        (&b"<html>not a photo</html>"[..], "image/jpeg"),
        (b"PK\x03\x04 a document of words", "application/octet-stream"),
        (b"%PDF-1.7 a page", "image/jpeg"),
        (b"", "image/jpeg"),
    ] {
        let wire = wire();
        let (_, media) = uploaded(&wire.meta, bytes, mime);
        let other = fetch(&wire, &media).await.unwrap_err();
        assert!(matches!(other, MediaError::NotWhatItSays), "{mime}: {other:?}");
        assert_eq!(other.verdict(), Verdict::GiveUp);
    }
}

#[tokio::test]
async fn what_media_are_is_told_by_their_first_bytes_not_by_graph() {
    const BEHIND_A_BOM: &[u8] = b"\xef\xbb\xbf\n%PDF-1.4 a page";
    for (bytes, called, mime) in [
        (PHOTO, "image/png", "image/jpeg"),
        (PHOTO, "IMAGE/JPEG; charset=binary", "image/jpeg"),
        (PHOTO, "", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n...", "image/jpeg", "image/png"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/jpeg", "image/webp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "application/octet-stream", "image/heic"),
        (b"%PDF-1.7 a page", "application/octet-stream", "application/pdf"),
        (BEHIND_A_BOM, "application/pdf", "application/pdf"),
        (BEHIND_A_BOM, "", "application/pdf"),
    ] {
        let wire = wire();
        let (_, media) = uploaded(&wire.meta, bytes, called);
        assert_eq!(fetch(&wire, &media).await.unwrap().mime, mime, "called {called:?}");
    }
}

#[tokio::test]
async fn media_over_the_limit_is_not_read_to_its_end() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    let refused = wire.whatsapp.fetch_media(&media, None, 10, SOON).await.unwrap_err();
    assert!(matches!(refused, MediaError::TooLarge { limit: 10 }), "{refused:?}");
    assert_eq!(refused.verdict(), Verdict::GiveUp);
}

#[tokio::test]
async fn the_token_never_goes_to_a_host_that_is_not_allowed() {
    let foreign = Meta::start(MetaOptions::default()).unwrap();
    let host = foreign.media_host();
    for tamper in [Tamper::UrlOnHost(host.clone()), Tamper::RedirectTo(host.clone())] {
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
    wire.meta.tamper(&uploaded, Tamper::RedirectTo(cdn.media_host()));
    let hosts = format!("{},{}", wire.meta.media_host(), cdn.media_host());
    let whatsapp = client(&wire.meta, &wire.meta.base_url(), &hosts);

    let refused = whatsapp.fetch_media(&media, None, 1 << 20, SOON).await.unwrap_err();

    // The simulated CDN has no such photo; that it was asked properly is the point.
    assert!(matches!(refused, MediaError::UrlExpired { .. }), "{refused:?}");
    let asked = cdn.asked();
    assert_eq!(asked[0].bearer(), Some(wire.meta.options().access_token.as_str()));
}

#[tokio::test]
async fn an_expired_url_is_asked_for_once_more() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    wire.meta.fault(MetaRoute::MediaBytes, &Fault::Status(404), 1);
    assert_eq!(fetch(&wire, &media).await.unwrap().bytes, PHOTO);
    assert_eq!(wire.meta.count(MetaRoute::MediaObject), 2);

    wire.meta.fault(MetaRoute::MediaBytes, &Fault::Status(401), 2);
    let refused = fetch(&wire, &media).await.unwrap_err();
    assert!(matches!(refused, MediaError::UrlExpired { status: 401 }), "{refused:?}");
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
    assert_eq!(refused.verdict(), Verdict::PauseNumber);
}

#[tokio::test]
async fn retry_after_of_graph_is_honoured() {
    let fault = Fault::TooManyRequests { retry_after: Some(7) };
    let refused = fetch_with_fault(MetaRoute::MediaObject, fault).await.unwrap_err();
    assert_eq!(refused.verdict(), Verdict::NotBefore(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_hang_a_cut_and_a_failure_of_graph_are_tried_again() {
    for route in [MetaRoute::MediaObject, MetaRoute::MediaBytes] {
        for fault in [Fault::Hang, Fault::Cut, Fault::INTERNAL_ERROR] {
            let refused = fetch_with_fault(route, fault.clone()).await.unwrap_err();
            assert_eq!(refused.verdict(), Verdict::Retry, "{route:?} {fault:?}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn neither_token_nor_url_is_in_an_error() {
    let wire = wire();
    let (_, media) = photo(&wire.meta);
    // Without any answer the library's own error names the URL.
    for fault in [Fault::Cut, Fault::DoneButAnswerLost] {
        wire.meta.fault_always(MetaRoute::MediaBytes, fault);
        let cut = fetch(&wire, &media).await.unwrap_err();
        let shown = format!("{cut} {cut:?}");
        for secret in ["hash=", "mid=", &wire.meta.options().access_token] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
