//! Amounts, numbers and dates as the reader writes them: separators and dates by Unicode's CLDR,
//! the place of the currency by the catalogue. It never rounds: every decimal of the currency is
//! shown. `docs/decisions/0006-texts-and-formats.md` says why.

use chrono::{Datelike, NaiveDate};
use icu_calendar::types::RataDie;
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::YMD;
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale;

use super::Text;
use crate::domain::language::Language;
use crate::domain::money::Money;

/// An amount with its currency: `€12.50`, `12,50 €`, `1 234,50 Kč`, `CHF 12.50`. Spaces in it do
/// not break. A currency without a sign of its own is named by its code.
pub fn money(money: Money, language: Language) -> String {
    let amount = money.decimal().to_string();
    let (minus, digits) = amount.strip_prefix('-').map_or(("", &*amount), |it| ("-", it));
    let number = number(digits, language).expect("an amount is a number");
    let currency = money.currency.sign().unwrap_or(money.currency.code());
    let text = if currency.chars().any(char::is_alphabetic) {
        Text::MoneyWithLetters { currency, number }
    } else {
        Text::MoneyWithSymbol { currency, number }
    };
    format!("{minus}{}", text.say(language))
}

/// A day: `19 Nov 2026`, `19. 11. 2026`, `19.11.2026`.
pub fn date(date: NaiveDate, language: Language) -> String {
    let day = RataDie::new(i64::from(date.num_days_from_ce()));
    let formatter: FixedCalendarDateTimeFormatter<Gregorian, YMD> =
        FixedCalendarDateTimeFormatter::try_new(locale(language).into(), YMD::medium())
            .expect("what is compiled in has every locale, or its parent");
    formatter.format(&Date::from_rata_die(day, Gregorian)).to_string()
}

/// A number that is written as `1234` or `12.5`. `None` where `plain` is no number.
pub fn number(plain: &str, language: Language) -> Option<String> {
    let formatter =
        DecimalFormatter::try_new(locale(language).into(), DecimalFormatterOptions::default())
            .expect("what is compiled in has every locale, or its parent");
    Some(formatter.format(&Decimal::try_from_str(plain).ok()?).to_string())
}

fn locale(language: Language) -> Locale {
    language.locale().parse().expect("a language's locale is one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Country, Currency};

    #[track_caller]
    fn check_money(minor: i64, code: &str, [en, cs, de]: [&str; 3]) {
        let amount = Money { minor, currency: Currency::parse(code).unwrap() };
        for (language, expected) in [(Language::En, en), (Language::Cs, cs), (Language::De, de)] {
            assert_eq!(money(amount, language).replace('\u{a0}', "~"), expected);
        }
    }

    /// `~` is a space that does not break.
    #[test]
    fn money_is_written_as_the_reader_writes_it() {
        check_money(2_240, "GBP", ["£22.40", "22,40~£", "22,40~£"]);
        check_money(123_450, "EUR", ["€1,234.50", "1~234,50~€", "1.234,50~€"]);
        check_money(123_450, "CZK", ["Kč~1,234.50", "1~234,50~Kč", "1.234,50~Kč"]);
        check_money(1_250, "CHF", ["CHF~12.50", "12,50~CHF", "12,50~CHF"]);
        check_money(-5, "USD", ["-$0.05", "-0,05~$", "-0,05~$"]);
        check_money(0, "EUR", ["€0.00", "0,00~€", "0,00~€"]);
    }

    #[test]
    fn each_currency_has_its_own_decimals_and_none_is_rounded_away() {
        check_money(1_200, "JPY", ["¥1,200", "1~200~¥", "1.200~¥"]);
        check_money(146_010, "VND", ["₫146,010", "146~010~₫", "146.010~₫"]);
        check_money(5, "KWD", ["KWD~0.005", "0,005~KWD", "0,005~KWD"]);
        check_money(1_234_567, "IQD", ["IQD~1,234.567", "1~234,567~IQD", "1.234,567~IQD"]);
        check_money(123_456, "HUF", ["Ft~1,234.56", "1~234,56~Ft", "1.234,56~Ft"]);
        let least = "9,223,372,036,854,775,808";
        let [cs, de] = ["\u{a0}", "."].map(|it| least.replace(',', it));
        let all = [format!("-¥{least}"), format!("-{cs}~¥"), format!("-{de}~¥")];
        let all = all.map(|it| it.replace('\u{a0}', "~"));
        check_money(i64::MIN, "JPY", all.each_ref().map(String::as_str));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for code in ["EUR", "CZK", "JPY", "KWD", "USD", "MYR"] {
            let currency = Currency::parse(code).unwrap();
            for minor in [0, 1, 99, 100, 123_456, -5, 1_234_567_890] {
                let amount = Money { minor, currency };
                for language in [Language::Cs, Language::De] {
                    let home = Country::parse("JP");
                    assert_eq!(Money::parse(&money(amount, language), home), Ok(amount));
                }
            }
        }
    }

    #[test]
    fn a_day_is_written_as_the_reader_writes_it() {
        for (day, expected) in [
            ("2026-11-19", ["19 Nov 2026", "19. 11. 2026", "19.11.2026"]),
            ("2026-03-01", ["1 Mar 2026", "1. 3. 2026", "01.03.2026"]),
            ("2024-02-29", ["29 Feb 2024", "29. 2. 2024", "29.02.2024"]),
            ("2025-12-31", ["31 Dec 2025", "31. 12. 2025", "31.12.2025"]),
        ] {
            let written = Language::ALL.map(|it| date(day.parse().unwrap(), it));
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn a_number_is_written_as_the_reader_writes_it() {
        for (plain, expected) in [
            ("5", ["5", "5", "5"]),
            ("1234", ["1,234", "1\u{a0}234", "1.234"]),
            ("12.5", ["12.5", "12,5", "12,5"]),
        ] {
            assert_eq!(Language::ALL.map(|it| number(plain, it).unwrap()), expected);
        }
        assert_eq!(number("many", Language::En), None);
    }
}
