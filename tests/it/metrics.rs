//! What `/metrics` shows is what happened, and what docs/metrics.md lists.

use std::collections::BTreeMap;
use std::path::Path;

use simulators::{Fault, StripeRoute};
use tokio_util::sync::CancellationToken;

use crate::rig::{CAFE, Rig, TESSERACT, page, shown, somebody};

/// Runs a worker until `done` holds and it has looked at the queues after that; its page then.
async fn worked(rig: &Rig, done: &str) -> String {
    let worker = rig.worker().await;
    let address = worker.metrics_address().unwrap();
    let stop = CancellationToken::new();
    let work = Box::pin(worker.run(stop.clone()));
    let watch = async {
        rig.wait_for_row(done).await;
        assert_eq!(page(&format!("http://{address}/healthz")).await, "ok\n");
        assert_eq!(page(&format!("http://{address}/readyz")).await, "ready\n");
        let url = format!("http://{address}/metrics");
        let done_at = rig.value::<f64>("select extract(epoch from now())::float8").await;
        let mut text = page(&url).await;
        while shown(&text, "paragon_worker_looked_at_seconds") <= done_at {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            text = page(&url).await;
        }
        stop.cancel();
        text
    };
    let (ended, text) = tokio::join!(work, watch);
    ended.unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_shows_what_it_did_and_what_the_queues_hold() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::INTERNAL_ERROR, 1);
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    // One that nobody takes: it waits for tomorrow.
    let tomorrow = "with later as (
                        insert into apalis_lease.jobs (queue, run_at, max_attempts, payload)
                        values ('reminders', now() + interval '1 day', 1, '{\"reminder_id\": 0}')
                        returning id)
                    select count(*) from later";
    assert_eq!(rig.value::<i64>(tomorrow).await, 1);

    let answered = "select exists (select from replies where state = 'sent')
                    and (select count(*) = 1 from apalis_lease.jobs)";
    let text = worked(&rig, answered).await;

    for (name, value) in [
        ("paragon_worker_steps_total{step=\"match_customer\",outcome=\"failed\"}", 1.0),
        ("paragon_worker_steps_total{step=\"match_customer\",outcome=\"done\"}", 1.0),
        ("paragon_worker_steps_total{step=\"reply\",outcome=\"done\"}", 1.0),
        ("paragon_worker_step_seconds_count{step=\"match_customer\"}", 2.0),
        ("paragon_worker_answer_seconds_count", 1.0),
        ("paragon_worker_readings_total{engine=\"tesseract\",verdict=\"receipt\"}", 1.0),
        ("paragon_worker_calls_total{to=\"stripe\",outcome=\"failed\"}", 1.0),
        ("paragon_worker_calls_total{to=\"anthropic\",outcome=\"answered\"}", 0.0),
        ("paragon_worker_sends_total{what=\"answer\",outcome=\"accepted\"}", 1.0),
        ("paragon_worker_paused_numbers", 0.0),
        // To the engine, back from it, and once more after Stripe failed.
        ("apalis_lease_claims_total{queue=\"messages\"}", 3.0),
        ("apalis_lease_running_time_seconds_count{queue=\"messages\",outcome=\"retry\"}", 1.0),
        ("apalis_lease_jobs{queue=\"reminders\",state=\"deferred\"}", 1.0),
        ("apalis_lease_jobs{queue=\"messages\",state=\"ready\"}", 0.0),
        ("apalis_lease_rescues_total{queue=\"messages\"}", 0.0),
    ] {
        let is = shown(&text, name);
        assert!((is - value).abs() < 0.5, "{name} is {is}, not {value}");
    }
    assert!(shown(&text, "paragon_worker_calls_total{to=\"graph\",outcome=\"answered\"}") >= 2.0);
    rig.end().await;
}

/// Names and kinds of the numbers on a page.
fn numbers_of(page: &str) -> BTreeMap<String, String> {
    let told = page.lines().filter_map(|it| it.strip_prefix("# TYPE ")?.split_once(' '));
    told.map(|(name, kind)| {
        let total = if kind == "counter" { "_total" } else { "" };
        (format!("{name}{total}"), kind.to_owned())
    })
    .collect()
}

/// Names and kinds in the tables of docs/metrics.md.
pub fn numbers_in_the_list() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut listed = BTreeMap::new();
    for row in text.lines().filter(|it| it.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for name in cells[1].split('`').skip(1).step_by(2) {
            let name = name.split('{').next().unwrap();
            listed.insert(name.to_owned(), cells[2].to_owned());
        }
    }
    listed
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_numbers_is_what_both_programs_show() {
    let rig = Rig::start().await;
    rig.deliver([rig.meta.text(&somebody(), "hi")]).await;
    let worker = worked(&rig, "select not exists (select from apalis_lease.jobs)").await;

    let mut shown = numbers_of(&rig.metrics_page().await);
    shown.extend(numbers_of(&worker));

    assert_eq!(shown, numbers_in_the_list());
    rig.end().await;
}
