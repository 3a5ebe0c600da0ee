//! Messages: the newest, by our id, by day, by state, by the sender's number. A number that is typed
//! travels in the body of a form; what is in the address afterwards is our row's id.

use actix_web::HttpResponse;
use actix_web::web::Data;
use maud::{Markup, html};

use super::form::{Fields, Posted};
use super::guard::{Visit, to};
use super::refusal::Refusal;
use super::shell::{count, live, none, state, time, token, took, wide};
use super::{Desk, shell};
use crate::domain::ids::SenderId;
use crate::domain::sender::Phone;
use crate::store::audit_log::{Act, Action};
use crate::store::pages::messages::Search;
use crate::store::pages::{Days, Page};
use crate::store::views::MessageRow;

/// The states of `ops.messages`.
const STATES: [&str; 14] = [
    "accepted",
    "pending",
    "lost",
    "receipt",
    "not_a_receipt",
    "unreadable",
    "matched",
    "booked",
    "incomplete",
    "duplicate",
    "replied",
    "delivered",
    "failed",
    "withheld",
];

/// The page.
pub async fn page(desk: Data<Desk>, visit: Visit, asked: Fields) -> Result<HttpResponse, Refusal> {
    if let Some(id) = asked.number("id")? {
        return Ok(to(&format!("/messages/{id}")));
    }
    let search = Search {
        state: asked.text("state").filter(|it| STATES.contains(it)).map(str::to_owned),
        days: Days { from: asked.day("from")?, to: asked.day("to")? },
        sender: asked.number("sender")?.map(SenderId),
        before: asked.number("before")?,
    };
    let found = desk.ask(move |store| async move { store.search_messages(&search).await }).await?;
    let body = html! {
        h1 { "Messages" }
        (search_forms(&visit, &asked))
        @if asked.text("sender").is_some() {
            p { "Of one person. " a href="/messages" { "Show all" } }
        }
        (live("list", &list(&found, &asked)))
    };
    Ok(shell::page(&visit, "/messages", "Messages", &body))
}

fn search_forms(visit: &Visit, asked: &Fields) -> Markup {
    html! {
        div.filters.panel {
            form.row method="get" action="/messages" role="search" aria-label="Messages" {
                label { "State"
                    select name="state" {
                        option value="" { "any" }
                        @for word in STATES {
                            option value=(word) selected[asked.text("state") == Some(word)] {
                                (word.replace('_', " "))
                            }
                        }
                    }
                }
                label { "From" input type="date" name="from" value=[asked.text("from")]; }
                label { "To" input type="date" name="to" value=[asked.text("to")]; }
                label { "Our id" input.short name="id" inputmode="numeric" autocomplete="off"; }
                @if let Some(sender) = asked.text("sender") {
                    input type="hidden" name="sender" value=(sender);
                }
                button type="submit" { "Show" }
            }
            form.row method="post" action="/messages/find" {
                (token(visit))
                label { "Sender's number, in full"
                    input name="phone" type="tel" required autocomplete="off"
                        placeholder="+420 777 123 456";
                }
                button type="submit" { "Find" }
            }
        }
    }
}

fn list(found: &Page<MessageRow>, asked: &Fields) -> Markup {
    let table = html! {
        table.rows {
            thead { tr {
                th scope="col" { "Message" } th scope="col" { "Received" } th scope="col" { "Kind" }
                th scope="col" { "State" } th.number scope="col" { "Answered after" }
                th.number scope="col" { "Delivered after" }
            } }
            tbody {
                @for row in &found.rows {
                    tr {
                        th scope="row" { a href={ "/messages/" (row.id) } { "#" (row.id) } }
                        td { (time(row.received_at)) }
                        td { (row.kind.replace('_', " ")) }
                        td { (state(&row.state)) }
                        td.number { (after(row, row.replied_at)) }
                        td.number { (after(row, row.delivered_at)) }
                    }
                }
            }
        }
    };
    html! {
        @if found.rows.is_empty() { p.empty { "None found." } }
        @else { (wide("Messages", &table)) }
        (further(found, asked, "/messages"))
    }
}

fn after(row: &MessageRow, at: Option<chrono::DateTime<chrono::Utc>>) -> Markup {
    at.map_or_else(none, |it| html! { (took(it - row.received_at)) })
}

/// Where older rows are, and how far was looked.
pub fn further<T>(found: &Page<T>, asked: &Fields, place: &str) -> Markup {
    let Some(older) = found.older else { return html! {} };
    let address = format!("{place}{}", asked.with(&[("before", Some(older.to_string()))]));
    html! {
        nav.further aria-label="Older" {
            @if found.window_ended {
                p.note { "Looked back to #" (count(older)) ". There may be more before it." }
            }
            a.button href=(address) {
                @if found.window_ended { "Look further back" } @else { "Older" }
            }
            @if asked.text("before").is_some() {
                " " a href={ (place) (asked.with(&[("before", None)])) } { "Newest" }
            }
        }
    }
}

/// Finds whoever has the number that was typed. Noted in the audit log, without the number.
pub async fn find(desk: Data<Desk>, posted: Posted) -> Result<HttpResponse, Refusal> {
    let spoken = |it: &char| !it.is_whitespace() && !matches!(it, '-' | '(' | ')' | '/' | '.');
    let typed: String = posted.text("phone").unwrap_or_default().chars().filter(spoken).collect();
    let phone = Phone::parse(typed.strip_prefix("00").unwrap_or(&typed)).map_err(|_| {
        let words = "want the number in full with its country code, such as +420 777 123 456";
        Refusal::BadInput(words.to_owned())
    })?;
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    let sender = desk
        .ask(move |store| async move {
            let Some(sender) = store.sender_with(&phone).await? else { return Ok(None) };
            let subject = format!("sender {}", sender.0);
            let action = Action::FindPerson;
            let act = Act { actor: &actor, action, subject, details: None, now };
            store.note_act(&act).await?;
            Ok(Some(sender))
        })
        .await?;
    match sender {
        Some(sender) => Ok(to(&format!("/messages?sender={}", sender.0))),
        None => Err(Refusal::BadInput("nobody with this number has written to us".to_owned())),
    }
}
