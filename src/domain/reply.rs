//! What the sender is told: from the outcome of a message to words in their language, and whether
//! they may be said freely or only by the approved template.

pub mod categories;
mod entry;
mod texts;

use chrono::{DateTime, Duration, Utc};

pub use self::entry::{Entry, EntryState, EntrySummary};
use super::chat::{Correction, Question, Wish};
use super::ids::EntryId;
use super::language::Language;

/// The customer service window: free words are allowed this long after the sender's last message,
/// by Meta's clock. Source: Meta, "Send messages", 2026-05-21.
const WINDOW: Duration = Duration::hours(24);

/// We stop this much earlier: a message that leaves in the last second arrives outside.
const WINDOW_MARGIN: Duration = Duration::seconds(30);

/// Meta's code for free words after the window.
pub const WINDOW_CLOSED: i32 = 131_047;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A receipt, booked or lacking something.
    Entry(Entry),
    /// A receipt that looks like one that we have: the sender is asked.
    Duplicate {
        /// The new one.
        entry: EntryId,
        /// The one that we have.
        of: Entry,
    },
    /// The sender says that it is another receipt.
    BookedAsNew(Entry),
    /// The sender corrected the entry, which stands as it is now.
    Corrected {
        /// As it stands now.
        entry: Entry,
        /// What changed.
        correction: Correction,
        /// Whether it counted before.
        before: EntryState,
    },
    /// The sender says that something is wrong: what they can do.
    HowToCorrect(EntryId),
    /// What the sender wrote about the entry is no correction: what would be one.
    CorrectionHelp(EntryId),
    /// The photo shows something else.
    NotAReceipt,
    /// The photo cannot be had, opened or read: the sender is asked for another.
    Unreadable,
    /// The sender wrote words: what this number is for.
    Help,
    /// The sender wants reminders no more, or again.
    Wished(Wish),
    /// The sender sent a voice message, a video, a sticker: a photo would help.
    SendAPhoto,
    /// We gave up for now. The photo is kept, and the operator sees it; the answer may follow.
    GaveUp,
    /// It takes longer than usual; the answer follows.
    TakesLonger,
    /// The sender has sent more photos in a day than are taken from one.
    OverLimit,
    /// Only senders who are customers already are served.
    NotACustomer,
}

/// A message has one answer, and at most one of each of the others before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What became of it.
    Answer,
    /// That it is not done yet, and that somebody will look at it.
    Notice,
    /// That it takes longer.
    Delay,
}

impl Part {
    /// Our word for it, in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Notice => "notice",
            Self::Delay => "delay",
        }
    }
}

/// In which form Meta lets us answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Free words.
    Text,
    /// The approved template.
    Template,
}

impl Form {
    /// Our word for it, in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Template => "template",
        }
    }

    /// Reads [`Form::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "text" => Some(Self::Text),
            "template" => Some(Self::Template),
            _ => None,
        }
    }

    /// The form that is lawful at `now` for somebody who last wrote at `sent_at` (Meta's time).
    pub fn at(now: DateTime<Utc>, sent_at: DateTime<Utc>) -> Self {
        if now - sent_at < WINDOW - WINDOW_MARGIN { Self::Text } else { Self::Template }
    }
}

impl Outcome {
    /// Our word for it, in SQL and in views.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Entry(entry) => EntryState::of(entry.summary.total).as_str(),
            Self::Duplicate { .. } => "duplicate",
            Self::BookedAsNew(_) => "booked_as_new",
            Self::Corrected { .. } => "corrected",
            Self::HowToCorrect(_) => "how_to_correct",
            Self::CorrectionHelp(_) => "correction_help",
            Self::NotAReceipt => "not_a_receipt",
            Self::Unreadable => "unreadable",
            Self::Help => "help",
            Self::Wished(Wish::Stop) => "opted_out",
            Self::Wished(Wish::Start) => "opted_in",
            Self::SendAPhoto => "send_a_photo",
            Self::GaveUp => "gave_up",
            Self::TakesLonger => "takes_longer",
            Self::OverLimit => "over_limit",
            Self::NotACustomer => "not_a_customer",
        }
    }

    /// Whether this is the answer, or only goes before it.
    pub fn part(&self) -> Part {
        match self {
            Self::GaveUp => Part::Notice,
            Self::TakesLonger => Part::Delay,
            Self::Entry(_)
            | Self::Duplicate { .. }
            | Self::BookedAsNew(_)
            | Self::Corrected { .. }
            | Self::HowToCorrect(_)
            | Self::CorrectionHelp(_)
            | Self::NotAReceipt
            | Self::Unreadable
            | Self::Help
            | Self::Wished(_)
            | Self::SendAPhoto
            | Self::OverLimit
            | Self::NotACustomer => Part::Answer,
        }
    }

    /// The entry that it speaks of: whoever quotes the answer means that one.
    pub fn entry(&self) -> Option<EntryId> {
        match self {
            Self::Entry(entry) | Self::BookedAsNew(entry) | Self::Corrected { entry, .. } => {
                Some(entry.id)
            }
            Self::Duplicate { entry, .. }
            | Self::HowToCorrect(entry)
            | Self::CorrectionHelp(entry) => Some(*entry),
            Self::NotAReceipt
            | Self::Unreadable
            | Self::Help
            | Self::Wished(_)
            | Self::SendAPhoto
            | Self::GaveUp
            | Self::TakesLonger
            | Self::OverLimit
            | Self::NotACustomer => None,
        }
    }

    /// What it asks, by buttons.
    pub fn asks(&self) -> Option<Question> {
        match self {
            Self::Entry(_) => Some(Question::Verdict),
            Self::Duplicate { .. } => Some(Question::Duplicate),
            Self::BookedAsNew(_)
            | Self::Corrected { .. }
            | Self::HowToCorrect(_)
            | Self::CorrectionHelp(_)
            | Self::NotAReceipt
            | Self::Unreadable
            | Self::Help
            | Self::Wished(_)
            | Self::SendAPhoto
            | Self::GaveUp
            | Self::TakesLonger
            | Self::OverLimit
            | Self::NotACustomer => None,
        }
    }

    /// The free words, at most a few lines.
    pub fn text(&self, language: Language) -> String {
        texts::text(self, language)
    }

    /// The template's four parameters: category, amount, merchant, date. Empty where the template
    /// cannot say it: it speaks of entries only.
    pub fn parameters(&self, language: Language) -> Vec<String> {
        let Self::Entry(entry) = self else { return Vec::new() };
        texts::parameters(&entry.summary, language).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            id: EntryId(1),
            state: EntryState::Incomplete,
            currency: None,
            summary: EntrySummary::default(),
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn free_words_are_for_the_first_24_hours_by_metas_clock() {
        let sent = at("2026-11-23T10:00:00Z");
        assert_eq!(Form::at(at("2026-11-23T10:00:05Z"), sent), Form::Text);
        assert_eq!(Form::at(at("2026-11-24T09:59:29Z"), sent), Form::Text);
        assert_eq!(Form::at(at("2026-11-24T09:59:30Z"), sent), Form::Template);
        assert_eq!(Form::at(at("2026-11-24T11:00:00Z"), sent), Form::Template);
    }

    #[test]
    fn what_is_unknown_is_said_to_be_unknown_in_every_language() {
        let entry = Outcome::Entry(entry());
        for (language, unknown) in
            [(Language::En, "unknown"), (Language::Cs, "neznámé"), (Language::De, "unbekannt")]
        {
            assert_eq!(entry.parameters(language), [unknown; 4]);
            assert_eq!(entry.text(language).matches(unknown).count(), 4);
        }
        assert_eq!(entry.as_str(), "incomplete");
    }

    #[test]
    fn a_duplicate_is_asked_about_with_what_is_known_of_the_other() {
        let asked = |of| Outcome::Duplicate { entry: EntryId(2), of }.text(Language::En);
        let mut of = entry();
        let looks = "This looks like the receipt that I already have";
        assert_eq!(asked(of.clone()), format!("{looks}. Is it the same?"));
        of.summary.merchant = Some("Kettle".to_owned());
        assert_eq!(asked(of), format!("{looks}: Kettle. Is it the same?"));
    }

    #[test]
    fn the_template_speaks_of_entries_only() {
        for outcome in [
            Outcome::Duplicate { entry: EntryId(2), of: entry() },
            Outcome::BookedAsNew(entry()),
            Outcome::HowToCorrect(EntryId(1)),
            Outcome::CorrectionHelp(EntryId(1)),
            Outcome::NotAReceipt,
            Outcome::Unreadable,
            Outcome::Help,
            Outcome::SendAPhoto,
            Outcome::GaveUp,
            Outcome::TakesLonger,
            Outcome::OverLimit,
            Outcome::NotACustomer,
        ] {
            assert!(outcome.parameters(Language::En).is_empty());
        }
    }
}
