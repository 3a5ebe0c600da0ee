//! What a sender says about an entry: a button pressed, a correction written. Nothing personal is
//! in a button's id.

use std::fmt;

use super::catalogue::Text;
use super::ids::{EntryId, Wamid};
use super::language::Language;
use super::money::{Currency, Money};
use super::reading::Category;
use super::reply::categories::{self, folded};

/// More of a text is not a correction.
const WORDS_MAX: usize = 120;

/// What an answer asks, and so which buttons it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Was it read right?
    Verdict,
    /// Is it the receipt that we already have?
    Duplicate,
}

impl Question {
    /// Our word for it, in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Duplicate => "duplicate",
        }
    }

    /// Reads [`Question::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Verdict, Self::Duplicate].into_iter().find(|it| it.as_str() == word)
    }

    /// What may be answered, in the order of the buttons.
    pub fn choices(self) -> [Choice; 2] {
        match self {
            Self::Verdict => [Choice::Right, Choice::Wrong],
            Self::Duplicate => [Choice::Same, Choice::New],
        }
    }
}

/// What a button says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It was read right.
    Right,
    /// It was read wrong.
    Wrong,
    /// It is the receipt that we already have.
    Same,
    /// It is another receipt.
    New,
}

impl Choice {
    const ALL: [Self; 4] = [Self::Right, Self::Wrong, Self::Same, Self::New];

    fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Same => "same",
            Self::New => "new",
        }
    }

    /// What stands on the button: at most 20 characters.
    pub fn title(self, language: Language) -> String {
        let text = match self {
            Self::Right => Text::ButtonRight,
            Self::Wrong => Text::ButtonWrong,
            Self::Same => Text::ButtonSame,
            Self::New => Text::ButtonNew,
        };
        text.say(language)
    }
}

/// A button of an entry. Its id, `entry:12:right`, travels to Meta and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// Which entry.
    pub entry: EntryId,
    /// What of it.
    pub choice: Choice,
}

impl Press {
    /// Reads the id of a button. Anything that is not one of ours is `None`. Whose entry it is, is
    /// not known here: a button's id can be made up.
    pub fn parse(id: &str) -> Option<Self> {
        let (entry, choice) = id.strip_prefix("entry:")?.split_once(':')?;
        let choice = Choice::ALL.into_iter().find(|it| it.as_str() == choice)?;
        let press = Self { entry: EntryId(entry.parse().ok()?), choice };
        (press.to_string() == id).then_some(press)
    }
}

/// The button's id.
impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry:{}:{}", self.entry.0, self.choice.as_str())
    }
}

/// Whether somebody wants reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No more of them.
    Stop,
    /// Again.
    Start,
}

/// Messages that mean [`Wish::Stop`], whatever language we answer in; without accents.
const STOPS: [&str; 17] = [
    "stop",
    "stopp",
    "stop all",
    "stopall",
    "stop promotions",
    "unsubscribe",
    "opt out",
    "opt-out",
    "zastavit",
    "odhlasit",
    "odhlasit se",
    "ukoncit",
    "nechci upominky",
    "abmelden",
    "abbestellen",
    "keine erinnerungen",
    "austragen",
];

/// Messages that mean [`Wish::Start`].
const STARTS: [&str; 12] = [
    "start",
    "unstop",
    "subscribe",
    "opt in",
    "opt-in",
    "zacit",
    "prihlasit",
    "prihlasit se",
    "obnovit",
    "anmelden",
    "starten",
    "fortsetzen",
];

impl Wish {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stop, Self::Start];

    /// Reads a whole message: case, accents, quotes and what ends a sentence do not matter. A
    /// message that says anything else besides is none.
    pub fn parse(message: &str) -> Option<Self> {
        let silent = |it: char| !it.is_alphanumeric();
        let said = message.trim_matches(silent);
        if said.len() > 40 {
            return None;
        }
        let said = folded(&said.split_whitespace().collect::<Vec<_>>().join(" "));
        let means = |words: &[&str]| words.contains(&said.as_str());
        if means(&STOPS) {
            return Some(Self::Stop);
        }
        means(&STARTS).then_some(Self::Start)
    }

    /// Our word for it, in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
        }
    }

    /// Reads [`Wish::as_str`].
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// A text that replies to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoting {
    /// The message that it replies to.
    pub wamid: Wamid,
    /// What it says.
    pub words: Words,
}

/// The first words of a text. They do not show themselves: they are what a person wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Words(String);

impl Words {
    /// Takes the first 120 characters, without control characters.
    pub fn new(text: &str) -> Self {
        Self(text.chars().filter(|it| !it.is_control()).take(WORDS_MAX).collect())
    }

    /// As they were written, for Postgres only.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(…)")
    }
}

/// What a sender wants changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    /// This was paid.
    Total(Money),
    /// It was for this.
    Category(Category),
}

/// Words that may stand before an amount.
const AMOUNT_IS: [&str; 9] =
    ["amount", "total", "částka", "castka", "celkem", "betrag", "summe", "gesamt", "price"];

const CATEGORY_IS: [&str; 2] = ["category", "kategorie"];

impl Correction {
    /// Reads `12,50`, `12.50 EUR`, `category fuel`, `kategorie palivo`. An amount that names no
    /// currency is in that of the entry, `known`; where that is unknown it is no correction, and
    /// neither is one that is not above zero.
    pub fn read(words: &Words, known: Option<Currency>) -> Option<Self> {
        let said = words.as_str().trim().trim_end_matches(['!', '.']);
        let (first, rest) = said.split_once([' ', ':']).unwrap_or((said, ""));
        let (first, rest) = (first.to_lowercase(), rest.trim_start_matches([' ', ':', '=']));
        if CATEGORY_IS.contains(&first.as_str()) {
            return categories::parse(rest).map(Self::Category);
        }
        let amount = if AMOUNT_IS.contains(&first.as_str()) { rest } else { said };
        match Money::parse_near(amount, known) {
            Ok(total) => (total.minor > 0).then_some(Self::Total(total)),
            Err(_) => categories::parse(said).map(Self::Category),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, known: Option<Currency>, expected: &str) {
        let read = Correction::read(&Words::new(words), known);
        let shown = match read {
            Some(Correction::Total(total)) => format!("{total:?}"),
            Some(Correction::Category(category)) => category.as_str().to_owned(),
            None => "-".to_owned(),
        };
        assert_eq!(shown, expected, "{words}");
    }

    #[test]
    fn an_amount_is_a_correction_in_every_habit_of_writing() {
        let euro = Some(Currency::EUR);
        check("12,50", euro, "12.50 EUR");
        check(" 12.50 ", euro, "12.50 EUR");
        check("12.50 EUR", None, "12.50 EUR");
        check("1 234,50 Kč", euro, "1234.50 CZK");
        check("€12.50!", Some(Currency::CZK), "12.50 EUR");
        check("Amount: 12,50", euro, "12.50 EUR");
        check("částka 12,50", Some(Currency::CZK), "12.50 CZK");
        check("Betrag = 1.234,50 €", euro, "1234.50 EUR");
        check("1200", Some(Currency::JPY), "1200 JPY");
        check("1.234", Some(Currency::KWD), "1.234 KWD");
        check("12,-", Some(Currency::CZK), "12.00 CZK");
    }

    #[test]
    fn a_sign_that_several_share_means_the_currency_of_the_entry() {
        let of = Currency::parse;
        check("$12.50", of("CAD"), "12.50 CAD");
        check("$12.50", of("EUR"), "12.50 USD");
        check("100 kr", of("NOK"), "100.00 NOK");
        check("100 kr", of("EUR"), "-");
        check("US$5", of("CAD"), "5.00 USD");
    }

    #[test]
    fn what_is_no_amount_is_no_correction() {
        for words in [
            "12,50 and 3",
            "0",
            "-5",
            "12.505.1",
            "thanks",
            "",
            "?",
            "12,50 please",
            "STOP",
            "99999999999999999999",
        ] {
            check(words, Some(Currency::EUR), "-");
        }
        check("12,50", None, "-");
        check("12.50", Some(Currency::JPY), "-");
    }

    #[test]
    fn a_category_is_named_in_every_language() {
        check("category fuel", None, "fuel");
        check("Category: Fuel", None, "fuel");
        check("kategorie palivo", None, "fuel");
        check("Kategorie pohonné hmoty", None, "fuel");
        check("Kategorie Kraftstoff", None, "fuel");
        check("kategorie  Bürobedarf.", None, "office");
        check("kategorie burobedarf", None, "office");
        check("fuel", None, "fuel");
        check("category spaceships", None, "-");
        check("category", None, "-");
    }

    #[test]
    fn a_button_is_read_back_from_its_id_and_nothing_else_is() {
        for choice in Choice::ALL {
            let press = Press { entry: EntryId(12), choice };
            assert_eq!(Press::parse(&press.to_string()), Some(press));
        }
        for id in [
            "",
            "entry",
            "entry:1",
            "entry:x:right",
            "entry:01:right",
            "entry:+1:right",
            "entry:1:left",
            "entry:1:right:",
            "cancel-button",
            "entry:99999999999999999999:new",
        ] {
            assert_eq!(Press::parse(id), None, "{id}");
        }
    }

    #[test]
    fn the_titles_of_buttons_fit_on_them_and_differ() {
        for language in Language::ALL {
            for question in [Question::Verdict, Question::Duplicate] {
                let titles = question.choices().map(|it| it.title(language));
                assert_ne!(titles[0], titles[1]);
                for title in titles {
                    assert!((1..=20).contains(&title.chars().count()), "{title}");
                }
            }
        }
    }

    #[test]
    fn stop_and_start_are_whole_messages_in_every_language() {
        let stops = [
            "STOP",
            "stop.",
            " Stop! ",
            "„Stop“",
            "STOPP",
            "Zastavit",
            "ODHLÁSIT",
            "odhlasit se",
            "Abmelden",
            "UNSUBSCRIBE",
            "opt  out",
            "\u{200b}stop",
        ];
        for said in stops {
            assert_eq!(Wish::parse(said), Some(Wish::Stop), "{said}");
        }
        for said in ["START", "start!", "Přihlásit", "obnovit", "Anmelden", "unstop"] {
            assert_eq!(Wish::parse(said), Some(Wish::Start), "{said}");
        }
        for said in
            ["", "!", "please stop", "stop it", "non-stop", "bus stop", "startup", "starter"]
        {
            assert_eq!(Wish::parse(said), None, "{said}");
        }
        for wish in Wish::ALL {
            assert_eq!(Wish::read(wish.as_str()), Some(wish));
        }
    }

    #[test]
    fn words_do_not_show_themselves() {
        assert_eq!(format!("{:?}", Words::new("12,50 for Dr. Novak")), "Words(…)");
    }
}
