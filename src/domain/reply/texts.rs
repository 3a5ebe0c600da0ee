//! From what is to be said to the words for it. The words themselves are in the catalogue.

use super::{Entry, EntryState, EntrySummary, Outcome, categories};
use crate::domain::catalogue::{Text, formats};
use crate::domain::chat::{Correction, Wish};
use crate::domain::language::Language;

/// The free words for `outcome`.
pub fn text(outcome: &Outcome, language: Language) -> String {
    let text = match outcome {
        Outcome::Entry(entry) => entry_text(&entry.summary, language),
        Outcome::Duplicate { of, .. } => duplicate_text(of, language),
        Outcome::BookedAsNew(entry) => {
            Text::BookedAsNew { receipt: known(&entry.summary, language).join(", ") }
        }
        Outcome::Corrected { correction, before, .. } => {
            corrected_text(*correction, *before, language)
        }
        Outcome::HowToCorrect(_) => Text::HowToCorrect,
        Outcome::CorrectionHelp(_) => Text::CorrectionHelp,
        Outcome::NotAReceipt => Text::NotAReceipt,
        Outcome::Unreadable => Text::Unreadable,
        Outcome::Help => Text::Help,
        Outcome::Wished(Wish::Stop) => Text::OptedOut,
        Outcome::Wished(Wish::Start) => Text::OptedIn,
        Outcome::SendAPhoto => Text::SendAPhoto,
        Outcome::GaveUp => Text::GaveUp,
        Outcome::TakesLonger => Text::TakesLonger,
        Outcome::OverLimit => Text::OverLimit,
        Outcome::NotACustomer => Text::NotACustomer,
    };
    text.say(language)
}

/// Category, amount, merchant, date.
pub fn parameters(entry: &EntrySummary, language: Language) -> [String; 4] {
    [
        entry.category.map(|it| categories::name(it, language)),
        entry.total.map(|it| formats::money(it, language)),
        entry.merchant.clone(),
        entry.date.map(|it| formats::date(it, language)),
    ]
    .map(|known| known.unwrap_or_else(|| Text::Unknown.say(language)))
}

fn entry_text(entry: &EntrySummary, language: Language) -> Text {
    let [category, amount, merchant, date] = parameters(entry, language);
    if entry.total.is_some() {
        Text::EntryBooked { category, amount, merchant, date }
    } else {
        Text::EntryIncomplete { category, amount, merchant, date }
    }
}

fn duplicate_text(of: &Entry, language: Language) -> Text {
    let known = known(&of.summary, language);
    let receipt = known.join(", ");
    match of.state {
        EntryState::Booked => Text::LooksBooked { receipt },
        EntryState::Incomplete | EntryState::Duplicate => {
            let known = u32::try_from(known.len()).expect("at most three");
            Text::LooksKept { known, receipt }
        }
    }
}

fn corrected_text(correction: Correction, before: EntryState, language: Language) -> Text {
    match (correction, before) {
        (Correction::Total(total), EntryState::Incomplete) => {
            Text::AmountCompleted { amount: formats::money(total, language) }
        }
        (Correction::Total(total), EntryState::Booked | EntryState::Duplicate) => {
            Text::AmountCorrected { amount: formats::money(total, language) }
        }
        (Correction::Category(category), _) => {
            Text::CategoryCorrected { category: categories::name(category, language) }
        }
    }
}

/// Merchant, amount and date, as far as they are known.
fn known(entry: &EntrySummary, language: Language) -> Vec<String> {
    let known = [
        entry.merchant.clone(),
        entry.total.map(|it| formats::money(it, language)),
        entry.date.map(|it| formats::date(it, language)),
    ];
    known.into_iter().flatten().collect()
}
