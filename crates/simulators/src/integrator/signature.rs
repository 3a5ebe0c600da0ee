//! The receiver's part of the Standard Webhooks specification (symmetric signatures, `v1`), written
//! from its text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::IntegratorRoute;
use crate::asked::Asked;

/// What was signed longer ago, or will be, is a replay. In seconds.
const TOLERANCE: u64 = 5 * 60;

/// Whether `asked` is signed with `secret` and came in time; or why not.
pub(super) fn verify(
    secret: &str,
    asked: &Asked<IntegratorRoute>,
    now: i64,
) -> Result<(), &'static str> {
    let header = |name| asked.header(name).ok_or("a webhook header is missing");
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let at: i64 = timestamp.parse().map_err(|_| "webhook-timestamp is no number")?;
    if now.abs_diff(at) > TOLERANCE {
        return Err("webhook-timestamp is too far from now");
    }
    let key = secret.strip_prefix("whsec_").ok_or("the test's secret lacks whsec_")?;
    let key = STANDARD.decode(key).map_err(|_| "the test's secret is not base64")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| "the test's secret")?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&asked.body);
    let signatures = header("webhook-signature")?.split(' ');
    let matches = |it: &str| {
        let signature = it.strip_prefix("v1,").and_then(|it| STANDARD.decode(it).ok());
        signature.is_some_and(|it| mac.clone().verify_slice(&it).is_ok())
    };
    if signatures.into_iter().any(matches) { Ok(()) } else { Err("no signature is right") }
}
