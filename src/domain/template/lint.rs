//! What gets a template rejected, found before Meta's reviewers do. Meta publishes no list: the
//! rules are its documentation, its reasons of rejection, and what teams were told. A text that
//! passes may be rejected all the same.

mod advertising;
mod parameters;

use std::fmt;

use super::{Category, Definition, Placeholders};

/// Longest name, in characters. Source: Meta, "Templates", 2026-05-05, as the lengths below.
const NAME_MAX: usize = 512;
const HEADER_MAX: usize = 60;
const BODY_MAX: usize = 1024;
const FOOTER_MAX: usize = 60;

/// Something that Meta will not take, or a reviewer is likely to refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In which language; none where it concerns all of them.
    pub language: Option<String>,
    /// Which rule.
    pub rule: Rule,
    /// What is wrong and what to do, in a sentence.
    pub advice: String,
}

/// A rule of the lint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Lower-case letters, digits and `_`, at most 512, as the file is called.
    Name,
    /// A language code as Meta writes it.
    Language,
    /// Receipts and reminders are service messages: `UTILITY`.
    Category,
    /// Header, body or footer is empty or too long.
    Length,
    /// Blank lines or spaces in rows.
    Blanks,
    /// Something that looks like a parameter and is none, or parameters of two kinds.
    ParameterStyle,
    /// A parameter stands where no words are before or after it.
    ParameterAtEnd,
    /// Two parameters without words or punctuation between them.
    ParametersAdjacent,
    /// So many parameters that the words hardly say anything.
    ParametersCrowded,
    /// A parameter in header or footer.
    ParameterPlace,
    /// Languages of one template differ in their parameters.
    ParametersDiffer,
    /// Examples are missing, too many, or could not stand there.
    Examples,
    /// Nothing says that it is a service message.
    ServiceMessage,
    /// It reads like an advertisement.
    Advertising,
}

impl Rule {
    /// Its name in output and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Language => "language",
            Self::Category => "category",
            Self::Length => "length",
            Self::Blanks => "blanks",
            Self::ParameterStyle => "parameter-style",
            Self::ParameterAtEnd => "parameter-at-end",
            Self::ParametersAdjacent => "parameters-adjacent",
            Self::ParametersCrowded => "parameters-crowded",
            Self::ParameterPlace => "parameter-place",
            Self::ParametersDiffer => "parameters-differ",
            Self::Examples => "examples",
            Self::ServiceMessage => "service-message",
            Self::Advertising => "advertising",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything found in the languages of one template, which the file `stem` holds.
pub fn lint(stem: &str, template: &[Definition]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(first) = template.first() {
        findings.extend(of_all(stem, first));
    }
    for definition in template {
        let mut told = Findings { language: &definition.language, found: Vec::new() };
        language_code(definition, &mut told);
        lengths(definition, &mut told);
        parameters::check(definition, &mut told);
        advertising::check(definition, &mut told);
        findings.append(&mut told.found);
    }
    findings.extend(parameters::differences(template));
    findings
}

/// The findings of one language.
struct Findings<'a> {
    language: &'a str,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, rule: Rule, advice: impl Into<String>) {
        let language = Some(self.language.to_owned());
        self.found.push(Finding { language, rule, advice: advice.into() });
    }
}

/// What does not depend on the language.
fn of_all(stem: &str, template: &Definition) -> Vec<Finding> {
    let finding = |rule, advice: String| Finding { language: None, rule, advice };
    let mut found = Vec::new();
    let name = template.name.as_str();
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(plain) {
        let advice = format!("use 1 to {NAME_MAX} lower-case letters, digits and _ in the name");
        found.push(finding(Rule::Name, advice));
    }
    if name != stem {
        let advice = format!("call the file {name}.toml, so that a name is there only once");
        found.push(finding(Rule::Name, advice));
    }
    if template.category != Category::Utility {
        let advice = "Paragon sends service messages only: write category = \"UTILITY\"";
        found.push(finding(Rule::Category, advice.to_owned()));
    }
    found
}

/// `en`, `cs`, `fil`, `en_US`, `zh_CN`.
fn language_code(definition: &Definition, told: &mut Findings<'_>) {
    let (language, country) =
        definition.language.split_once('_').unwrap_or((&definition.language, "XX"));
    let small = language.bytes().all(|it| it.is_ascii_lowercase());
    let large = country.bytes().all(|it| it.is_ascii_uppercase());
    if !(2..=3).contains(&language.len()) || !small || country.len() != 2 || !large {
        told.add(Rule::Language, "write the code as Meta does: en, cs, en_US");
    }
}

fn lengths(definition: &Definition, told: &mut Findings<'_>) {
    let words = &definition.words;
    let parts = [
        ("header", words.header.as_deref(), HEADER_MAX),
        ("body", Some(words.body.as_str()), BODY_MAX),
        ("footer", words.footer.as_deref(), FOOTER_MAX),
    ];
    for (part, text, most) in parts {
        let Some(text) = text else { continue };
        let length = text.chars().count();
        if text.trim().is_empty() {
            told.add(Rule::Length, format!("the {part} is empty: write it, or leave it out"));
        }
        if length > most {
            let advice = format!("the {part} has {length} characters: shorten it to {most}");
            told.add(Rule::Length, advice);
        }
        if part != "body" && !Placeholders::of(text).names().is_empty() {
            let advice =
                format!("Paragon fills parameters of the body only: take them out of the {part}");
            told.add(Rule::ParameterPlace, advice);
        }
    }
    let filled = parameters::with_examples(definition).chars().count();
    if filled > BODY_MAX && words.body.chars().count() <= BODY_MAX {
        let advice = format!(
            "with its examples the body has {filled} characters: leave room for them in {BODY_MAX}"
        );
        told.add(Rule::Length, advice);
    }
    if words.body.contains("\n\n\n") || words.body.contains("     ") || words.body.contains('\t') {
        told.add(Rule::Blanks, "at most one blank line, four spaces and no tab in a row");
    }
}

#[cfg(test)]
mod tests;
