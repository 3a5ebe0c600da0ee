//! The checks that the Messages API makes before it costs anything: headers, fields, pictures
//! and their limits, documents, the answer's schema.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{AnthropicRoute, errors, picture, schema};
use crate::answer::Answer;
use crate::asked::Asked;

const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;
/// Counted on the base64 text, not on the picture.
const MAX_PICTURE_CHARS: usize = 5 * 1024 * 1024;
const MAX_EDGE: u32 = 8000;
const MAX_EDGE_OF_MANY: u32 = 2000;
const MANY_PICTURES: usize = 20;
const VERSIONS: [&str; 3] = ["2023-01-01", "2023-06-01", "2026-10-21"];
const FIELDS: [&str; 19] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "metadata",
    "stop_sequences",
    "stream",
    "thinking",
    "tools",
    "tool_choice",
    "output_config",
    "service_tier",
    "cache_control",
    "container",
    "context_management",
    "diagnostics",
    "inference_geo",
    "speed",
    "mcp_servers",
];

/// The request's body if nothing is wrong with it, or the refusal.
pub(crate) fn request(asked: &Asked<AnthropicRoute>) -> Result<Value, Answer> {
    if asked.body.len() > MAX_REQUEST_BYTES {
        return Err(errors::of_status(413));
    }
    match asked.header("anthropic-version") {
        None => return Err(errors::invalid("anthropic-version: header is required")),
        Some(version) if !VERSIONS.contains(&version) => {
            let message = format!("anthropic-version: \"{version}\" is not a valid version");
            return Err(errors::invalid(&message));
        }
        Some(_) => {}
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&asked.body) else {
        return Err(errors::invalid("The request body is not valid JSON"));
    };
    fields(&body)?;
    output_format(&body)?;
    messages(&body)?;
    Ok(Value::Object(body))
}

fn fields(body: &Map<String, Value>) -> Result<(), Answer> {
    for gone in ["temperature", "top_p", "top_k"] {
        if body.contains_key(gone) {
            return Err(errors::invalid(&format!("{gone}: is not supported by this model")));
        }
    }
    if let Some(unknown) = body.keys().find(|it| !FIELDS.contains(&it.as_str())) {
        return Err(errors::invalid(&format!("{unknown}: Extra inputs are not permitted")));
    }
    match body.get("model").and_then(Value::as_str) {
        None => return Err(errors::invalid("model: Field required")),
        Some(model) if !model.starts_with("claude-") => {
            return Err(errors::error(404, "not_found_error", &format!("model: {model}")));
        }
        Some(_) => {}
    }
    match body.get("max_tokens").map(Value::as_u64) {
        None => Err(errors::invalid("max_tokens: Field required")),
        Some(None | Some(0)) => {
            Err(errors::invalid("max_tokens: Input should be greater than or equal to 1"))
        }
        Some(Some(_)) if body.get("stream") == Some(&Value::Bool(true)) => {
            Err(errors::invalid("stream: this simulator does not stream"))
        }
        Some(Some(_)) => Ok(()),
    }
}

fn output_format(body: &Map<String, Value>) -> Result<(), Answer> {
    let format = body.get("output_config").map_or(&Value::Null, |it| &it["format"]);
    if !format.is_null() {
        if format["type"] != "json_schema" || !format["schema"].is_object() {
            let message = "output_config.format: Input should be a json_schema with its schema";
            return Err(errors::invalid(message));
        }
        if let Some(reason) = schema::refusal(&format["schema"]) {
            return Err(errors::invalid(&format!("output_config.format.schema: {reason}")));
        }
    }
    for tool in body.get("tools").and_then(Value::as_array).into_iter().flatten() {
        let strict = tool["strict"] == true;
        if let Some(reason) = schema::refusal(&tool["input_schema"]).filter(|_| strict) {
            return Err(errors::invalid(&format!("tools: {reason}")));
        }
    }
    Ok(())
}

fn messages(body: &Map<String, Value>) -> Result<(), Answer> {
    let messages = body.get("messages").and_then(Value::as_array);
    let Some(messages) = messages.filter(|it| !it.is_empty()) else {
        return Err(errors::invalid("messages: Field required"));
    };
    let of = |message: &Value| match &message["content"] {
        Value::Array(blocks) => blocks.clone(),
        _ => Vec::new(),
    };
    let blocks: Vec<Vec<Value>> = messages.iter().map(of).collect();
    let pictures = blocks.iter().flatten().filter(|it| it["type"] == "image").count();
    for (at, (message, blocks)) in messages.iter().zip(&blocks).enumerate() {
        let place = format!("messages.{at}");
        if !matches!(message["role"].as_str(), Some("user" | "assistant" | "system")) {
            return Err(errors::invalid(&format!("{place}.role: Input should be 'user'")));
        }
        if blocks.is_empty() && message["content"].as_str().is_none_or(str::is_empty) {
            return Err(errors::invalid(&format!("{place}: content must not be empty")));
        }
        for (at, block) in blocks.iter().enumerate() {
            check_block(&format!("{place}.content.{at}"), block, pictures)?;
        }
    }
    Ok(())
}

fn check_block(place: &str, block: &Value, pictures: usize) -> Result<(), Answer> {
    let wrong = |reason: &str| Err(errors::invalid(&format!("{place}.{reason}")));
    match block["type"].as_str() {
        Some("text") if block["text"].as_str().is_none_or(str::is_empty) => {
            wrong("text: text content blocks must be non-empty")
        }
        Some("image") => match check_picture(&block["source"], pictures) {
            Ok(()) => Ok(()),
            Err(reason) => wrong(&format!("image.source: {reason}")),
        },
        Some("document") => match check_document(&block["source"]) {
            Ok(()) => Ok(()),
            Err(reason) => wrong(&format!("document.source: {reason}")),
        },
        Some(_) => Ok(()),
        None => wrong("type: Field required"),
    }
}

fn check_picture(source: &Value, pictures: usize) -> Result<(), String> {
    match source["type"].as_str() {
        Some("base64") => {}
        Some("url" | "file") => return Ok(()),
        _ => return Err("type: Field required".to_owned()),
    }
    let declared = source["media_type"].as_str().unwrap_or_default();
    if !["image/jpeg", "image/png", "image/gif", "image/webp"].contains(&declared) {
        let known = "'image/jpeg', 'image/png', 'image/gif' or 'image/webp'";
        return Err(format!("base64.media_type: Input should be {known}"));
    }
    let data = source["data"].as_str().unwrap_or_default();
    if data.len() > MAX_PICTURE_CHARS {
        let (size, most) = (data.len(), MAX_PICTURE_CHARS);
        return Err(format!("base64: image exceeds 5 MB maximum: {size} bytes > {most} bytes"));
    }
    let bytes = decoded(data)?;
    match picture::media_type(&bytes) {
        None => return Err("base64.data: Could not process image".to_owned()),
        Some(actual) if actual != declared => {
            return Err(format!(
                "base64.data: Image does not match the provided media type {declared}"
            ));
        }
        Some(_) => {}
    }
    let most = if pictures > MANY_PICTURES { MAX_EDGE_OF_MANY } else { MAX_EDGE };
    match picture::edges(&bytes) {
        Some((width, height)) if width.max(height) > most => Err(format!(
            "base64.data: At least one of the image dimensions exceed max allowed size: {most} \
             pixels"
        )),
        None | Some((0, _) | (_, 0)) => Err("base64.data: Could not process image".to_owned()),
        Some(_) => Ok(()),
    }
}

fn check_document(source: &Value) -> Result<(), String> {
    match source["type"].as_str() {
        Some("base64") if source["media_type"] != "application/pdf" => {
            Err("base64.media_type: Input should be 'application/pdf'".to_owned())
        }
        Some("base64") => {
            let bytes = decoded(source["data"].as_str().unwrap_or_default())?;
            if bytes.starts_with(b"%PDF-") {
                return Ok(());
            }
            Err("base64.data: The PDF specified was not valid.".to_owned())
        }
        Some("text" | "url" | "content" | "file") => Ok(()),
        _ => Err("type: Field required".to_owned()),
    }
}

fn decoded(data: &str) -> Result<Vec<u8>, String> {
    match STANDARD.decode(data) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err("base64.data: Invalid base64 data".to_owned()),
    }
}
