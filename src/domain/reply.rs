//! What the sender is told: from the outcome of a message to words in their language, and whether
//! they may be said freely or only by the approved template.

use std::fmt;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::language::Language;
use super::money::Money;
use super::reading::Category;

/// The customer service window: free words are allowed this long after the sender's last message,
/// by Meta's clock. Source: Meta, "Send messages", 2026-05-21.
const WINDOW: Duration = Duration::hours(24);

/// We stop this much earlier: a message that leaves in the last second arrives outside.
const WINDOW_MARGIN: Duration = Duration::minutes(2);

/// Meta's code for free words after the window.
pub const WINDOW_CLOSED: i32 = 131_047;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A receipt, booked or lacking something.
    Entry(EntrySummary),
    /// The photo shows something else.
    NotAReceipt,
    /// The photo cannot be had, opened or read: the sender is asked for another.
    Unreadable,
    /// The sender wrote words: what this number is for.
    Help,
    /// The sender sent a voice message, a video, a sticker: a photo would help.
    SendAPhoto,
    /// We gave up for now. The photo is kept, and the operator sees it; the answer may follow.
    GaveUp,
}

/// A message has one answer, and at most one notice before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What became of it.
    Answer,
    /// That it is not done yet.
    Notice,
}

impl Part {
    /// Our word for it, in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Notice => "notice",
        }
    }
}

/// What an answer says of an entry. `None` is unknown, and is said to be.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EntrySummary {
    /// What kind of expense.
    pub category: Option<Category>,
    /// How much, with its currency.
    pub total: Option<Money>,
    /// Where.
    pub merchant: Option<String>,
    /// When.
    pub date: Option<NaiveDate>,
}

/// Shows what is known and the amount; where somebody shops stays out of logs.
impl fmt::Debug for EntrySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntrySummary")
            .field("category", &self.category)
            .field("total", &self.total)
            .field("merchant", &self.merchant.as_ref().map(|_| "…"))
            .field("date", &self.date)
            .finish()
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
            Self::Entry(entry) if entry.total.is_some() => "booked",
            Self::Entry(_) => "incomplete",
            Self::NotAReceipt => "not_a_receipt",
            Self::Unreadable => "unreadable",
            Self::Help => "help",
            Self::SendAPhoto => "send_a_photo",
            Self::GaveUp => "gave_up",
        }
    }

    /// Whether this is the answer, or only goes before it.
    pub fn part(&self) -> Part {
        match self {
            Self::Entry(_)
            | Self::NotAReceipt
            | Self::Unreadable
            | Self::Help
            | Self::SendAPhoto => Part::Answer,
            Self::GaveUp => Part::Notice,
        }
    }

    /// The free words, at most a few lines.
    pub fn text(&self, language: Language) -> String {
        let words = Words::of(language);
        match self {
            Self::Entry(entry) => entry_text(entry, words, language),
            Self::NotAReceipt => words.not_a_receipt.to_owned(),
            Self::Unreadable => words.unreadable.to_owned(),
            Self::Help => words.help.to_owned(),
            Self::SendAPhoto => words.send_a_photo.to_owned(),
            Self::GaveUp => words.gave_up.to_owned(),
        }
    }

    /// The template's four parameters: category, amount, merchant, date. Empty where the template
    /// cannot say it: it speaks of entries only.
    pub fn parameters(&self, language: Language) -> Vec<String> {
        let Self::Entry(entry) = self else { return Vec::new() };
        let words = Words::of(language);
        let said = |value: Option<String>| value.unwrap_or_else(|| words.unknown.to_owned());
        vec![
            said(entry.category.map(|it| category_word(it, language).to_owned())),
            said(entry.total.map(|it| it.display(language))),
            said(entry.merchant.clone()),
            said(entry.date.map(|it| date_text(it, language))),
        ]
    }
}

fn entry_text(entry: &EntrySummary, words: &Words, language: Language) -> String {
    let head = if entry.total.is_some() { words.booked } else { words.incomplete };
    let said = Outcome::Entry(entry.clone()).parameters(language);
    let labels = [words.category, words.amount, words.merchant, words.date];
    let mut text = head.to_owned();
    for (label, value) in labels.iter().zip(&said) {
        text.extend(["\n", label, ": ", value]);
    }
    if entry.total.is_none() {
        text.extend(["\n", words.ask_for_total]);
    }
    text
}

fn date_text(date: NaiveDate, language: Language) -> String {
    let pattern = match language {
        Language::En => "%-d %b %Y",
        Language::Cs => "%-d. %-m. %Y",
        Language::De => "%d.%m.%Y",
    };
    date.format(pattern).to_string()
}

struct Words {
    booked: &'static str,
    incomplete: &'static str,
    ask_for_total: &'static str,
    category: &'static str,
    amount: &'static str,
    merchant: &'static str,
    date: &'static str,
    unknown: &'static str,
    not_a_receipt: &'static str,
    unreadable: &'static str,
    help: &'static str,
    send_a_photo: &'static str,
    gave_up: &'static str,
}

impl Words {
    fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &EN,
            Language::Cs => &CS,
            Language::De => &DE,
        }
    }
}

static EN: Words = Words {
    booked: "Booked ✓",
    incomplete: "I kept your receipt, but could not read everything.",
    ask_for_total: "Please send a sharper photo of the whole receipt, so that I can book it.",
    category: "Category",
    amount: "Amount",
    merchant: "Merchant",
    date: "Date",
    unknown: "unknown",
    not_a_receipt: "Nice picture! I see no receipt in it, so I booked nothing.",
    unreadable: "I could not open this one. Please send the receipt again, as a photo or a PDF.",
    help: "Send me a photo of a receipt, and I will book it and tell you what I read.",
    send_a_photo: "I can only read photos and PDFs. Please send the receipt as one of these.",
    gave_up: "Sorry, I could not book this yet. Your photo is safe: our team will look at it.",
};

static CS: Words = Words {
    booked: "Zaúčtováno ✓",
    incomplete: "Účtenku mám, ale nepřečetl jsem všechno.",
    ask_for_total: "Pošlete prosím ostřejší fotku celé účtenky, abych ji mohl zaúčtovat.",
    category: "Kategorie",
    amount: "Částka",
    merchant: "Obchodník",
    date: "Datum",
    unknown: "neznámé",
    not_a_receipt: "Hezký obrázek! Účtenku na něm nevidím, takže jsem nic nezaúčtoval.",
    unreadable: "Tohle se mi nepodařilo otevřít. Pošlete prosím účtenku znovu jako fotku nebo PDF.",
    help: "Pošlete mi fotku účtenky. Zaúčtuji ji a napíšu vám, co jsem přečetl.",
    send_a_photo: "Umím číst jen fotky a PDF. Pošlete prosím účtenku takto.",
    gave_up: "Omlouvám se, zatím se mi to nepodařilo zaúčtovat. Fotka je v bezpečí, náš tým se na ni podívá.",
};

static DE: Words = Words {
    booked: "Gebucht ✓",
    incomplete: "Ihr Beleg ist da, aber ich konnte nicht alles lesen.",
    ask_for_total: "Bitte senden Sie ein schärferes Foto des ganzen Belegs, damit ich ihn buchen kann.",
    category: "Kategorie",
    amount: "Betrag",
    merchant: "Händler",
    date: "Datum",
    unknown: "unbekannt",
    not_a_receipt: "Schönes Bild! Einen Beleg sehe ich darauf nicht, deshalb habe ich nichts gebucht.",
    unreadable: "Das konnte ich nicht öffnen. Bitte senden Sie den Beleg noch einmal als Foto oder PDF.",
    help: "Senden Sie mir ein Foto eines Belegs. Ich buche ihn und schreibe, was ich gelesen habe.",
    send_a_photo: "Ich kann nur Fotos und PDFs lesen. Bitte senden Sie den Beleg so.",
    gave_up: "Das konnte ich leider noch nicht buchen. Ihr Foto ist sicher: Unser Team sieht es sich an.",
};

fn category_word(category: Category, language: Language) -> &'static str {
    let [en, cs, de] = match category {
        Category::Groceries => ["groceries", "potraviny", "Lebensmittel"],
        Category::Meals => ["meals", "stravování", "Bewirtung"],
        Category::Fuel => ["fuel", "pohonné hmoty", "Kraftstoff"],
        Category::Transport => ["transport", "doprava", "Fahrtkosten"],
        Category::Travel => ["travel", "cestování", "Reise"],
        Category::Office => ["office", "kancelář", "Bürobedarf"],
        Category::Materials => ["materials", "materiál", "Material"],
        Category::Electronics => ["electronics", "elektronika", "Elektronik"],
        Category::Household => ["household", "domácnost", "Haushalt"],
        Category::Health => ["health", "zdraví", "Gesundheit"],
        Category::Clothing => ["clothing", "oblečení", "Kleidung"],
        Category::Media => ["media", "média", "Medien"],
        Category::Services => ["services", "služby", "Dienstleistungen"],
        Category::Other => ["other", "ostatní", "Sonstiges"],
    };
    match language {
        Language::En => en,
        Language::Cs => cs,
        Language::De => de,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn free_words_are_for_the_first_24_hours_by_metas_clock() {
        let sent = at("2026-11-23T10:00:00Z");
        assert_eq!(Form::at(at("2026-11-23T10:00:05Z"), sent), Form::Text);
        assert_eq!(Form::at(at("2026-11-24T09:57:59Z"), sent), Form::Text);
        assert_eq!(Form::at(at("2026-11-24T09:58:00Z"), sent), Form::Template);
        assert_eq!(Form::at(at("2026-11-24T11:00:00Z"), sent), Form::Template);
    }

    #[test]
    fn what_is_unknown_is_said_to_be_unknown_in_every_language() {
        let entry = Outcome::Entry(EntrySummary::default());
        for (language, unknown) in
            [(Language::En, "unknown"), (Language::Cs, "neznámé"), (Language::De, "unbekannt")]
        {
            assert_eq!(entry.parameters(language), [unknown; 4]);
            assert_eq!(entry.text(language).matches(unknown).count(), 4);
        }
        assert_eq!(entry.as_str(), "incomplete");
    }

    #[test]
    fn the_template_speaks_of_entries_only() {
        for outcome in [
            Outcome::NotAReceipt,
            Outcome::Unreadable,
            Outcome::Help,
            Outcome::SendAPhoto,
            Outcome::GaveUp,
        ] {
            assert!(outcome.parameters(Language::En).is_empty());
        }
    }
}
