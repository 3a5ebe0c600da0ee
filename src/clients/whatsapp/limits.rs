//! How many people may be written to in 24 hours who have not written to us. All numbers of a
//! business share the limit; any of them tells it.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use serde::Deserialize;

use super::{SendError, WhatsApp};
use crate::domain::ids::PhoneNumberId;

const WITHIN: Duration = Duration::from_secs(10);

/// The field that tells it. Source: Meta, "Messaging limits", 2026: `messaging_limit_tier` is
/// deprecated.
const FIELD: &str = "whatsapp_business_manager_messaging_limit";

/// How many people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagingLimit {
    /// So many.
    People(i64),
    /// As many as one likes.
    Unlimited,
    /// Meta told none, or in a word that we do not know.
    Untold,
}

impl MessagingLimit {
    /// `TIER_250`, `TIER_2K`, `TIER_100K`, `TIER_UNLIMITED`.
    fn parse(word: &str) -> Self {
        let tier = word.strip_prefix("TIER_").unwrap_or(word);
        if tier == "UNLIMITED" {
            return Self::Unlimited;
        }
        let (digits, thousands) = match tier.strip_suffix('K') {
            Some(digits) => (digits, 1_000),
            None => (tier, 1),
        };
        let people = digits.parse::<i64>().ok().and_then(|it| it.checked_mul(thousands));
        people.filter(|it| *it > 0).map_or(Self::Untold, Self::People)
    }
}

#[derive(Deserialize)]
struct Number {
    whatsapp_business_manager_messaging_limit: Option<String>,
}

impl WhatsApp {
    /// The limit that `number` shares.
    pub async fn messaging_limit(
        &self,
        number: &PhoneNumberId,
    ) -> Result<MessagingLimit, SendError> {
        let mut url = self.base.join(&[number.as_str()]);
        url.query_pairs_mut().append_pair("fields", FIELD);
        let call = self.http.get(url, "/{phone-number-id}", WITHIN);
        let answer = call.header(AUTHORIZATION, self.bearer.header()).send().await?;
        if !answer.is_success() {
            return Err(SendError::refused(&answer));
        }
        let told: Number = answer.json().map_err(|it| SendError::OutcomeUnknown(it.into()))?;
        let word = told.whatsapp_business_manager_messaging_limit;
        Ok(word.map_or(MessagingLimit::Untold, |it| MessagingLimit::parse(&it)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_read_in_all_its_sizes() {
        let check =
            |word: &str, expected| assert_eq!(MessagingLimit::parse(word), expected, "{word}");
        check("TIER_250", MessagingLimit::People(250));
        check("TIER_2K", MessagingLimit::People(2_000));
        check("TIER_100K", MessagingLimit::People(100_000));
        check("TIER_UNLIMITED", MessagingLimit::Unlimited);
        check("TIER_NOT_SET", MessagingLimit::Untold);
        check("TIER_0", MessagingLimit::Untold);
        check("", MessagingLimit::Untold);
    }
}
