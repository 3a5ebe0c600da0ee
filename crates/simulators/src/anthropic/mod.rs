//! Anthropic: the Messages API with its request checked as the vendor checks it and its answer
//! taken from a script. It reads no picture: what a photo says, the test says.

mod check;
mod errors;
mod picture;
mod schema;
mod script;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome};
use crate::asked::Asked;
use crate::ids;
use crate::simulator::{Simulator, Vendor};

pub use script::Reply;

/// Anthropic's API, running. See [`Anthropic::start`].
pub type Anthropic = Simulator<Claude>;

/// Where a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnthropicRoute {
    /// `POST /v1/messages`
    Messages,
    /// `GET /v1/models/{model}`
    Model,
}

/// The account that the simulator plays. The defaults are obviously made up.
#[derive(Clone)]
pub struct AnthropicOptions {
    /// Accepted as `x-api-key` or as bearer token.
    pub api_key: String,
}

impl Default for AnthropicOptions {
    fn default() -> Self {
        Self { api_key: "sk-ant-simulated".to_owned() }
    }
}

/// The vendor behind [`Anthropic`].
pub struct Claude {
    options: AnthropicOptions,
    memory: Mutex<Memory>,
}

/// What a test makes of a picture.
type Reader = Arc<dyn Fn(&[u8]) -> Option<Reply> + Send + Sync>;

/// Everything that changes.
struct Memory {
    replies: VecDeque<Reply>,
    reader: Option<Reader>,
    otherwise: Option<Reply>,
    thinking: Thinking,
}

/// Whether a thinking block precedes the answer.
#[derive(Clone, Copy)]
enum Thinking {
    Hidden,
    First,
}

impl Claude {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Anthropic {
    /// Starts it on a free port of the loopback interface, with an empty script.
    pub fn start(options: AnthropicOptions) -> io::Result<Self> {
        Self::run(|_| {
            let memory = Memory {
                replies: VecDeque::new(),
                reader: None,
                otherwise: None,
                thinking: Thinking::Hidden,
            };
            Claude { options, memory: Mutex::new(memory) }
        })
    }

    /// What stands in for `https://api.anthropic.com`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The account it plays.
    pub fn options(&self) -> &AnthropicOptions {
        &self.vendor().options
    }

    /// The next unanswered request is answered with this JSON, after those already scripted.
    pub fn script(&self, json: Value) {
        self.script_reply(Reply::Json(json));
    }

    /// The next unanswered request is answered like this, after those already scripted.
    pub fn script_reply(&self, reply: Reply) {
        self.vendor().memory().replies.push_back(reply);
    }

    /// What is answered when the script is empty: what `reader` makes of the picture's bytes, where it
    /// makes something of them. So the same picture gets the same answer, however often and in
    /// whatever order it is asked about.
    pub fn read_with(&self, reader: impl Fn(&[u8]) -> Option<Reply> + Send + Sync + 'static) {
        self.vendor().memory().reader = Some(Arc::new(reader));
    }

    /// What is answered when the script is empty and the reader says nothing. Without it: the emptiest JSON that the
    /// request's schema allows, null wherever null may be.
    pub fn otherwise(&self, reply: Reply) {
        self.vendor().memory().otherwise = Some(reply);
    }

    /// From now on a thinking block precedes each answer.
    pub fn think_first(&self) {
        self.vendor().memory().thinking = Thinking::First;
    }

    /// Scripted replies that nobody has asked for yet.
    pub fn replies_left(&self) -> usize {
        self.vendor().memory().replies.len()
    }
}

impl Vendor for Claude {
    type Route = AnthropicRoute;

    fn route(&self, method: &str, path: &str) -> Option<AnthropicRoute> {
        match (method, path) {
            ("POST", "/v1/messages") => Some(AnthropicRoute::Messages),
            ("GET", _) => path.strip_prefix("/v1/models/").map(|_| AnthropicRoute::Model),
            _ => None,
        }
    }

    /// A reading costs money: what is cut off before it began has cost none.
    fn writes(route: AnthropicRoute) -> bool {
        match route {
            AnthropicRoute::Messages => true,
            AnthropicRoute::Model => false,
        }
    }

    fn perform(&self, route: AnthropicRoute, asked: &Asked<AnthropicRoute>) -> Outcome {
        let given = asked.header("x-api-key").or_else(|| asked.bearer());
        if given != Some(self.options.api_key.as_str()) {
            return finished(errors::of_status(401)).into();
        }
        let answer = match route {
            AnthropicRoute::Model => model(asked.path.rsplit('/').next().unwrap_or_default()),
            AnthropicRoute::Messages => match check::request(asked) {
                Err(refusal) => refusal,
                Ok(request) => self.reply(&request),
            },
        };
        finished(answer).into()
    }

    fn refuse(&self, _: &Asked<AnthropicRoute>, status: u16, code: Option<&str>) -> Answer {
        finished(match code {
            Some(code) => errors::error(status, code, code),
            None => errors::of_status(status),
        })
    }
}

impl Claude {
    fn reply(&self, request: &Value) -> Answer {
        let mut memory = self.memory();
        let (scripted, thinking) = (memory.replies.pop_front(), memory.thinking);
        let (reader, otherwise) = (memory.reader.clone(), memory.otherwise.clone());
        drop(memory);
        let read = || reader.and_then(|it| picture::first(request).and_then(|bytes| it(&bytes)));
        script::answer(request, scripted.or_else(read).or(otherwise), thinking)
    }
}

/// `GET /v1/models/{model}`: any that is called as Anthropic's are.
fn model(id: &str) -> Answer {
    if !id.starts_with("claude-") {
        return errors::error(404, "not_found_error", &format!("model: {id}"));
    }
    Answer::json(200, &json!({ "type": "model", "id": id, "display_name": id }))
}

/// Every answer has a number to ask support about, an error in its body too.
fn finished(mut answer: Answer) -> Answer {
    let id = format!("req_{}", ids::alphanumeric(24));
    if answer.status >= 400 {
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        body["request_id"] = Value::String(id.clone());
        answer.body = body.to_string().into_bytes();
    }
    answer.with("request-id", id)
}
