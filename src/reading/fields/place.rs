//! Where in the world a receipt is from, and with what was paid there: telephone prefixes, tax
//! words, company forms, signs beside amounts. It reads no amounts and no dates.

use super::{Believed, rows::Row};
use crate::domain::money::{Country, Currency};

/// How numbers are written in a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habit {
    /// Thousands may be set apart by spaces.
    pub spaces: bool,
    /// The currency has no decimals (JPY, VND).
    pub no_decimals: bool,
    /// The currency has three (KWD).
    pub three_decimals: bool,
}

/// In which order day and month stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayOrder {
    /// 31/12
    DayFirst,
    /// 12/31
    MonthFirst,
    /// Nothing says which.
    Unknown,
}

/// Where a receipt is from, as far as it says.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// By the words on paper alone.
    pub country: Option<Country>,
    /// By the signs on paper, else the country's, else that of the home country.
    pub currency: Option<Currency>,
    home: Option<Country>,
    spaces: bool,
    /// In percent.
    currency_sure: u8,
}

/// A currency whose sign or code is printed.
const PRINTED: u8 = 98;
/// The currency of the country that the paper speaks of.
const OF_COUNTRY: u8 = 96;
/// The currency of the home country, where the paper says nothing.
const OF_HOME: u8 = 85;

impl Place {
    /// Reads the evidence. `home` speaks only where the paper does not.
    pub fn of(rows: &[Row], home: Option<Country>) -> Self {
        let country = country(rows);
        let context = country.or(home);
        let printed = printed_currency(rows, context, country.and_then(Country::currency));
        let currency = printed.or_else(|| context.and_then(Country::currency));
        let currency_sure = match (printed, country) {
            (Some(_), _) => PRINTED,
            (None, Some(_)) => OF_COUNTRY,
            (None, None) => OF_HOME,
        };
        let country = country.or_else(|| printed.and_then(only_country));
        let spaces = country.or(home).is_none_or(|it| !NO_SPACES.contains(it.code()));
        Self { country, currency, home, spaces, currency_sure }
    }

    /// The currency, and how sure it is.
    pub fn believed_currency(&self) -> Option<Believed<Currency>> {
        self.currency.map(|value| Believed { value, sure: self.currency_sure })
    }

    /// A place known beforehand, for tests.
    #[cfg(test)]
    pub fn in_country(code: &str) -> Self {
        let country = Country::parse(code);
        let spaces = !NO_SPACES.contains(code);
        let currency = country.and_then(Country::currency);
        Self { country, currency, home: None, spaces, currency_sure: OF_COUNTRY }
    }

    /// How numbers are written there.
    pub fn habit(&self) -> Habit {
        let decimals = self.currency.map_or(2, Currency::decimals);
        Habit { spaces: self.spaces, no_decimals: decimals == 0, three_decimals: decimals == 3 }
    }

    /// Month first only where that is the custom; unknown when the paper is silent, no home is
    /// set and the currency is the dollar or none.
    pub fn day_order(&self) -> DayOrder {
        match self.country.or(self.home) {
            Some(it) if it.code() == "US" => DayOrder::MonthFirst,
            Some(_) => DayOrder::DayFirst,
            None => match self.currency {
                None | Some(Currency::USD) => DayOrder::Unknown,
                Some(_) => DayOrder::DayFirst,
            },
        }
    }

    /// Whether a currency stands right before or after the letters from `start` to `end`.
    pub fn sign_beside(&self, letters: &[char], start: usize, end: usize) -> bool {
        let context = self.country.or(self.home);
        let (before, after) = beside(letters, start, end);
        sign(&before, context).or_else(|| sign(&after, context)).is_some()
    }
}

/// Whether a word is a currency's sign or code somewhere.
pub fn names_currency(word: &str) -> bool {
    sign(word, None).is_some() || word.ends_with('$')
}

/// The words right before and after a number.
fn beside(letters: &[char], start: usize, end: usize) -> (String, String) {
    let part = |it: &char| it.is_alphabetic() || "€$£¥₫₹₩₽₴₺₪฿₱".contains(*it);
    let skip = |it: &&char| " :=-(~".contains(**it);
    let before: Vec<char> =
        letters[..start].iter().rev().skip_while(skip).take_while(|it| part(it)).copied().collect();
    let after: String = letters[end.min(letters.len())..]
        .iter()
        .skip_while(|it| **it == ' ')
        .take_while(|it| part(it))
        .collect();
    (before.into_iter().rev().collect(), after)
}

/// A sign or a code that is not also an everyday word (ALL, TRY, PEN, CUP are currencies too).
fn sign(word: &str, country: Option<Country>) -> Option<Currency> {
    if word.len() == 3 && Currency::parse(word).is_some() {
        if word.to_uppercase() != word {
            return None;
        }
        let local = country.and_then(Country::currency);
        return Currency::parse(word)
            .filter(|it| COMMON_CODES.contains(it.code()) || Some(*it) == local);
    }
    match word {
        "KE" | "KČ" | "Kc" | "KC" | "Ké" | "K€" => Some(Currency::CZK),
        "" | "r" | "fr" | "FT" | "rs" | "rp" | "tl" | "TL" | "lv" | "Lei" | "din" => None,
        _ => Currency::parse_sign(word, country),
    }
}

/// The currency named most often beside numbers, or alone in a head such as `(RM)`.
fn printed_currency(
    rows: &[Row],
    country: Option<Country>,
    local: Option<Currency>,
) -> Option<Currency> {
    let mut votes: Vec<(Currency, usize)> = Vec::new();
    let mut vote = |currency: Currency, weight| match votes.iter_mut().find(|it| it.0 == currency) {
        Some(entry) => entry.1 += weight,
        None => votes.push((currency, weight)),
    };
    if let Some(local) = local {
        vote(local, 4);
    }
    for row in rows {
        let letters: Vec<char> = row.text.chars().collect();
        for (start, end) in decimal_runs(&letters) {
            let (before, after) = beside(&letters, start, end);
            if let Some(currency) = sign(&before, country).or_else(|| sign(&after, country)) {
                let exact = letters[start..end].iter().any(|it| ".,".contains(*it));
                vote(currency, if exact { 3 } else { 1 });
            }
        }
        for word in row.text.split(|it: char| !it.is_alphanumeric() && it != '€' && it != '$') {
            let named = Some(word).filter(|it| it.len() >= 2 && it.to_uppercase() == **it);
            if let Some(currency) = named.and_then(|it| sign(it, country)) {
                vote(currency, 1);
            }
        }
    }
    let best = votes.iter().max_by_key(|it| it.1)?;
    let rivals = votes.iter().filter(|it| it.1 == best.1).count();
    (rivals == 1).then_some(best.0)
}

/// Where numbers stand.
fn decimal_runs(letters: &[char]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        if !letters[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let length = letters[at..]
            .iter()
            .take_while(|it| it.is_ascii_digit() || ".,-–'".contains(**it))
            .count();
        runs.push((at, at + length));
        at += length;
    }
    runs
}

/// The country whose evidence weighs most, if any weighs enough.
fn country(rows: &[Row]) -> Option<Country> {
    let text: String = rows.iter().fold(String::from(" "), |text, row| {
        text + &row.folded.replace(|it: char| !it.is_alphanumeric() && it != '+', " ") + " "
    });
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = format!(" {text} ");
    let found = |clues: &str| clues.split(',').filter(|it| has_word(&text, it.trim())).count();
    let mut scores: Vec<(&str, usize)> = CLUES
        .lines()
        .filter_map(|line| {
            let (code, clues) = line.split_once(" | ")?;
            let (strong, weak) = clues.split_once(" | ")?;
            Some((code, 3 * found(strong) + found(weak)))
        })
        .collect();
    scores.push(("US", american(rows)));
    let best = scores.iter().max_by_key(|it| it.1).filter(|it| it.1 >= 2)?;
    let rivals = scores.iter().filter(|it| it.1 == best.1).count();
    if rivals > 1 { None } else { Country::parse(best.0) }
}

/// The word as a whole; a telephone prefix as the beginning of one.
fn has_word(text: &str, word: &str) -> bool {
    let end = if word.starts_with('+') { "" } else { " " };
    !word.is_empty() && text.contains(&format!(" {word}{end}"))
}

/// An American address ends in a state and a ZIP code.
fn american(rows: &[Row]) -> usize {
    let zip = |it: &str| {
        let head = it.get(..5).unwrap_or_default();
        head.len() == 5 && head.bytes().all(|it| it.is_ascii_digit())
    };
    let address = rows.iter().any(|row| {
        let words: Vec<&str> =
            row.folded.split(|it: char| " ,.".contains(it)).filter(|it| !it.is_empty()).collect();
        words.windows(2).any(|it| STATES.split(' ').any(|state| state == it[0]) && zip(it[1]))
    });
    let tax = rows.iter().any(|it| it.folded.contains("SALES TAX"));
    3 * usize::from(address) + 2 * usize::from(tax)
}

/// Currencies of one country only.
fn only_country(currency: Currency) -> Option<Country> {
    let code = match currency.code() {
        "CZK" => "CZ",
        "PLN" => "PL",
        "HUF" => "HU",
        "GBP" => "GB",
        "MYR" => "MY",
        "VND" => "VN",
        "JPY" => "JP",
        "CHF" => "CH",
        _ => return None,
    };
    Country::parse(code)
}

const NO_SPACES: &str = "MY US GB DE AU SG IN IE NZ HK AT CH";

const COMMON_CODES: &str = "\
    EUR USD GBP CZK PLN CHF MYR VND HUF SEK NOK DKK JPY CNY KRW INR IDR THB \
    PHP SGD HKD TWD AUD NZD CAD MXN BRL ZAR AED KWD OMR JOD TND UAH BGN \
    RSD";

/// One country a line; see the head of the file.
const CLUES: &str = include_str!("places.txt");

const STATES: &str = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO \
    MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{engines::Page, fields::rows::rows};

    fn check(text: &str, home: Option<&str>, country: Option<&str>, currency: Option<&str>) {
        let place = Place::of(&rows(&Page::from_text(text)), home.and_then(Country::parse));
        assert_eq!(place.country, country.and_then(Country::parse), "{text}");
        assert_eq!(place.currency.map(Currency::code), currency, "{text}");
    }

    #[test]
    fn a_place_is_known_by_its_words_and_signs() {
        check("ABC SDN BHD\nTOTAL 12.50", None, Some("MY"), Some("MYR"));
        check("DIČ: CZ12345678\nCelkem 120,00", None, Some("CZ"), Some("CZK"));
        check("Laden GmbH\nSUMME EUR 5,00\nMwSt 19%", None, Some("DE"), Some("EUR"));
        check("Joe's Diner\nAustin, TX 78701\nTotal $12.50", None, Some("US"), Some("USD"));
        check("Shop\nTotal 12,50 Kč\nMilk 3,00 Kč", None, Some("CZ"), Some("CZK"));
        check("Shop\nTotal $12.50\nABN 12 345 678", None, Some("AU"), Some("AUD"));
    }

    #[test]
    fn home_speaks_only_where_the_paper_is_silent() {
        check("Shop\nTOTAL 12.50", None, None, None);
        check("Shop\nTOTAL 12.50", Some("CZ"), None, Some("CZK"));
        check("Shop\nTOTAL 12.50 EUR", Some("CZ"), None, Some("EUR"));
    }

    #[test]
    fn a_pen_a_cup_and_a_gel_are_goods() {
        check("Shop\nPEN 2.00\nCUP 3.00\nGEL 4.00\nTOTAL 9.00", None, None, None);
    }
}
