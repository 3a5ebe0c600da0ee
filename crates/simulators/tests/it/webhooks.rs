//! Webhooks as Meta's simulator builds and signs them, beside recorded ones and published
//! signatures.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use simulators::Sender;
use simulators::meta::{sign, wire_bytes};

use crate::fixtures::{PHONE, all, folder, in_conversation, keys, read};
use crate::{answer, client};

#[tokio::test]
async fn every_built_webhook_has_the_keys_of_its_recorded_likes() {
    let Some(folder) = folder() else { return };
    let (meta, _receiver) = in_conversation().await;
    let mut ann = Sender::with_phone(PHONE, "Ann");
    ann.user_id = Some("US.13491208655302741918".to_owned());
    let media = meta.add_media(*b"x", "image/jpeg");
    let photo = meta.photo(&ann, &media).caption("lunch").with_url(&meta.url_of(&media));
    let built = [
        ("image-", photo),
        ("document-", meta.document(&ann, &media, "bill.pdf")),
        ("sticker-", meta.sticker(&ann, &media)),
        ("audio-", meta.voice(&ann, &media)),
        ("text-", meta.text(&ann, "hi")),
        ("text-", meta.text(&ann, "hi").quoting("wamid.X", "15550000001")),
        ("reaction-", meta.reaction(&ann, "wamid.X", "👍")),
        ("reaction-", meta.reaction(&ann, "wamid.X", "")),
        ("unsupported-", meta.unsupported(&ann)),
    ];
    for (prefix, item) in built {
        compare(&folder, prefix, &meta.webhook([item]));
    }
    let number = &meta.options().phone_number_id;
    let send = client().post(format!("{}/{number}/messages", meta.base_url()));
    let body = json!({ "messaging_product": "whatsapp", "to": PHONE, "text": { "body": "hi" },
        "biz_opaque_callback_data": "attempt-1" });
    answer(send.bearer_auth(&meta.options().access_token).json(&body)).await;
    let reply = &meta.sent()[0];
    for status in ["sent", "delivered", "read"] {
        compare(&folder, &format!("status-{status}"), &meta.webhook([meta.status(reply, status)]));
    }
    compare(&folder, "status-failed", &meta.webhook([meta.failed_status(reply, 131_026)]));
}

/// No key that no like has, and every key that all its likes have.
fn compare(folder: &Path, prefix: &str, built: &Value) {
    let recorded = all(&folder.join("webhooks"), prefix);
    assert!(!recorded.is_empty(), "{prefix}");
    let recorded: Vec<BTreeSet<String>> = recorded.iter().map(|(_, it)| keys(it)).collect();
    let (built, family) = (keys(built), prefix.split_inclusive('-').next().unwrap());
    let family = all(&folder.join("webhooks"), family);
    let family: Vec<BTreeSet<String>> = family.iter().map(|(_, it)| keys(it)).collect();
    // PLATFORM.md knows these from newer versions than the recordings are of.
    let newer = [".contacts.user_id", ".messages.from_user_id", ".statuses.pricing.type"];
    for key in &built {
        let known =
            newer.iter().any(|it| key.ends_with(it)) || family.iter().any(|it| it.contains(key));
        assert!(known, "{prefix}: {key} is in no recorded webhook");
    }
    for key in recorded[0].iter().filter(|key| recorded.iter().all(|it| it.contains(*key))) {
        assert!(built.contains(key), "{prefix}: {key} is in every recorded webhook");
    }
}

#[test]
fn signatures_are_those_of_the_published_vectors() {
    let Some(folder) = folder() else { return };
    let vectors = read(&folder, "vectors.json");
    let valid = vectors["x_hub_signature_256"].as_array().unwrap().iter();
    let valid: Vec<&Value> = valid.filter(|it| it["valid"] == true).collect();
    assert!(valid.len() > 2);
    for vector in valid {
        let body = STANDARD.decode(vector["body_b64"].as_str().unwrap()).unwrap();
        let header = vector["header"].as_str().unwrap().to_lowercase();
        assert_eq!(sign(vector["secret"].as_str().unwrap(), &body), header, "{}", vector["name"]);
    }
    assert_eq!(
        wire_bytes(&json!({ "a": "äöå😀/" })),
        br#"{"a":"\u00e4\u00f6\u00e5\ud83d\ude00\/"}"#
    );
}
