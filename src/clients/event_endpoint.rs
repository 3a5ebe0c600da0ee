//! The integrator's endpoints: an event is signed as Standard Webhooks says and posted, once. Follows
//! no redirect, believes nothing that is answered but the status and how long to wait, and keeps none
//! of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook, WebhookError,
};

use super::http::{Http, HttpError};
use super::secret::Secret;

/// From connecting to the answer's end. Standard Webhooks advises 15 to 30 s.
const WITHIN: Duration = Duration::from_secs(15);

/// So much of an answer is read, so that its connection can be used again; the rest is cut off.
const ANSWER_CAP: usize = 16 * 1024;

/// The keys that the specification allows, in bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Where events go.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

/// The text is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "want http:// or https:// URLs, comma-separated, without user name, password and fragment, \
     such as https://example.com/paragon-events"
)]
pub struct NotAnEndpoint;

impl EndpointUrl {
    /// Takes an `http` or `https` URL; a comma within it is written `%2C`.
    pub fn parse(text: &str) -> Result<Self, NotAnEndpoint> {
        let url = Url::parse(text).map_err(|_| NotAnEndpoint)?;
        let sound = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        if sound { Ok(Self(url)) } else { Err(NotAnEndpoint) }
    }

    /// As it is asked for. Its path or query may hold a secret.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Shows the host: path and query may hold a secret.
impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointUrl({}, …)", self.0.host_str().unwrap_or_default())
    }
}

/// Signs with every secret there is, so that one can be exchanged while both ends go on. Clones are the
/// same signer.
#[derive(Clone)]
pub struct Signer(Arc<Mutex<Keys>>);

struct Keys {
    secret: Secret,
    webhooks: Vec<Webhook>,
}

/// The secret cannot sign; what it was is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "want whsec_ and 24 to 64 bytes in base64, several comma-separated; \
     `echo whsec_$(openssl rand -base64 32)` makes one"
)]
pub struct NotASigningSecret;

impl Signer {
    /// Takes one secret or several, the newest first.
    pub fn parse(secret: &Secret) -> Result<Self, NotASigningSecret> {
        Ok(Self(Arc::new(Mutex::new(Keys::parse(secret)?))))
    }

    /// Signs with these from now on. Whether they are others than before.
    pub fn exchange(&self, secret: &Secret) -> Result<bool, NotASigningSecret> {
        let new = Keys::parse(secret)?;
        let mut held = self.held();
        let is_other = held.secret != new.secret;
        *held = new;
        Ok(is_other)
    }

    fn held(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `v1,…` for each secret, apart by blanks.
    fn sign(&self, id: &str, timestamp: i64, body: &str) -> Result<String, WebhookError> {
        let held = self.held();
        let signatures = held.webhooks.iter().map(|it| it.sign(id, timestamp, body.as_bytes()));
        Ok(signatures.collect::<Result<Vec<_>, _>>()?.join(" "))
    }
}

impl Keys {
    fn parse(secret: &Secret) -> Result<Self, NotASigningSecret> {
        let key = |text: &str| {
            let encoded = text.trim().strip_prefix("whsec_").ok_or(NotASigningSecret)?;
            let key = STANDARD.decode(encoded).map_err(|_| NotASigningSecret)?;
            if !KEY_BYTES.contains(&key.len()) {
                return Err(NotASigningSecret);
            }
            Webhook::from_bytes(key).map_err(|_| NotASigningSecret)
        };
        let webhooks = secret.reveal().split(',').map(key).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { secret: secret.clone(), webhooks })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

/// Why an endpoint did not take an event.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// It is gone for good, by its own word (410): nothing more is to be sent there.
    #[error("it answered HTTP 410: it is gone")]
    Gone,
    /// It refused, failed, or sent us elsewhere, which is not followed.
    #[error("it answered HTTP {status}")]
    Answered {
        /// What it answered.
        status: u16,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// It gave no answer in time; it may have taken the event.
    #[error("no answer: {0}")]
    Unanswered(#[from] HttpError),
    /// The request cannot be made of what is written down.
    #[error("the request cannot be made")]
    Unsendable,
}

impl DeliveryError {
    /// How long it asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered { retry_after, .. } => *retry_after,
            Self::Gone | Self::Unanswered(_) | Self::Unsendable => None,
        }
    }
}

/// An event as it is posted.
#[derive(Clone, Copy)]
pub struct Notice<'a> {
    /// The same in every try: by it a repetition is known.
    pub id: &'a str,
    /// When it is sent, in seconds since 1970.
    pub timestamp: i64,
    /// JSON.
    pub body: &'a str,
}

/// Posts events.
#[derive(Clone, Debug)]
pub struct EventSender {
    http: Http,
    signer: Signer,
}

impl EventSender {
    /// Signs by `signer`.
    pub fn new(http: Http, signer: Signer) -> Self {
        Self { http, signer }
    }

    /// What signs.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Posts `notice` to `url`, once. A status of 2xx is a success, whatever comes with it.
    pub async fn post(&self, url: &str, notice: &Notice<'_>) -> Result<(), DeliveryError> {
        let Notice { id, timestamp, body } = *notice;
        let EndpointUrl(url) = EndpointUrl::parse(url).map_err(|_| DeliveryError::Unsendable)?;
        let signature = self.signer.sign(id, timestamp, body);
        let signature = signature.map_err(|_| DeliveryError::Unsendable)?;
        let header =
            |text: &str| HeaderValue::from_str(text).map_err(|_| DeliveryError::Unsendable);
        let call = self
            .http
            .post(url, "event endpoint", WITHIN)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(HeaderName::from_static(HEADER_WEBHOOK_ID), header(id)?)
            .header(
                HeaderName::from_static(HEADER_WEBHOOK_TIMESTAMP),
                header(&timestamp.to_string())?,
            )
            .header(HeaderName::from_static(HEADER_WEBHOOK_SIGNATURE), header(&signature)?)
            .body(body.to_owned())
            .at_most(ANSWER_CAP);
        let begun = call.begin().await?;
        let (status, retry_after) = (begun.status(), begun.retry_after());
        // The head has said it all; what is wrong with the rest changes nothing.
        begun.finish().await.ok();
        match status {
            200..300 => Ok(()),
            410 => Err(DeliveryError::Gone),
            status => Err(DeliveryError::Answered { status, retry_after }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn it_signs_as_the_specification_s_example_and_with_every_secret() {
        let signer = Signer::parse(&Secret::new(OLD)).unwrap();
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        let sign = || signer.sign("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body).unwrap();
        let old = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
        assert_eq!(sign(), old);
        assert_eq!(signer.exchange(&Secret::new(format!("{NEW},{OLD}"))), Ok(true));
        let both = sign();
        let (new, after) = both.split_once(' ').unwrap();
        assert_eq!(after, old);
        assert!(new.starts_with("v1,") && new != old);
        assert!(!format!("{signer:?}").contains("C2FV"));
    }

    #[test]
    fn what_cannot_sign_is_refused() {
        for bad in ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_!!", &format!("{OLD},")] {
            assert_eq!(Signer::parse(&Secret::new(bad)).unwrap_err(), NotASigningSecret, "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address_without_a_password_and_does_not_show_its_path() {
        let url = EndpointUrl::parse("https://example.com/hook?token=abc").unwrap();
        assert_eq!(format!("{url:?}"), "EndpointUrl(example.com, …)");
        for bad in ["example.com", "ftp://x/", "https://a:b@x/", "https://x/#y", "file:///etc"] {
            assert_eq!(EndpointUrl::parse(bad), Err(NotAnEndpoint), "{bad}");
        }
    }
}
