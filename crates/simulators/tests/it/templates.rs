//! Meta's simulator: templates are taken, refused, reviewed and told of as Meta does.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulators::meta::TemplateStatus;
use simulators::{Meta, Sender};

use crate::fixtures::{all, folder};
use crate::meta::{code, meta};
use crate::{Receiver, answer, client};

const SOUND: &str = "This is a service message: we read the amount {{1}} from your receipt.";

async fn post(meta: &Meta, id: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/{id}", meta.base_url());
    answer(client().post(url).bearer_auth(&meta.options().access_token).json(body)).await
}

fn new(name: &str, text: &str, examples: &[&str]) -> Value {
    let example = json!({ "body_text": [examples] });
    json!({
        "name": name, "language": "en", "category": "UTILITY", "parameter_format": "POSITIONAL",
        "components": [{ "type": "BODY", "text": text, "example": example }],
    })
}

async fn create(meta: &Meta, name: &str, text: &str, examples: &[&str]) -> (u16, Value) {
    let waba = format!("{}/message_templates", meta.options().waba_id);
    post(meta, &waba, &new(name, text, examples)).await
}

#[tokio::test]
async fn what_meta_refuses_at_once_is_refused_and_not_kept() {
    let meta = meta();
    let before = meta.templates().len();
    let refused: [(&str, &str, &[&str]); 7] = [
        ("Receipt", SOUND, &["€5"]),
        ("receipt", "{{1}} is what we read from your last receipt today.", &["€5"]),
        ("receipt", "What we have read from your last receipt is {{1}}", &["€5"]),
        ("receipt", "Read: {{1}}, {{2}}, thanks.", &["a", "b"]),
        ("receipt", "We read the amount {{2}} from your last receipt, thank you.", &["€5"]),
        ("receipt", SOUND, &[]),
        ("receipt_result", SOUND, &["€5"]),
    ];
    for (name, text, examples) in refused {
        let answered = create(&meta, name, text, examples).await;
        assert_eq!(code(&answered), (400, 100), "{name}: {text}");
    }
    assert_eq!(meta.templates().len(), before);
    assert_eq!(create(&meta, "receipt", SOUND, &["€5"]).await.0, 200);
}

#[tokio::test]
async fn the_reviewer_rejects_the_articles_text_and_approves_what_it_became() {
    let receiver = Receiver::start(&[]);
    let meta = meta();
    meta.webhook_url(&receiver.url);
    let text = "Your receipt has been processed, category: {{1}}, thank you for it.";
    assert_eq!(create(&meta, "receipt", text, &["meals"]).await.0, 200);
    assert_eq!(meta.review().await, (0, 1));
    let id = meta.templates().last().unwrap().clone();
    assert_eq!(id.status, TemplateStatus::Rejected);

    let waba = &meta.options().waba_id;
    let list = format!("{}/{waba}/message_templates?name=receipt", meta.base_url());
    let listed = answer(client().get(list).bearer_auth(&meta.options().access_token)).await.1;
    assert_eq!(listed["data"][0]["rejected_reason"], "PROMOTIONAL");
    let template = listed["data"][0]["id"].as_str().unwrap().to_owned();
    let mut edited = new("receipt", &format!("{text} This is a service message."), &["meals"]);
    edited = json!({ "components": edited["components"] });
    assert_eq!(post(&meta, &template, &edited).await, (200, json!({ "success": true })));
    assert_eq!(meta.review().await, (1, 0));
    // Approved ones are edited once a day.
    assert_eq!(post(&meta, &template, &edited).await.0, 200);
    meta.review().await;
    assert_eq!(code(&post(&meta, &template, &edited).await), (400, 100));
}

#[tokio::test]
async fn a_hundred_new_templates_an_hour_are_taken() {
    let meta = meta();
    meta.pretend_submitted(99);
    assert_eq!(create(&meta, "the_hundredth", SOUND, &["€5"]).await.0, 200);
    let refused = create(&meta, "one_too_many", SOUND, &["€5"]).await;
    assert_eq!(code(&refused), (400, 80_008));
    meta.advance(std::time::Duration::from_hours(1));
    assert_eq!(create(&meta, "one_too_many", SOUND, &["€5"]).await.0, 200);
}

/// Every key that a recorded webhook of this kind has, ours has too.
#[tokio::test]
async fn webhooks_about_templates_and_wishes_look_like_the_recorded_ones() {
    let Some(folder) = folder() else { return };
    let receiver = Receiver::start(&[]);
    let meta = meta();
    meta.webhook_url(&receiver.url);
    meta.approve_template("receipt_result", "en").await;
    meta.reject_template("receipt_result", "en", "INVALID_FORMAT", "why", "what to do").await;
    meta.move_template("receipt_result", "en", "MARKETING").await;
    meta.rate_template("receipt_result", "en", "YELLOW").await;
    meta.prefer(&Sender::with_phone("16505551234", "Ann"), "stop").await;
    let ours: Vec<Value> =
        receiver.bodies().iter().map(|it| it["entry"][0]["changes"][0].clone()).collect();
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let mut compared = 0;
    for prefix in [
        "message-template-status-update",
        "template-category-update",
        "message-template-quality-update",
    ] {
        for (name, recorded) in all(&folder.join("webhooks"), prefix) {
            let theirs = &recorded["entry"][0]["changes"][0];
            let same = |it: &&Value| {
                it["field"] == theirs["field"] && it["value"]["event"] == theirs["value"]["event"]
            };
            let ours = ours.iter().find(same).unwrap_or_else(|| panic!("{name}"));
            let missing: Vec<String> =
                keys(&theirs["value"]).difference(&keys(&ours["value"])).cloned().collect();
            assert!(missing.is_empty(), "{name}: {missing:?}");
            compared += 1;
        }
    }
    assert!(compared >= 5, "only {compared}");
    let preference = &ours.last().unwrap()["value"]["user_preferences"][0];
    let recorded = all(&folder.join("webhooks"), "user-preferences");
    let theirs = &recorded[0].1["entry"][0]["changes"][0]["value"]["user_preferences"][0];
    let missing: Vec<String> = keys(theirs)
        .difference(&keys(preference))
        .filter(|it| *it != "signup_id")
        .cloned()
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
