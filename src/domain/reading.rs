//! What was read from a photo, by whichever engine, and what cannot be true of it.
//! Each field may be unknown, and an unknown field is said to be unknown: nothing is made up here.

use std::fmt;

use chrono::NaiveDate;

use super::money::{Country, Currency, Decimal, Money};

/// The outcome of reading one photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Who read it, as in `OCR_ENGINES`: `tesseract`, `anthropic` …
    pub engine: String,
    /// What it is.
    pub verdict: Verdict,
    /// What it took, where somebody was paid for it.
    pub usage: Option<Usage>,
}

/// Which model was asked with which words, and what that cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The model, as it names itself.
    pub model: String,
    /// The version of our prompt and schema: readings of different versions are not comparable.
    pub prompt: String,
    /// Tokens that were read, pictures included.
    pub input_tokens: i64,
    /// Tokens that were written, thinking included.
    pub output_tokens: i64,
    /// Millionths of a US dollar, rounded up; `None` for a model whose price we do not know.
    pub cost_micro_usd: Option<i64>,
}

impl Reading {
    /// Whether the next engine should be asked: it is a receipt whose amount is not known.
    pub fn is_unsure(&self) -> bool {
        match &self.verdict {
            Verdict::Receipt(fields) => fields.amount().is_none(),
            Verdict::NotAReceipt => false,
        }
    }
}

/// A receipt with what is known of it, or something else (a cat).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A receipt, an invoice, a ticket: something was paid.
    Receipt(Fields),
    /// Nothing on it speaks for a payment.
    NotAReceipt,
}

/// What is believed of a receipt. `None` is *unknown*.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// Who was paid, as printed.
    pub merchant: Option<String>,
    /// What was paid, as printed.
    pub total: Option<Decimal>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// On which day.
    pub date: Option<NaiveDate>,
    /// For what kind of thing.
    pub category: Option<Category>,
    /// The tax within the total, where printed.
    pub tax: Option<Decimal>,
    /// The merchant's tax number, as printed.
    pub tax_number: Option<String>,
    /// The printed tax table, as far as it adds up to the total.
    pub tax_lines: Vec<TaxLine>,
    /// The country that the paper speaks of (tax numbers, telephone numbers, words).
    pub country: Option<Country>,
    /// How sure the reader is.
    pub confidence: Confidence,
}

/// One row of a tax table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxLine {
    /// In percent, where printed.
    pub rate: Option<Decimal>,
    /// What the tax is on.
    pub net: Decimal,
    /// The tax.
    pub tax: Decimal,
}

/// How sure a reader is of what it believes, in percent: of fields said to be 90 % sure, nine in
/// ten are right. `None` where the field is unknown, and where a reader does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confidence {
    /// Of the merchant.
    pub merchant: Option<u8>,
    /// Of the total.
    pub total: Option<u8>,
    /// Of the currency.
    pub currency: Option<u8>,
    /// Of the date.
    pub date: Option<u8>,
    /// Of the category.
    pub category: Option<u8>,
}

impl Fields {
    /// Longer than any merchant's name on a receipt, in characters.
    pub const MERCHANT_MAX: usize = 120;

    /// The total in minor units, once both total and currency are known.
    pub fn amount(&self) -> Option<Money> {
        self.total?.in_currency(self.currency?).ok()
    }

    /// The tax in minor units, once it and the currency are known.
    pub fn tax_amount(&self) -> Option<Money> {
        self.tax?.in_currency(self.currency?).ok()
    }

    /// The merchant's letters and digits in one case: how a receipt is known again although it was
    /// read a little otherwise. `None` where nothing is left.
    pub fn merchant_key(&self) -> Option<String> {
        let letters = self.merchant.as_deref()?.chars().filter(|it| it.is_alphanumeric());
        Some(letters.flat_map(char::to_lowercase).collect()).filter(|it: &String| !it.is_empty())
    }

    /// The same without what cannot be true, whoever read it: a total that is not above zero
    /// or that the currency cannot hold, a tax that is not a part of the total, a day after
    /// `today` (a day more is granted, for the time zones) or before 1990, a name without a
    /// letter or with control characters or of unseemly length.
    #[must_use]
    pub fn believable(self, today: NaiveDate) -> Self {
        let positive = |it: &Decimal| !it.is_negative() && !it.is_zero();
        let fits = |it: &Decimal| self.currency.is_none_or(|of| it.in_currency(of).is_ok());
        let total = self.total.filter(positive).filter(fits);
        let tax = self.tax.filter(|it| !it.is_negative()).filter(fits);
        let tax = tax.filter(|tax| total.is_some_and(|total| *tax < total));
        let latest = today.succ_opt().unwrap_or(today);
        let earliest = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap_or(today);
        let merchant = self.merchant.map(|it| it.trim().to_owned()).filter(|it| is_a_name(it));
        let date = self.date.filter(|it| (earliest..=latest).contains(it));
        let confidence = Confidence {
            merchant: self.confidence.merchant.filter(|_| merchant.is_some()),
            total: self.confidence.total.filter(|_| total.is_some()),
            date: self.confidence.date.filter(|_| date.is_some()),
            ..self.confidence
        };
        Self {
            merchant,
            total,
            tax_number: self.tax_number.filter(|it| is_a_tax_number(it)),
            tax_lines: if total.is_some() { self.tax_lines } else { Vec::new() },
            tax,
            date,
            confidence,
            currency: self.currency,
            category: self.category,
            country: self.country,
        }
    }
}

/// Shows which fields are known, and the amount; a merchant's name stays out of logs.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields")
            .field("merchant", &self.merchant.as_ref().map(|_| "…"))
            .field("total", &self.total)
            .field("currency", &self.currency)
            .field("date", &self.date)
            .field("category", &self.category)
            .field("tax", &self.tax)
            .field("tax_number", &self.tax_number.as_ref().map(|_| "…"))
            .field("tax_lines", &self.tax_lines)
            .field("country", &self.country)
            .field("confidence", &self.confidence)
            .finish()
    }
}

/// What was bought, roughly. Goods decide before the merchant's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Food and drink to take home.
    Groceries,
    /// Eaten or drunk where it was made, or made to be eaten at once.
    Meals,
    /// For the tank.
    Fuel,
    /// Tickets, taxis, parking, tolls.
    Transport,
    /// Hotels, flights.
    Travel,
    /// Stationery, printing, postage.
    Office,
    /// What a craftsman builds with.
    Materials,
    /// Devices and what belongs to them.
    Electronics,
    /// For the home.
    Household,
    /// Pharmacies, doctors.
    Health,
    /// To wear.
    Clothing,
    /// Books, newspapers, films, games.
    Media,
    /// Somebody's work, subscriptions.
    Services,
    /// None of these.
    Other,
}

impl Category {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Groceries,
        Self::Meals,
        Self::Fuel,
        Self::Transport,
        Self::Travel,
        Self::Office,
        Self::Materials,
        Self::Electronics,
        Self::Household,
        Self::Health,
        Self::Clothing,
        Self::Media,
        Self::Services,
        Self::Other,
    ];

    /// Reads the word that [`Category::as_str`] writes.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// Its word in SQL, JSON and views.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Groceries => "groceries",
            Self::Meals => "meals",
            Self::Fuel => "fuel",
            Self::Transport => "transport",
            Self::Travel => "travel",
            Self::Office => "office",
            Self::Materials => "materials",
            Self::Electronics => "electronics",
            Self::Household => "household",
            Self::Health => "health",
            Self::Clothing => "clothing",
            Self::Media => "media",
            Self::Services => "services",
            Self::Other => "other",
        }
    }
}

/// Every country's has 7 to 15 digits, and few other signs.
fn is_a_tax_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (7..=15).contains(&digits) && text.chars().count() <= 24
}

fn is_a_name(text: &str) -> bool {
    let length = text.chars().count();
    (2..=Fields::MERCHANT_MAX).contains(&length)
        && text.chars().any(char::is_alphabetic)
        && !text.chars().any(|it| it.is_control() || is_invisible(it))
        // The name is said to the sender: whoever printed the receipt must not put a link into our mouth.
        && !text.contains("://")
}

/// What turns the direction of the words after it, or is not seen at all: never printed on paper.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_can_be_printed_over_a_shop_and_no_link() {
        for name in ["Kavárna U Anny", "Alza.cz", "7-Eleven", "سوبرماركت", "Q8"] {
            assert!(is_a_name(name), "{name}");
        }
        let long = "x".repeat(Fields::MERCHANT_MAX + 1);
        for other in [
            "x",
            "12.50",
            "a\nb",
            "Pay at https://evil.example",
            "\u{202e}elteK",
            "Ket\u{200b}tle",
            "Kettle\u{2066}",
            &long,
        ] {
            assert!(!is_a_name(other), "{other:?}");
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn fields(total: &str, tax: &str, date: &str, merchant: &str) -> Fields {
        Fields {
            merchant: Some(merchant.to_owned()),
            total: Decimal::parse(total).ok(),
            currency: Some(Currency::EUR),
            date: Some(day(date)),
            tax: Decimal::parse(tax).ok(),
            ..Fields::default()
        }
    }

    #[test]
    fn what_can_be_true_is_kept_as_it_is() {
        let read = fields("12.50", "2.10", "2026-11-23", "Café 22");
        assert!(read.clone().believable(day("2026-11-23")) == read);
    }

    #[test]
    fn what_cannot_be_true_becomes_unknown() {
        let read = fields("0.00", "2.10", "2026-11-25", "12\u{7}");
        let kept = read.believable(day("2026-11-23"));
        assert_eq!(kept, Fields { currency: Some(Currency::EUR), ..Fields::default() });
        let read = fields("12.50", "12.60", "1989-12-31", "").believable(day("2026-11-23"));
        assert_eq!(read.tax.or(read.date.map(|_| Decimal::new(0, 0))), None);
        assert!(
            fields("0.505", "0", "2026-01-01", "x").believable(day("2026-11-23")).total.is_none()
        );
    }

    #[test]
    fn a_merchant_is_known_again_by_letters_and_digits() {
        let key = |name| fields("1", "0", "2026-11-23", name).merchant_key();
        assert_eq!(key("Café No. 22, s.r.o."), Some("caféno22sro".to_owned()));
        assert_eq!(key("CAFÉ NO 22 S R O"), key("Café No. 22, s.r.o."));
        assert_eq!(key(" – "), None);
    }

    #[test]
    fn an_amount_needs_both_total_and_currency() {
        let mut read = fields("12.50", "2.10", "2026-11-23", "Shop");
        assert_eq!(read.amount(), Some(Money { minor: 1_250, currency: Currency::EUR }));
        read.currency = None;
        assert_eq!(read.amount(), None);
        let verdict = Verdict::Receipt(read);
        let reading = Reading { engine: "tesseract".into(), verdict, usage: None };
        assert!(reading.is_unsure());
    }

    #[test]
    fn every_category_is_read_back_from_its_word() {
        for category in Category::ALL {
            assert_eq!(Category::parse(category.as_str()), Some(category));
        }
        assert_eq!(Category::parse("Meals"), None);
    }

    #[test]
    fn a_merchant_does_not_show_itself_in_a_log() {
        let read = fields("12.50", "2.10", "2026-11-23", "Dr. Novak");
        assert!(!format!("{read:?}").contains("Novak"));
    }
}
