//! From what is to be said to the words for it.

use chrono::NaiveDate;

use super::words::Words;
use super::{Entry, EntryState, EntrySummary, Outcome, categories};
use crate::domain::chat::Correction;
use crate::domain::language::Language;

/// The free words for `outcome`.
pub fn text(outcome: &Outcome, language: Language) -> String {
    let words = Words::of(language);
    match outcome {
        Outcome::Entry(entry) => entry_text(&entry.summary, words, language),
        Outcome::Duplicate { of, .. } => duplicate_text(of, words, language),
        Outcome::BookedAsNew(entry) => {
            format!("{}{}", words.booked_as_new, in_brief(&entry.summary, language))
        }
        Outcome::Corrected { correction, before, .. } => {
            corrected_text(*correction, *before, words, language)
        }
        Outcome::HowToCorrect(_) => words.how_to_correct.to_owned(),
        Outcome::CorrectionHelp(_) => words.correction_help.to_owned(),
        Outcome::NotAReceipt => words.not_a_receipt.to_owned(),
        Outcome::Unreadable => words.unreadable.to_owned(),
        Outcome::Help => words.help.to_owned(),
        Outcome::SendAPhoto => words.send_a_photo.to_owned(),
        Outcome::GaveUp => words.gave_up.to_owned(),
    }
}

/// Category, amount, merchant, date.
pub fn parameters(entry: &EntrySummary, language: Language) -> Vec<String> {
    let words = Words::of(language);
    let said = |value: Option<String>| value.unwrap_or_else(|| words.unknown.to_owned());
    vec![
        said(entry.category.map(|it| categories::word(it, language).to_owned())),
        said(entry.total.map(|it| it.display(language))),
        said(entry.merchant.clone()),
        said(entry.date.map(|it| date_text(it, language))),
    ]
}

fn entry_text(entry: &EntrySummary, words: &Words, language: Language) -> String {
    let head = if entry.total.is_some() { words.booked } else { words.incomplete };
    let labels = [words.category, words.amount, words.merchant, words.date];
    let mut text = head.to_owned();
    for (label, value) in labels.iter().zip(&parameters(entry, language)) {
        text.extend(["\n", label, ": ", value]);
    }
    if entry.total.is_none() {
        text.extend(["\n", words.ask_for_total]);
    }
    text
}

fn duplicate_text(of: &Entry, words: &Words, language: Language) -> String {
    let head = match of.state {
        EntryState::Booked => words.looks_booked,
        EntryState::Incomplete | EntryState::Duplicate => words.looks_kept,
    };
    format!("{head}{}. {}", in_brief(&of.summary, language), words.is_it_the_same)
}

fn corrected_text(
    correction: Correction,
    before: EntryState,
    words: &Words,
    language: Language,
) -> String {
    let (label, value) = match correction {
        Correction::Total(total) => (words.amount, total.display(language)),
        Correction::Category(category) => {
            (words.category, categories::word(category, language).to_owned())
        }
    };
    let head = match (before, correction) {
        (EntryState::Incomplete, Correction::Total(_)) => words.booked,
        (EntryState::Booked | EntryState::Duplicate, _) | (_, Correction::Category(_)) => {
            words.corrected
        }
    };
    format!("{head} {label}: {value}")
}

/// `: merchant, amount, date`, as far as they are known.
fn in_brief(entry: &EntrySummary, language: Language) -> String {
    let known = [
        entry.merchant.clone(),
        entry.total.map(|it| it.display(language)),
        entry.date.map(|it| date_text(it, language)),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) }
}

fn date_text(date: NaiveDate, language: Language) -> String {
    let pattern = language.pick("%-d %b %Y", "%-d. %-m. %Y", "%d.%m.%Y");
    date.format(pattern).to_string()
}
