//! Where events go, how each endpoint is, the newest events, and the keys of the API; resuming an
//! endpoint.

use actix_web::HttpResponse;
use actix_web::web::Data;
use maud::{Markup, html};

use super::form::{Fields, Posted};
use super::guard::{Visit, to};
use super::refusal::Refusal;
use super::shell::{count, live, or_none, state, time, time_or_none, token, told, wide};
use super::{Desk, shell};
use crate::domain::ids::EndpointId;
use crate::store::api_keys::Key;
use crate::store::audit_log::{Act, Action};
use crate::store::event_endpoints::Endpoint;
use crate::store::event_log::{Listed, Wanted};

/// Events on the page.
const NEWEST: i64 = 50;

/// The page.
pub async fn page(desk: Data<Desk>, visit: Visit, asked: Fields) -> Result<HttpResponse, Refusal> {
    let (endpoints, events, keys) = desk
        .ask(move |store| async move {
            let newest = store.list_events(&Wanted::default(), NEWEST).await?;
            Ok((store.endpoints().await?, newest, store.keys().await?))
        })
        .await?;
    let body = html! {
        h1 { "Events and API" }
        (told(&asked))
        (live("endpoints", &endpoints_table(&visit, &endpoints)))
        (live("newest", &newest_table(&events)))
        (live("keys", &keys_table(&keys)))
    };
    Ok(shell::page(&visit, "/events", "Events", &body))
}

fn endpoints_table(visit: &Visit, endpoints: &[Endpoint]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th.number scope="col" { "Endpoint" } th scope="col" { "Address" } th scope="col" { "State" }
                th.number scope="col" { "Owed" } th.number scope="col" { "Given up" }
                th scope="col" { "Last taken" } th scope="col" { "Why" }
                th scope="col" { span.hidden { "Act" } }
            } }
            tbody {
                @for it in endpoints {
                    tr {
                        th.number scope="row" { (it.id) }
                        td.words { (it.url) }
                        td { (state(&it.state)) }
                        td.number { (count(it.pending)) }
                        td.number { (count(it.given_up)) }
                        td { (time_or_none(it.last_delivered_at)) }
                        td.words { (or_none(it.reason.as_deref())) }
                        td {
                            @if it.state == "paused" {
                                form method="post" action="/events/resume" {
                                    (token(visit))
                                    input type="hidden" name="endpoint" value=(it.id);
                                    button type="submit" { "Resume" }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    let ill = |it: &Endpoint| matches!(it.state.as_str(), "paused" | "failing") || it.given_up > 0;
    html! {
        section.panel.warn[endpoints.iter().any(ill)] {
            h2 { "Endpoints" }
            @if endpoints.is_empty() {
                p.empty { "None: events go nowhere. Set EVENT_URLS where the workers run." }
            } @else { (wide("Endpoints", &table)) }
        }
    }
}

fn newest_table(events: &[Listed]) -> Markup {
    let table = html! {
        table.rows {
            thead { tr {
                th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Message" }
                th scope="col" { "Deliveries, by endpoint" } th scope="col" { "Event" }
            } }
            tbody {
                @for it in events {
                    tr {
                        td { (time(it.event.occurred_at)) }
                        th scope="row" { (it.event.kind.as_str()) }
                        td {
                            @if let Some(message) = it.message {
                                a href={ "/messages/" (message) } { "#" (message) }
                            }
                        }
                        td { (it.how_far()) }
                        td.words { (it.event.id) }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "The newest events" }
            @if events.is_empty() { p.empty { "Nothing has happened yet." } }
            @else { (wide("Events", &table)) }
        }
    }
}

fn keys_table(keys: &[Key]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th.number scope="col" { "Key" } th scope="col" { "Whose" } th scope="col" { "Begins" }
                th scope="col" { "May" } th scope="col" { "Numbers" }
                th scope="col" { "Last used" } th scope="col" { "Revoked" }
            } }
            tbody {
                @for key in keys {
                    tr {
                        th.number scope="row" { (key.id.0) }
                        td.words { (key.label) }
                        td { (key.hint) "…" }
                        td.words { @for scope in &key.scopes { (scope.as_str()) " " } }
                        td.words { (key.numbers.texts().map_or("all".to_owned(), |it| it.join(", "))) }
                        td { (time_or_none(key.last_used_at)) }
                        td { (time_or_none(key.revoked_at)) }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Keys of the API" }
            @if keys.is_empty() { p.empty { "None. " code { "paragon keys create" } " makes one." } }
            @else { (wide("Keys", &table)) }
        }
    }
}

/// Sends to a paused endpoint again.
pub async fn resume(desk: Data<Desk>, posted: Posted) -> Result<HttpResponse, Refusal> {
    let id = posted.number("endpoint")?.unwrap_or_default();
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    desk.ask(move |store| async move {
        let (action, subject) = (Action::ResumeEndpoint, format!("event endpoint {id}"));
        let act = Act { actor: &actor, action, subject, details: None, now };
        store.resume_endpoint_as_operator(EndpointId(id), &act).await
    })
    .await?;
    Ok(to("/events?did=resumed"))
}
