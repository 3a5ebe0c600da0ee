//! What operators did, the newest first.

use actix_web::HttpResponse;
use actix_web::web::Data;
use maud::html;

use super::form::Fields;
use super::guard::Visit;
use super::messages::further;
use super::refusal::Refusal;
use super::shell::{live, or_none, time, wide};
use super::{Desk, shell};
use crate::store::pages::{Page, ROWS};

/// The page.
pub async fn page(desk: Data<Desk>, visit: Visit, asked: Fields) -> Result<HttpResponse, Refusal> {
    let before = asked.number("before")?.unwrap_or(i64::MAX);
    let rows = desk.ask(move |store| async move { store.audit_lines(before).await }).await?;
    let older = (rows.len() == ROWS).then(|| rows.last().map(|it| it.id)).flatten();
    let found = Page { rows, older, window_ended: false };
    let table = html! {
        table.rows {
            thead { tr {
                th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "From" }
                th scope="col" { "What" } th scope="col" { "On" } th scope="col" { "Details" }
            } }
            tbody {
                @for line in &found.rows {
                    tr {
                        td { (time(line.at)) }
                        td { (line.actor) @if line.actor == visit.session.label { " (you)" } }
                        td { (line.remote) }
                        th scope="row" { (line.action.replace('_', " ")) }
                        td { (line.subject) }
                        td.words { (or_none(line.details.as_deref())) }
                    }
                }
            }
        }
    };
    let body = html! {
        h1 { "Audit" }
        p.note { "What was done by this dashboard. Lines are only added." }
        (live("list", &html! {
            @if found.rows.is_empty() { p.empty { "Nothing was done yet." } }
            @else { (wide("Audit log", &table)) }
            (further(&found, &asked, "/audit"))
        }))
    };
    Ok(shell::page(&visit, "/audit", "Audit", &body))
}
