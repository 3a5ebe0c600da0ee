//! What was said to the sender, and the jobs of a message with each attempt and each wait between.

use maud::{Markup, html};

use crate::app::dashboard::guard::Visit;
use crate::app::dashboard::shell::{none, or_none, state, time, time_or_none, token, took, wide};
use crate::store::pages::message::{Attempt, Job, Said, Send};

/// What was said, each with its attempts.
pub fn said(said: &[Said], sends: &[Send]) -> Markup {
    html! {
        @for one in said {
            section.panel {
                h2 { (heading(&one.part)) " " (state(&one.state)) }
                blockquote.said { (one.body) }
                @if let Some(reason) = &one.reason { p.note { (reason) } }
                (attempts_to_send(&one.outcome, sends.iter().filter(|it| it.said == one.id)))
            }
        }
    }
}

fn heading(part: &str) -> &str {
    match part {
        "answer" => "Answer",
        "notice" => "Word that it was given up",
        "delay" => "Word that it takes longer",
        other => other,
    }
}

fn attempts_to_send<'a>(outcome: &str, sends: impl Iterator<Item = &'a Send>) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Send" } th scope="col" { "As" } th scope="col" { "Begun" }
                th scope="col" { "Meta" } th scope="col" { "Code" } th scope="col" { "Phone" }
                th scope="col" { "Delivered" }
            } }
            tbody {
                @for send in sends {
                    tr {
                        th scope="row" { (send.number) }
                        td { (send.form) }
                        td { (time(send.intended_at)) }
                        td { (state(send.outcome.as_deref().unwrap_or("unknown"))) }
                        td { (send.error_code.map_or_else(none, |it| html! { (it) })) }
                        td { (send.delivery.as_deref().map_or_else(none, state)) }
                        td { (time_or_none(send.delivered_at)) }
                    }
                }
            }
        }
    };
    html! { (wide(&format!("Attempts to send: {outcome}"), &table)) }
}

/// The jobs, each with its attempts and the waits between them.
pub fn jobs(visit: &Visit, jobs: &[Job], attempts: &[Attempt]) -> Markup {
    html! {
        section.panel {
            h2 { "Jobs and attempts" }
            @if jobs.is_empty() { p.empty { "None (any more): history is kept for a while." } }
            @for job in jobs {
                article.job {
                    h3 { "Job " (job.id) " in " (job.queue) " " (state(&job.state)) }
                    (timeline(job, attempts.iter().filter(|it| it.job == job.id)))
                    @if job.state == "dead" {
                        form method="post" action="/dead/retry" {
                            (token(visit))
                            input type="hidden" name="job" value=(job.id);
                            button type="submit" { "Retry" }
                        }
                    }
                }
            }
        }
    }
}

fn timeline<'a>(job: &Job, attempts: impl Iterator<Item = &'a Attempt>) -> Markup {
    let mut since = job.created_at;
    let mut steps = Vec::new();
    for attempt in attempts {
        steps.push(html! {
            li.wait { "waited " (took(attempt.started_at - since)) }
            li {
                (state(&attempt.outcome)) " attempt " (attempt.number) ", "
                (time(attempt.started_at)) ", ran " (took(attempt.ended_at - attempt.started_at))
                ", " code { (attempt.worker) }
                @if let Some(reason) = &attempt.reason { p.words { (reason) } }
            }
        });
        since = attempt.ended_at;
    }
    html! {
        ol.timeline {
            li { "written " (time(job.created_at)) }
            @for step in steps { (step) }
            @match job.state.as_str() {
                "waiting" => li.wait { "waits until " (time(job.run_at)) " " (or_none(job.reason.as_deref())) },
                "paused" => li.wait { "its number is paused" },
                "running" => li.wait { "runs" },
                _ => li { "over " (time_or_none(job.done_at)) },
            }
        }
    }
}
