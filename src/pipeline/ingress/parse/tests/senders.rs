//! Who wrote, and when.

use super::{check, webhook};

const JANA: &str = r#"{"wa_id":"420777123456","user_id":"CZ.1","profile":{"name":"Jana"}}"#;
const PETR: &str = r#"{"wa_id":420777654321,"user_id":"CZ.2","profile":{"name":"Petr"}}"#;
const ANON: &str = r#"{"user_id":"CZ.3","profile":{"name":"Anon","username":"anon"}}"#;

/// A message that says `said` of its sender, among these contacts, is from `expected`: phone, user
/// id and name; `None` when it is kept because there is nobody to answer.
#[track_caller]
fn from(said: &str, contacts: &[&str], expected: Option<&str>) {
    let message = format!(r#"{{{said}"id":"m1","type":"text","text":{{"body":"hi"}}}}"#);
    let contacts = contacts.join(",");
    let body = webhook(&format!(r#""contacts":[{contacts}],"messages":[{message}]"#));
    let line = expected.map_or_else(
        || format!(r#"nobody_to_answer "messages": {message}"#),
        |it| format!("m1 to 106540352242922 from {it} at now: text"),
    );
    check(body, &[&line]);
}

#[test]
fn a_senders_number_may_be_a_text_or_a_number() {
    from(r#""from":"420777123456","#, &[], Some("420777123456 - -"));
    from(r#""from":420777123456,"#, &[], Some("420777123456 - -"));
    from(r#""from":"+420777123456","#, &[], Some("420777123456 - -"));
}

#[test]
fn a_number_that_is_none_is_nobodys() {
    for said in
        ["", r#""from":"","#, r#""from":null,"#, r#""from":"PHONE_NUMBER","#, r#""from":[7],"#]
    {
        from(said, &[], None);
        from(said, &[JANA], Some("420777123456 CZ.1 Jana"));
    }
}

#[test]
fn a_contact_belongs_to_its_message_by_number_or_by_user_id() {
    let by_number = r#""from":"420777654321","#;
    from(by_number, &[PETR], Some("420777654321 CZ.2 Petr"));
    from(by_number, &[JANA, PETR], Some("420777654321 CZ.2 Petr"));
    from(by_number, &[JANA], Some("420777654321 - -"));
    let by_user_id = r#""from_user_id":"CZ.2","#;
    from(by_user_id, &[JANA, PETR], Some("420777654321 CZ.2 Petr"));
    from(by_user_id, &[JANA], Some("- CZ.2 -"));
}

#[test]
fn a_message_that_names_nobody_is_from_the_only_contact() {
    from("", &[JANA], Some("420777123456 CZ.1 Jana"));
    from("", &[ANON], Some("- CZ.3 Anon"));
    from("", &[JANA, PETR], None);
}

#[test]
fn a_sender_who_hides_their_number_is_known_by_user_id() {
    from(r#""from_user_id":"CZ.3","#, &[], Some("- CZ.3 -"));
    from(r#""from_user_id":"CZ.3","#, &[ANON], Some("- CZ.3 Anon"));
    from(r#""from":"","from_user_id":"CZ.3","#, &[PETR, ANON], Some("- CZ.3 Anon"));
    from(r#""from":"420777123456","from_user_id":"CZ.9","#, &[], Some("420777123456 CZ.9 -"));
    from(r#""from_user_id":"CZ 3; drop","#, &[], None);
}

#[test]
fn a_contact_that_cannot_be_read_costs_the_name_only() {
    let phone = r#""from":"420777123456","#;
    for contact in [
        "7",
        r#"{"wa_id":"420777123456"}"#,
        r#"{"wa_id":"420777123456","profile":null}"#,
        r#"{"wa_id":"420777123456","profile":{"name":""}}"#,
        r#"{"wa_id":"420777123456","profile":{"name":" \u0000\n"}}"#,
        r#"{"wa_id":"","profile":{"name":"Whose?"}}"#,
    ] {
        from(phone, &[contact], Some("420777123456 - -"));
    }
    let message = r#"{"id":"m1","from":"420777123456"}"#;
    let body = webhook(&format!(r#""contacts":{{"wa_id":"1"}},"messages":[{message}]"#));
    check(body, &["m1 to 106540352242922 from 420777123456 - - at now: silent"]);
}

#[test]
fn what_people_type_into_their_names_does_no_harm() {
    let named = |name: &str, expected: &str| {
        let contact = format!(r#"{{"wa_id":"420777123456","profile":{{"name":"{name}"}}}}"#);
        let expected = format!("420777123456 - {expected}");
        from(r#""from":"420777123456","#, &[&contact], Some(&expected));
    };
    named(r"Jana \ud83d", "Jana \u{fffd}");
    named(r"\ude00Jana", "\u{fffd}Jana");
    named(r"Jana \ud83d\ude00", "Jana 😀");
    named(r"J\u0000a\u001bn\u007fa", "Jana");
    named(r"Nov\u00e1kov\u00e1", "Nováková");
    named("Nováková", "Nováková");
}

#[test]
fn a_message_to_no_number_of_ours_cannot_be_answered() {
    let message = r#"{"id":"m1","from":"420777123456","type":"text"}"#;
    for metadata in ["{}", "null", "7", r#"{"phone_number_id":""}"#, r#"{"phone_number_id":"a/b"}"#]
    {
        let change = format!(
            r#"{{"field":"messages","value":{{"metadata":{metadata},"messages":[{message}]}}}}"#
        );
        let body = format!(r#"{{"entry":[{{"changes":[{change}]}}]}}"#);
        check(body, &[&format!(r#"nobody_to_answer "messages": {message}"#)]);
    }
}

#[test]
fn a_time_that_cannot_be_is_when_we_received_it() {
    let written = |timestamp: &str, expected: &str| {
        let message = format!(r#"{{"id":"m1","from":"420777123456"{timestamp}}}"#);
        let body = webhook(&format!(r#""messages":[{message}]"#));
        let from = "m1 to 106540352242922 from 420777123456 - -";
        check(body, &[&format!("{from} at {expected}: silent")]);
    };
    written(r#","timestamp":"1795400000""#, "1795400000");
    written(r#","timestamp":1795400000"#, "1795400000");
    written(r#","timestamp":"1795435199""#, "1795435199");
    for odd in [
        "",
        r#","timestamp":null"#,
        r#","timestamp":"""#,
        r#","timestamp":"TIMESTAMP""#,
        r#","timestamp":"2026-11-23T12:00:00Z""#,
        r#","timestamp":1795400000.5"#,
        r#","timestamp":{}"#,
        // In the future: by a second, by a slip from seconds to milliseconds, beyond all calendars.
        r#","timestamp":"1795435201""#,
        r#","timestamp":"1795400000000""#,
        r#","timestamp":"9223372036854775807""#,
        r#","timestamp":"9223372036854775808""#,
        // Years before Christ that Postgres does not have.
        r#","timestamp":"0""#,
        r#","timestamp":"-8000000000000""#,
    ] {
        written(odd, "now");
    }
}
