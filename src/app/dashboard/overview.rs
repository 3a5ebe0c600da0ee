//! At a glance: does it flow, how fast, what fails, what waits for a person, what it costs.

mod tables;

use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use maud::{Markup, html};

use self::tables::{costs, tables};
use super::form::Fields;
use super::guard::Visit;
use super::refusal::Refusal;
use super::shell::{count, live, seconds, state, time, told, wide};
use super::{Desk, shell};
use crate::store::health::{Failure, StepHour, StuckJob};
use crate::store::pages::health::{Cost, Minute, Table};
use crate::store::views::QueueDepth;

/// Reasons and stuck jobs that are shown.
const ROWS: i64 = 20;

/// What the page shows.
struct Overview {
    queues: Vec<QueueDepth>,
    hour: Vec<Minute>,
    steps: Vec<StepHour>,
    failures: Vec<Failure>,
    stuck: Vec<StuckJob>,
    tables: Vec<Table>,
    oldest_snapshot: Option<DateTime<Utc>>,
    costs: Vec<Cost>,
}

/// The page.
pub async fn page(desk: Data<Desk>, visit: Visit, asked: Fields) -> Result<HttpResponse, Refusal> {
    let now = desk.clock.now();
    let overview = desk
        .ask(move |store| async move {
            Ok(Overview {
                queues: store.queue_depth().await?,
                hour: store.last_hour().await?,
                steps: store.steps_of_the_hour().await?,
                failures: store.failures(ROWS).await?,
                stuck: store.stuck_jobs(ROWS).await?,
                tables: store.tables().await?,
                oldest_snapshot: store.oldest_snapshot().await?,
                costs: store.costs_of(month(now)).await?,
            })
        })
        .await?;
    let body = html! {
        h1 { "Overview" }
        (told(&asked))
        (live("glance", &glance(&overview)))
        (live("hour", &hour(&overview.hour)))
        (live("steps", &steps(&overview.steps)))
        (live("stuck", &stuck(&overview.stuck, now)))
        (live("failures", &failures(&overview.failures)))
        (live("costs", &costs(&overview.costs, now)))
        (live("tables", &tables(&overview.tables, overview.oldest_snapshot, now)))
    };
    Ok(shell::page(&visit, "/", "Overview", &body))
}

/// The first day of this month, UTC.
pub fn month(now: DateTime<Utc>) -> NaiveDate {
    let day = now.date_naive();
    day.with_day(1).unwrap_or(day)
}

fn glance(overview: &Overview) -> Markup {
    let queues = &overview.queues;
    let lag = queues.iter().map(|it| it.oldest_ready_s).fold(0.0, f64::max);
    let sum = |of: fn(&QueueDepth) -> i64| queues.iter().map(of).sum::<i64>();
    let (dead, done) = (sum(|it| it.dead), overview.hour.iter().map(|it| it.done).sum());
    html! {
        dl.tiles {
            (tile("Oldest ready job waits", &seconds(lag), lag > 60.0, Some("/queue")))
            (tile("Ready", &count(sum(|it| it.ready)), false, Some("/queue")))
            (tile("Running", &count(sum(|it| it.running)), false, Some("/queue")))
            (tile("Wait for a time", &count(sum(|it| it.deferred)), false, Some("/queue")))
            (tile("Dead", &count(dead), dead > 0, Some("/dead")))
            (tile("Answered in the last hour", &count(done), false, Some("/messages")))
        }
    }
}

fn tile(name: &str, value: &str, alarming: bool, place: Option<&str>) -> Markup {
    html! {
        div.tile.bad[alarming] {
            dt { @match place { Some(it) => a href=(it) { (name) }, None => (name) } }
            dd { (value) }
        }
    }
}

/// Sixty bars; the same numbers stand in words for who does not see them.
fn hour(minutes: &[Minute]) -> Markup {
    let most = minutes.iter().map(|it| it.done.max(it.failed)).max().unwrap_or(0).max(1);
    let (done, failed) =
        minutes.iter().fold((0, 0), |sum, it| (sum.0 + it.done, sum.1 + it.failed));
    let words = format!(
        "Messages answered in each of the last 60 minutes: {} in all, at most {} in a minute; {} \
         attempts failed",
        count(done),
        count(most),
        count(failed)
    );
    let height = |value: i64| value * 60 / most;
    html! {
        section.panel {
            h2 { "Last hour" }
            @if done + failed == 0 { p.empty { "Nothing was answered, and nothing failed." } }
            @else {
                svg.bars viewBox="0 0 480 64" preserveAspectRatio="none" role="img" aria-label=(words) {
                    @for (place, minute) in (0_i64..).zip(minutes) {
                        @if minute.done > 0 {
                            rect.done x=(place * 8 + 1) y=(62 - height(minute.done)) width="6"
                                height=(height(minute.done) + 1) {}
                        }
                        @if minute.failed > 0 {
                            rect.failed x=(place * 8 + 1) y=(62 - height(minute.failed)) width="3"
                                height=(height(minute.failed) + 1) {}
                        }
                    }
                }
                p.note {
                    span.key.done {} " answered, " span.key.failed {} " failed attempts; the highest bar is "
                    (count(most)) " in a minute"
                }
            }
        }
    }
}

fn steps(steps: &[StepHour]) -> Markup {
    let ms = |value: Option<f64>| match value {
        Some(it) => html! { (seconds(it / 1000.0)) },
        None => shell::none(),
    };
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" rowspan="2" { "Step" }
                    th.number scope="col" rowspan="2" { "Done" }
                    th.number scope="col" rowspan="2" { "Failed" }
                    th.number scope="colgroup" colspan="3" { "Waited for a worker" }
                    th.number scope="colgroup" colspan="3" { "Ran" }
                }
                tr {
                    @for _ in 0..2 {
                        th.number scope="col" { "p50" } th.number scope="col" { "p95" } th.number scope="col" { "p99" }
                    }
                }
            }
            tbody {
                @for step in steps {
                    tr {
                        th scope="row" { (step.step.replace('_', " ")) }
                        td.number { (count(step.done)) }
                        td.number { (count(step.failed)) }
                        @for value in percentiles(step) {
                            td.number { (ms(value)) }
                        }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Steps, last hour" }
            @if steps.is_empty() { p.empty { "Nothing has ended in the last hour." } }
            @else {
                (wide("Steps", &table))
                p.note { "From histograms, at most 19 % off. " em { "answer" }
                    " is a message's whole way, from webhook to Meta having the answer." }
            }
        }
    }
}

/// Of waiting, then of running.
fn percentiles(step: &StepHour) -> [Option<f64>; 6] {
    let StepHour { wait_p50_ms, wait_p95_ms, wait_p99_ms, .. } = *step;
    [wait_p50_ms, wait_p95_ms, wait_p99_ms, step.p50_ms, step.p95_ms, step.p99_ms]
}

fn stuck(stuck: &[StuckJob], now: DateTime<Utc>) -> Markup {
    if stuck.is_empty() {
        return html! {};
    }
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Job" } th scope="col" { "Message" } th.number scope="col" { "Attempts" }
                th scope="col" { "For" } th scope="col" { "What it waits for" }
            } }
            tbody {
                @for job in stuck {
                    tr {
                        th scope="row" { (job.job) }
                        td { (message_link(job.message)) }
                        td.number { (job.attempts) }
                        td { (shell::took(now - job.since)) }
                        td.words { (job.reason) }
                    }
                }
            }
        }
    };
    html! { section.panel.warn { h2 { "Stuck" } (wide("Stuck jobs", &table)) } }
}

/// A link to a message, where there is one.
pub fn message_link(message: Option<i64>) -> Markup {
    match message {
        Some(id) => html! { a href={ "/messages/" (id) } { "#" (id) } },
        None => shell::none(),
    }
}

fn failures(failures: &[Failure]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th.number scope="col" { "Attempts" } th scope="col" { "Step" } th scope="col" { "Reason" }
                th scope="col" { "Became" } th scope="col" { "Last" }
            } }
            tbody {
                @for cause in failures {
                    tr {
                        td.number { (count(cause.count)) }
                        td { (cause.step.replace('_', " ")) }
                        td.words { (cause.reason) }
                        td { (state(&cause.outcome)) }
                        td { (time(cause.last_at)) }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Errors by reason, last day" }
            @if failures.is_empty() { p.empty { "None." } } @else { (wide("Errors", &table)) }
        }
    }
}
