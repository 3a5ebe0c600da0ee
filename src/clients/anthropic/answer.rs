//! What the model said, checked: of the right form, and each field something that can be true.

use chrono::NaiveDate;
use serde::Deserialize;

use super::AnthropicError;
use crate::clients::http::Answer;
use crate::domain::money::{Country, Currency, Decimal};
use crate::domain::reading::{Category, Confidence, Fields, Verdict};

#[derive(Deserialize)]
struct Message {
    content: Vec<Block>,
    stop_reason: Option<String>,
    model: Option<String>,
    #[serde(default)]
    usage: Tokens,
}

/// What was counted. Cached parts of a prompt are counted apart, and were read too.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(super) struct Tokens {
    #[serde(rename = "input_tokens")]
    pub input: u32,
    #[serde(rename = "output_tokens")]
    pub output: u32,
    #[serde(rename = "cache_creation_input_tokens")]
    pub cache_written: Option<u32>,
    #[serde(rename = "cache_read_input_tokens")]
    pub cache_read: Option<u32>,
}

/// What came of asking: the verdict, and who gave it for how many tokens.
pub(super) struct Answered {
    pub verdict: Verdict,
    pub model: Option<String>,
    pub tokens: Tokens,
}

/// Thinking may come first, so the answer is found by its type.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    #[serde(other)]
    Other,
}

/// The answer in the form of our schema.
#[derive(Deserialize)]
struct Said {
    is_receipt: bool,
    merchant: Option<String>,
    total: Option<String>,
    currency: Option<String>,
    date: Option<String>,
    category: Option<String>,
    tax: Option<String>,
    #[serde(default)]
    tax_number: Option<String>,
    country: Option<String>,
}

/// What the answer makes of the page. A field that cannot be read or cannot be true is unknown.
pub(super) fn said(answer: &Answer, today: NaiveDate) -> Result<Answered, AnthropicError> {
    let message: Message = answer.json().map_err(|_| AnthropicError::Unreadable)?;
    match message.stop_reason.as_deref() {
        Some("refusal") => return Err(AnthropicError::Refused),
        Some("max_tokens") => return Err(AnthropicError::CutShort),
        Some("model_context_window_exceeded") => return Err(AnthropicError::TooLarge),
        Some(_) | None => {}
    }
    let text: String = message.content.into_iter().filter_map(Block::text).collect();
    let said: Said = serde_json::from_str(&text).map_err(|_| AnthropicError::Unreadable)?;
    let verdict = if said.is_receipt {
        Verdict::Receipt(said.fields().believable(today))
    } else {
        Verdict::NotAReceipt
    };
    Ok(Answered { verdict, model: message.model, tokens: message.usage })
}

impl Block {
    fn text(self) -> Option<String> {
        match self {
            Self::Text { text } => Some(text),
            Self::Other => None,
        }
    }
}

impl Said {
    fn fields(self) -> Fields {
        let currency = self.currency.as_deref().and_then(Currency::parse);
        Fields {
            merchant: self.merchant,
            total: self.total.as_deref().and_then(|it| amount(it, currency)),
            currency,
            date: self.date.and_then(|it| it.trim().parse().ok()),
            category: self.category.as_deref().and_then(Category::parse),
            tax: self.tax.as_deref().and_then(|it| amount(it, currency)),
            tax_number: self.tax_number,
            tax_lines: Vec::new(),
            country: self.country.as_deref().and_then(Country::parse),
            confidence: Confidence::default(),
        }
    }
}

/// The notation that was asked for has one meaning. What is written otherwise goes through the
/// habits of writing that we know.
fn amount(text: &str, currency: Option<Currency>) -> Option<Decimal> {
    let text = text.trim();
    Decimal::parse_plain(text).or_else(|| match currency {
        Some(currency) => Decimal::parse_in(text, currency).ok(),
        None => Decimal::parse(text).ok(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::money::Money;

    fn told(content: &Value, stop_reason: &str) -> Result<Verdict, AnthropicError> {
        let body = json!({"content": content, "stop_reason": stop_reason}).to_string();
        let answered = super::said(&Answer::for_test(200, &body), "2026-11-23".parse().unwrap());
        answered.map(|it| it.verdict)
    }

    fn said(change: &[(&str, Value)]) -> Verdict {
        let mut answer = json!({
            "is_receipt": true, "merchant": "Kavárna U Anny", "total": "146.50", "currency": "CZK",
            "date": "2026-11-20", "category": "meals", "tax": "15.70", "country": "CZ",
        });
        for (field, value) in change {
            answer[*field] = value.clone();
        }
        let content = json!([
            {"type": "thinking", "thinking": "…", "signature": "…"},
            {"type": "text", "text": answer.to_string()},
        ]);
        told(&content, "end_turn").unwrap()
    }

    fn fields(change: &[(&str, Value)]) -> Fields {
        match said(change) {
            Verdict::Receipt(fields) => fields,
            Verdict::NotAReceipt => panic!("not a receipt"),
        }
    }

    #[test]
    fn the_answer_is_found_behind_the_thinking() {
        let read = fields(&[]);
        assert_eq!(read.amount(), Some(Money { minor: 14_650, currency: Currency::CZK }));
        assert_eq!(read.tax_amount(), Some(Money { minor: 1_570, currency: Currency::CZK }));
        assert_eq!(read.category, Some(Category::Meals));
        assert_eq!(read.date, "2026-11-20".parse().ok());
    }

    #[test]
    fn unknown_stays_unknown_and_the_impossible_becomes_so() {
        let read = fields(&[("total", Value::Null), ("date", json!("2026-12-24"))]);
        assert_eq!((read.total, read.date), (None, None));
        assert_eq!(fields(&[("total", json!("-5.00"))]).total, None);
        assert_eq!(fields(&[("total", json!("a lot"))]).total, None);
        assert_eq!(fields(&[("currency", json!("BTC"))]).currency, None);
        assert_eq!(fields(&[("category", json!("snacks"))]).category, None);
        assert_eq!(fields(&[("date", json!("20.11.2026"))]).date, None);
        assert_eq!(fields(&[("tax", json!("999"))]).tax, None);
    }

    #[test]
    fn an_amount_has_one_meaning() {
        let minor = |total: &str, currency: &str| {
            let read = fields(&[("total", json!(total)), ("currency", json!(currency))]);
            read.amount().map(|it| it.minor)
        };
        assert_eq!(minor("1234.50", "EUR"), Some(123_450));
        assert_eq!(minor("146010", "VND"), Some(146_010));
        assert_eq!(minor("1.234", "KWD"), Some(1_234));
        assert_eq!(minor("1.234,50", "EUR"), Some(123_450));
        assert_eq!(minor("99999999999999999999", "EUR"), None);
        // One that was copied with its thousands is not believed rather than read as 146.
        assert_eq!(minor("146.010", "VND"), None);
    }

    #[test]
    fn a_cat_is_not_a_receipt() {
        assert_eq!(said(&[("is_receipt", json!(false))]), Verdict::NotAReceipt);
    }

    #[test]
    fn half_an_answer_and_a_refusal_are_told_apart() {
        let half = json!([{"type": "text", "text": "{\"merchant\":\"An"}]);
        assert!(matches!(told(&half, "max_tokens"), Err(AnthropicError::CutShort)));
        assert!(matches!(told(&half, "end_turn"), Err(AnthropicError::Unreadable)));
        assert!(matches!(told(&json!([]), "refusal"), Err(AnthropicError::Refused)));
    }
}
