//! What was typed into the form of an entry, as it is wanted; or why it cannot be.

use chrono::NaiveDate;

use crate::app::correction;
use crate::app::dashboard::form::Fields;
use crate::app::dashboard::refusal::Refusal;
use crate::domain::money::{Currency, Money, NotMoney};
use crate::domain::reading::Category;
use crate::store::entry_revisions::Wanted;
use crate::store::pages::entries::Entry;

/// Reads the form. Amounts are read in every habit of writing, with the decimals of their currency;
/// one that names no currency is in the entry's.
pub fn wanted(typed: &Fields, entry: &Entry, today: NaiveDate) -> Result<Wanted, Refusal> {
    let total = amount(typed, "total", entry.currency)?;
    let currency = total.map(|it| it.currency).or(entry.currency);
    let tax = amount(typed, "tax", currency)?;
    let category = typed.text("category").map(|it| Category::parse(it).ok_or(it));
    let category = category.transpose().map_err(|_| bad("category: there is no such one"))?;
    let (merchant, date) = (typed.text("merchant").map(str::to_owned), typed.day("date")?);
    let wanted = Wanted { merchant, date, total, tax, category };
    correction::check(&wanted, &entry.wanted(), today)
        .map_err(|it| bad(&format!("{}: {}", it.what, it.problem)))?;
    Ok(wanted)
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
