//! The one HTTP client: its limits, its spans and its failures by what can be said of the
//! request. It follows no redirect, sends no trace context to strangers, repeats nothing that a
//! server may have begun, and puts neither ids nor queries into spans or errors.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::retry_after::retry_after;

/// An answer in JSON is never longer than this.
const USUAL_CAP: usize = 2 * 1024 * 1024;

/// A refusal is read for its code only.
const REFUSAL_CAP: usize = 64 * 1024;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// The one client and its pool of connections. A clone is the same client.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    watch: Option<Watch>,
}

/// Told of each call that has ended: `answered`, `refused` (4xx), `slow_down` (429), `failed` (5xx),
/// `not_sent`, `outcome_unknown` or `too_large`, and how long it took, with the body of its answer.
pub type Watch = Arc<dyn Fn(&'static str, Duration) + Send + Sync>;

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

/// The client cannot be made: the machine has no CA certificates that could be loaded.
#[derive(Debug, thiserror::Error)]
#[error("no TLS: the machine's CA certificates could not be loaded (package ca-certificates?)")]
pub struct NoTls(#[source] Cause);

/// What went wrong below HTTP, without the address that it went wrong with.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// An exchange that ended without a whole answer. An answer that refuses is none of these.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection was made: surely nothing was sent.
    #[error("could not connect")]
    NotSent(#[source] Cause),
    /// Timed out or cut: it may have been done.
    #[error("no whole answer came: timed out or cut")]
    OutcomeUnknown(#[source] Cause),
    /// The answer is longer than allowed; what came of it was thrown away.
    #[error("the answer is over {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// Makes rustls' ring provider the process's, for every client in it: ours, and the exporter of
/// traces, which makes one of its own. Called again it does nothing.
pub fn install_tls() {
    // An error means that another was installed before, which serves as well.
    rustls::crypto::ring::default_provider().install_default().ok();
}

impl Http {
    /// Makes the client.
    pub fn new() -> Result<Self, NoTls> {
        install_tls();
        reqwest::Client::builder()
            .user_agent(concat!("paragon/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_WITHIN)
            .pool_idle_timeout(Duration::from_secs(55))
            .tcp_keepalive(Duration::from_secs(30))
            .build()
            .map(|client| Self { client, watch: None })
            .map_err(|it| NoTls(it.into()))
    }

    /// The same client for calls that `watch` is told of.
    #[must_use]
    pub fn watched(&self, watch: Watch) -> Self {
        Self { client: self.client.clone(), watch: Some(watch) }
    }

    /// A GET of `url`, told in spans as `route` only, with an end after `within`.
    pub(super) fn get(&self, url: Url, route: &'static str, within: Duration) -> Call {
        Call::new(self, Method::GET, url, route, within)
    }

    /// A DELETE of `url`, told in spans as `route` only, with an end after `within`.
    pub(super) fn delete(&self, url: Url, route: &'static str, within: Duration) -> Call {
        Call::new(self, Method::DELETE, url, route, within)
    }

    /// A POST to `url`, told in spans as `route` only, with an end after `within`.
    pub(super) fn post(&self, url: Url, route: &'static str, within: Duration) -> Call {
        Call::new(self, Method::POST, url, route, within)
    }
}

/// A request that has not been sent yet.
pub(super) struct Call {
    request: RequestBuilder,
    told: Told,
    at_most: usize,
}

impl Call {
    fn new(http: &Http, method: Method, url: Url, route: &'static str, within: Duration) -> Self {
        let span = tracing::info_span!(
            "http.client",
            otel.kind = "client",
            http.method = method.as_str(),
            http.host = url.host_str().unwrap_or_default(),
            http.route = route,
            http.status = Empty,
            http.elapsed_ms = Empty,
            http.failure = Empty,
        );
        let request = http.client.request(method, url).timeout(within);
        let told = Told { span, watch: http.watch.clone() };
        Self { request, told, at_most: USUAL_CAP }
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json<T: Serialize>(mut self, body: &T) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub fn body(mut self, body: String) -> Self {
        self.request = self.request.body(body);
        self
    }

    pub fn form(mut self, encoded: String) -> Self {
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.request = self.request.header(CONTENT_TYPE, kind).body(encoded);
        self
    }

    /// The longest body of an answer that is taken, in bytes.
    pub fn at_most(mut self, bytes: usize) -> Self {
        self.at_most = bytes;
        self
    }

    /// Sends it, once. Whatever the status, an answer is `Ok`.
    pub async fn send(self) -> Result<Answer, HttpError> {
        self.begin().await?.finish().await
    }

    /// Sends it, once, and waits for the answer's head only.
    pub async fn begin(self) -> Result<Begun, HttpError> {
        let Self { request, told, at_most } = self;
        let started = Instant::now();
        let sending = request.send().instrument(told.span.clone());
        match sending.await.map_err(HttpError::from_reqwest) {
            Ok(response) => Ok(Begun { response, told, at_most, started }),
            Err(error) => {
                told.of(started, Err(&error));
                Err(error)
            }
        }
    }
}

/// An answer whose body has not been read.
pub(super) struct Begun {
    response: reqwest::Response,
    told: Told,
    at_most: usize,
    started: Instant,
}

impl Begun {
    /// How many bytes of body will be read at most, by what the other side promises.
    pub fn most_bytes(&self) -> usize {
        if !self.response.status().is_success() {
            return REFUSAL_CAP;
        }
        self.response.content_length().map_or(self.at_most, |promised| {
            usize::try_from(promised).unwrap_or(usize::MAX).min(self.at_most)
        })
    }

    /// What is answered.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// How long the other side asks us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = |name: HeaderName| self.response.headers().get(name)?.to_str().ok();
        retry_after(text(RETRY_AFTER)?, text(DATE))
    }

    /// Reads the body.
    pub async fn finish(self) -> Result<Answer, HttpError> {
        let Self { response, told, at_most, started } = self;
        let outcome = body_of(response, at_most).instrument(told.span.clone()).await;
        told.of(started, outcome.as_ref());
        outcome
    }
}

/// Who is told how a call ended.
struct Told {
    span: Span,
    watch: Option<Watch>,
}

impl Told {
    fn of(&self, started: Instant, outcome: Result<&Answer, &HttpError>) {
        let took = started.elapsed();
        let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.span.record("http.elapsed_ms", elapsed_ms);
        let word = match outcome {
            Ok(answer) => {
                self.span.record("http.status", answer.status);
                answer.word()
            }
            Err(error) => {
                self.span.record("http.failure", error.word());
                error.word()
            }
        };
        if let Some(watch) = &self.watch {
            watch(word, took);
        }
    }
}

async fn body_of(mut response: reqwest::Response, at_most: usize) -> Result<Answer, HttpError> {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let body = if response.status().is_success() {
        whole_body(response, at_most).await?
    } else {
        start_of_body(response).await
    };
    Ok(Answer { status, headers, body })
}

/// All of it, or an error: half a photo is none.
async fn whole_body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, HttpError> {
    let promised =
        response.content_length().map_or(0, |it| usize::try_from(it).unwrap_or(usize::MAX));
    if promised > limit {
        return Err(HttpError::TooLarge { limit });
    }
    let mut body = Vec::with_capacity(promised);
    while let Some(chunk) = response.chunk().await.map_err(HttpError::cut)? {
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// As much of a refusal as there is: its status alone already says enough.
async fn start_of_body(mut response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < REFUSAL_CAP
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(REFUSAL_CAP);
    body
}

impl HttpError {
    fn word(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "not_sent",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::TooLarge { .. } => "too_large",
        }
    }

    fn from_reqwest(error: reqwest::Error) -> Self {
        let unsent = error.is_connect() || error.is_builder();
        let cause = error.without_url().into();
        if unsent { Self::NotSent(cause) } else { Self::OutcomeUnknown(cause) }
    }

    fn cut(error: reqwest::Error) -> Self {
        Self::OutcomeUnknown(error.without_url().into())
    }
}

/// A whole answer, whatever its status; of one that refuses, the first 64 KiB.
pub(super) struct Answer {
    pub status: u16,
    headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    fn word(&self) -> &'static str {
        match self.status {
            200..300 => "answered",
            429 => "slow_down",
            500.. => "failed",
            _ => "refused",
        }
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's text; `None` when it is absent or not ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header by which the other side's support finds the request: bounded, letters only.
    pub fn request_id(&self, name: &str) -> Option<String> {
        self.header(name).and_then(support_id)
    }

    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.header(RETRY_AFTER.as_str())?, self.header(DATE.as_str()))
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

/// An id that is safe to log: at most 64 letters, digits, `-` and `_`.
pub(super) fn support_id(text: &str) -> Option<String> {
    let safe = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
    ((1..=64).contains(&text.len()) && text.bytes().all(safe)).then(|| text.to_owned())
}

#[cfg(test)]
impl Answer {
    /// An answer as a server might have sent it, for tests of how it is understood.
    pub fn for_test(status: u16, body: &str) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() }
    }
}
