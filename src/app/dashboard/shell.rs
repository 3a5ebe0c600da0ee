//! What all pages have in common: head, navigation, and how times, amounts and states are shown.
//! Everything that is put into a page is escaped by maud.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use chrono::{DateTime, TimeDelta, Utc};
use maud::{DOCTYPE, Markup, html};

use super::form::Fields;
use super::guard::Visit;

/// The pages in the navigation: address, name.
const PAGES: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/queue", "Queue"),
    ("/messages", "Messages"),
    ("/entries", "Entries"),
    ("/dead", "Dead jobs"),
    ("/numbers", "Numbers"),
    ("/events", "Events"),
    ("/audit", "Audit"),
];

/// A page of somebody who is inside. `here` is its place in the navigation.
pub fn page(visit: &Visit, here: &str, title: &str, body: &Markup) -> HttpResponse {
    let content = html! {
        a.skip href="#main" { "Skip to the content" }
        header.top {
            a.brand href="/" { "Paragon" }
            nav aria-label="Pages" {
                @for (address, name) in PAGES {
                    a href=(address) aria-current=[(address == here).then_some("page")] { (name) }
                }
            }
            div.session {
                button #live type="button" aria-pressed="true" hidden { "Live" }
                form method="post" action="/logout" {
                    (token(visit))
                    button.quiet type="submit" { "Sign out" }
                }
            }
        }
        main #main tabindex="-1" { (body) }
        footer {
            "Paragon " (env!("CARGO_PKG_VERSION")) ". Times are UTC."
            span #live-state role="status" {}
        }
    };
    answer(StatusCode::OK, document(title, &content))
}

/// A page of nobody in particular: sign in, an error.
pub fn bare(title: &str, body: &Markup) -> Markup {
    document(title, &html! { main.bare { (body) } })
}

/// A page as an answer.
pub fn answer(status: StatusCode, page: Markup) -> HttpResponse {
    HttpResponse::build(status).content_type(ContentType::html()).body(page.into_string())
}

fn document(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – Paragon" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
                script src="/assets/live.js" defer {}
            }
            body { (content) }
        }
    }
}

/// What a form brings along to be believed.
pub fn token(visit: &Visit) -> Markup {
    html! { input type="hidden" name="csrf" value=(visit.session.csrf); }
}

/// A part of a page that the script keeps up to date. Ids are unique on a page.
pub fn live(id: &str, content: &Markup) -> Markup {
    html! { div id=(id) data-live { (content) } }
}

/// What the last press of a button came to, told once on the page it leads to.
pub fn told(fields: &Fields) -> Markup {
    let words = match fields.text("did") {
        Some("paused") => "Paused.".to_owned(),
        Some("resumed") => "It flows again.".to_owned(),
        Some("retried") => match fields.number("n") {
            Ok(Some(1)) => "1 job is ready again.".to_owned(),
            Ok(Some(number)) => format!("{} jobs are ready again.", count(number)),
            Ok(None) | Err(_) => return html! {},
        },
        Some("corrected") => "Corrected. What it was before is kept below.".to_owned(),
        Some("same") => "Nothing was different, so nothing was changed.".to_owned(),
        Some("confirmed") => "Confirmed.".to_owned(),
        Some("counted") => "It counts as a receipt of its own now.".to_owned(),
        Some(_) | None => return html! {},
    };
    html! { p.told role="status" { (words) } }
}

/// A table that may be wider than the screen: it scrolls by itself, with the keyboard too.
pub fn wide(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// A moment.
pub fn time(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(at.to_rfc3339()) { (at.format("%d %b %Y %H:%M:%S")) } }
}

/// A moment where there was one.
pub fn time_or_none(at: Option<DateTime<Utc>>) -> Markup {
    at.map_or_else(none, time)
}

/// Nothing is known.
pub fn none() -> Markup {
    html! { span.none { span aria-hidden="true" { "–" } span.hidden { "none" } } }
}

/// A text where there is one.
pub fn or_none(text: Option<&str>) -> Markup {
    text.map_or_else(none, |it| html! { (it) })
}

/// A state or outcome, coloured by how well it is.
pub fn state(word: &str) -> Markup {
    let kind = match word {
        "delivered" | "read" | "booked" | "done" | "accepted" | "replied" | "sent" | "receipt"
        | "APPROVED" | "well" | "stored" => "good",
        "failed" | "dead" | "lost" | "give_up" | "unreadable" | "REJECTED" | "DISABLED"
        | "refused" | "withheld" => "bad",
        "incomplete" | "duplicate" | "pending" | "retry" | "not_before" | "halt" | "paused"
        | "cancelled" | "PENDING" | "PAUSED" | "FLAGGED" | "owed" | "unconfirmed" => "warn",
        _ => "plain",
    };
    html! { span.state.(kind) { (word.replace('_', " ")) } }
}

/// How long, in the unit that fits.
pub fn took(time: TimeDelta) -> String {
    seconds(time.as_seconds_f64())
}

/// The same of seconds.
pub fn seconds(given: f64) -> String {
    match given {
        it if it < 0.001 => "0 ms".to_owned(),
        it if it < 1.0 => format!("{:.0} ms", it * 1000.0),
        it if it < 120.0 => format!("{it:.1} s"),
        it if it < 7200.0 => format!("{:.0} min", it / 60.0),
        it if it < 172_800.0 => format!("{:.1} h", it / 3600.0),
        it => format!("{:.0} days", it / 86_400.0),
    }
}

/// A number with its thousands apart.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if number < 0 { format!("-{grouped}") } else { grouped }
}

/// The first letter large, a full stop at the end.
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_counts_are_short() {
        let shown = [0.0, 0.0124, 1.25, 150.0, 9000.0, 259_200.0].map(seconds);
        assert_eq!(shown, ["0 ms", "12 ms", "1.2 s", "2 min", "2.5 h", "3 days"]);
        assert_eq!([0, 999, 1000, -1_234_567].map(count), ["0", "999", "1,000", "-1,234,567"]);
    }
}
