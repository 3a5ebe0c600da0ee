//! What was read held against the label: right, wrong or unknown, field by field.

use rapidfuzz::distance::indel;

use super::labels::Labelled;
use crate::domain::reading::{Fields, Verdict};
use crate::store::readings::Read;

/// Merchants at least so alike are the same, from 0 to 1 (Indel ratio of letters and digits).
const SAME_MERCHANT: f64 = 0.8;

/// What became of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As labelled.
    Right,
    /// Something else: worse than nothing.
    Wrong,
    /// Said to be unknown.
    Unknown,
}

impl Outcome {
    /// Its word in CSV.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

/// One field of one photo.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its name, as in JSON.
    pub field: &'static str,
    /// What the label says.
    pub labelled: String,
    /// What was read.
    pub read: Option<String>,
    /// How sure the engine was, in percent.
    pub sure: Option<u8>,
    /// Whether they agree.
    pub outcome: Outcome,
}

/// One photo.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Its name.
    pub file: String,
    /// What was made of it as a whole: `receipt`, `not a receipt`, or why it was not read.
    pub verdict: String,
    /// Its labelled fields.
    pub fields: Vec<Judged>,
}

/// The fields, in the order in which they are reported.
pub const FIELDS: [&str; 6] =
    ["total", "date", "merchant", "currency", "category", "category_lenient"];

/// Holds what was read against the label.
pub fn judge(labels: Labelled, read: Result<Read, String>) -> Photo {
    let (verdict, fields) = match read {
        Ok(Read::Seen(reading)) => match reading.verdict {
            Verdict::Receipt(fields) => ("receipt".to_owned(), fields),
            Verdict::NotAReceipt => ("not a receipt".to_owned(), Fields::default()),
        },
        Ok(Read::Not { reason, .. }) | Err(reason) => (reason, Fields::default()),
    };
    let sure = fields.confidence;
    let total = fields.total;
    let currency = fields.currency.map(|it| it.code().to_owned());
    let category = fields.category.map(|it| it.as_str().to_owned());
    let mut judged = Vec::new();
    if let Some(label) = labels.total {
        let right = total == Some(label);
        let read = total.map(|it| it.to_string());
        judged.push(field("total", label.to_string(), read, sure.total, right));
    }
    if let Some(label) = labels.date {
        let right = fields.date == Some(label);
        let read = fields.date.map(|it| it.to_string());
        judged.push(field("date", label.to_string(), read, sure.date, right));
    }
    if let Some(label) = labels.merchant {
        let right = fields.merchant.as_deref().is_some_and(|it| alike(it, &label));
        judged.push(field("merchant", label, fields.merchant, sure.merchant, right));
    }
    if let Some(label) = labels.currency {
        let right = currency.as_ref() == Some(&label);
        judged.push(field("currency", label, currency, sure.currency, right));
    }
    if let Some(strict) = labels.categories.first() {
        let right = category.as_ref() == Some(strict);
        judged.push(field("category", strict.clone(), category.clone(), sure.category, right));
        let right = category.as_ref().is_some_and(|it| labels.categories.contains(it));
        let label = labels.categories.join(" or ");
        judged.push(field("category_lenient", label, category, sure.category, right));
    }
    Photo { file: labels.file, verdict, fields: judged }
}

fn field(
    field: &'static str,
    labelled: String,
    read: Option<String>,
    sure: Option<u8>,
    right: bool,
) -> Judged {
    let outcome = match (&read, right) {
        (None, _) => Outcome::Unknown,
        (Some(_), true) => Outcome::Right,
        (Some(_), false) => Outcome::Wrong,
    };
    Judged { field, labelled, read, sure, outcome }
}

/// Whether two names are the same but for spaces, signs, case and some misread letters.
fn alike(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> Vec<char> {
        text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_uppercase).collect()
    };
    indel::normalized_similarity(plain(one), plain(other)) >= SAME_MERCHANT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_letters_and_digits() {
        assert!(alike("Café No. 22, s.r.o.", "CAFÉ NO 22 S R O"));
        assert!(alike("MYDIN MOHAMED HOLDINGS BHD", "MYDIN MOHAMED HOLDING BHD"));
        assert!(!alike("Jalan Besar 5", "MYDIN MOHAMED HOLDINGS BHD"));
    }
}
