//! Money: whole minor units with their currency, and the exact amount as it was printed.
//! It reads and writes amounts in the habits of many countries. It never holds a float, never
//! rounds and never guesses a currency that nothing speaks for.

mod currency;
mod decimal;

use std::fmt;

pub use currency::{Country, Currency};
pub use decimal::Decimal;

/// Why a text or an amount is not money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    /// There is no digit in it.
    #[error("there is no amount in it")]
    NoAmount,
    /// It has digits, but no habit of writing makes one amount of them.
    #[error("it is not written as an amount")]
    Unreadable,
    /// Nothing in it names a currency, or it could be several.
    #[error("it names no currency")]
    NoCurrency,
    /// More than an `i64` of minor units.
    #[error("the amount is too large")]
    TooLarge,
    /// It has more decimals than its currency (1.005 EUR, 12.50 JPY).
    #[error("the amount has more decimals than its currency")]
    TooPrecise,
}

/// An amount in the smallest unit of its currency: 12.50 EUR is 1250, 1200 JPY is 1200,
/// 1.234 KWD is 1234. May be negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// What they are units of.
    pub currency: Currency,
}

impl Money {
    /// Reads an amount with its currency as people write it: `€12.50`, `1.234,50 €`,
    /// `12,- Kč`, `RM 12.50`, `146.010 đ`, `CHF 12'345.60`. `country` decides what `$` or `kr`
    /// means and which of two readings `1.234` has is decided by the currency's decimals.
    pub fn parse(text: &str, country: Option<Country>) -> Result<Self, NotMoney> {
        let (before, number, after) = split_number(text)?;
        let named = |sign: &str| Currency::parse_sign(sign, country);
        let currency = match (before.is_empty(), after.is_empty()) {
            (false, true) => named(before),
            (true, false) => named(after),
            (true, true) => None,
            (false, false) => named(before).filter(|it| named(after) == Some(*it)),
        };
        let currency = currency.ok_or(NotMoney::NoCurrency)?;
        Decimal::parse_in(number, currency)?.in_currency(currency)
    }

    /// Reads an amount for something whose currency is `known`, which holds where the text names
    /// none, or a sign that several currencies share.
    pub fn parse_near(text: &str, known: Option<Currency>) -> Result<Self, NotMoney> {
        let (before, number, after) = split_number(text)?;
        let sign = if before.is_empty() { after } else { before };
        let known = known.filter(|it| sign.is_empty() || it.shares_sign(sign));
        match known {
            Some(_) if !before.is_empty() && !after.is_empty() => Err(NotMoney::Unreadable),
            Some(currency) => Decimal::parse_in(number, currency)?.in_currency(currency),
            None => Self::parse(text, None),
        }
    }

    /// The amount with all decimals of its currency.
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.decimals())
    }
}

/// Shows the amount with its code, as in `12.50 EUR`.
impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

/// What stands before the number, the number, what stands after it.
fn split_number(text: &str) -> Result<(&str, &str, &str), NotMoney> {
    let first = text.find(|it: char| it.is_ascii_digit()).ok_or(NotMoney::NoAmount)?;
    let last = text.rfind(|it: char| it.is_ascii_digit()).ok_or(NotMoney::NoAmount)?;
    let tail = &text[last + 1..];
    let dashes: usize =
        tail.chars().take_while(|it| ",.-–— ".contains(*it)).map(char::len_utf8).sum();
    let before = text[..first].trim();
    let negative = before.ends_with(['-', '−']) || before.starts_with(['-', '−']);
    let start = if negative && before.ends_with('-') { text[..first].rfind('-') } else { None };
    let sign = before.trim_matches(['-', '−', ' ', ':']);
    let number = &text[start.unwrap_or(first)..=last];
    let number = if dashes > 0 { &text[start.unwrap_or(first)..last + 1 + dashes] } else { number };
    if negative && start.is_none() {
        return Err(NotMoney::Unreadable);
    }
    Ok((sign, number, tail[dashes..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, country: Option<&str>, expected: Result<(i64, &str), NotMoney>) {
        let country = country.map(|it| Country::parse(it).unwrap());
        let read = Money::parse(text, country).map(|it| (it.minor, it.currency.code()));
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn money_is_read_in_every_habit_of_writing() {
        check("1.234,50 €", None, Ok((123_450, "EUR")));
        check("€1,234.50", None, Ok((123_450, "EUR")));
        check("1 234,50 Kč", None, Ok((123_450, "CZK")));
        check("1\u{a0}234,50 KČ", None, Ok((123_450, "CZK")));
        check("RM 12.50", None, Ok((1_250, "MYR")));
        check("RM12.5", None, Ok((1_250, "MYR")));
        check("12,- Kč", None, Ok((1_200, "CZK")));
        check("12,-- Kč", None, Ok((1_200, "CZK")));
        check("12,– Kč", None, Ok((1_200, "CZK")));
        check("146.010 đ", None, Ok((146_010, "VND")));
        check("146,010 VND", None, Ok((146_010, "VND")));
        check("CHF 12'345.60", None, Ok((1_234_560, "CHF")));
        check("12’345.60 CHF", None, Ok((1_234_560, "CHF")));
        check("₹1,23,456.00", None, Ok((12_345_600, "INR")));
        check("1.234 KD", None, Err(NotMoney::NoCurrency));
        check("1.234 KWD", None, Ok((1_234, "KWD")));
        check("¥1200", Some("JP"), Ok((1_200, "JPY")));
        check("-12.50 EUR", None, Ok((-1_250, "EUR")));
        check("EUR -12.50", None, Ok((-1_250, "EUR")));
        check("45,00- €", None, Ok((-4_500, "EUR")));
    }

    #[test]
    fn a_dollar_is_the_dollar_of_the_country() {
        check("$5.00", None, Ok((500, "USD")));
        check("$5.00", Some("AU"), Ok((500, "AUD")));
        check("$5.00", Some("MY"), Ok((500, "MYR")));
        check("$5.00", Some("DE"), Ok((500, "USD")));
        check("HK$5.00", Some("AU"), Ok((500, "HKD")));
    }

    #[test]
    fn a_crown_of_nobody_is_no_currency() {
        check("100 kr", None, Err(NotMoney::NoCurrency));
        check("100 kr", Some("NO"), Ok((10_000, "NOK")));
        check("100", None, Err(NotMoney::NoCurrency));
    }

    #[test]
    fn what_is_not_money_says_why() {
        check("", None, Err(NotMoney::NoAmount));
        check("EUR", None, Err(NotMoney::NoAmount));
        check("12.505 EUR", None, Ok((1_250_500, "EUR")));
        check("0.505 EUR", None, Err(NotMoney::TooPrecise));
        check("12.50 JPY", None, Err(NotMoney::TooPrecise));
        check("12.00 JPY", None, Ok((12, "JPY")));
        check("1.2.3 EUR", None, Err(NotMoney::Unreadable));
        check("99999999999999999999 EUR", None, Err(NotMoney::TooLarge));
        check("999999999999999999 EUR", None, Err(NotMoney::TooLarge));
        check("$5.00 EUR", None, Err(NotMoney::NoCurrency));
    }
}
