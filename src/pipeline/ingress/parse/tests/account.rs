//! News of templates and of people's wishes.

use super::{NUMBER, check, entries};

/// A webhook of one change of `field`, told at 1,750,000,000.
fn account(field: &str, value: &str) -> String {
    let change = format!(r#"{{"field":"{field}","value":{{{value}}}}}"#);
    entries(&format!(r#"[{{"id":"1","time":1750000000,"changes":[{change}]}}]"#))
}

const NAMED: &str = r#""message_template_id":12345,"message_template_name":"hello","message_template_language":"en_US""#;

fn template(field: &str, told: &str, expected: &str) {
    let line = format!("template hello en_US (12345) at 1750000000: {expected}");
    check(account(field, &format!("{NAMED},{told}")), &[&line]);
}

#[test]
fn news_of_a_template_says_what_changed() {
    let status = "message_template_status_update";
    template(
        status,
        r#""event":"APPROVED","reason":"NONE""#,
        r#"Status { status: "APPROVED", reason: None }"#,
    );
    template(
        status,
        r#""event":"REJECTED","reason":"INVALID_FORMAT","rejection_info":{"reason":"Side by side.","recommendation":"Separate them."}"#,
        r#"Status { status: "REJECTED", reason: Some("INVALID_FORMAT: Side by side.: Separate them.") }"#,
    );
    template(
        status,
        r#""event":"PAUSED","other_info":{"title":"FIRST_PAUSE","description":"For 3 hours."}"#,
        r#"Status { status: "PAUSED", reason: Some("FIRST_PAUSE: For 3 hours.") }"#,
    );
    template(status, r#""event":"REINSTATED""#, r#"Status { status: "APPROVED", reason: None }"#);
    template(
        "template_category_update",
        r#""previous_category":"UTILITY","new_category":"MARKETING""#,
        r#"Category { now: "MARKETING", before: Some("UTILITY") }"#,
    );
    template(
        "message_template_quality_update",
        r#""previous_quality_score":"GREEN","new_quality_score":"YELLOW""#,
        r#"Quality("YELLOW")"#,
    );
}

#[test]
fn news_that_names_no_template_or_says_nothing_is_kept() {
    let check = |field: &str, value: &str| {
        let kept = format!(r#"not_acted_on "{field}": {{"field":"{field}","value":{{{value}}}}}"#);
        check(account(field, value), &[&kept]);
    };
    check("message_template_status_update", r#""event":"APPROVED""#);
    check("message_template_status_update", NAMED);
    check("message_template_status_update", &format!(r#"{NAMED},"event":"a word too many""#));
    check("template_category_update", NAMED);
    check("message_template_components_update", NAMED);
    check("user_preferences", NUMBER);
}

#[test]
fn a_preference_names_its_person_by_phone_or_user_id() {
    let preferences = |list: &str| {
        account("user_preferences", &format!(r#"{NUMBER},"user_preferences":[{list}]"#))
    };
    check(
        preferences(
            r#"{"wa_id":"420777123456","category":"marketing_messages","value":"stop","timestamp":"1750000001"},
               {"user_id":"CZ.1349","value":"resume","timestamp":1750000002}"#,
        ),
        &["420777123456 - wants stop at 1750000001", "- CZ.1349 wants start at 1750000002"],
    );
    let odd = r#"{"wa_id":"420777123456","value":"maybe"}"#;
    check(preferences(odd), &[&format!(r#"not_acted_on "user_preferences": {odd}"#)]);
    let nobody = r#"{"value":"stop"}"#;
    check(preferences(nobody), &[&format!(r#"nobody_to_answer "user_preferences": {nobody}"#)]);
}
