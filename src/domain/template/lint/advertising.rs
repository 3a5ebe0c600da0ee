//! Whether a service message reads like one. A reviewer decides by the words: in 2026 a team's
//! "Your receipt has been processed, category: …" was refused as promotion in disguise, until the
//! text said that it is a service message.

use super::{Findings, Rule};
use crate::domain::reply::categories::folded;
use crate::domain::template::{Category, Definition};

/// How a message says what it is, by language; without accents, in small letters.
const SERVICE: &[(&str, &[&str])] = &[
    ("en", &["service message"]),
    ("cs", &["servisni zprav", "sluzebni zprav", "provozni zprav"]),
    ("de", &["servicenachricht", "service-nachricht", "dienstnachricht"]),
];

/// Words that sell something: beginnings of words, without accents, in small letters. In all
/// languages at once: an English "sale" sells in Czech too.
const SELLS: &[&str] = &[
    // English
    "buy now",
    "bargain",
    "cheap",
    "congratulation",
    "coupon",
    "deal of",
    "discount",
    "don't miss",
    "exclusive",
    "for free",
    "free gift",
    "hurry",
    "limited offer",
    "limited time",
    "lucky",
    "offer",
    "order now",
    "prize",
    "promo",
    "sale",
    "save up to",
    "shop now",
    "special price",
    "voucher",
    "win a",
    // Czech
    "akcni cen",
    "akcni nabidk",
    "darek",
    "kupte",
    "limitovan",
    "nabidk",
    "nakupte",
    "neprehlednete",
    "slev",
    "soutez",
    "vyhodn",
    "vyhrajte",
    "vyprodej",
    "zdarma",
    // German
    "aktionspreis",
    "angebot",
    "exklusiv",
    "gewinn",
    "gratis",
    "gunstig",
    "gutschein",
    "jetzt bestellen",
    "jetzt kaufen",
    "kostenlos",
    "nicht verpassen",
    "nur heute",
    "rabatt",
    "schnappchen",
    "sparen sie",
];

const SHORT_LINKS: &[&str] =
    &["bit.ly", "t.co/", "tinyurl.", "goo.gl", "wa.me/", "rb.gy", "cutt.ly"];

pub fn check(definition: &Definition, told: &mut Findings<'_>) {
    if definition.category != Category::Utility {
        return;
    }
    let words = &definition.words;
    let parts = [words.header.as_deref(), Some(words.body.as_str()), words.footer.as_deref()];
    let said = folded(&parts.into_iter().flatten().collect::<Vec<_>>().join("\n"));
    service(definition, &said, told);
    for word in SELLS.iter().filter(|it| begins_a_word(&said, it)) {
        let advice = format!("{word:?} sells something: say what has happened instead");
        told.add(Rule::Advertising, advice);
    }
    if said.matches('!').count() > 1 || said.contains("!!") {
        told.add(Rule::Advertising, "one exclamation mark at most: a service message is calm");
    }
    if shouts(&words.body) {
        told.add(Rule::Advertising, "do not write words in capitals");
    }
    for link in SHORT_LINKS.iter().filter(|it| said.contains(**it)) {
        let advice = format!("{link} hides where it leads: write the link out, on your own domain");
        told.add(Rule::Advertising, advice);
    }
}

fn service(definition: &Definition, said: &str, told: &mut Findings<'_>) {
    let language = definition.language.split('_').next().unwrap_or_default();
    // In a language that we do not know, nobody but a reader can tell.
    let Some((_, phrases)) = SERVICE.iter().find(|(it, _)| *it == language) else { return };
    if !phrases.iter().any(|it| said.contains(it)) {
        let first = match language {
            "cs" => "servisní zpráva",
            "de" => "Servicenachricht",
            _ => "service message",
        };
        let advice =
            format!("say that it is one, for example \"{first}\": else it passes for promotion");
        told.add(Rule::ServiceMessage, advice);
    }
}

fn begins_a_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

/// Two words in a row in capitals. One may be an abbreviation.
fn shouts(text: &str) -> bool {
    let loud = |it: &str| {
        let letters: Vec<char> = it.chars().filter(|it| it.is_alphabetic()).collect();
        letters.len() > 2 && letters.iter().all(|it| it.is_uppercase())
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).any(|pair| loud(pair[0]) && loud(pair[1]))
}
