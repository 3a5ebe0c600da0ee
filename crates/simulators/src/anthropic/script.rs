//! What is answered: a scripted reply made into a message of the API, with its usage counted
//! roughly. It never looks at a picture.

use serde_json::{Value, json};

use super::{Thinking, schema};
use crate::answer::Answer;
use crate::ids;

/// One scripted reply. No `Debug`: it may hold what stands on a receipt.
#[derive(Clone, PartialEq)]
pub enum Reply {
    /// This JSON, as text (or as the input of the tool that the request forces).
    Json(Value),
    /// This text as it is, be it JSON or not.
    Text(String),
    /// This text, broken off because `max_tokens` were used up.
    BrokenOff(String),
    /// A refusal: no content, `stop_reason: "refusal"`.
    Refusal,
}

/// The message for a request that passed all checks.
pub(crate) fn answer(request: &Value, reply: Option<Reply>, thinking: Thinking) -> Answer {
    let format = &request["output_config"]["format"]["schema"];
    let tool = &request["tool_choice"]["name"];
    let reply = reply.unwrap_or_else(|| match (format, tool.as_str()) {
        (Value::Object(_), _) => Reply::Json(schema::emptiest(format)),
        (_, Some(name)) => Reply::Json(schema::emptiest(tool_schema(request, name))),
        _ => Reply::Text("Hello!".to_owned()),
    });
    let (block, stop_reason) = match (reply, tool.as_str()) {
        (Reply::Json(input), Some(name)) => {
            let id = format!("toolu_{}", ids::alphanumeric(24));
            let block = json!({ "type": "tool_use", "id": id, "name": name, "input": input });
            (Some(block), "tool_use")
        }
        (Reply::Json(json), None) => (Some(text(&json.to_string())), "end_turn"),
        (Reply::Text(words), _) => (Some(text(&words)), "end_turn"),
        (Reply::BrokenOff(words), _) => (Some(text(&words)), "max_tokens"),
        (Reply::Refusal, _) => (None, "refusal"),
    };
    let output_tokens = block.as_ref().map_or(0, |it| it.to_string().len() / 4) + 4;
    let content: Vec<Value> = thought(thinking).into_iter().chain(block).collect();
    Answer::json(
        200,
        &json!({
            "id": format!("msg_{}", ids::alphanumeric(24)),
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": null,
            "usage": {
                "input_tokens": input_tokens(request),
                "output_tokens": output_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "service_tier": "standard",
            },
        }),
    )
}

fn text(words: &str) -> Value {
    json!({ "type": "text", "text": words, "citations": null })
}

fn thought(thinking: Thinking) -> Option<Value> {
    match thinking {
        Thinking::Hidden => None,
        Thinking::First => Some(json!({
            "type": "thinking",
            "thinking": "",
            "signature": ids::alphanumeric(64),
        })),
    }
}

fn tool_schema<'a>(request: &'a Value, name: &str) -> &'a Value {
    let tools = request["tools"].as_array().into_iter().flatten();
    let tool = tools.into_iter().find(|it| it["name"] == name);
    tool.map_or(&Value::Null, |it| &it["input_schema"])
}

/// About four characters a token, and 1,500 for a picture or document.
fn input_tokens(request: &Value) -> usize {
    let messages = request["messages"].as_array().into_iter().flatten();
    let sum = messages.map(|message| match &message["content"] {
        Value::Array(blocks) => blocks.iter().map(block_tokens).sum(),
        other => other.as_str().map_or(0, |it| it.len() / 4),
    });
    sum.sum::<usize>() + 8
}

fn block_tokens(block: &Value) -> usize {
    match block["type"].as_str() {
        Some("image" | "document") => 1500,
        _ => block["text"].as_str().map_or(0, |it| it.len() / 4),
    }
}
