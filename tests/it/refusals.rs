//! What is refused, and that it leaves nothing.

use serde_json::json;
use simulators::meta::{sign, wire_bytes};

use crate::outside::shared;
use crate::rig::{CAFE, Rig, somebody};

async fn nothing_is_left(rig: &Rig) {
    for table in ["messages", "message_ids", "media", "blobs", "kept_items", "apalis_lease.jobs"] {
        assert_eq!(rig.count(table).await, 0, "{table}");
    }
    assert_eq!(rig.meta.asked().len(), 0, "Graph was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_a_missing_and_a_malformed_signature_are_403_and_leave_nothing() {
    let rig = Rig::start().await;
    let bytes = wire_bytes(&rig.meta.webhook([rig.photo(&somebody(), CAFE)]));
    let right = sign(&rig.meta.options().app_secret, &bytes);
    let cut = &right[..right.len() - 1];

    for signature in [None, Some(""), Some("sha256="), Some(cut), Some(&sign("wrong", &bytes))] {
        let answer = rig.meta.deliver_raw(bytes.clone(), signature).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (403, ""), "{signature:?}");
    }

    nothing_is_left(&rig).await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upper_case_hex_is_accepted() {
    let rig = Rig::start().await;
    let bytes = wire_bytes(&rig.meta.webhook([rig.photo(&somebody(), CAFE)]));
    let signature = sign(&rig.meta.options().app_secret, &bytes);
    let upper = format!("sha256={}", signature["sha256=".len()..].to_uppercase());

    assert_eq!(rig.meta.deliver_raw(bytes, Some(&upper)).await.unwrap().status, 200);
    assert_eq!(rig.count("messages").await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_3_mb_is_413() {
    let rig = Rig::start().await;
    let bytes = vec![b' '; 3 * 1024 * 1024 + 1];
    let signature = sign(&rig.meta.options().app_secret, &bytes);

    assert_eq!(rig.meta.deliver_raw(bytes, Some(&signature)).await.unwrap().status, 413);

    nothing_is_left(&rig).await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_cannot_be_read_is_200_and_kept_raw_once() {
    let rig = Rig::start().await;
    let bodies: [&[u8]; 6] =
        [b"", b"no json", b"[]", b"{\"entry\":7}", b"{\"entry\":[]}", b"\xff\xfe\x00"];
    for body in bodies.into_iter().chain(bodies) {
        let signature = sign(&rig.meta.options().app_secret, body);
        let answer = rig.meta.deliver_raw(body.to_vec(), Some(&signature)).await.unwrap();
        assert_eq!(answer.status, 200);
    }

    let kept: Vec<Vec<u8>> = sqlx::query_scalar("select raw from kept_items order by id")
        .fetch_all(&rig.pool)
        .await
        .unwrap();
    assert_eq!(kept, bodies);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_unreadable_item_does_not_cost_the_others() {
    let rig = Rig::start().await;
    let (photo, words) = (rig.photo(&somebody(), CAFE), rig.meta.text(&somebody(), "x"));
    let mut payload = rig.meta.webhook([photo, words]);
    let messages = payload["entry"][0]["changes"][0]["value"]["messages"].as_array_mut().unwrap();
    messages.insert(0, json!("no message at all"));
    messages.insert(2, json!({ "id": 7, "type": "text" }));
    messages.push(json!({ "from": "420777123456" }));
    payload["entry"].as_array_mut().unwrap().push(json!(null));

    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);

    assert_eq!(rig.count("messages").await, 2 + 1, "the sender of the odd one is in contacts");
    assert_eq!(rig.count("kept_items").await, 3);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_challenge_is_answered_to_whoever_knows_the_token() {
    let rig = Rig::start().await;
    assert!(rig.meta.verify_webhook("test-verify-token").await.unwrap());
    assert!(!rig.meta.verify_webhook("test-verify-tokem").await.unwrap());
    assert!(!rig.meta.verify_webhook("").await.unwrap());
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn published_signature_vectors_hold() {
    let Some(folder) = shared("signature vectors") else { return };
    let text = std::fs::read_to_string(folder.join("fixtures/vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut checked = 0;
    for vector in vectors["x_hub_signature_256"].as_array().unwrap() {
        use base64::Engine as _;
        // Some only ask a question of policy; those are answered by tests above.
        let (Some(header), true) = (vector["header"].as_str(), vector["valid"].is_boolean()) else {
            continue;
        };
        let body = base64::engine::general_purpose::STANDARD
            .decode(vector["body_b64"].as_str().unwrap())
            .unwrap();
        let secret = vector["secret"].as_str().unwrap();
        let secrets = paragon::pipeline::ingress::verify::SigningSecrets::parse(secrets_of(secret));
        let verified = paragon::pipeline::ingress::verify::verify(
            &secrets.unwrap(),
            Some(header.as_bytes()),
            body,
        );
        assert_eq!(verified.is_ok(), vector["valid"], "{}", vector["name"]);
        checked += 1;
    }
    assert!(checked >= 4, "only {checked} vectors");
}

/// A secret with a comma in it would be two.
fn secrets_of(secret: &str) -> &str {
    assert!(!secret.contains(','), "this vector needs a list of one");
    secret
}
