//! Anthropic's Messages API as a reader of receipts: bytes that already fit go in, fields that
//! can be true come out. Scales nothing, retries nothing, and believes no number unchecked: the
//! schema constrains the answer's form, not its truth.

mod answer;
mod error;
mod request;
mod usage;

use std::time::Duration;

use chrono::NaiveDate;
use reqwest::header::{HeaderName, HeaderValue};

pub use error::{AnthropicError, Refusal};

use super::format::Format;
use super::http::Call;
use super::{BaseUrl, Http, NotAClient, Secret};
use crate::domain::money::Country;
use crate::domain::reading::Reading;

/// A picture takes some seconds; a model that thinks first takes longer.
const WITHIN: Duration = Duration::from_secs(90);

const MODEL_WITHIN: Duration = Duration::from_secs(10);

/// The version of the API that our requests and answers are written for.
const API_VERSION: &str = "2023-06-01";

/// How this engine is called in `OCR_ENGINES` and in readings.
pub const ENGINE: &str = "anthropic";

/// The Messages API with one key and one model. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct Anthropic {
    http: Http,
    base: BaseUrl,
    key: HeaderValue,
    model: String,
}

impl Anthropic {
    /// A client for the API at `base` (without `/v1`, as in `https://api.anthropic.com`).
    pub fn new(http: Http, base: &str, key: &Secret, model: &str) -> Result<Self, NotAClient> {
        let (base, key) = (BaseUrl::parse(base)?, key.header("")?);
        Ok(Self { http, base, key, model: model.to_owned() })
    }

    /// Whether the key is accepted and the model is there. Costs nothing.
    pub async fn is_there(&self) -> Result<(), AnthropicError> {
        let url = self.base.join(&["v1", "models", &self.model]);
        let call = self.with_key(self.http.get(url, "/v1/models/{model}", MODEL_WITHIN));
        let answer = call.send().await?;
        if answer.is_success() { Ok(()) } else { Err(AnthropicError::refused(&answer)) }
    }

    fn with_key(&self, call: Call) -> Call {
        call.header(HeaderName::from_static("x-api-key"), self.key.clone()).header(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static(API_VERSION),
        )
    }

    /// Reads the receipt in `bytes`: JPEG, PNG or WebP of at most 5 MB in base64 and 8000 pixels
    /// an edge, or a PDF of at most 32 MB in base64. `today` bounds the date; `home` decides what
    /// the paper leaves open. Called twice it is paid for twice.
    pub async fn read(
        &self,
        bytes: &[u8],
        today: NaiveDate,
        home: Option<Country>,
    ) -> Result<Reading, AnthropicError> {
        let format = Format::of(bytes).ok_or(AnthropicError::NotReadable)?;
        let request = request::message(&self.model, bytes, format, today, home)?;
        let url = self.base.join(&["v1", "messages"]);
        let call = self.with_key(self.http.post(url, "/v1/messages", WITHIN));
        let answer = call.json(&request).send().await?;
        if !answer.is_success() {
            return Err(AnthropicError::refused(&answer));
        }
        let said = answer::said(&answer, today)?;
        let usage = usage::usage(&self.model, said.model, said.tokens);
        Ok(Reading { engine: ENGINE.to_owned(), verdict: said.verdict, usage: Some(usage) })
    }
}
