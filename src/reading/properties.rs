//! What must hold for any text, not only for those that we thought of.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use proptest::prelude::*;

use super::engines::Page;
use super::fields::category::Categories;
use super::fields::place::Place;
use super::fields::rows::rows;
use super::fields::{date, merchant};
use super::{Hints, understand};
use crate::domain::money::{Country, Decimal};
use crate::domain::reading::Verdict;

fn today() -> NaiveDate {
    "2026-11-23".parse().unwrap()
}

fn hints(home: &str) -> Hints {
    let categories = Arc::new(Categories::built_in());
    Hints { today: today(), home: Country::parse(home), categories }
}

/// Words of receipts and pieces of their numbers, glued at random.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "TOTAL",
        "Celkem",
        "SUMME",
        "Tổng cộng",
        "Cash",
        "Change",
        "Rounding",
        "GST",
        "MwSt",
        "DPH",
        "12,50",
        "1 234,50",
        "9.99-",
        "146.010",
        "12,- Kč",
        "RM",
        "€",
        "31.12.2024",
        "02/03/18",
        "2024-13-45",
        "25/12/201815:30",
        "5. března 2024",
        "%",
        "19%",
        "0.5kg",
        "(",
        "’",
        "№",
        "đ",
        "99999999999999999999",
        "1.2.3",
        "-",
        "//",
        "SDN BHD",
        "GmbH",
        "Tel:",
        "\u{200f}",
        "☃",
    ]);
    let gap = prop::sample::select(vec![" ", "", "\n", "   "]);
    prop::collection::vec((scrap, gap), 0..60)
        .prop_map(|it| it.into_iter().flat_map(|(scrap, gap)| [scrap, gap]).collect())
}

/// Many more in the long proof.
fn config() -> ProptestConfig {
    let proof = std::env::var_os("PARAGON_PROOF").is_some();
    ProptestConfig::with_cases(if proof { 20_000 } else { 150 })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_text_is_a_panic_and_nothing_impossible_is_believed(
        text in prop_oneof![scraps(), "\\PC{0,300}"],
        home in prop::sample::select(vec!["CZ", "US", "JP", "KW", ""]),
    ) {
        if let Verdict::Receipt(fields) = understand(&Page::from_text(&text), &hints(home)) {
            prop_assert!(fields.total.is_none_or(|it| !it.is_negative() && !it.is_zero()));
            prop_assert!(fields.date.is_none_or(|it| it <= today()));
            prop_assert_eq!(fields.total.is_some(), fields.confidence.total.is_some());
            prop_assert_eq!(fields.merchant.is_some(), fields.confidence.merchant.is_some());
            prop_assert!(fields.confidence.total.is_none_or(|it| (60..=100).contains(&it)));
        }
    }

    #[test]
    fn an_amount_is_read_back_in_every_habit(minor in 0_i64..1_000_000_000, habit in 0..7_usize) {
        let (whole, cents) = (minor / 100, minor % 100);
        let grouped = |mark: &str| {
            let digits = whole.to_string();
            let mut out = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    out.push_str(mark);
                }
                out.push(digit);
            }
            out
        };
        let (text, value) = match habit {
            0 => (format!("{whole}.{cents:02}"), minor),
            1 => (format!("{whole},{cents:02}"), minor),
            2 => (format!("{}.{cents:02}", grouped(",")), minor),
            3 => (format!("{},{cents:02}", grouped(".")), minor),
            4 => (format!("{},{cents:02}", grouped(" ")), minor),
            5 => (format!("{}.{cents:02}", grouped("'")), minor),
            _ => (format!("{whole},-"), whole * 100),
        };
        prop_assert_eq!(Decimal::parse(&text).ok(), Some(Decimal::new(value, 2)), "{}", text);
    }

    #[test]
    fn a_day_is_read_back_in_every_spelling(
        days in 0_u64..9_000,
        spelling in 0..7_usize,
        after in prop::sample::select(vec!["", " 12:41", " 08:05:59 PM"]),
    ) {
        let day = NaiveDate::from_ymd_opt(2001, 1, 1).unwrap() + chrono::Days::new(days);
        let month = ["Jan", "FEB", "March", "apr", "May", "JUNE", "Jul", "Aug", "SEP", "Oct",
            "Nov", "Dec"][usize::try_from(day.month0()).unwrap()];
        let written = match spelling {
            0 => day.format("%d.%m.%Y").to_string(),
            1 => day.format("%d/%m/%Y").to_string(),
            2 => day.format("%d-%m-%y").to_string(),
            3 => day.format("%Y-%m-%d").to_string(),
            4 => day.format("%-d. %-m. %Y").to_string(),
            5 => format!("{}-{month}-{}", day.day(), day.year()),
            _ => format!("{} {month} {}", day.day(), day.year()),
        };
        let page = Page::from_text(&format!("Date: {written}{after}"));
        let found = date::date(&rows(&page), &Place::in_country("MY"), today());
        prop_assert_eq!(found.map(|it| it.value), Some(day), "{}", written);
    }

    #[test]
    fn a_merchant_is_copied_and_not_made_up(text in prop_oneof![scraps(), "\\PC{0,200}"]) {
        let page = Page::from_text(&text);
        if let Some(name) = merchant::merchant(&rows(&page)) {
            let solid = |text: &str| -> String {
                text.chars().filter(|it| it.is_alphanumeric()).collect()
            };
            for word in name.value.split_whitespace() {
                prop_assert!(solid(&text).contains(&solid(word)), "{} in {}", word, text);
            }
        }
    }
}
