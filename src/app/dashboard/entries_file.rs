//! The filtered entries as a file, as `paragon export` writes it, a piece at a time: memory stays the
//! same however many there are.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Bytes, Data};
use futures::Stream;
use futures::stream::try_unfold;

use super::Desk;
use super::entries::filter;
use super::form::Fields;
use super::guard::Visit;
use super::refusal::Refusal;
use crate::app::admin::export::forms::{Csv, Form};
use crate::store::audit_log::{Act, Action};
use crate::store::pages::entries::{Entry, Filter};

/// Entries in one piece.
const PIECE: usize = 5000;

/// What is to be sent next.
enum Next {
    Header(Filter),
    Rows(Filter),
    Nothing,
}

/// The file. Noted in the audit log before its first line.
pub async fn file(desk: Data<Desk>, visit: Visit, asked: Fields) -> Result<HttpResponse, Refusal> {
    let filter = filter(&asked)?;
    let (actor, now) = (visit.actor(), desk.clock.now());
    desk.ask(move |store| async move {
        let (action, subject) = (Action::ExportEntries, "entries".to_owned());
        store.note_act(&Act { actor: &actor, action, subject, details: None, now }).await
    })
    .await?;
    let name = format!("attachment; filename=\"entries-{}.csv\"", now.format("%Y-%m-%d"));
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, name))
        .streaming(pieces(desk, filter)))
}

/// A piece that cannot be had breaks the connection, so that half a file is not taken for a whole.
fn pieces(desk: Data<Desk>, filter: Filter) -> impl Stream<Item = Result<Bytes, Refusal>> {
    try_unfold(Next::Header(filter), move |next| {
        let desk = desk.clone();
        async move {
            match next {
                Next::Nothing => Ok(None),
                Next::Header(filter) => Ok(Some((header()?, Next::Rows(filter)))),
                Next::Rows(filter) => {
                    let asked = filter.clone();
                    let page = desk
                        .ask(move |store| async move { store.search_entries(&asked, PIECE).await })
                        .await?;
                    let next = match page.older {
                        Some(older) => Next::Rows(Filter { before: Some(older), ..filter }),
                        None => Next::Nothing,
                    };
                    Ok(Some((lines(page.rows)?, next)))
                }
            }
        }
    })
}

fn header() -> Result<Bytes, Refusal> {
    let mut bytes = Vec::new();
    Csv::begin(&mut bytes).and_then(|mut it| it.finish()).map_err(|_| Refusal::Broken)?;
    Ok(bytes.into())
}

fn lines(entries: Vec<Entry>) -> Result<Bytes, Refusal> {
    let mut bytes = Vec::new();
    let mut csv = Csv::go_on(&mut bytes);
    for entry in entries {
        csv.write(&entry.into(), None).map_err(|_| Refusal::Broken)?;
    }
    csv.finish().map_err(|_| Refusal::Broken)?;
    drop(csv);
    Ok(bytes.into())
}
