//! Anthropic's errors, in Anthropic's shape; the request id is put in where the answer leaves.

use serde_json::json;

use crate::answer::Answer;

pub(crate) fn error(status: u16, kind: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "type": "error", "error": { "type": kind, "message": message } }))
}

/// A request that breaks a rule.
pub(crate) fn invalid(message: &str) -> Answer {
    error(400, "invalid_request_error", message)
}

/// What Anthropic says with that status when nothing more is known.
pub(crate) fn of_status(status: u16) -> Answer {
    let (kind, message) = match status {
        401 => ("authentication_error", "invalid x-api-key"),
        403 => ("permission_error", "Your API key does not have permission to use this resource."),
        404 => ("not_found_error", "Not found"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => (
            "rate_limit_error",
            "This request would exceed your organization's rate limit of requests per minute.",
        ),
        529 => ("overloaded_error", "Overloaded"),
        500.. => ("api_error", "Internal server error"),
        _ => ("invalid_request_error", "Invalid request."),
    };
    error(status, kind, message)
}
