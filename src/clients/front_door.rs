//! The webhook as Meta sees it, by the URL that Meta has for it: asked what Meta asks, for
//! `paragon doctor`.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::http::{Http, HttpError};
use super::{BaseUrl, NotABaseUrl, Secret};

/// Meta itself wants an answer sooner.
const WITHIN: Duration = Duration::from_secs(10);

/// A webhook's URL.
#[derive(Clone, Debug)]
pub struct FrontDoor {
    http: Http,
    url: Url,
}

/// How the door answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// As it should.
    Well,
    /// With this status, or with other words than it should.
    Otherwise(u16),
}

impl FrontDoor {
    /// The door at `url`.
    pub fn new(http: Http, url: &str) -> Result<Self, NotABaseUrl> {
        let url = BaseUrl::parse(url)?.join(&[]);
        Ok(Self { http, url })
    }

    /// Whether it speaks TLS, which Meta demands.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Asks Meta's challenge with `token`.
    pub async fn challenge(&self, token: &Secret) -> Result<Answered, HttpError> {
        const CHALLENGE: &str = "1158201444";
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.verify_token", token.reveal())
            .append_pair("hub.challenge", CHALLENGE);
        let answer = self.http.get(url, "webhook challenge", WITHIN).send().await?;
        let is_told = answer.status == 200 && answer.body == CHALLENGE.as_bytes();
        Ok(if is_told { Answered::Well } else { Answered::Otherwise(answer.status) })
    }

    /// Posts `body` with the signature, and says which status came.
    pub async fn post(&self, body: &str, signature: &str) -> Result<u16, HttpError> {
        let call = self.http.post(self.url.clone(), "webhook", WITHIN);
        let signature = HeaderValue::from_str(signature).unwrap_or(HeaderValue::from_static(""));
        let answer = call
            .body(body.to_owned())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(HeaderName::from_static("x-hub-signature-256"), signature)
            .send()
            .await?;
        Ok(answer.status)
    }
}
