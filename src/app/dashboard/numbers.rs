//! Our numbers and templates, with how they are; and what Meta told of the account.

use actix_web::HttpResponse;
use actix_web::web::Data;
use maud::{Markup, html};

use super::guard::Visit;
use super::overview::month;
use super::refusal::Refusal;
use super::shell::{count, live, or_none, state, time, time_or_none, wide};
use super::{Desk, shell};
use crate::store::pages::numbers::{News, Number, Template};

/// The page.
pub async fn page(desk: Data<Desk>, visit: Visit) -> Result<HttpResponse, Refusal> {
    let this_month = month(desk.clock.now());
    let (numbers, templates, news) = desk
        .ask(move |store| async move {
            let numbers = store.numbers(this_month).await?;
            Ok((numbers, store.shown_templates().await?, store.account_news().await?))
        })
        .await?;
    let body = html! {
        h1 { "Numbers and templates" }
        (live("numbers", &numbers_table(&numbers)))
        (live("templates", &templates_table(&templates)))
        (live("news", &news_table(&news)))
    };
    Ok(shell::page(&visit, "/numbers", "Numbers", &body))
}

fn numbers_table(numbers: &[Number]) -> Markup {
    let limit = |people: Option<i64>| match people {
        None => "not told yet".to_owned(),
        Some(0) => "no limit".to_owned(),
        Some(people) => format!("{} people", count(people)),
    };
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Meta's id" } th scope="col" { "State" }
                th scope="col" { "May write to in a day" } th scope="col" { "Told" }
                th.number scope="col" { "Sent this month" } th.number scope="col" { "Charged" }
            } }
            tbody {
                @for number in numbers {
                    tr {
                        th scope="row" { (number.id) }
                        td {
                            @match &number.paused {
                                Some(why) => {
                                    (state("paused")) " since " (time_or_none(number.paused_since)) " "
                                    (why) " " a href="/queue" { "Queue" }
                                }
                                None => (state("well")),
                            }
                        }
                        td { (limit(number.people)) }
                        td { (time_or_none(number.checked_at)) }
                        td.number { (count(number.messages)) }
                        td.number { (count(number.billable)) }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Numbers" }
            @if numbers.is_empty() { p.empty { "None yet: nothing has arrived." } }
            @else { (wide("Numbers", &table)) }
        }
    }
}

fn templates_table(templates: &[Template]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Template" } th scope="col" { "Language" } th scope="col" { "State" }
                th scope="col" { "Quality" } th scope="col" { "Billed as" }
                th.number scope="col" { "Answers that wait" } th scope="col" { "Listed" }
            } }
            tbody {
                @for template in templates {
                    tr {
                        th scope="row" { (template.name) }
                        td { (template.language) }
                        td.words { (state(&template.status)) " " @if let Some(why) = &template.reason { (why) } }
                        td { (or_none(template.quality.as_deref())) }
                        td {
                            (or_none(template.category.as_deref()))
                            @if let Some(before) = &template.previous_category {
                                " " span.state.warn { "was " (before) }
                            }
                        }
                        td.number { (count(template.waiting_replies)) }
                        td { (time_or_none(template.synced_at)) }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Templates" }
            @if templates.is_empty() {
                p.empty { "None are known. " code { "paragon templates sync" } " asks Meta." }
            } @else { (wide("Templates", &table)) }
        }
    }
}

fn news_table(news: &[News]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Field" } th scope="col" { "What" } th.number scope="col" { "Times" }
                th scope="col" { "Last" }
            } }
            tbody {
                @for one in news {
                    tr {
                        th scope="row" { (one.field) }
                        td { (one.kind) }
                        td.number { (count(one.items)) }
                        td { (time(one.last_at)) }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Told by Meta, kept, not acted on" }
            @if news.is_empty() { p.empty { "Nothing." } } @else { (wide("Told by Meta", &table)) }
        }
    }
}
