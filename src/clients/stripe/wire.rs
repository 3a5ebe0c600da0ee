//! async-stripe over our one HTTP client: its types write the requests and read the answers, our
//! client brings the span, the limits and the failures by cause. Never retries: whatever strategy
//! a request asks for, only its idempotency key is taken from it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use stripe_client_core::{CustomizedStripeRequest, StripeClient, StripeMethod, VERSION};

use super::error::StripeError;
use crate::clients::{BaseUrl, Bearer, Http, NotAClient, Secret};

/// Stripe itself gives up after 80 s; a customer takes it well under one.
const WITHIN: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
pub(super) struct Wire {
    http: Http,
    base: BaseUrl,
    bearer: Bearer,
}

impl Wire {
    pub fn new(http: Http, base: &str, key: &Secret) -> Result<Self, NotAClient> {
        let (base, bearer) = (BaseUrl::parse(base)?, Bearer::new(key)?);
        Ok(Self { http, base, bearer })
    }

    pub fn bearer(&self) -> &Bearer {
        &self.bearer
    }
}

impl StripeClient for Wire {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let (request, wishes) = request.into_pieces();
        let segments =
            ["v1"].into_iter().chain(request.path.split('/').filter(|it| !it.is_empty()));
        let mut url = self.base.join(&segments.collect::<Vec<_>>());
        url.set_query(request.query.as_deref());
        let route = route(&request.path);
        let writes = matches!(request.method, StripeMethod::Post);
        let call = match request.method {
            StripeMethod::Get => self.http.get(url, route, WITHIN),
            StripeMethod::Post => {
                self.http.post(url, route, WITHIN).form(in_order(&request.body.unwrap_or_default()))
            }
            StripeMethod::Delete => return Err(StripeError::Malformed("nothing is deleted here")),
        };
        let mut call = call.header(AUTHORIZATION, self.bearer.header()).header(
            HeaderName::from_static("stripe-version"),
            HeaderValue::from_static(VERSION.as_str()),
        );
        if let Some(key) = wishes.request_strategy.and_then(|it| it.get_key()) {
            let key = HeaderValue::from_str(key.as_str())
                .map_err(|_| StripeError::Malformed("an idempotency key is visible ASCII"))?;
            call = call.header(HeaderName::from_static("idempotency-key"), key);
        }
        let answer = call.send().await.map_err(|it| StripeError::no_answer(it, writes))?;
        if !answer.is_success() {
            return Err(StripeError::refused(&answer));
        }
        Ok(answer.body.into())
    }
}

/// What a span may tell of a path: never an id.
fn route(path: &str) -> &'static str {
    match path {
        "/customers" => "/v1/customers",
        "/customers/search" => "/v1/customers/search",
        _ if path.starts_with("/customers/") => "/v1/customers/{id}",
        _ => "/v1/…",
    }
}

/// The same parameters as the same bytes: metadata comes from a map without an order.
fn in_order(form: &str) -> String {
    let mut pairs: Vec<&str> = form.split('&').filter(|it| !it.is_empty()).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parameters_are_the_same_bytes() {
        assert_eq!(
            in_order("name=J&metadata[b]=2&metadata[a]=1"),
            "metadata[a]=1&metadata[b]=2&name=J"
        );
        assert_eq!(in_order(""), "");
    }
}
