//! How a webhook leaves Meta: serialised as Meta does, signed over exactly those bytes, posted,
//! and posted again until it is answered 200. Verification requests carry no signature.

use std::fmt::{self, Write as _};
use std::io;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::{Meta, State};
use crate::ids;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How a webhook was answered.
#[derive(Clone)]
pub struct Delivery {
    /// HTTP status.
    pub status: u16,
    /// The answer's body.
    pub body: String,
    /// From sending the request to having the whole answer.
    pub elapsed: Duration,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Delivery");
        shown.field("status", &self.status).field("elapsed", &self.elapsed).finish_non_exhaustive()
    }
}

/// How the tries of one webhook were answered, first to last; `None` where nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redelivered {
    /// HTTP statuses.
    pub attempts: Vec<Option<u16>>,
}

impl Redelivered {
    /// Whether the last try was answered 200.
    pub fn accepted(&self) -> bool {
        self.attempts.last() == Some(&Some(200))
    }
}

impl Meta {
    /// Delivers a payload once: the window of its senders opens whatever is answered. An error
    /// means that there was no answer.
    pub async fn deliver(&self, payload: &Value) -> io::Result<Delivery> {
        let state = &self.vendor().state;
        state.memory().conversations.heard(payload);
        let bytes = wire_bytes(payload);
        let signature = sign(&state.options.app_secret, &bytes);
        post(state, bytes, Some(signature)).await
    }

    /// Delivers any bytes with any signature header (none when `None`).
    pub async fn deliver_raw(
        &self,
        bytes: impl Into<Vec<u8>>,
        signature: Option<&str>,
    ) -> io::Result<Delivery> {
        let signature = signature.map(str::to_owned);
        post(&self.vendor().state, bytes.into(), signature).await
    }

    /// Delivers, and delivers again with growing pauses (50 ms to 2 s, as often as the options say)
    /// until it is answered 200.
    pub async fn deliver_with_redelivery(&self, payload: &Value) -> Redelivered {
        until_accepted(&self.vendor().state, payload).await
    }

    /// Asks the webhook's URL to prove that it knows `token`, as Meta does at registration.
    /// True if it answered 200 with the challenge and nothing else.
    pub async fn verify_webhook(&self, token: &str) -> io::Result<bool> {
        let state = &self.vendor().state;
        let challenge = ids::digits();
        let query = [
            ("hub.mode", "subscribe"),
            ("hub.verify_token", token),
            ("hub.challenge", challenge.as_str()),
        ];
        let url = reqwest::Url::parse_with_params(&target(state)?, query);
        let url = url.map_err(io::Error::other)?;
        let answer = state.http.get(url).send().await.map_err(io::Error::other)?;
        let status = answer.status().as_u16();
        let body = answer.text().await.map_err(io::Error::other)?;
        Ok(status == 200 && body == challenge)
    }
}

/// `sha256=` and the lower-case hex HMAC-SHA256 of the bytes: `X-Hub-Signature-256`.
pub fn sign(app_secret: &str, bytes: &[u8]) -> String {
    // HMAC takes a key of any length; an error would be a signature that fits nothing.
    let mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes());
    let digest = mac.map(|mac| mac.chain_update(bytes).finalize().into_bytes());
    format!("sha256={}", digest.map(hex::encode).unwrap_or_default())
}

/// Compact JSON with `/` as `\/` and everything beyond ASCII as `\uXXXX`, as Meta signs it.
pub fn wire_bytes(payload: &Value) -> Vec<u8> {
    let text = payload.to_string();
    let mut wire = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '/' => wire.push_str("\\/"),
            ascii if ascii.is_ascii() => wire.push(ascii),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(wire, "\\u{unit:04x}");
                }
            }
        }
    }
    wire.into_bytes()
}

/// Delivers with Meta's patience, made short.
pub(crate) async fn until_accepted(state: &State, payload: &Value) -> Redelivered {
    state.memory().conversations.heard(payload);
    let bytes = wire_bytes(payload);
    let signature = sign(&state.options.app_secret, &bytes);
    let mut attempts = Vec::new();
    let mut pause = FIRST_PAUSE;
    while attempts.len() < state.options.webhook_tries {
        let answer = post(state, bytes.clone(), Some(signature.clone())).await;
        attempts.push(answer.ok().map(|it| it.status));
        if attempts.last() == Some(&Some(200)) {
            break;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Redelivered { attempts }
}

async fn post(state: &State, bytes: Vec<u8>, signature: Option<String>) -> io::Result<Delivery> {
    let mut request = state.http.post(target(state)?).body(bytes);
    request = request.header("content-type", "application/json");
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    let began = Instant::now();
    let answer = request.send().await.map_err(io::Error::other)?;
    let status = answer.status().as_u16();
    let body = answer.text().await.map_err(io::Error::other)?;
    Ok(Delivery { status, body, elapsed: began.elapsed() })
}

fn target(state: &State) -> io::Result<String> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, "no webhook URL was set");
    let urls = &mut state.memory().webhook_urls;
    urls.rotate_left(usize::from(urls.len() > 1));
    urls.back().cloned().ok_or_else(missing)
}

/// A client that keeps no connection: it may be used from several runtimes, and a receiver that
/// was restarted is reached at once.
pub(crate) fn client(user_agent: &str, timeout: Duration) -> reqwest::Result<reqwest::Client> {
    // An `Err` says that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(user_agent)
        .pool_max_idle_per_host(0)
        .no_proxy()
        .timeout(timeout)
        .build()
}
