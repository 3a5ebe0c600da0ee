//! Graph's errors, in Graph's shape. Only the code is meant to be relied on: Meta's titles and
//! HTTP statuses vary between sources, and so may these.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ids;

/// An error with its details; `type` is `OAuthException` as nearly always.
pub(crate) fn error(status: u16, code: i64, title: &str, details: &str) -> Answer {
    Answer::json(status, &body(code, title, details))
}

fn body(code: i64, title: &str, details: &str) -> Value {
    json!({ "error": {
        "message": format!("(#{code}) {title}"),
        "type": "OAuthException",
        "code": code,
        "error_data": { "messaging_product": "whatsapp", "details": details },
        "fbtrace_id": format!("A{}", ids::alphanumeric(22)),
    } })
}

/// A parameter that Meta does not like.
pub(crate) fn parameter(details: &str) -> Answer {
    error(400, 100, "Invalid parameter", details)
}

/// A template that Meta does not take, in the words that it has for the person.
pub(crate) fn template(subcode: i64, words: &str) -> Answer {
    Answer::json(
        400,
        &json!({ "error": {
        "message": "Invalid parameter",
        "type": "OAuthException",
        "code": 100,
        "error_subcode": subcode,
        "is_transient": false,
        "error_user_title": words,
        "error_user_msg": words,
        "fbtrace_id": format!("A{}", ids::alphanumeric(22)),
    } }),
    )
}

/// An id that names nothing, or nothing of ours.
pub(crate) fn no_such_object(id: &str) -> Answer {
    Answer::json(
        400,
        &json!({ "error": {
        "message": format!(
            "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due \
             to missing permissions, or does not support this operation. Please read the Graph \
             API documentation at https://developers.facebook.com/docs/graph-api"
        ),
        "type": "GraphMethodException",
        "code": 100,
        "error_subcode": 33,
        "fbtrace_id": format!("A{}", ids::alphanumeric(22)),
    } }),
    )
}

/// 190: no token, an expired one, or not ours.
pub(crate) fn invalid_token() -> Answer {
    Answer::json(
        401,
        &json!({ "error": {
        "message": "Error validating access token: Session has expired",
        "type": "OAuthException",
        "code": 190,
        "error_subcode": 463,
        "fbtrace_id": format!("A{}", ids::alphanumeric(22)),
    } }),
    )
}

/// What Graph says with that status when nothing more is known.
pub(crate) fn of_status(status: u16) -> Answer {
    match status {
        400 => parameter("Invalid parameter"),
        401 => invalid_token(),
        403 => error(403, 10, "Application does not have permission for this action", "Permission"),
        404 => Answer::json(
            404,
            &json!({ "error": {
            "message": "Unknown path components",
            "type": "OAuthException",
            "code": 2500,
            "fbtrace_id": format!("A{}", ids::alphanumeric(22)),
        } }),
        ),
        429 => of_code(429, 130_429),
        other => Answer::json(
            other,
            &json!({ "error": {
            "message": "An unexpected error has occurred. Please retry your request later.",
            "type": "OAuthException",
            "is_transient": true,
            "code": 2,
            "fbtrace_id": format!("A{}", ids::alphanumeric(22)),
        } }),
        ),
    }
}

/// The error of that code, as the answer to a call.
pub(crate) fn of_code(status: u16, code: i64) -> Answer {
    if code == 190 {
        return invalid_token();
    }
    let (title, details) = words(code);
    error(status, code, title, details)
}

/// The error of that code, as an item of a status webhook.
pub(crate) fn in_status(code: i64) -> Value {
    let (title, details) = words(code);
    json!({
        "code": code,
        "title": title,
        "message": title,
        "error_data": { "details": details },
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}

fn words(code: i64) -> (&'static str, &'static str) {
    let known = WORDS.iter().find(|(it, _, _)| *it == code);
    known.map_or(("Error", "No further details."), |(_, title, details)| (*title, *details))
}

/// Code, title, details.
const WORDS: [(i64, &str, &str); 29] = [
    (1, "API Unknown", "Possibly a temporary issue due to downtime."),
    (2, "API Service", "Temporary issue due to downtime or being overloaded."),
    (4, "API Too Many Calls", "The app has reached its API call rate limit."),
    (10, "Permission Denied", "Permission is either not granted or has been removed."),
    (368, "Temporarily blocked for policies violations", "The account was restricted."),
    (80_008, "Rate limit issues", "There have been too many calls to this account."),
    (80_007, "Rate limit issues", "The account has reached its rate limit."),
    (130_429, "Rate limit hit", "Cloud API message throughput has been reached."),
    (130_472, "User's number is part of an experiment", "Failed to send because of an experiment"),
    (131_000, "Something went wrong", "Message failed to send due to an unknown error."),
    (131_005, "Access denied", "Permission is either not granted or has been removed."),
    (131_016, "Service unavailable", "A service is temporarily unavailable."),
    (131_021, "Recipient cannot be sender", "Sender and recipient number is the same."),
    (131_026, "Message undeliverable", "Message Undeliverable."),
    (131_030, "Recipient phone number not in allowed list", "Add the recipient to the list."),
    (131_042, "Business eligibility payment issue", "There was a payment issue."),
    (131_047, "Re-engagement message", "More than 24 hours have passed since the last reply."),
    (131_048, "Spam rate limit hit", "Restrictions on how many messages can be sent."),
    (131_049, "Message not delivered", "Kept back to maintain healthy ecosystem engagement."),
    (131_050, "User has stopped marketing messages", "The recipient opted out."),
    (131_052, "Media download error", "Unable to download the media sent by the user."),
    (131_053, "Media upload error", "Unable to upload the media used in the message."),
    (131_056, "(Business Account, Consumer Account) pair rate limit hit", "Too many messages."),
    (131_057, "Account in maintenance mode", "Throughput is being upgraded."),
    (131_062, "Unsupported recipient", "This message cannot be sent to a user id."),
    (132_001, "Template name does not exist in the translation", "No such template."),
    (132_015, "Template is paused", "Template is paused due to low quality."),
    (132_016, "Template is disabled", "Template has been paused too many times."),
    (133_010, "Phone number not registered", "Account not registered."),
];
