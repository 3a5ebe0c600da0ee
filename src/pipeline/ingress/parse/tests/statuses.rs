//! What Meta says of our own sends.

use super::{check, webhook};

#[track_caller]
fn says(status: &str, expected: &str) {
    check(webhook(&format!(r#""statuses":[{status}]"#)), &[expected]);
}

#[test]
fn a_status_is_read_with_its_word_its_time_and_our_attempt() {
    says(
        r#"{"id":"s1","status":"delivered","timestamp":"1795400000","recipient_id":"",
            "biz_opaque_callback_data":"0198f3a5-ac96-774b-bcce-b302099a8057"}"#,
        "s1 on 106540352242922 is delivered at 1795400000, \
         attempt 0198f3a5-ac96-774b-bcce-b302099a8057, error -",
    );
    for (word, delivery) in
        [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("played", "read")]
    {
        says(
            &format!(r#"{{"id":"s1","status":"{word}"}}"#),
            &format!("s1 on 106540352242922 is {delivery} at now, attempt -, error -"),
        );
    }
}

#[test]
fn callback_data_that_is_not_ours_is_no_attempt() {
    for data in [r#""order-7""#, r#""""#, "7", "null", "{}", r#""\ud83d""#] {
        says(
            &format!(r#"{{"id":"s1","status":"sent","biz_opaque_callback_data":{data}}}"#),
            "s1 on 106540352242922 is sent at now, attempt -, error -",
        );
    }
}

#[test]
fn a_failed_status_says_its_first_code() {
    let failed = |errors: &str, code: &str| {
        says(
            &format!(r#"{{"id":"s1","status":"failed","errors":{errors}}}"#),
            &format!("s1 on 106540352242922 is failed at now, attempt -, error {code}"),
        );
    };
    failed(r#"[{"code":131047,"title":"Re-engagement message"},{"code":1}]"#, "131047");
    failed(r#"[{"code":"131026"}]"#, "131026");
    for none in [
        "[]",
        "null",
        r#"{"code":131047}"#,
        "[7]",
        r#"[{"title":"?"}]"#,
        r#"[{"code":99999999999}]"#,
        r#"[{"code":"E7"}]"#,
    ] {
        failed(none, "-");
    }
}

#[test]
fn a_status_of_an_unknown_word_or_without_one_is_kept() {
    for (status, reason) in [
        (r#"{"id":"s1","status":"warning"}"#, "not_acted_on"),
        (r#"{"id":"s1","status":"DELIVERED"}"#, "not_acted_on"),
        (r#"{"id":"s1"}"#, "unreadable"),
        (r#"{"id":"","status":"sent"}"#, "unreadable"),
        (r#"{"status":"sent"}"#, "unreadable"),
        ("7", "unreadable"),
    ] {
        says(status, &format!(r#"{reason} "messages": {status}"#));
    }
}

#[test]
fn a_status_needs_no_number_of_ours() {
    let change =
        r#"{"field":"messages","value":{"statuses":[{"id":"s1","status":"read","timestamp":1}]}}"#;
    check(
        format!(r#"{{"entry":[{{"changes":[{change}]}}]}}"#),
        &["s1 on - is read at 1, attempt -, error -"],
    );
}

#[test]
fn what_a_message_is_charged_as_is_read_where_it_is_told() {
    let priced = |pricing: &str, expected: &str| {
        let status = format!(r#"{{"id":"s1","status":"sent","pricing":{pricing}}}"#);
        let line = "s1 on 106540352242922 is sent at now, attempt -, error -";
        says(&status, &format!("{line}{expected}"));
    };
    priced(
        r#"{"billable":true,"pricing_model":"PMP","type":"regular","category":"utility"}"#,
        ", billed as utility regular PMP",
    );
    priced(
        r#"{"billable":false,"pricing_model":"PMP","type":"free_customer_service","category":"service"}"#,
        ", free as service free_customer_service PMP",
    );
    priced(
        r#"{"billable":true,"pricing_model":"CBP","category":"marketing"}"#,
        ", billed as marketing - CBP",
    );
    for untold in [
        r#"{"billable":true}"#,
        r#"{"category":"utility"}"#,
        "{}",
        "7",
        r#"{"billable":true,"category":"a b"}"#,
    ] {
        priced(untold, "");
    }
}
