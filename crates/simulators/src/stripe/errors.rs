//! Stripe's errors, in Stripe's shape. Callers are meant to go by `type` and `code`; the
//! messages are near to Stripe's words and no promise.

use serde_json::{Value, json};

use crate::answer::Answer;

fn error(status: u16, fields: &Value) -> Answer {
    Answer::json(status, &json!({ "error": fields }))
}

/// A parameter that is missing, unknown or wrong.
pub(crate) fn parameter(code: &str, param: &str, message: &str) -> Answer {
    error(
        400,
        &json!({
            "code": code,
            "doc_url": doc_url(code),
            "message": message,
            "param": param,
            "type": "invalid_request_error",
        }),
    )
}

/// A value that Stripe refuses without a code of its own.
pub(crate) fn invalid(param: &str, message: &str) -> Answer {
    error(400, &json!({ "message": message, "param": param, "type": "invalid_request_error" }))
}

/// A body whose form encoding is broken.
pub(crate) fn unreadable_form() -> Answer {
    let message = "Invalid request body: the form encoding could not be parsed.";
    error(400, &json!({ "message": message, "type": "invalid_request_error" }))
}

pub(crate) fn unauthorized(key: Option<&str>) -> Answer {
    let message = match key {
        None => "You did not provide an API key.".to_owned(),
        Some(key) => {
            let shown: String = key.chars().take(8).collect();
            format!("Invalid API Key provided: {shown}***")
        }
    };
    error(401, &json!({ "message": message, "type": "invalid_request_error" }))
}

pub(crate) fn no_such_customer(id: &str) -> Answer {
    let message = format!("No such customer: '{id}'");
    error(
        404,
        &json!({
            "code": "resource_missing",
            "doc_url": doc_url("resource_missing"),
            "message": message,
            "param": "id",
            "type": "invalid_request_error",
        }),
    )
}

pub(crate) fn unknown_url(method: &str, path: &str) -> Answer {
    let message = format!("Unrecognized request URL ({method}: {path}).");
    error(404, &json!({ "message": message, "type": "invalid_request_error" }))
}

/// What a merchant in India hears.
pub(crate) fn search_unavailable() -> Answer {
    let message = "Search is not available to merchants in your country.";
    error(400, &json!({ "message": message, "type": "invalid_request_error" }))
}

/// The key was used with other parameters before.
pub(crate) fn other_parameters(key: &str) -> Answer {
    let message = format!(
        "Keys for idempotent requests can only be used with the same parameters they were first \
         used with. Try using a key other than '{key}' if you meant to execute a different request."
    );
    error(400, &json!({ "message": message, "type": "idempotency_error" }))
}

/// The first request with that key still runs.
pub(crate) fn key_in_use() -> Answer {
    of_code(409, "idempotency_key_in_use")
}

/// What Stripe says with that status when nothing more is known.
pub(crate) fn of_status(status: u16) -> Answer {
    match status {
        401 => unauthorized(Some("sk_test_unknown")),
        402 => of_code(402, "card_declined"),
        404 => no_such_customer("cus_unknown"),
        409 => of_code(409, "lock_timeout"),
        429 => of_code(429, "rate_limit"),
        500.. => {
            let message = "An unknown error occurred";
            error(status, &json!({ "message": message, "type": "api_error" }))
        }
        other => {
            let message = "Invalid request.";
            error(other, &json!({ "message": message, "type": "invalid_request_error" }))
        }
    }
}

/// The error of that code.
pub(crate) fn of_code(status: u16, code: &str) -> Answer {
    let (kind, message) = match code {
        "rate_limit" => ("invalid_request_error", "Request rate limit exceeded."),
        "lock_timeout" => (
            "invalid_request_error",
            "This object cannot be accessed right now because another API request or Stripe \
             process is currently accessing it.",
        ),
        "idempotency_key_in_use" => (
            "idempotency_error",
            "There is currently another in-progress request using this Idempotent Key",
        ),
        "card_declined" => ("card_error", "Your card was declined."),
        _ if status >= 500 => ("api_error", "An unknown error occurred"),
        _ => ("invalid_request_error", "Invalid request."),
    };
    let answer = error(
        status,
        &json!({
            "code": code, "doc_url": doc_url(code), "message": message, "type": kind,
        }),
    );
    match code {
        "rate_limit" => answer.with("stripe-rate-limited-reason", "endpoint-rate"),
        _ => answer,
    }
}

fn doc_url(code: &str) -> String {
    format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))
}
