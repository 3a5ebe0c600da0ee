//! Is this webhook Stripe's, and of now? HMAC-SHA256 over its time and the raw bytes, in constant
//! time, before any parsing. It never says what the signature should have been.

use chrono::{DateTime, Utc};

use super::verify::SigningSecrets;

/// A signed webhook that is older may be one that somebody recorded. Stripe's own libraries wait as
/// long.
const TOLERANCE_S: i64 = 300;

/// Bytes that carry Stripe's signature. Only [`verify_stripe`] makes one.
#[derive(Debug)]
pub struct FromStripe<T>(T);

impl<T: AsRef<[u8]>> FromStripe<T> {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref()
    }
}

/// Why a signature does not hold; the log says which, and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStripes {
    /// No `Stripe-Signature`.
    #[error("signature missing")]
    Missing,
    /// Not one `t=` with a number and at least one `v1=` with 64 hex digits.
    #[error("signature malformed")]
    Malformed,
    /// Well-formed, and not made with any of our secrets.
    #[error("signature wrong")]
    Wrong,
    /// Stripe's, and made more than 300 s ago.
    #[error("signature too old")]
    TooOld,
}

/// What the header claims.
struct Claim<'a> {
    /// As it was written: this is what was signed.
    time: &'a str,
    time_s: i64,
    digests: Vec<[u8; 32]>,
}

/// Passes `body` on when `signature` (the header's value) was made over exactly these bytes with
/// one of `secrets`, at most 300 s before `now`. While Stripe rolls a secret it sends several
/// signatures; one that holds is enough. Older schemes than `v1` do not count.
pub fn verify_stripe<T: AsRef<[u8]>>(
    secrets: &SigningSecrets,
    signature: Option<&[u8]>,
    body: T,
    now: DateTime<Utc>,
) -> Result<FromStripe<T>, NotStripes> {
    let signature = signature.ok_or(NotStripes::Missing)?;
    let signature = std::str::from_utf8(signature).map_err(|_| NotStripes::Malformed)?;
    let claim = claim(signature).ok_or(NotStripes::Malformed)?;
    let signed = [claim.time.as_bytes(), b".", body.as_ref()];
    let holds = claim.digests.iter().fold(false, |holds, it| secrets.made(&signed, it) | holds);
    if !holds {
        return Err(NotStripes::Wrong);
    }
    if now.timestamp().saturating_sub(claim.time_s) > TOLERANCE_S {
        return Err(NotStripes::TooOld);
    }
    Ok(FromStripe(body))
}

fn claim(header: &str) -> Option<Claim<'_>> {
    let parts = || header.split(',').filter_map(|it| it.trim().split_once('='));
    let (_, time) = parts().find(|(name, _)| *name == "t")?;
    let digests: Vec<[u8; 32]> = parts()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, value)| {
            let mut digest = [0_u8; 32];
            hex::decode_to_slice(value, &mut digest).is_ok().then_some(digest)
        })
        .collect();
    (!digests.is_empty()).then_some(Claim { time, time_s: time.parse().ok()?, digests })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_test"}"#;
    const SECRET: &str = "whsec_test_secret";
    const SENT_AT: i64 = 1_492_774_577;

    fn signature() -> String {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{SENT_AT}.").as_bytes());
        mac.update(BODY);
        hex::encode(mac.finalize().into_bytes())
    }

    fn check(header: Option<&str>, body: &[u8], age_s: i64) -> Result<(), NotStripes> {
        let secrets = SigningSecrets::parse(SECRET).unwrap();
        let now = DateTime::from_timestamp(SENT_AT + age_s, 0).unwrap();
        verify_stripe(&secrets, header.map(str::as_bytes), body, now).map(|_| ())
    }

    #[test]
    fn a_signature_holds_for_five_minutes() {
        let header = format!("t={SENT_AT},v1={}", signature());
        for age_s in [-10, 0, 300] {
            assert_eq!(check(Some(&header), BODY, age_s), Ok(()), "{age_s}");
        }
        assert_eq!(check(Some(&header), BODY, 301), Err(NotStripes::TooOld));
    }

    #[test]
    fn one_of_several_signatures_is_enough_and_older_schemes_do_not_count() {
        let (good, bad) = (signature(), "0".repeat(64));
        let header = format!("t={SENT_AT},v1={bad},v1={good},v0={bad}");
        assert_eq!(check(Some(&header), BODY, 0), Ok(()));
        let old = format!("t={SENT_AT},v0={good}");
        assert_eq!(check(Some(&old), BODY, 0), Err(NotStripes::Malformed));
    }

    #[test]
    fn missing_malformed_and_wrong_are_told_apart() {
        let good = signature();
        assert_eq!(check(None, BODY, 0), Err(NotStripes::Missing));
        let cut = &good[..62];
        for malformed in [
            String::new(),
            format!("v1={good}"),
            format!("t=abc,v1={good}"),
            format!("t={SENT_AT}"),
            format!("t={SENT_AT},v1={cut}"),
            format!("t={SENT_AT};v1={good}"),
        ] {
            assert_eq!(check(Some(&malformed), BODY, 0), Err(NotStripes::Malformed), "{malformed}");
        }
        let header = format!("t={SENT_AT},v1={good}");
        assert_eq!(check(Some(&header), b"{}", 0), Err(NotStripes::Wrong));
        let later = format!("t={},v1={good}", SENT_AT + 1);
        assert_eq!(check(Some(&later), BODY, 0), Err(NotStripes::Wrong));
    }
}
