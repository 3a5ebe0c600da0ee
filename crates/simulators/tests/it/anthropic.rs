//! Anthropic's simulator: what it refuses, and what it answers from the script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use simulators::anthropic::Reply;
use simulators::{Anthropic, AnthropicOptions, AnthropicRoute, Fault};

use crate::{answer, client};

fn anthropic() -> Anthropic {
    Anthropic::start(AnthropicOptions::default()).unwrap()
}

fn post(anthropic: &Anthropic, body: &Value) -> RequestBuilder {
    let request = client().post(format!("{}/v1/messages", anthropic.base_url()));
    let request = request.header("x-api-key", &anthropic.options().api_key);
    request.header("anthropic-version", "2023-06-01").json(body)
}

/// The head of a PNG of that size, which is all that is looked at.
fn png(width: u32, height: u32) -> Vec<u8> {
    let head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    [&head[..], &width.to_be_bytes(), &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat()
}

fn reading(bytes: &[u8], media_type: &str) -> Value {
    let data = STANDARD.encode(bytes);
    let source = json!({ "type": "base64", "media_type": media_type, "data": data });
    json!({
        "model": "claude-haiku-5-5",
        "max_tokens": 1024,
        "messages": [{ "role": "user", "content": [
            { "type": "image", "source": source },
            { "type": "text", "text": "What was paid?" },
        ] }],
        "output_config": { "format": { "type": "json_schema", "schema": {
            "type": "object",
            "properties": { "total": { "type": ["string", "null"] } },
            "required": ["total"],
            "additionalProperties": false,
        } } },
    })
}

fn photo() -> Value {
    reading(&png(640, 480), "image/png")
}

#[tokio::test]
async fn a_scripted_json_comes_back_as_text_and_the_script_runs_out() {
    let anthropic = anthropic();
    anthropic.script(json!({ "total": "12.30" }));
    let (status, first) = answer(post(&anthropic, &photo())).await;
    assert_eq!((status, &first["stop_reason"]), (200, &json!("end_turn")));
    assert_eq!(first["content"][0]["text"], r#"{"total":"12.30"}"#);
    assert!(first["usage"]["input_tokens"].as_u64().unwrap() > 1000);
    let (_, second) = answer(post(&anthropic, &photo())).await;
    assert_eq!(second["content"][0]["text"], r#"{"total":null}"#, "the emptiest that fits");
    anthropic.otherwise(Reply::Text("no idea".to_owned()));
    let (_, third) = answer(post(&anthropic, &photo())).await;
    assert_eq!(third["content"][0]["text"], "no idea");
    assert_eq!(anthropic.count(AnthropicRoute::Messages), 3);
}

#[tokio::test]
async fn thinking_comes_first_and_refusals_and_broken_answers_say_so() {
    let anthropic = anthropic();
    anthropic.think_first();
    anthropic.script(json!({ "total": "1" }));
    anthropic.script_reply(Reply::BrokenOff("{\"tot".to_owned()));
    anthropic.script_reply(Reply::Refusal);
    let (_, thought) = answer(post(&anthropic, &photo())).await;
    assert_eq!(thought["content"][0]["type"], "thinking");
    assert_eq!(thought["content"][1]["type"], "text");
    let (_, broken) = answer(post(&anthropic, &photo())).await;
    assert_eq!(broken["stop_reason"], "max_tokens");
    let (_, refused) = answer(post(&anthropic, &photo())).await;
    assert_eq!((&refused["stop_reason"], anthropic.replies_left()), (&json!("refusal"), 0));
}

#[tokio::test]
async fn either_header_holds_the_key_and_the_version_is_required() {
    let anthropic = anthropic();
    let url = format!("{}/v1/messages", anthropic.base_url());
    let key = &anthropic.options().api_key;
    let bearer = client().post(&url).bearer_auth(key).header("anthropic-version", "2026-10-21");
    assert_eq!(answer(bearer.json(&photo())).await.0, 200);
    let wrong = client().post(&url).header("x-api-key", "other").json(&photo());
    let (status, body) = answer(wrong).await;
    assert_eq!((status, &body["error"]["type"]), (401, &json!("authentication_error")));
    assert_eq!(answer(client().post(&url).bearer_auth(key).json(&photo())).await.0, 400);
}

#[tokio::test]
async fn pictures_beyond_the_limits_are_refused() {
    let anthropic = anthropic();
    let status = |body: Value| {
        let request = post(&anthropic, &body);
        async { answer(request).await.0 }
    };
    assert_eq!(status(reading(&png(8000, 10), "image/png")).await, 200);
    assert_eq!(status(reading(&png(10, 8001), "image/png")).await, 400);
    let mut heavy = png(10, 10);
    heavy.resize(5 * 1024 * 1024 / 4 * 3, 0);
    assert_eq!(status(reading(&heavy, "image/png")).await, 200, "exactly 5 MB of base64");
    heavy.push(0);
    assert_eq!(status(reading(&heavy, "image/png")).await, 400, "more than 5 MB of base64");
    assert_eq!(status(reading(&png(10, 10), "image/jpeg")).await, 400);
    assert_eq!(status(reading(&png(10, 10), "image/tiff")).await, 400);
    assert_eq!(status(reading(b"neither", "image/png")).await, 400);
}

#[tokio::test]
async fn requests_that_break_a_rule_are_refused() {
    let anthropic = anthropic();
    let with = |key: &str, value: Value| {
        let mut body = photo();
        body[key] = value;
        body
    };
    let mut open = photo();
    open["output_config"]["format"]["schema"]["additionalProperties"] = json!(true);
    let refused = [
        with("temperature", json!(0.0)),
        with("top_p", json!(1)),
        with("max_tokens", json!(0)),
        with("messages", json!([])),
        with("messages", json!([{ "role": "bot", "content": "x" }])),
        with("colour", json!("red")),
        with("output_config", json!({ "format": { "type": "json" } })),
        open,
    ];
    for body in refused {
        let answer = post(&anthropic, &body).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["type"], &body["request_id"]), (&json!("error"), &json!(id)));
    }
    assert_eq!(answer(post(&anthropic, &with("model", json!("gpt")))).await.0, 404);
}

#[tokio::test]
async fn a_pdf_is_taken_as_a_document_and_a_forced_tool_gets_the_script() {
    let anthropic = anthropic();
    let mut body = photo();
    let data = STANDARD.encode("%PDF-1.7 …");
    let pdf = json!({ "type": "base64", "media_type": "application/pdf", "data": data });
    body["messages"][0]["content"][0] = json!({ "type": "document", "source": pdf });
    body["output_config"] = json!({});
    body["tools"] = json!([{ "name": "record", "input_schema": { "type": "object" } }]);
    body["tool_choice"] = json!({ "type": "tool", "name": "record" });
    anthropic.script(json!({ "total": "1" }));
    let (status, result) = answer(post(&anthropic, &body)).await;
    assert_eq!((status, &result["stop_reason"]), (200, &json!("tool_use")));
    assert_eq!(result["content"][0]["input"], json!({ "total": "1" }));
}

#[tokio::test]
async fn overload_and_rate_limits_have_their_own_types() {
    let anthropic = anthropic();
    anthropic.fault(AnthropicRoute::Messages, &Fault::Status(529), 1);
    anthropic.fault(AnthropicRoute::Messages, &Fault::TooManyRequests { retry_after: Some(20) }, 1);
    let (status, body) = answer(post(&anthropic, &photo())).await;
    assert_eq!((status, &body["error"]["type"]), (529, &json!("overloaded_error")));
    let limited = post(&anthropic, &photo()).send().await.unwrap();
    assert_eq!(limited.headers()["retry-after"], "20");
    let body: Value = limited.json().await.unwrap();
    assert_eq!(body["error"]["type"], "rate_limit_error");
}

#[tokio::test]
async fn a_reader_answers_each_picture_in_its_own_way_and_the_script_goes_first() {
    let anthropic = anthropic();
    anthropic.read_with(|bytes| {
        let width = *bytes.get(19)?;
        (width != 0).then(|| Reply::Json(json!({ "total": width.to_string() })))
    });
    anthropic.otherwise(Reply::Json(json!({ "total": "other" })));
    anthropic.script(json!({ "total": "scripted" }));
    let small = reading(&png(7, 7), "image/png");
    for total in ["scripted", "7", "7"] {
        let (_, read) = answer(post(&anthropic, &small)).await;
        assert_eq!(read["content"][0]["text"], format!(r#"{{"total":"{total}"}}"#));
    }
    let (_, read) = answer(post(&anthropic, &reading(&png(256, 7), "image/png"))).await;
    assert_eq!(read["content"][0]["text"], r#"{"total":"other"}"#);
}
