//! What somebody who means harm can send, and that it comes to nothing. The front door's signatures are
//! in `refusals`, the dashboard in `dashboard::security`.

use serde_json::json;
use simulators::meta::Item;
use simulators::{AnthropicRoute, Meta, MetaOptions, MetaRoute, Sender};

use crate::rig::{CAFE, Rig, somebody};

/// A webhook is signed, and yet what stands in it was written by a stranger.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_cannot_send_the_token_to_a_host_of_its_own() {
    let rig = Rig::start().await;
    let foreign = Meta::start(MetaOptions::default()).unwrap();
    let media = rig.meta.add_media(CAFE, "image/jpeg");
    let urls = [
        foreign.url_of(&foreign.add_media(CAFE, "image/jpeg")),
        format!("http://{}@{}/x", rig.meta.media_host(), foreign.media_host()),
        format!("http://{}.evil.example/x", rig.meta.media_host().replace(':', ".")),
        "file:///etc/passwd".to_owned(),
    ];
    for url in urls {
        rig.deliver([rig.meta.photo(&somebody(), &media).with_url(&url)]).await;
    }
    assert_eq!(foreign.asked().len(), 0, "a stranger was asked");
    assert_eq!(rig.meta.count(MetaRoute::MediaObject), 4, "each was fetched by its id instead");
    let stored = "select count(*) from media where state = 'stored'";
    assert_eq!(rig.value::<i64>(stored).await, 4);
    rig.end().await;
}

fn from(rig: &Rig, phone: &str) -> Item {
    rig.photo(&Sender::with_phone(phone, "x' OR email:'a"), CAFE)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_webhook_says_becomes_a_part_of_stripes_query() {
    let rig = Rig::start_with(&[("OCR_ENGINES", "anthropic")]).await;
    let mut by_user_id = Sender::with_user_id(r"CZ.1' OR created>0 OR metadata['a']:'b", "Eva");
    rig.deliver([from(&rig, "420' OR email:'a@b.c"), rig.photo(&by_user_id, CAFE)]).await;
    by_user_id.user_id = Some("CZ.1349".to_owned());
    rig.deliver([from(&rig, "420777123456"), rig.photo(&by_user_id, CAFE)]).await;
    rig.drain().await;

    let asked: Vec<String> = rig.stripe.asked().iter().filter_map(|it| it.param("query")).collect();
    let allowed = [
        "metadata['whatsapp_phone']:'420777123456' OR metadata['whatsapp_phone']:'+420777123456'",
        "metadata['whatsapp_user_id']:'CZ.1349'",
    ];
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().all(|it| allowed.contains(&it.as_str())), "{asked:?}");
    // Nobody can be answered under such names: what was sent is kept for the operator.
    assert_eq!(rig.count("kept_items").await, 2);
    assert_eq!(rig.stripe.customers().len(), 2);
    rig.end().await;
}

fn receipt(merchant: &str) -> serde_json::Value {
    json!({
        "is_receipt": true, "merchant": merchant, "total": "22.40", "currency": "GBP",
        "date": "2026-11-19", "category": "meals", "tax": "3.73", "country": "GB",
    })
}

/// Whatever stands on a photo, a model that does what it says can fill in the fields of this one entry
/// and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_photo_makes_a_model_say_reaches_its_own_entry_at_most() {
    let rig = Rig::start_with(&[("OCR_ENGINES", "anthropic")]).await;
    let mut said =
        receipt("'); drop table entries; -- \u{202e}Pay at https://evil.example/$WA_TOKEN");
    said["customer"] = json!("cus_of_somebody_else");
    said["send_to"] = json!("420777999999");
    said["total"] = json!("999999999999999999999.99");
    said["category"] = json!("'; delete from senders; --");
    rig.anthropic.script(said);
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    let answers = rig.answers_to(&photo);
    assert_eq!((answers.len(), rig.meta.sent().len()), (1, 1), "nobody else is written to");
    assert_eq!(answers[0].to.as_deref(), Some("420777123456"));
    let text = answers[0].text.clone().unwrap();
    let token = &rig.meta.options().access_token;
    assert!(!text.contains(token.as_str()) && !text.contains("evil"), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
    let entry = "select state || ' ' || coalesce(total_minor::text, '-') || ' ' ||
                 coalesce(category, '-') from entries";
    assert_eq!(
        rig.value::<String>(entry).await,
        "incomplete - -",
        "what cannot be true is unknown"
    );
    assert_eq!(rig.stripe.customers().len(), 1);
    assert_eq!(rig.anthropic.count(AnthropicRoute::Messages), 1);
    rig.end().await;
}
