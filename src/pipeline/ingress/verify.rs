//! Is this webhook Meta's? HMAC-SHA256 over the raw bytes, in constant time, before any parsing.
//! It never says what the signature should have been.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How `X-Hub-Signature-256` begins.
const SCHEME: &str = "sha256=";

/// Bytes that carry Meta's signature. Only [`verify`] makes one, so that what has not been
/// verified cannot be parsed.
#[derive(Debug)]
pub struct Verified<T>(T);

impl<T: AsRef<[u8]>> Verified<T> {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl<'a> Verified<&'a [u8]> {
    /// Bytes that were verified before they went into the spool. Nobody but us writes there, and
    /// the secret that signed them may have been rotated away since.
    pub(super) fn from_spool(body: &'a [u8]) -> Self {
        Self(body)
    }
}

/// Why a signature does not hold; the log says which, and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// No `X-Hub-Signature-256`.
    #[error("signature missing")]
    Missing,
    /// Not `sha256=` and 64 hex digits.
    #[error("signature malformed")]
    Malformed,
    /// Well-formed, and not made with any of our app secrets.
    #[error("signature wrong")]
    Wrong,
}

/// The secrets in force with which somebody signs webhooks: more than one while one is rotated.
#[derive(Clone)]
pub struct SigningSecrets(Vec<Hmac<Sha256>>);

/// Shows how many, never which.
impl std::fmt::Debug for SigningSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningSecrets({})", self.0.len())
    }
}

impl SigningSecrets {
    /// Takes comma-separated secrets; blanks around them and empty ones do not count. `None` when
    /// none is left.
    pub fn parse(list: &str) -> Option<Self> {
        let secrets = list.split(',').map(str::trim).filter(|it| !it.is_empty());
        // HMAC takes a key of any length: none is dropped here.
        let keys: Vec<_> =
            secrets.filter_map(|it| Hmac::new_from_slice(it.as_bytes()).ok()).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Whether `claimed` was made over `parts`, one after the other, with one of the secrets. Every
    /// secret is tried: which one fits must not show in the time it takes.
    pub(super) fn made(&self, parts: &[&[u8]], claimed: &[u8; 32]) -> bool {
        self.0.iter().fold(false, |made, key| {
            let mut mac = key.clone();
            for part in parts {
                mac.update(part);
            }
            mac.verify_slice(claimed).is_ok() | made
        })
    }
}

/// Passes `body` on as verified when `signature` (the header's value) was made over exactly these
/// bytes with one of `secrets`. Upper-case hex is accepted.
pub fn verify<T: AsRef<[u8]>>(
    secrets: &SigningSecrets,
    signature: Option<&[u8]>,
    body: T,
) -> Result<Verified<T>, Forged> {
    let signature = signature.ok_or(Forged::Missing)?;
    let digest = signature.strip_prefix(SCHEME.as_bytes()).ok_or(Forged::Malformed)?;
    let mut claimed = [0_u8; 32];
    hex::decode_to_slice(digest, &mut claimed).map_err(|_| Forged::Malformed)?;
    if secrets.made(&[body.as_ref()], &claimed) { Ok(Verified(body)) } else { Err(Forged::Wrong) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = b"Hello, World!";
    /// The published example of GitHub's "Validating webhook deliveries", the same scheme as Meta's.
    const SECRET: &str = "It's a Secret to Everybody";
    const SIGNATURE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn check(secrets: &str, signature: Option<&str>, body: &[u8]) -> Result<(), Forged> {
        let secrets = SigningSecrets::parse(secrets).unwrap();
        verify(&secrets, signature.map(str::as_bytes), body).map(|_| ())
    }

    #[test]
    fn a_signature_over_the_raw_bytes_holds_in_either_case() {
        assert_eq!(check(SECRET, Some(SIGNATURE), BODY), Ok(()));
        let upper = format!("sha256={}", SIGNATURE["sha256=".len()..].to_uppercase());
        assert_eq!(check(SECRET, Some(&upper), BODY), Ok(()));
    }

    #[test]
    fn while_a_secret_is_rotated_both_hold() {
        assert_eq!(check(&format!("new one, {SECRET}"), Some(SIGNATURE), BODY), Ok(()));
        assert_eq!(check(&format!("{SECRET},"), Some(SIGNATURE), BODY), Ok(()));
    }

    #[test]
    fn missing_malformed_and_wrong_are_told_apart() {
        assert_eq!(check(SECRET, None, BODY), Err(Forged::Missing));
        let cut = &SIGNATURE[..SIGNATURE.len() - 2];
        for malformed in ["", "sha256=", "sha1=00", cut, &format!("{SIGNATURE}00")] {
            assert_eq!(check(SECRET, Some(malformed), BODY), Err(Forged::Malformed), "{malformed}");
        }
        assert_eq!(check("another", Some(SIGNATURE), BODY), Err(Forged::Wrong));
        assert_eq!(check(SECRET, Some(SIGNATURE), b"Hello, World"), Err(Forged::Wrong));
    }

    #[test]
    fn secrets_that_are_only_commas_are_none() {
        assert!(SigningSecrets::parse(" , ,").is_none());
    }

    fn signed(secret: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        format!("{SCHEME}{}", hex::encode(mac.finalize().into_bytes()))
    }

    proptest! {
        #[test]
        fn what_is_signed_holds_and_nothing_near_it(
            secret in "[!-+.-~]{1,40}",
            body in proptest::collection::vec(any::<u8>(), 0..200),
            place in any::<prop::sample::Index>(),
            turned in 1_u8..,
        ) {
            let secrets = SigningSecrets::parse(&secret).unwrap();
            let signature = signed(&secret, &body);
            let holds = |signature: &[u8], body: &[u8]| verify(&secrets, Some(signature), body).is_ok();
            prop_assert!(holds(signature.as_bytes(), &body));
            let mut other = signature.clone().into_bytes();
            let at = place.index(other.len());
            other[at] ^= turned;
            let same = other.eq_ignore_ascii_case(signature.as_bytes()) && at >= SCHEME.len();
            prop_assert_eq!(holds(&other, &body), same);
            let mut longer = body.clone();
            longer.push(turned);
            prop_assert!(!holds(signature.as_bytes(), &longer));
        }

        #[test]
        fn no_header_does_harm(
            header in proptest::collection::vec(any::<u8>(), 0..120),
            scheme in any::<bool>(),
        ) {
            let header = if scheme { [SCHEME.as_bytes(), &header].concat() } else { header };
            let secrets = SigningSecrets::parse(SECRET).unwrap();
            prop_assert!(verify(&secrets, Some(&header), BODY).is_err());
        }
    }
}
