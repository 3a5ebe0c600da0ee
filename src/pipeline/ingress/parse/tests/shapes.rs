//! Batches, broken neighbours, and bodies that are none.

use super::{change, check, entries, entry, items, webhook};
use crate::domain::inbound::Item;

const M1: &str = r#"{"id":"m1","from":"420777123456","type":"text"}"#;
const M2: &str = r#"{"id":"m2","from":"420777654321","type":"audio"}"#;
const S1: &str = r#"{"id":"s1","status":"sent"}"#;
const M1_LINE: &str = "m1 to 106540352242922 from 420777123456 - - at now: text";
const M2_LINE: &str = "m2 to 106540352242922 from 420777654321 - - at now: other_media";
const S1_LINE: &str = "s1 on 106540352242922 is sent at now, attempt -, error -";

/// A body that is kept whole.
#[track_caller]
fn kept_whole(reason: &str, body: impl AsRef<[u8]>) {
    let body = body.as_ref();
    check(body, &[&format!(r#"{reason} "": {}"#, String::from_utf8_lossy(body))]);
}

#[test]
fn every_item_of_every_change_of_every_entry_is_read_in_its_order() {
    let messages = change(&format!(r#""messages":[{M1},{M2}],"statuses":[{S1}]"#));
    let again = change(&format!(r#""messages":[{M2}]"#));
    let status = change(&format!(r#""statuses":[{S1}]"#));
    let template = r#"{"field":"message_template_status_update","value":{"event":"APPROVED"}}"#;
    check(
        entries(&format!("[{},{}]", entry(&[&messages, template]), entry(&[&again, &status]))),
        &[
            M1_LINE,
            M2_LINE,
            S1_LINE,
            &format!(r#"not_acted_on "message_template_status_update": {template}"#),
            M2_LINE,
            S1_LINE,
        ],
    );
}

#[test]
fn what_cannot_be_read_costs_its_neighbours_nothing() {
    let odd = [r#"{"value":{}}"#, r#"{"field":"messages"}"#, r#"{"field":"messages","value":[]}"#];
    let messages = change(&format!(r#""messages":[7,{M1},{{}},{M2}]"#));
    check(
        entries(&format!("[7,{{}},{}]", entry(&[odd[0], &messages, odd[1], odd[2]]))),
        &[
            r#"unreadable "": 7"#,
            r#"unreadable "": {}"#,
            &format!(r#"unreadable "": {}"#, odd[0]),
            r#"unreadable "messages": 7"#,
            M1_LINE,
            r#"unreadable "messages": {}"#,
            M2_LINE,
            &format!(r#"unreadable "": {}"#, odd[1]),
            &format!(r#"unreadable "": {}"#, odd[2]),
        ],
    );
}

#[test]
fn a_message_that_is_not_in_a_list_is_kept_beside_what_is() {
    check(
        webhook(&format!(r#""messages":{M1},"statuses":[{S1}]"#)),
        &[S1_LINE, &format!(r#"unreadable "messages": {M1}"#)],
    );
    check(
        webhook(&format!(r#""messages":[{M1}],"statuses":{S1}"#)),
        &[M1_LINE, &format!(r#"unreadable "messages": {S1}"#)],
    );
    check(webhook(&format!(r#""messages":null,"statuses":[{S1}]"#)), &[S1_LINE]);
}

#[test]
fn a_change_that_tells_nothing_is_kept() {
    for value in [r#""messages":[]"#, r#""messages":[],"statuses":[]"#, r#""errors":[{"code":1}]"#]
    {
        check(webhook(value), &[&format!(r#"not_acted_on "messages": {}"#, change(value))]);
    }
}

#[test]
fn an_entry_without_a_list_of_changes_is_kept() {
    for odd in [
        r#"{"id":"1"}"#,
        r#"{"changes":null}"#,
        r#"{"changes":{}}"#,
        r#"{"messaging":[{"message":{"mid":"x"}}]}"#,
        "null",
        "[]",
    ] {
        check(entries(&format!("[{odd}]")), &[&format!(r#"unreadable "": {odd}"#)]);
    }
}

#[test]
fn a_webhook_without_a_list_of_entries_is_kept_whole() {
    let of_one = entry(&[&change(&format!(r#""messages":[{M1}]"#))]);
    for list in [of_one.as_str(), "null", "{}", "7", r#""[]""#] {
        kept_whole("unreadable", entries(list));
    }
    kept_whole("unreadable", r#"{"object":"whatsapp_business_account"}"#);
}

#[test]
fn a_webhook_of_nothing_is_kept_whole() {
    kept_whole("not_acted_on", entries("[]"));
    kept_whole("not_acted_on", entries(&format!("[{},{}]", entry(&[]), entry(&[]))));
}

#[test]
fn a_body_that_is_no_json_object_is_kept_whole() {
    for body in ["", " ", "7", "null", "[]", "\"entry\"", "<html>", "{", "{\"entry\":[", "\0"] {
        kept_whole("unreadable", body);
    }
    kept_whole("unreadable", format!("{} trailing", entries("[]")));
    kept_whole("unreadable", b"\xff\xfe{\0");
    // Not UTF-8 in one text spoils a body: Meta writes ASCII.
    let name = webhook(r#""contacts":[{"profile":{"name":"?"}}]"#).into_bytes();
    let name: Vec<u8> = name.into_iter().map(|it| if it == b'?' { 0xff } else { it }).collect();
    kept_whole("unreadable", name);
}

#[test]
fn a_field_is_kept_as_a_short_text_that_postgres_takes() {
    let named = |field: &str, expected: &str| {
        let change = format!(r#"{{"field":{field},"value":{{}}}}"#);
        let kept = format!("not_acted_on {expected:?}: {change}");
        check(entries(&format!("[{}]", entry(&[&change]))), &[&kept]);
    };
    named(r#""account_update""#, "account_update");
    named(r#""a\u0000b\u001b\n\u007fc""#, "abc");
    named(r#""\u0000""#, "");
    named(r#""a\ud83d b""#, "ab");
    named("7", "7");
    named(&format!("{:?}", "x".repeat(3000)), &"x".repeat(64));
}

#[test]
fn a_body_nested_deeper_than_any_stack_is_read_all_the_same() {
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    let told = items(webhook(&format!(r#""messages":[{M1},{deep}]"#)).as_bytes());
    assert!(matches!(told.as_slice(), [Item::Message(_), Item::Kept(_)]));
    let field = format!(r#"{{"field":{deep},"value":{{}}}}"#);
    let told = items(entries(&format!("[{}]", entry(&[&field]))).as_bytes());
    assert!(matches!(told.as_slice(), [Item::Kept(_)]));
}
