//! One entry beside its photo: corrected, confirmed, counted; and all that was ever changed in it.

mod typed;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use maud::{Markup, html};

use self::typed::wanted;
use super::form::{Fields, Posted};
use super::guard::{Visit, to};
use super::refusal::Refusal;
use super::shell::{or_none, state, time, token, told, wide};
use super::{Desk, entries, shell};
use crate::domain::ids::EntryId;
use crate::domain::reading::{Category, Fields as Read};
use crate::domain::reply::EntryState;
use crate::store::audit_log::{Act, Action};
use crate::store::entry_revisions::Revision;
use crate::store::pages::entries::Entry;
use crate::store::pages::message::From;

/// The page.
pub async fn page(
    desk: Data<Desk>,
    visit: Visit,
    id: Path<i64>,
    asked: Fields,
) -> Result<HttpResponse, Refusal> {
    let id = EntryId(id.into_inner());
    let (entry, from, revisions) = desk
        .ask(move |store| async move {
            let entry = store.shown_entry(id).await?;
            let from = store.message_from(entry.message).await?;
            Ok((entry, from, store.revisions(id).await?))
        })
        .await?;
    let body = html! {
        h1 { "Entry #" (id.0) " " (state(entry.state.as_str())) }
        (told(&asked))
        div.two {
            (photo_of(&entry, &from))
            div {
                (summary(&entry))
                (acts(&visit, &entry))
                (form(&visit, &entry, revisions.last().map_or(0, |it| it.id)))
            }
        }
        (history(&revisions))
    };
    Ok(shell::page(&visit, "/entries", &format!("Entry #{}", id.0), &body))
}

fn photo_of(entry: &Entry, from: &From) -> Markup {
    let address = format!("/messages/{}/photo", entry.message);
    let is_picture = from.mime.as_deref().is_some_and(|it| it.starts_with("image/"));
    html! {
        figure.photo {
            @if is_picture { a href=(address) { img src=(address) alt="The photo of the receipt"; } }
            @else { p { a href=(address) download { "The document that was sent" } } }
        }
    }
}

fn summary(entry: &Entry) -> Markup {
    html! {
        section.panel {
            dl.facts {
                dt { "Total" } dd { strong { (entries::amount(entry.total)) } }
                dt { "Booked" } dd { (time(entry.booked_at)) }
                dt { "Message" } dd { a href={ "/messages/" (entry.message) } { "#" (entry.message) } }
                dt { "Customer" } dd { (entries::customer_link(&entry.customer)) }
                @if let Some(original) = entry.duplicate_of {
                    dt { "Looks like" } dd { a href={ "/entries/" (original.0) } { "#" (original.0) } }
                }
                dt { "Confirmed" } dd { (shell::time_or_none(entry.confirmed_at)) }
            }
        }
    }
}

fn acts(visit: &Visit, entry: &Entry) -> Markup {
    let place = format!("/entries/{}", entry.id.0);
    if entry.state != EntryState::Duplicate && entry.confirmed_at.is_some() {
        return html! {};
    }
    html! {
        div.acts {
            @if entry.state == EntryState::Duplicate {
                form method="post" action={ (place) "/count" } {
                    (token(visit))
                    button type="submit" { "It is a receipt of its own" }
                }
            }
            @if entry.confirmed_at.is_none() {
                form method="post" action={ (place) "/confirm" } {
                    (token(visit))
                    button type="submit" {
                        @if entry.state == EntryState::Duplicate { "It is the same receipt" }
                        @else { "It is right" }
                    }
                }
            }
        }
    }
}

fn form(visit: &Visit, entry: &Entry, seen: i64) -> Markup {
    let shown = |money: Option<crate::domain::money::Money>| {
        money.map(|it| format!("{} {}", it.decimal(), it.currency))
    };
    html! {
        form.stack.panel method="post" action={ "/entries/" (entry.id.0) "/correct" } {
            h2 { "Correct it" }
            (token(visit))
            input type="hidden" name="seen" value=(seen);
            label for="total" { "Total, with its currency" }
            input #total name="total" value=[shown(entry.total)] placeholder="12.50 EUR" autocomplete="off"
                inputmode="text";
            label for="tax" { "Tax within it" }
            input #tax name="tax" value=[shown(entry.tax)] autocomplete="off";
            label for="merchant" { "Merchant" }
            input #merchant name="merchant" value=[entry.merchant.as_deref()] autocomplete="off"
                maxlength=(Read::MERCHANT_MAX);
            label for="date" { "Date" }
            input #date type="date" name="date" value=[entry.date];
            label for="category" { "Category" }
            select #category name="category" {
                option value="" { "unknown" }
                @for category in Category::ALL {
                    option value=(category.as_str()) selected[entry.category == Some(category)] {
                        (category.as_str())
                    }
                }
            }
            button type="submit" { "Correct" }
            p.note { "What it was before is kept. The sender is not told." }
        }
    }
}

fn history(revisions: &[Revision]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Before" }
                th scope="col" { "After" } th scope="col" { "By" }
            } }
            tbody {
                @for revision in revisions {
                    tr {
                        td { (time(revision.changed_at)) }
                        th scope="row" { (revision.what) }
                        td { (or_none(revision.was.as_deref())) }
                        td { (or_none(revision.became.as_deref())) }
                        td {
                            @match (revision.message, &revision.actor) {
                                (Some(message), _) => {
                                    "the sender, " a href={ "/messages/" (message) } { "#" (message) }
                                }
                                (None, actor) => (or_none(actor.as_deref())),
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "What was changed" }
            @if revisions.is_empty() { p.empty { "Nothing: it is as it was read." } }
            @else { (wide("Changes", &table)) }
        }
    }
}

/// Makes the entry what was typed.
pub async fn correct(
    desk: Data<Desk>,
    id: Path<i64>,
    posted: Posted,
) -> Result<HttpResponse, Refusal> {
    let id = EntryId(id.into_inner());
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    let entry = desk.ask(move |store| async move { store.shown_entry(id).await }).await?;
    let wanted = wanted(&posted, &entry, now.date_naive())?;
    let seen = posted.number("seen")?.unwrap_or(0);
    let changed = desk
        .ask(move |store| async move {
            let (action, subject) = (Action::CorrectEntry, subject(id));
            let act = Act { actor: &actor, action, subject, details: None, now };
            store.amend_entry(id, seen, &wanted, &act).await
        })
        .await?;
    let did = if changed { "corrected" } else { "same" };
    Ok(to(&format!("/entries/{}?did={did}", id.0)))
}

/// It is right, or the same receipt indeed.
pub async fn confirm(
    desk: Data<Desk>,
    id: Path<i64>,
    posted: Posted,
) -> Result<HttpResponse, Refusal> {
    let id = EntryId(id.into_inner());
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    desk.ask(move |store| async move {
        let (action, subject) = (Action::ConfirmEntry, subject(id));
        let act = Act { actor: &actor, action, subject, details: None, now };
        store.confirm_as_operator(id, &act).await
    })
    .await?;
    Ok(to(&format!("/entries/{}?did=confirmed", id.0)))
}

/// A duplicate is a receipt of its own.
pub async fn count(
    desk: Data<Desk>,
    id: Path<i64>,
    posted: Posted,
) -> Result<HttpResponse, Refusal> {
    let id = EntryId(id.into_inner());
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    desk.ask(move |store| async move {
        let (action, subject) = (Action::CountEntry, subject(id));
        let act = Act { actor: &actor, action, subject, details: None, now };
        store.count_duplicate(id, &act).await
    })
    .await?;
    Ok(to(&format!("/entries/{}?did=counted", id.0)))
}

fn subject(id: EntryId) -> String {
    format!("entry {}", id.0)
}
