//! One message: its photo, what was read of it and how surely, each attempt and wait, the answer and
//! how far it has come.

mod story;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use maud::{Markup, html};

use super::form::Fields;
use super::guard::Visit;
use super::refusal::Refusal;
use super::shell::{live, none, or_none, state, time, told, wide};
use super::{Desk, entries, shell};
use crate::domain::ids::MessageId;
use crate::domain::reading::{Category, Fields as Read, Verdict};
use crate::store::StoreError;
use crate::store::media::Media;
use crate::store::pages::entries::Entry;
use crate::store::pages::message::{Attempt, From, Job, Said, Send};
use crate::store::readings::Read as Reading;
use crate::store::views::MessageRow;

/// Pictures that every browser shows. Anything else is offered as a file.
const SHOWN: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// What the page shows.
struct Shown {
    row: MessageRow,
    from: From,
    readings: Vec<Reading>,
    entry: Option<Entry>,
    said: Vec<Said>,
    sends: Vec<Send>,
    jobs: Vec<Job>,
    attempts: Vec<Attempt>,
}

/// The page.
pub async fn page(
    desk: Data<Desk>,
    visit: Visit,
    id: Path<i64>,
    asked: Fields,
) -> Result<HttpResponse, Refusal> {
    let id = MessageId(id.into_inner());
    let shown = desk
        .ask(move |store| async move {
            let row = store.message_row(id).await?;
            let jobs = store.jobs_about(id).await?;
            let of: Vec<i64> = jobs.iter().map(|it| it.id).collect();
            Ok(Shown {
                row: row.ok_or(StoreError::Missing { table: "messages" })?,
                from: store.message_from(id).await?,
                readings: store.readings(id).await?,
                entry: store.shown_entry_of(id).await?,
                said: store.said_about(id).await?,
                sends: store.sends_about(id).await?,
                attempts: store.attempts_of(&of).await?,
                jobs,
            })
        })
        .await?;
    let body = html! {
        h1 { "Message #" (id) " " span #state data-live { (state(&shown.row.state)) } }
        (told(&asked))
        div.two {
            (photo_of(&shown))
            div {
                (who(&shown))
                (live("entry", &entry_of(shown.entry.as_ref())))
                (live("readings", &readings(&shown.readings)))
            }
        }
        (live("said", &story::said(&shown.said, &shown.sends)))
        (live("story", &story::jobs(&visit, &shown.jobs, &shown.attempts)))
    };
    Ok(shell::page(&visit, "/messages", &format!("Message #{id}"), &body))
}

fn photo_of(shown: &Shown) -> Markup {
    let address = format!("/messages/{}/photo", shown.row.id);
    let mime = shown.from.mime.as_deref();
    html! {
        figure.photo {
            @match &shown.from.photo {
                Some((photo, _)) if photo == "stored" && mime.is_some_and(|it| SHOWN.contains(&it)) => {
                    a href=(address) { img src=(address) alt="The photo that was sent"; }
                }
                Some((photo, _)) if photo == "stored" => {
                    p { a href=(address) download { "The document that was sent" } " (" (or_none(mime)) ")" }
                }
                Some((photo, why)) => p { "The photo is " (state(photo)) " " (or_none(why.as_deref())) },
                None => p.empty { "No photo: " (shown.row.kind.replace('_', " ")) "." },
            }
        }
    }
}

fn who(shown: &Shown) -> Markup {
    let (row, from) = (&shown.row, &shown.from);
    let steps = [
        ("Accepted", Some(row.accepted_at)),
        ("Read", row.read_at),
        ("Customer known", row.matched_at),
        ("Booked", row.booked_at),
        ("Answered", row.replied_at),
        ("Delivered", row.delivered_at),
    ];
    html! {
        section.panel {
            h2 { "Way" }
            dl.facts {
                dt { "Sent" } dd { (time(from.sent_at)) " by Meta's clock" }
                dt { "Received" } dd { (time(row.received_at)) }
                @for (name, at) in steps {
                    @if let Some(at) = at {
                        dt { (name) } dd { "after " (shell::took(at - row.received_at)) }
                    }
                }
                dt { "From" }
                dd {
                    (or_none(from.profile_name.as_deref()))
                    @if let Some(phone) = &from.phone { ", +" (phone) }
                    @if let Some(id) = from.user_id.as_deref().filter(|_| from.phone.is_none()) { ", " (id) }
                }
                dt { "To number" } dd { (from.number) }
                @if let Some((sender, customer)) = &from.matched {
                    dt { "Customer" }
                    dd {
                        (entries::customer_link(customer)) " "
                        a href={ "/messages?sender=" (sender.0) } { "their messages" }
                    }
                }
                dt { "Trace" } dd { code { (or_none(row.trace_id.as_deref())) } }
            }
        }
    }
}

fn entry_of(entry: Option<&Entry>) -> Markup {
    let Some(entry) = entry else { return html! {} };
    html! {
        section.panel {
            h2 { "Entry" }
            p {
                (state(entry.state.as_str())) " "
                strong { (entries::amount(entry.total)) } " "
                (or_none(entry.merchant.as_deref())) " "
                a href={ "/entries/" (entry.id.0) } { "Look at it, correct it" }
            }
        }
    }
}

fn readings(readings: &[Reading]) -> Markup {
    html! {
        @for reading in readings {
            section.panel {
                @match reading {
                    Reading::Not { engine, reason } => {
                        h2 { "Read by " (engine) }
                        p { (state("unreadable")) " " (reason) }
                    }
                    Reading::Seen(seen) => {
                        h2 { "Read by " (seen.engine) }
                        @match &seen.verdict {
                            Verdict::NotAReceipt => p { "Not a receipt." },
                            Verdict::Receipt(read) => (fields(read)),
                        }
                        @if let Some(usage) = &seen.usage {
                            p.note {
                                (usage.model) ", " (shell::count(usage.input_tokens)) " tokens in, "
                                (shell::count(usage.output_tokens)) " out"
                            }
                        }
                    }
                }
            }
        }
    }
}

fn fields(read: &Read) -> Markup {
    let amount = |it: Option<crate::domain::money::Decimal>| it.map(|it| it.to_string());
    let sure = &read.confidence;
    let rows = [
        ("Merchant", read.merchant.clone(), sure.merchant),
        ("Total", amount(read.total), sure.total),
        ("Currency", read.currency.map(|it| it.code().to_owned()), sure.currency),
        ("Date", read.date.map(|it| it.to_string()), sure.date),
        ("Category", read.category.map(Category::as_str).map(str::to_owned), sure.category),
        ("Tax", amount(read.tax), None),
        ("Tax number", read.tax_number.clone(), None),
    ];
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Field" } th scope="col" { "As printed" } th.number scope="col" { "Sure" }
            } }
            tbody {
                @for (name, value, sure) in rows {
                    tr {
                        th scope="row" { (name) }
                        td { (or_none(value.as_deref())) }
                        td.number {
                            @match sure {
                                Some(sure) => {
                                    meter min="0" max="100" low="60" high="85" optimum="100" value=(sure)
                                        aria-label={ (name) ": " (sure) " percent sure" } {}
                                    " " (sure) " %"
                                }
                                None => (none()),
                            }
                        }
                    }
                }
            }
        }
    };
    wide("What was read", &table)
}

/// The photo's bytes, as they came. A picture is shown, anything else is a file to save.
pub async fn photo(desk: Data<Desk>, _: Visit, id: Path<i64>) -> Result<HttpResponse, Refusal> {
    let id = MessageId(id.into_inner());
    let media = desk.ask(move |store| async move { store.media(id).await }).await?;
    let Media::Stored(blob) = media else { return Err(Refusal::NotFound) };
    let placed = if SHOWN.contains(&blob.mime.as_str()) { "inline" } else { "attachment" };
    Ok(HttpResponse::Ok()
        .content_type(blob.mime)
        // Whatever it is, it runs nothing.
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("{placed}; filename=\"message-{id}\""),
        ))
        .body(blob.bytes))
}
