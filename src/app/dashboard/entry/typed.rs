//! What was typed into the form of an entry, as it is wanted; or why it cannot be.

use chrono::NaiveDate;

use crate::app::dashboard::form::Fields;
use crate::app::dashboard::refusal::Refusal;
use crate::domain::money::{Currency, Money, NotMoney};
use crate::domain::reading::{Category, Fields as Read};
use crate::store::entry_revisions::Wanted;
use crate::store::pages::entries::Entry;

/// Reads the form. Amounts are read in every habit of writing, with the decimals of their currency;
/// one that names no currency is in the entry's.
pub fn wanted(typed: &Fields, entry: &Entry, today: NaiveDate) -> Result<Wanted, Refusal> {
    let total = amount(typed, "total", entry.currency)?;
    if total.is_none() && entry.total.is_some() {
        return Err(bad("total: it is known, and cannot become unknown; type what was paid"));
    }
    if total.is_some_and(|it| it.minor <= 0) {
        return Err(bad("total: want an amount above zero"));
    }
    let currency = total.map(|it| it.currency).or(entry.currency);
    let tax = amount(typed, "tax", currency)?;
    if let Some(tax) = tax {
        let within = total.is_some_and(|it| tax.currency == it.currency && tax.minor < it.minor);
        if tax.minor < 0 || !within {
            return Err(bad("tax: want a part of the total, in the same currency"));
        }
    }
    let category = typed.text("category").map(|it| Category::parse(it).ok_or(it));
    let category = category.transpose().map_err(|_| bad("category: there is no such one"))?;
    let (merchant, date) = (typed.text("merchant").map(str::to_owned), typed.day("date")?);
    let given = Read { merchant: merchant.clone(), date, ..Read::default() };
    let believed = given.believable(today);
    // What stands is not argued with: it may have been read by an older version.
    if believed.merchant != merchant && merchant != entry.merchant {
        return Err(bad("merchant: want a name of 2 to 120 characters with a letter in it"));
    }
    if believed.date != date && date != entry.date {
        return Err(bad("date: want a day between 1990 and today"));
    }
    Ok(Wanted { merchant, date, total, tax, category })
}

fn amount(typed: &Fields, name: &str, known: Option<Currency>) -> Result<Option<Money>, Refusal> {
    let Some(text) = typed.text(name) else { return Ok(None) };
    let money = Money::parse_near(text, known);
    money.map(Some).map_err(|error| match error {
        NotMoney::NoCurrency => bad(&format!("{name}: {error}; add it, as in 12.50 EUR")),
        NotMoney::NoAmount | NotMoney::Unreadable | NotMoney::TooLarge | NotMoney::TooPrecise => {
            bad(&format!("{name}: {error}"))
        }
    })
}

fn bad(words: &str) -> Refusal {
    Refusal::BadInput(words.to_owned())
}
