//! The queues and who works on them; pausing and resuming a queue or one number's jobs in it.

use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::form::{Fields, Posted};
use super::guard::{Visit, to};
use super::refusal::Refusal;
use super::shell::{count, live, or_none, seconds, state, token, told, wide};
use super::{Desk, shell};
use crate::domain::ids::PhoneNumberId;
use crate::queue::Queue;
use crate::store::audit_log::{Act, Action};
use crate::store::health::WorkerRow;
use crate::store::pages::jobs::Pause;
use crate::store::views::QueueDepth;

/// Words of a reason; more is cut.
const WHY_MAX: usize = 200;

/// The page.
pub async fn page(desk: Data<Desk>, visit: Visit, asked: Fields) -> Result<HttpResponse, Refusal> {
    let now = desk.clock.now();
    let month = super::overview::month(now);
    let (depths, workers, pauses, numbers) = desk
        .ask(move |store| async move {
            let depths = store.queue_depth().await?;
            Ok((depths, store.workers().await?, store.pauses().await?, store.numbers(month).await?))
        })
        .await?;
    let numbers: Vec<&str> = numbers.iter().map(|it| it.id.as_str()).collect();
    let body = html! {
        h1 { "Queue and workers" }
        (told(&asked))
        (live("depths", &depths_table(&depths)))
        (live("pauses", &pauses_table(&visit, &pauses, now)))
        (pause_form(&visit, &numbers))
        (live("workers", &workers_table(&workers)))
    };
    Ok(shell::page(&visit, "/queue", "Queue", &body))
}

fn depths_table(depths: &[QueueDepth]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Queue" } th.number scope="col" { "Ready" } th.number scope="col" { "Running" }
                th.number scope="col" { "Wait for a time" } th.number scope="col" { "Dead" }
                th.number scope="col" { "Oldest ready" }
            } }
            tbody {
                @for depth in depths {
                    tr {
                        th scope="row" { (depth.queue) }
                        td.number { (count(depth.ready)) }
                        td.number { (count(depth.running)) }
                        td.number { (count(depth.deferred)) }
                        td.number { @if depth.dead > 0 { a href="/dead" { (count(depth.dead)) } } @else { "0" } }
                        td.number { (seconds(depth.oldest_ready_s)) }
                    }
                }
            }
        }
    };
    html! { section.panel { h2 { "Queues" } (wide("Queues", &table)) } }
}

fn pauses_table(visit: &Visit, pauses: &[Pause], now: DateTime<Utc>) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Queue" } th scope="col" { "Number" } th scope="col" { "For" }
                th scope="col" { "Why" } th scope="col" { span.hidden { "Act" } }
            } }
            tbody {
                @for pause in pauses {
                    tr {
                        th scope="row" { (pause.queue) }
                        td { (pause.number.as_deref().unwrap_or("all")) }
                        td { (shell::took(now - pause.since)) }
                        td.words { (or_none(pause.reason.as_deref())) }
                        td {
                            form method="post" action="/queue/resume" {
                                (token(visit))
                                input type="hidden" name="queue" value=(pause.queue);
                                @if let Some(number) = &pause.number {
                                    input type="hidden" name="number" value=(number);
                                }
                                button type="submit" { "Resume" }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        section.panel.warn[!pauses.is_empty()] {
            h2 { "Paused" }
            @if pauses.is_empty() { p.empty { "Nothing is paused." } }
            @else { (wide("Paused", &table)) }
        }
    }
}

fn pause_form(visit: &Visit, numbers: &[&str]) -> Markup {
    html! {
        details.panel {
            summary { "Pause a queue or a number" }
            form.row method="post" action="/queue/pause" {
                (token(visit))
                label { "Queue"
                    select name="queue" {
                        @for queue in Queue::ALL { option value=(queue.name()) { (queue.name()) } }
                    }
                }
                label { "Number"
                    select name="number" {
                        option value="" { "all" }
                        @for number in numbers { option value=(number) { (number) } }
                    }
                }
                label { "Why" input name="why" required maxlength=(WHY_MAX) autocomplete="off"; }
                button type="submit" { "Pause" }
            }
            p.note { "What runs goes on. What comes meanwhile waits, and nothing is lost." }
        }
    }
}

fn workers_table(workers: &[WorkerRow]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Worker" } th scope="col" { "Queue" } th scope="col" { "State" }
                th.number scope="col" { "Holds" } th.number scope="col" { "Heartbeat" }
            } }
            tbody {
                @for worker in workers {
                    tr {
                        th scope="row" { (worker.worker) }
                        td { (worker.queue) }
                        td { (state(&worker.state)) }
                        td.number { (count(worker.holds)) " of " (worker.slots) }
                        td.number { (seconds(worker.heartbeat_age_s)) " ago" }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Workers" }
            @if workers.is_empty() { p.empty { "No worker is running: nothing is processed." } }
            @else { (wide("Workers", &table)) }
        }
    }
}

/// What a form names: a queue of ours, and a number in it or all of it.
struct Target {
    queue: Queue,
    number: Option<String>,
}

impl Target {
    fn of(posted: &Posted) -> Result<Self, Refusal> {
        let name = posted.text("queue").unwrap_or_default();
        let queue = Queue::ALL.into_iter().find(|it| it.name() == name);
        let queue = queue.ok_or_else(|| Refusal::BadInput("there is no such queue".to_owned()))?;
        let number = posted.text("number").map(PhoneNumberId::parse);
        match number {
            None => Ok(Self { queue, number: None }),
            Some(Some(number)) => Ok(Self { queue, number: Some(number.as_str().to_owned()) }),
            Some(None) => Err(Refusal::BadInput("want Meta's id of a number".to_owned())),
        }
    }

    fn subject(&self) -> String {
        match &self.number {
            None => format!("queue {}", self.queue.name()),
            Some(number) => format!("number {number} in queue {}", self.queue.name()),
        }
    }
}

/// Pauses.
pub async fn pause(desk: Data<Desk>, posted: Posted) -> Result<HttpResponse, Refusal> {
    let target = Target::of(&posted)?;
    let why: String = posted.text("why").unwrap_or_default().chars().take(WHY_MAX).collect();
    if why.is_empty() {
        return Err(Refusal::BadInput("say why: the next operator will ask".to_owned()));
    }
    let number = target.number.is_some();
    let action = if number { Action::PauseNumber } else { Action::PauseQueue };
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    desk.ask(move |store| async move {
        let details = Some(why.clone());
        let act = Act { actor: &actor, action, subject: target.subject(), details, now };
        store.pause(target.queue.name(), target.number.as_deref(), &why, &act).await
    })
    .await?;
    Ok(to("/queue?did=paused"))
}

/// Resumes.
pub async fn resume(desk: Data<Desk>, posted: Posted) -> Result<HttpResponse, Refusal> {
    let target = Target::of(&posted)?;
    let number = target.number.is_some();
    let action = if number { Action::ResumeNumber } else { Action::ResumeQueue };
    let (actor, now) = (posted.visit.actor(), desk.clock.now());
    desk.ask(move |store| async move {
        let act = Act { actor: &actor, action, subject: target.subject(), details: None, now };
        store.resume(target.queue.name(), target.number.as_deref(), &act).await
    })
    .await?;
    Ok(to("/queue?did=resumed"))
}
