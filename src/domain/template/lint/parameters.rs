//! Rules about `{{1}}` and `{{name}}`: where they stand, how many there are, and their examples.

use super::{Finding, Findings, Rule};
use crate::domain::template::{Definition, Format, Placeholders};

/// A body with n parameters needs at least 2n + 1 words besides them. Source: what Meta answers to
/// a template with "too many variables for its length", as partners tell it.
fn words_wanted(parameters: usize) -> usize {
    2 * parameters + 1
}

pub fn check(definition: &Definition, told: &mut Findings<'_>) {
    let body = definition.words.body.trim();
    let found = Placeholders::of(body);
    style(body, &found, told);
    places(body, &found, told);
    crowd(body, &found, told);
    examples(definition, &found, told);
}

/// The body as a reviewer reads it.
pub fn with_examples(definition: &Definition) -> String {
    let found = Placeholders::of(&definition.words.body);
    let mut text = definition.words.body.clone();
    for (name, example) in found.names().iter().zip(&definition.examples) {
        text = text.replace(&format!("{{{{{name}}}}}"), &example.value);
    }
    text
}

/// Names that some languages of a template have and others have not.
pub fn differences(template: &[Definition]) -> Option<Finding> {
    let names = |it: &Definition| {
        let mut names = Placeholders::of(&it.words.body).names().to_vec();
        names.sort();
        names
    };
    let (first, others) = template.split_first()?;
    let other = others.iter().find(|it| names(it) != names(first))?;
    let advice = format!(
        "{} and {} differ in their parameters: the same ones must stand in every language",
        first.language, other.language
    );
    Some(Finding { language: None, rule: Rule::ParametersDiffer, advice })
}

fn style(body: &str, found: &Placeholders, told: &mut Findings<'_>) {
    if found.format().is_none() {
        let advice = "number the parameters {{1}}, {{2}} … without a gap, or name all of them";
        told.add(Rule::ParameterStyle, advice);
    }
    let rest = without(body, found, " ");
    let percent = rest.split('%').skip(1).any(|it| {
        let it = it.trim_start_matches(|it: char| it.is_ascii_digit() || it == '$');
        it.starts_with(['s', 'd', '@']) && !it[1..].starts_with(char::is_alphabetic)
    });
    if percent || rest.contains(['{', '}']) {
        let advice =
            "write parameters as {{1}} or {{amount}}: small letters, digits and _, no blanks";
        told.add(Rule::ParameterStyle, advice);
    }
}

fn places(body: &str, found: &Placeholders, told: &mut Findings<'_>) {
    let silent = |text: &str| !text.chars().any(char::is_alphanumeric);
    let spans = found.spans();
    if let (Some(first), Some(last)) = (spans.first(), spans.last()) {
        if silent(&body[..first.0]) {
            told.add(Rule::ParameterAtEnd, "put words before the first parameter");
        }
        if silent(&body[last.1..]) {
            told.add(Rule::ParameterAtEnd, "put words after the last parameter");
        }
    }
    for pair in spans.windows(2) {
        if body[pair[0].1..pair[1].0].trim().is_empty() {
            let (left, right) = (&body[pair[0].0..pair[0].1], &body[pair[1].0..pair[1].1]);
            let advice = format!("put words or punctuation between {left} and {right}");
            told.add(Rule::ParametersAdjacent, advice);
        }
    }
}

fn crowd(body: &str, found: &Placeholders, told: &mut Findings<'_>) {
    let count = found.spans().len();
    let said = without(body, found, " ");
    let words = said.split_whitespace().filter(|it| it.contains(char::is_alphanumeric)).count();
    if count > 0 && words < words_wanted(count) {
        let wanted = words_wanted(count);
        let advice = format!(
            "{words} words carry {count} parameters: say in at least {wanted} words what they are"
        );
        told.add(Rule::ParametersCrowded, advice);
    }
}

fn examples(definition: &Definition, found: &Placeholders, told: &mut Findings<'_>) {
    let (wanted, given) = (found.names().len(), definition.examples.len());
    if wanted != given {
        let advice = format!("{wanted} parameters need {wanted} examples, {given} are there");
        told.add(Rule::Examples, advice);
    }
    for (name, example) in found.names().iter().zip(&definition.examples) {
        let value = example.value.as_str();
        let named = found.format() == Some(Format::Named);
        if example.name.is_some() != named || example.name.as_ref().is_some_and(|it| it != name) {
            told.add(Rule::Examples, format!("give {name} an example under its own name"));
        } else if value.trim().is_empty() || value.contains("{{") {
            let advice = format!("give {name} an example such as a sender would read");
            told.add(Rule::Examples, advice);
        } else if value.contains(['\n', '\t']) || value.contains("     ") {
            let advice = format!("the example of {name} must be one line without runs of spaces");
            told.add(Rule::Examples, advice);
        }
    }
}

/// `body` with `instead` where a parameter stands.
fn without(body: &str, found: &Placeholders, instead: &str) -> String {
    let mut rest = String::with_capacity(body.len());
    let mut at = 0;
    for (from, to) in found.spans() {
        rest.extend([&body[at..*from], instead]);
        at = *to;
    }
    rest.push_str(&body[at..]);
    rest
}
