//! Meta's simulator: media objects, their URLs and their bytes.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::meta::Tamper;
use simulators::{Meta, MetaRoute};

use crate::meta::{code, meta};
use crate::{answer, client};

async fn media_object(meta: &Meta, id: &str, token: &str) -> (u16, Value) {
    answer(client().get(format!("{}/{id}", meta.base_url())).bearer_auth(token)).await
}

#[tokio::test]
async fn a_medium_is_found_by_its_id_and_its_url_gives_the_bytes() {
    let meta = meta();
    let token = &meta.options().access_token;
    let id = meta.add_media(*b"JPEG bytes", "image/jpeg");
    let (status, object) = media_object(&meta, id.as_str(), token).await;
    assert_eq!(
        (status, &object["mime_type"], &object["file_size"]),
        (200, &json!("image/jpeg"), &json!(10))
    );
    let url = object["url"].as_str().unwrap();
    assert!(
        url.starts_with(&format!(
            "http://{}/whatsapp_business/attachments/?mid=",
            meta.media_host()
        ))
    );
    let bytes = client().get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(bytes.headers()["content-type"], "image/jpeg");
    assert_eq!(bytes.bytes().await.unwrap().as_ref(), b"JPEG bytes");
    let (_, again) = media_object(&meta, id.as_str(), token).await;
    assert_ne!(again["url"], object["url"], "each look-up makes a fresh URL");
    assert_eq!((meta.count(MetaRoute::MediaObject), meta.count(MetaRoute::MediaBytes)), (2, 1));
}

#[tokio::test]
async fn both_media_steps_refuse_a_caller_without_the_token() {
    let meta = meta();
    let id = meta.add_media(*b"x", "image/jpeg");
    assert_eq!(code(&media_object(&meta, id.as_str(), "wrong").await), (401, 190));
    let url = meta.url_of(&id);
    assert_eq!(code(&answer(client().get(&url)).await), (401, 190));
    meta.accept_only_token("rotated");
    assert_eq!(client().get(&url).bearer_auth("rotated").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_url_dies_after_five_minutes_and_an_id_after_seven_days() {
    let meta = meta();
    let token = &meta.options().access_token;
    let id = meta.add_media(*b"x", "image/jpeg");
    let url = meta.url_of(&id);
    meta.advance(Duration::from_secs(301));
    assert_eq!(client().get(&url).bearer_auth(token).send().await.unwrap().status(), 404);
    assert_eq!(media_object(&meta, id.as_str(), token).await.0, 200);
    meta.advance(Duration::from_hours(7 * 24));
    assert_eq!(code(&media_object(&meta, id.as_str(), token).await), (400, 100));
}

#[tokio::test]
async fn a_medium_can_be_tampered_with_in_every_way() {
    let meta = meta();
    let token = &meta.options().access_token;
    let id = meta.add_media(*b"0123456789", "image/jpeg");
    let fetch = || async {
        let answer = client().get(meta.url_of(&id)).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone(), answer.bytes().await.unwrap())
    };
    meta.tamper(&id, Tamper::WrongDigest);
    let (_, _, bytes) = fetch().await;
    assert!(bytes.len() == 10 && bytes.as_ref() != b"0123456789");
    meta.tamper(&id, Tamper::Truncated);
    assert_eq!(fetch().await.2.as_ref(), b"01234");
    meta.tamper(&id, Tamper::Larger { by_bytes: 7 });
    assert_eq!(fetch().await.2.len(), 17);
    meta.tamper(&id, Tamper::OtherMime("text/html".to_owned()));
    assert_eq!(fetch().await.1["content-type"], "text/html");
    meta.tamper(&id, Tamper::RedirectTo("127.0.0.1:9".to_owned()));
    let (status, headers, _) = fetch().await;
    assert_eq!(status, 302);
    assert!(headers["location"].to_str().unwrap().starts_with("http://127.0.0.1:9/whatsapp"));
    meta.tamper(&id, Tamper::UrlOnHost("evil.example:81".to_owned()));
    assert!(meta.url_of(&id).starts_with("http://evil.example:81/"));
    meta.restore(&id);
    assert_eq!(fetch().await.2.as_ref(), b"0123456789");
}
