//! What a message holds.

use super::{check, items, raw, webhook};

/// The base64 of a digest that begins with `49f22763`, as webhooks write it.
const DIGEST: &str = "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=";

/// A message with `said` besides its id and sender holds `expected`.
#[track_caller]
fn holds(said: &str, expected: &str) {
    let message = format!(r#"{{"id":"m1","from":"420777123456"{said}}}"#);
    let line = format!("m1 to 106540352242922 from 420777123456 - - at now: {expected}");
    check(webhook(&format!(r#""messages":[{message}]"#)), &[&line]);
}

#[track_caller]
fn document(mime: &str, expected: &str) {
    holds(&format!(r#","type":"document","document":{{"id":"9"{mime}}}"#), expected);
}

#[test]
fn a_photo_is_media_with_its_promised_digest() {
    let photo =
        |of: &str, expected: &str| holds(&format!(r#","type":"image","image":{of}"#), expected);
    photo(
        &format!(r#"{{"caption":"x","id":"9","mime_type":"image/jpeg","sha256":"{DIGEST}"}}"#),
        r#"media 9 "image/jpeg" 49f22763"#,
    );
    photo(r#"{"id":9,"sha256":"garbage"}"#, r#"media 9 "" -"#);
    photo(r#"{"id":"9","mime_type":"IMAGE/PNG; q=1\u0000"}"#, r#"media 9 "image/png" -"#);
    photo(r#"{"id":"9","mime_type":"\u0000"}"#, r#"media 9 "" -"#);
    photo(r#"{"id":"9","mime_type":7}"#, r#"media 9 "7" -"#);
}

#[test]
fn a_photo_that_cannot_be_asked_for_is_asked_for_again() {
    for image in [
        "",
        r#","image":null"#,
        r#","image":[]"#,
        r#","image":{"mime_type":"image/jpeg"}"#,
        r#","image":{"id":""}"#,
        r#","image":{"id":"../../me"}"#,
    ] {
        holds(&format!(r#","type":"image"{image}"#), "other_media");
    }
}

#[test]
fn a_document_that_may_be_a_pdf_or_a_photo_is_media() {
    document(r#","mime_type":"application/pdf""#, r#"media 9 "application/pdf" -"#);
    document(r#","mime_type":" Application/PDF; v=1""#, r#"media 9 "application/pdf" -"#);
    document(
        r#","mime_type":"application/octet-stream""#,
        r#"media 9 "application/octet-stream" -"#,
    );
    document(r#","mime_type":"image/heic""#, r#"media 9 "image/heic" -"#);
    document("", r#"media 9 "" -"#);
    document(r#","mime_type":"""#, r#"media 9 "" -"#);
    document(r#","mime_type":null"#, r#"media 9 "" -"#);
}

#[test]
fn any_other_document_is_not_fetched() {
    for mime in [
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "text/plain",
        "application/zip",
        "application/pdfx",
        "video/mp4",
    ] {
        document(&format!(r#","mime_type":"{mime}""#), "other_media");
    }
    holds(r#","type":"document","document":{"filename":"receipt.pdf"}"#, "other_media");
}

#[test]
fn what_is_no_receipt_is_answered_or_passed_over_by_its_kind() {
    for kind in ["audio", "video", "sticker", "location", "contacts"] {
        let media = format!(r#","type":"{kind}","{kind}":{{"id":"9","mime_type":"image/webp"}}"#);
        holds(&media, "other_media");
    }
    for kind in [
        "reaction",
        "system",
        "unsupported",
        "edit",
        "revoke",
        "button",
        "interactive",
        "order",
        "a kind of tomorrow",
    ] {
        holds(&format!(r#","type":"{kind}","{kind}":{{}}"#), "silent");
    }
    holds("", "silent");
    for kind in [r#""""#, "null", "7", "[]"] {
        holds(&format!(r#","type":{kind},"image":{{"id":"9"}}"#), "silent");
    }
}

#[test]
fn a_text_that_replies_names_the_message_and_its_words() {
    let said = |context: &str, body: &str| {
        format!(r#","type":"text","context":{context},"text":{{"body":{body}}}"#)
    };
    holds(&said(r#"{"from":"155","id":"q1"}"#, r#""12,50""#), "text on q1: 12,50");
    holds(&said(r#"{"id":"q1"}"#, r#""a\u0000b\ud83d""#), "text on q1: ab\u{fffd}");
    holds(&said(r#"{"forwarded":true}"#, r#""12,50""#), "text");
    holds(&said(r#"{"id":"q 1"}"#, r#""12,50""#), "text");
    holds(&said("[]", r#""12,50""#), "text");
    holds(&said(r#"{"id":"q1"}"#, "null"), "text");
}

#[test]
fn a_button_of_ours_is_a_choice_and_any_other_is_silent() {
    let reply = |id: &str| {
        let button =
            format!(r#"{{"type":"button_reply","button_reply":{{"id":"{id}","title":"x"}}}}"#);
        format!(r#","type":"interactive","interactive":{button}"#)
    };
    holds(&reply("entry:7:right"), "choice entry:7:right");
    holds(&reply("entry:7:new"), "choice entry:7:new");
    holds(&reply("cancel-button"), "silent");
    let of_template = |payload: &str| {
        format!(r#","type":"button","button":{{"payload":"{payload}","text":"x"}}"#)
    };
    holds(&of_template("entry:7:wrong"), "choice entry:7:wrong");
    holds(&of_template("No-Button-Payload"), "silent");
}

#[test]
fn what_people_type_does_no_harm() {
    for typed in [r"\ud83d", r"\udc00\ud800", r"\u0000", r"\\ud83d", "😀", r#"\"}]}"#] {
        holds(&format!(r#","type":"text","text":{{"body":"{typed}"}}"#), "text");
        let caption = format!(r#","type":"image","image":{{"caption":"{typed}","id":"9"}}"#);
        holds(&caption, r#"media 9 "" -"#);
    }
}

#[test]
fn a_message_without_an_id_of_metas_is_kept() {
    for id in ["", r#""id":"","#, r#""id":null,"#, r#""id":"a b","#, r#""id":"\u0000","#] {
        let message = format!(r#"{{{id}"from":"420777123456","type":"text"}}"#);
        let body = webhook(&format!(r#""messages":[{message}]"#));
        check(body, &[&format!(r#"unreadable "messages": {message}"#)]);
    }
}

#[test]
fn a_message_keeps_its_bytes_as_they_were_sent() {
    let first = r#"{ "id" : "m1",  "from":"420777123456", "type":"text",
        "text":{"body":"D\u011bkuji \/ d\u00edky \ud83d \u0000 1.50"}, "id":"m1", "n":1.50e2 }"#;
    let second = r#"{"type":"sticker","from":"420777123456","id":"m2"}"#;
    let status = r#"{"status":"warning","id":"m3"}"#;
    let body = webhook(&format!(r#""messages":[{first} , {second}],"statuses":[ {status} ]"#));
    let items = items(body.as_bytes());
    let raws: Vec<&[u8]> = items.iter().filter_map(raw).collect();
    assert_eq!(raws, [first.as_bytes(), second.as_bytes(), status.as_bytes()]);
}
