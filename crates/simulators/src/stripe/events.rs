//! Stripe's webhooks: an event for each change of a customer, signed and posted when a test says so;
//! once, twice, late or in any order, for Stripe promises none. It delivers nothing by itself.

use std::io;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Memory, Stripe};
use crate::ids;

/// What has happened, and where it is told.
#[derive(Default)]
pub(crate) struct Told {
    events: Vec<Value>,
    webhook_url: Option<String>,
}

impl Memory {
    /// Writes down that something happened to a customer, and gives the event.
    pub(crate) fn tell(&mut self, kind: &str, customer: &str, now: DateTime<Utc>) -> Value {
        let event = json!({
            "id": format!("evt_{}", ids::alphanumeric(24)),
            "object": "event",
            "api_version": "2026-10-28.clover",
            "created": now.timestamp(),
            "data": { "object": self.books.last_known(customer) },
            "livemode": false,
            "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null },
            "type": kind,
        });
        self.told.events.push(event.clone());
        event
    }
}

impl Stripe {
    /// Where webhooks go from now on.
    pub fn webhook_url(&self, url: impl Into<String>) {
        self.vendor().memory().told.webhook_url = Some(url.into());
    }

    /// Every event so far, oldest first, delivered or not.
    pub fn events(&self) -> Vec<Value> {
        self.vendor().memory().told.events.clone()
    }

    /// Delivers an event, signed at this moment, and gives the HTTP status of the answer. May be
    /// called again: Stripe, too, delivers an event more than once.
    pub async fn deliver(&self, event: &Value) -> io::Result<u16> {
        let bytes = wire_bytes(event);
        let secret = &self.options().webhook_secret;
        let signature = sign_webhook(secret, self.now().timestamp(), &bytes);
        self.deliver_raw(bytes, Some(&signature)).await
    }

    /// Delivers any bytes with any `Stripe-Signature` (none when `None`).
    pub async fn deliver_raw(
        &self,
        bytes: impl Into<Vec<u8>>,
        signature: Option<&str>,
    ) -> io::Result<u16> {
        let account = self.vendor();
        let url = account.memory().told.webhook_url.clone();
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no webhook URL was set");
        let mut request = account.http.post(url.ok_or_else(missing)?).body(bytes.into());
        request = request.header("content-type", "application/json; charset=utf-8");
        if let Some(signature) = signature {
            request = request.header("stripe-signature", signature);
        }
        let answer = request.send().await.map_err(io::Error::other)?;
        Ok(answer.status().as_u16())
    }
}

/// `Stripe-Signature` for bytes that are sent at `time_s` (seconds since 1970).
pub fn sign_webhook(secret: &str, time_s: i64, bytes: &[u8]) -> String {
    // HMAC takes a key of any length; an error would be a signature that fits nothing.
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let signed = format!("{time_s}.");
    let digest =
        mac.map(|mac| mac.chain_update(signed).chain_update(bytes).finalize().into_bytes());
    format!("t={time_s},v1={}", digest.map(hex::encode).unwrap_or_default())
}

/// JSON over several lines, as Stripe sends it.
pub fn wire_bytes(event: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(event).unwrap_or_default()
}
