//! The lines of a receipt, of any text: they are understood without harm, twice alike, and what is
//! believed of them is on no day that has not come.
#![no_main]

use std::sync::{Arc, LazyLock};

use chrono::NaiveDate;
use libfuzzer_sys::fuzz_target;
use paragon::domain::reading::Verdict;
use paragon::reading::engines::Page;
use paragon::reading::fields::category::Categories;
use paragon::reading::{Hints, understand};

static HINTS: LazyLock<Hints> = LazyLock::new(|| Hints {
    today: NaiveDate::from_ymd_opt(2026, 11, 26).expect("a day"),
    home: None,
    categories: Arc::new(Categories::built_in()),
});

fuzz_target!(|text: &str| {
    let page = Page::from_text(text);
    let verdict = understand(&page, &HINTS);
    assert_eq!(format!("{verdict:?}"), format!("{:?}", understand(&page, &HINTS)));
    if let Verdict::Receipt(fields) = verdict {
        assert!(fields.date.is_none_or(|it| it <= HINTS.today), "{:?}", fields.date);
    }
});
