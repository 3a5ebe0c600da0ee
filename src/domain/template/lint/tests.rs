use super::*;
use crate::domain::template::{Example, Words};

fn definition(language: &str, body: &str, examples: &[&str]) -> Definition {
    let example = |(name, value): (&str, &str)| Example {
        name: (!name.is_empty()).then(|| name.to_owned()),
        value: value.to_owned(),
    };
    let examples =
        examples.iter().map(|it| example(it.split_once('=').unwrap_or(("", it)))).collect();
    Definition {
        name: "receipt_result".to_owned(),
        language: language.to_owned(),
        category: Category::Utility,
        words: Words { body: body.to_owned(), ..Words::default() },
        examples,
    }
}

fn rules(template: &[Definition]) -> String {
    let found = lint("receipt_result", template);
    let rules: Vec<&str> = found.iter().map(|it| it.rule.as_str()).collect();
    rules.join(" ")
}

#[track_caller]
fn check(language: &str, body: &str, examples: &[&str], expected: &str) {
    assert_eq!(rules(&[definition(language, body, examples)]), expected, "{body}");
}

const SOUND: &str = "This is a service message about your receipt. We read the amount {{1}}, \
                     thank you for sending it.";

#[test]
fn the_articles_rejected_text_is_flagged_and_its_corrected_text_passes() {
    let rejected = "Your receipt has been processed, category: {{1}}";
    let corrected = "Your receipt has been processed, category: {{1}}. This is a service message.";
    check("en", rejected, &["meals"], "parameter-at-end service-message");
    check("en", corrected, &["meals"], "");
    // As the article writes the parameter.
    let literally = "Your receipt has been processed, category: %1$s";
    check("en", literally, &[], "parameter-style service-message");
}

#[test]
fn a_service_message_says_so_in_its_language() {
    check("en", SOUND, &["€12.50"], "");
    check(
        "cs",
        "Servisní zpráva k vaší účtence: přečetli jsme částku {{1}}, děkujeme za ni.",
        &["12 Kč"],
        "",
    );
    check(
        "de",
        "Servicenachricht zu Ihrem Beleg: Wir lesen den Betrag {{1}}, vielen Dank dafür.",
        &["12 €"],
        "",
    );
    check(
        "cs",
        "K vaší účtence jsme přečetli částku {{1}}, děkujeme za zaslání.",
        &["12 Kč"],
        "service-message",
    );
    check(
        "de",
        "Zu Ihrem Beleg lesen wir den Betrag {{1}}, vielen Dank dafür.",
        &["12 €"],
        "service-message",
    );
    check("en_US", SOUND, &["€12.50"], "");
    // No word of Polish is known here.
    check(
        "pl",
        "Odczytaliśmy z paragonu kwotę {{1}}, dziękujemy za przesłanie go.",
        &["12 zł"],
        "",
    );
}

#[test]
fn what_sells_is_flagged() {
    for body in [
        "This is a service message. Enjoy a discount of {{1}} on your next visit to us.",
        "This is a service message. Hurry, only {{1}} days are left to order with us.",
        "This is a service message!! We read the amount {{1}} from your last receipt.",
        "This is a service message. PAY NOW the amount {{1}} from your last receipt.",
        "This is a service message. Read about the amount {{1}} at bit.ly/2x or ask us.",
        "This is a service message. Sleva na další nákup je {{1}} a platí do konce roku.",
        "This is a service message. Ihr Gutschein über {{1}} liegt bereit, lösen Sie ihn ein.",
    ] {
        check("en", body, &["5"], "advertising");
    }
    check(
        "en",
        "This is a service message. The wholesale price was {{1}} as you wrote us.",
        &["5"],
        "",
    );
}

#[test]
fn parameters_stand_between_words() {
    let service = "service message, category";
    check(
        "en",
        &format!("{{{{1}}}} is the {service} of your last receipt here."),
        &["x"],
        "parameter-at-end",
    );
    check(
        "en",
        &format!("The receipt that we read here has the {service} {{{{1}}}}."),
        &["x"],
        "parameter-at-end",
    );
    check(
        "en",
        "This is a service message: we read {{1}} {{2}} from your receipt, thank you.",
        &["meals", "€12"],
        "parameters-adjacent",
    );
    check(
        "en",
        "A service message: {{1}}, {{2}}, {{3}}, done.",
        &["a", "b", "c"],
        "parameters-crowded",
    );
    check(
        "en",
        "This is a service message about {{1}} and about {{3}}, as you asked.",
        &["a", "b"],
        "parameter-style",
    );
    check(
        "en",
        "This is a service message about { 1 } and nothing else, as you asked.",
        &[],
        "parameter-style",
    );
    check("en", "This is a service message about 100 % sure things, as you asked.", &[], "");
}

#[test]
fn each_parameter_has_an_example_that_could_stand_there() {
    check("en", SOUND, &[], "examples");
    check("en", SOUND, &["a", "b"], "examples");
    check("en", SOUND, &[" "], "examples");
    check("en", SOUND, &["{{1}}"], "examples");
    check("en", SOUND, &["two\nlines"], "examples");
    let named = SOUND.replace("{{1}}", "{{amount}}");
    check("en", &named, &["amount=€12.50"], "");
    check("en", &named, &["total=€12.50"], "examples");
    check("en", &named, &["€12.50"], "examples");
}

#[test]
fn lengths_are_metas() {
    let long = format!("{SOUND} {}", "word ".repeat(200));
    check("en", &long, &["€12.50"], "length");
    check("en", SOUND, &["x".repeat(1000).as_str()], "length");
    check("en", "", &[], "length service-message");
    check("en", &format!("{SOUND}\n\n\n\nBye."), &["€12.50"], "blanks");
    let mut headed = definition("en", SOUND, &["€12.50"]);
    headed.words.header = Some("About {{1}}".to_owned());
    headed.words.footer = Some("f".repeat(61));
    assert_eq!(rules(&[headed]), "parameter-place length");
}

#[test]
fn names_languages_and_categories_are_metas() {
    let mut named = definition("en", SOUND, &["€12.50"]);
    named.name = "Receipt-Result".to_owned();
    assert_eq!(rules(&[named]), "name name");
    let mut sold = definition("en", SOUND, &["€12.50"]);
    sold.category = Category::Marketing;
    assert_eq!(rules(&[sold]), "category");
    check("english", SOUND, &["€12.50"], "language");
    check("en-US", SOUND, &["€12.50"], "language");
}

#[test]
fn languages_of_one_template_have_the_same_parameters() {
    let english = definition("en", SOUND, &["€12.50"]);
    let german = "Servicenachricht zu Ihrem Beleg vom {{2}}: Der Betrag ist {{1}}, vielen Dank dafür an Sie alle.";
    let german = definition("de", german, &["12,50 €", "19.11.2026"]);
    assert_eq!(rules(&[english, german]), "parameters-differ");
}
