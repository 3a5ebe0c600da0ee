//! Jobs that gave up: what they died of, a preview of all that died of the same, and another try for
//! one or for all of them.

use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::form::{Fields, Posted};
use super::guard::{Visit, to};
use super::messages::further;
use super::overview::message_link;
use super::refusal::Refusal;
use super::shell::{count, live, time, token, told, wide};
use super::{Desk, shell};
use crate::store::audit_log::{Act, Action};
use crate::store::pages::Page;
use crate::store::pages::jobs::{AT_ONCE, Alike, Cause};
use crate::store::views::DeadJob;

/// The page: causes, then the jobs.
pub async fn page(desk: Data<Desk>, visit: Visit, asked: Fields) -> Result<HttpResponse, Refusal> {
    let before = asked.number("before")?.unwrap_or(i64::MAX);
    let (causes, found) = desk
        .ask(move |store| async move {
            Ok((store.causes().await?, store.dead_page(None, before).await?))
        })
        .await?;
    let body = html! {
        h1 { "Dead jobs" }
        (told(&asked))
        (live("causes", &causes_table(&causes)))
        (live("list", &html! {
            @if !found.rows.is_empty() { h2 { "One by one" } (jobs_table(&visit, &found)) }
            (further(&found, &asked, "/dead"))
        }))
    };
    Ok(shell::page(&visit, "/dead", "Dead jobs", &body))
}

fn causes_table(causes: &[Cause]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th.number scope="col" { "Jobs" } th scope="col" { "Queue" } th scope="col" { "Died of" }
                th scope="col" { "First" } th scope="col" { "Last" }
                th scope="col" { span.hidden { "Act" } }
            } }
            tbody {
                @for cause in causes {
                    tr {
                        td.number { (count(cause.jobs)) }
                        td { (cause.queue) }
                        td.words { (cause.reason) }
                        td { (time(cause.first)) }
                        td { (time(cause.last)) }
                        td {
                            form method="get" action="/dead/like" {
                                input type="hidden" name="queue" value=(cause.queue);
                                input type="hidden" name="reason" value=(cause.reason);
                                button type="submit" { "All like this…" }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        @if causes.is_empty() { p.empty { "None. Nothing has given up." } }
        @else { section.panel { h2 { "What they died of" } (wide("Causes", &table)) } }
    }
}

fn jobs_table(visit: &Visit, found: &Page<DeadJob>) -> Markup {
    let table = html! {
        table.rows {
            thead { tr {
                th scope="col" { "Job" } th scope="col" { "Message" } th.number scope="col" { "Attempts" }
                th scope="col" { "Since" } th scope="col" { "Reason" }
                th scope="col" { span.hidden { "Act" } }
            } }
            tbody {
                @for job in &found.rows {
                    tr {
                        th scope="row" { (job.job) }
                        td { (message_link(job.message)) }
                        td.number { (job.attempts) }
                        td { (time(job.since)) }
                        td.words { (job.reason) }
                        td {
                            form method="post" action="/dead/retry" {
                                (token(visit))
                                input type="hidden" name="job" value=(job.job);
                                button type="submit" aria-label={ "Retry job " (job.job) } { "Retry" }
                            }
                        }
                    }
                }
            }
        }
    };
    wide("Dead jobs", &table)
}

/// Which dead jobs are meant by what was asked or sent.
fn alike(fields: &Fields, until: DateTime<Utc>) -> Result<Alike, Refusal> {
    let queue = fields.text("queue").ok_or(Refusal::NotFound)?.to_owned();
    Ok(Alike { queue, reason: fields.as_typed("reason").to_owned(), until })
}

/// What "all like this" would be.
pub async fn preview(
    desk: Data<Desk>,
    visit: Visit,
    asked: Fields,
) -> Result<HttpResponse, Refusal> {
    let meant = alike(&asked, desk.clock.now())?;
    let before = asked.number("before")?.unwrap_or(i64::MAX);
    let shown = meant.clone();
    let (jobs, found) = desk
        .ask(move |store| async move {
            let found = store.dead_page(Some(&meant), before).await?;
            Ok((store.count_alike(&meant).await?, found))
        })
        .await?;
    let body = html! {
        h1 { "All like this" }
        section.panel {
            p.words { (shown.reason) }
            p { strong { (count(jobs)) } " dead in the queue " code { (shown.queue) } "." }
            @if jobs > 0 {
                form method="post" action="/dead/retry-like" {
                    (token(&visit))
                    input type="hidden" name="queue" value=(shown.queue);
                    input type="hidden" name="reason" value=(shown.reason);
                    input type="hidden" name="until" value=(shown.until.to_rfc3339());
                    button type="submit" { "Retry " (count(jobs.min(AT_ONCE))) }
                    " " a href="/dead" { "Back" }
                }
                p.note {
                    "Each is ready again at once, with all its attempts. Those that die after this page "
                    "was made are not meant."
                }
            }
        }
        @if !found.rows.is_empty() { (jobs_table(&visit, &found)) }
        (further(&found, &asked, "/dead/like"))
    };
    Ok(shell::page(&visit, "/dead", "All like this", &body))
}

/// Another try for one.
pub async fn retry_one(desk: Data<Desk>, posted: Posted) -> Result<HttpResponse, Refusal> {
    let job = posted.number("job")?.ok_or(Refusal::NotFound)?;
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    desk.ask(move |store| async move {
        let (action, subject) = (Action::RetryJob, format!("job {job}"));
        let act = Act { actor: &actor, action, subject, details: None, now };
        store.retry_dead_job(job, &act).await
    })
    .await?;
    Ok(to("/dead?did=retried&n=1"))
}

/// Another try for all that were shown.
pub async fn retry_like(desk: Data<Desk>, posted: Posted) -> Result<HttpResponse, Refusal> {
    let until = posted.text("until").and_then(|it| it.parse().ok()).ok_or(Refusal::Form)?;
    let meant = alike(&posted, until)?;
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    let retried = desk
        .ask(move |store| async move {
            let (action, subject) = (Action::RetryJobs, format!("queue {}", meant.queue));
            let act = Act { actor: &actor, action, subject, details: None, now };
            store.retry_alike(&meant, &act).await
        })
        .await?;
    Ok(to(&format!("/dead?did=retried&n={retried}")))
}
