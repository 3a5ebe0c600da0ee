//! What would be seen only when somebody reads it: a message or a parameter that one language
//! lacks, a plural form that is missing. `fluent-syntax` reads the files.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{
    Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey,
};

use super::*;

/// What a message is made of.
#[derive(Clone, Default, Debug, PartialEq)]
struct Parts {
    parameters: BTreeSet<String>,
    messages: BTreeSet<String>,
    /// The keys of each choice.
    choices: Vec<BTreeSet<String>>,
}

impl Parts {
    fn of(pattern: &Pattern<&str>) -> Self {
        let mut parts = Self::default();
        parts.see(pattern);
        parts
    }

    fn see(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            match element {
                PatternElement::TextElement { .. } => {}
                PatternElement::Placeable { expression } => self.see_expression(expression),
            }
        }
    }

    fn see_expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.see_inline(inline),
            Expression::Select { selector, variants } => {
                self.see_inline(selector);
                let key = |it: &VariantKey<&str>| match it {
                    VariantKey::Identifier { name } => (*name).to_owned(),
                    VariantKey::NumberLiteral { value } => (*value).to_owned(),
                };
                self.choices.push(variants.iter().map(|it| key(&it.key)).collect());
                for variant in variants {
                    self.see(&variant.value);
                }
            }
        }
    }

    fn see_inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
            InlineExpression::VariableReference { id } => {
                self.parameters.insert(id.name.to_owned());
            }
            InlineExpression::MessageReference { id, attribute: None } => {
                self.messages.insert(id.name.to_owned());
            }
            InlineExpression::Placeable { expression } => self.see_expression(expression),
            InlineExpression::FunctionReference { .. }
            | InlineExpression::TermReference { .. }
            | InlineExpression::MessageReference { attribute: Some(_), .. } => {
                panic!("a message may hold parameters, messages and choices: {inline:?}")
            }
        }
    }
}

/// Each message of a language. One that is told in terms of others has their parts, too.
fn messages(language: Language) -> BTreeMap<String, Parts> {
    let resource = FluentResource::try_new(language.catalogue().to_owned())
        .unwrap_or_else(|(_, errors)| panic!("locales/{}: {errors:?}", language.code()));
    let mut own = BTreeMap::new();
    for entry in resource.entries() {
        match entry {
            Entry::Message(message) => {
                assert!(message.attributes.is_empty(), "{} has attributes", message.id.name);
                let value = message.value.as_ref().expect("a message says something");
                let before = own.insert(message.id.name.to_owned(), Parts::of(value));
                assert_eq!(before, None, "{} stands there twice", message.id.name);
            }
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
            Entry::Term(term) => panic!("-{} is a term: make it a message", term.id.name),
            Entry::Junk { content } => panic!("locales/{}: {content}", language.code()),
        }
    }
    let whole = |id: &String| {
        let mut parts = own[id].clone();
        for part in &own[id].messages {
            let part = own.get(part).unwrap_or_else(|| panic!("{id} names {part}"));
            assert!(part.messages.is_empty(), "{id} names what names others");
            parts.parameters.extend(part.parameters.clone());
            parts.choices.extend(part.choices.clone());
        }
        (id.clone(), parts)
    };
    own.keys().map(whole).collect()
}

#[test]
fn every_language_has_every_message_with_the_same_parameters() {
    for language in Language::ALL {
        let messages = messages(language);
        for (id, parameters) in NAMES {
            let code = language.code();
            let parts = messages.get(*id).unwrap_or_else(|| panic!("locales/{code} lacks {id}"));
            let parameters: BTreeSet<String> = parameters.iter().map(ToString::to_string).collect();
            assert_eq!(parts.parameters, parameters, "the parameters of {id} in locales/{code}");
        }
    }
}

/// That each is said somewhere is held by the compiler: an unused case of [`Text`] is an error.
#[test]
fn no_language_has_a_message_that_is_not_said() {
    for language in Language::ALL {
        let messages = messages(language);
        let parts = messages.values().flat_map(|it| it.messages.iter().map(String::as_str));
        let said: BTreeSet<&str> = NAMES.iter().map(|(id, _)| *id).chain(parts).collect();
        for id in messages.keys() {
            assert!(said.contains(id.as_str()), "locales/{}: {id} is not used", language.code());
        }
    }
}

const PLURALS: &str = "said = { $count ->
    [zero] zero
    [one] one
    [two] two
    [few] few
    [many] many
   *[other] other
}";

fn counted(language: Language, source: &str, count: u32) -> String {
    let mut arguments = FluentArgs::new();
    arguments.set("count", count);
    say(&bundle(language, source), "said", &arguments)
}

#[test]
fn every_choice_by_number_has_all_plural_forms_of_its_language() {
    let plural = |it: &String| ["zero", "one", "two", "few", "many"].contains(&it.as_str());
    for language in Language::ALL {
        let forms: BTreeSet<String> = (0..=200).map(|it| counted(language, PLURALS, it)).collect();
        for (id, parts) in messages(language) {
            for choice in parts.choices.iter().filter(|it| it.iter().any(plural)) {
                let code = language.code();
                assert!(choice.is_superset(&forms), "{id} in locales/{code} wants {forms:?}");
            }
        }
    }
}

#[test]
fn a_count_takes_the_plural_form_and_the_separators_of_its_language() {
    const PHOTOS: &str = "said = { $count ->
    [one] { $count } fotka
    [few] { $count } fotky
   *[other] { $count } fotek
}";
    for (count, expected) in [
        (0, "0 fotek"),
        (1, "1 fotka"),
        (2, "2 fotky"),
        (5, "5 fotek"),
        (22, "22 fotek"),
        (1234, "1\u{a0}234 fotek"),
    ] {
        assert_eq!(counted(Language::Cs, PHOTOS, count), expected);
    }
    let forms = |language| [1, 2, 5].map(|it| counted(language, PLURALS, it));
    assert_eq!(forms(Language::En), ["one", "other", "other"]);
    assert_eq!(forms(Language::Cs), ["one", "few", "other"]);
    assert_eq!(forms(Language::De), ["one", "other", "other"]);
}

#[test]
fn what_is_put_in_is_not_read_as_a_message() {
    let merchant = "{ $date } “Ü” { unknown }\\u00A0".to_owned();
    let text = Text::CategoryCorrected { category: merchant.clone() }.say(Language::En);
    assert_eq!(text, format!("Corrected ✓ Category: {merchant}"));
}
