//! A number of the account: what Meta's words about it mean, and what is to be done.

use super::finding::Finding;
use crate::clients::whatsapp::{NumberState, Sending};

/// Whether its name is approved.
pub fn display_name(told: &NumberState) -> Finding {
    const ABOUT: &str = "display name";
    let name = told.verified_name.as_deref().unwrap_or("unnamed");
    match told.name_status.as_deref() {
        Some("APPROVED" | "AVAILABLE_WITHOUT_REVIEW") => Finding::well(ABOUT, name),
        other => Finding::ill(
            ABOUT,
            format!("{name} stands at {}", other.unwrap_or("nothing that Meta tells")),
            "until it is approved sends fail with 131037; see the number in WhatsApp Manager",
        ),
    }
}

/// Whether it is connected, and what people think of it.
pub fn number(told: &NumberState) -> Finding {
    const ABOUT: &str = "number";
    let status = told.status.as_deref().unwrap_or("UNKNOWN");
    if status != "CONNECTED" {
        let what = format!("it is {status}");
        let remedy =
            "register it: POST /{phone-number-id}/register with a PIN (README, To real keys, 3)";
        return Finding::ill(ABOUT, what, remedy);
    }
    match told.quality_rating.as_deref() {
        Some("RED" | "YELLOW") => Finding::ill(
            ABOUT,
            format!("its quality is {}", told.quality_rating.as_deref().unwrap_or_default()),
            "people block or report it: send fewer reminders, and none to who wants none",
        ),
        quality => {
            Finding::well(ABOUT, format!("connected, quality {}", quality.unwrap_or("UNKNOWN")))
        }
    }
}

/// Whether it is a test number.
pub fn mode(told: &NumberState) -> Finding {
    const ABOUT: &str = "account mode";
    match told.account_mode.as_deref() {
        Some("SANDBOX") => Finding::well(
            ABOUT,
            "a test number: it writes to five confirmed recipients only (see test recipients)",
        ),
        other => Finding::well(ABOUT, other.unwrap_or("not told").to_lowercase()),
    }
}

/// Whether anything keeps it from sending.
pub fn sending(told: &Sending) -> Finding {
    const ABOUT: &str = "sending";
    if told.word == "AVAILABLE" {
        return Finding::well(ABOUT, "nothing keeps this number from it");
    }
    let what = format!("Meta says {}", told.word);
    let advice = if told.advice.is_empty() {
        "see the number in WhatsApp Manager".to_owned()
    } else {
        told.advice.join("; ")
    };
    Finding::ill(ABOUT, what, advice)
}
