//! Which engine reads, and when the next one is asked.

use serde_json::json;
use simulators::anthropic::Reply;
use simulators::{AnthropicRoute, Fault};

use crate::rig::{CAFE, Rig, TESSERACT, somebody};

const BOTH: &[(&str, &str)] = &[("OCR_ENGINES", "anthropic,tesseract")];

pub fn answer() -> serde_json::Value {
    json!({
        "is_receipt": true, "merchant": "The Copper Kettle", "total": "22.40", "currency": "GBP",
        "date": "2026-11-19", "category": "meals", "tax": "3.73", "country": "GB",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_reads_first_and_is_paid_once() {
    let rig = Rig::start_with(BOTH).await;
    rig.anthropic.script(answer());
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    let read: String = rig.value("select string_agg(engine, ',') from readings").await;
    assert_eq!(read, "anthropic");
    assert_eq!(rig.value::<i64>("select total_minor from entries").await, 2240);
    assert_eq!(rig.anthropic.count(AnthropicRoute::Messages), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reading_cost_and_how_it_was_asked_for_is_kept_with_it() {
    let rig = Rig::start_with(BOTH).await;
    rig.anthropic.script(answer());
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    let kept = "select concat_ws(' ', model, prompt, input_tokens > 1000, output_tokens > 10,
                                 cost_micro_usd between 100 and 10000)
                from readings";
    assert_eq!(rig.value::<String>(kept).await, "claude-haiku-5-5 receipt-2 t t t");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_paid_engine_is_asked_only_where_the_one_on_this_machine_is_unsure() {
    let rig = Rig::start_with(&[("OCR_ENGINES", "tesseract,anthropic")]).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    assert_eq!(rig.anthropic.count(AnthropicRoute::Messages), 0);
    let sure = "select total_sure >= 90 and date_sure >= 90 and merchant_sure >= 60 from readings";
    assert!(rig.value::<bool>(sure).await, "the confidences are kept");

    rig.anthropic.script(answer());
    let above_the_total = image::load_from_memory(CAFE).unwrap().crop_imm(0, 0, 720, 576);
    let mut torn = std::io::Cursor::new(Vec::new());
    above_the_total.write_to(&mut torn, image::ImageFormat::Jpeg).unwrap();
    rig.deliver([rig.photo(&somebody(), &torn.into_inner())]).await;
    rig.drain().await;
    let engines = "select string_agg(engine, ',' order by read_at) from readings
                   where message_id = (select max(id) from messages)";
    assert_eq!(rig.value::<String>(engines).await, "tesseract,anthropic");
    assert_eq!(rig.anthropic.count(AnthropicRoute::Messages), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_engine_is_asked_again_and_not_replaced_at_once() {
    let rig = Rig::start_with(BOTH).await;
    rig.anthropic.fault(AnthropicRoute::Messages, &Fault::Status(529), 1);
    rig.anthropic.fault(
        AnthropicRoute::Messages,
        &Fault::TooManyRequests { retry_after: Some(1) },
        1,
    );
    rig.anthropic.script(answer());
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    assert_eq!(rig.value::<String>("select engine from readings").await, "anthropic");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_an_unsure_total_go_to_the_next_engine() {
    for unsure in [Reply::Refusal, Reply::Json(unsure_answer())] {
        let rig = Rig::start_with(BOTH).await;
        rig.anthropic.script_reply(unsure);
        rig.deliver([rig.photo(&somebody(), CAFE)]).await;
        rig.drain().await;

        let engines = "select string_agg(engine, ',' order by read_at) from readings";
        assert_eq!(rig.value::<String>(engines).await, "anthropic,tesseract");
        assert_eq!(rig.value::<i64>("select total_minor from entries").await, 2240);
        rig.end().await;
    }
}

pub fn unsure_answer() -> serde_json::Value {
    let mut answer = answer();
    answer["total"] = json!(null);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_whose_total_nobody_can_read_is_incomplete_and_the_sender_is_told() {
    let rig = Rig::start_with(&[("OCR_ENGINES", "anthropic")]).await;
    rig.anthropic.script(unsure_answer());
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.value::<String>("select state from entries").await, "incomplete");
    let said = rig.answers_to(&photo)[0].text.clone().unwrap();
    assert!(said.contains("Amount: unknown") && said.contains("sharper photo"), "{said}");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_the_operators_and_the_next_engine_reads() {
    let rig = Rig::start_with(&[BOTH[0], ("ANTHROPIC_API_KEY", "wrong")]).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    assert_eq!(rig.value::<String>("select engine from readings").await, "tesseract");
    assert_eq!(rig.count("entries").await, 1);
    let asked = rig.anthropic.count(AnthropicRoute::Messages);
    assert_eq!(asked, 1, "once another engine is sure, nobody is asked any more");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_picture_are_asked_for_again() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let pdf = rig.meta.add_media(&b"%PDF-1.7 an invoice"[..], "application/pdf");
    let document = rig.meta.document(&somebody(), &pdf, "invoice.pdf");
    let cut = rig.photo(&somebody(), &[&CAFE[..4], &[0x55; 900]].concat());
    rig.deliver([document.clone(), cut.clone()]).await;
    rig.drain().await;

    for item in [&document, &cut] {
        let said = rig.answers_to(item)[0].text.clone().unwrap();
        assert!(said.contains("send the receipt again"), "{said}");
    }
    assert_eq!(rig.count("entries").await, 0);
    rig.end().await;
}
