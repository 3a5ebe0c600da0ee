//! The dashboard in a real Chromium, driven by `tests/browser/dashboard.test.mjs`.

use simulators::{Fault, StripeRoute};

use super::{Desk, PASSWORD};
use crate::browser;
use crate::rig::{CAFE, Rig, TANKSTELLE, somebody};
use paragon::clock::Clock;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_signs_in_corrects_an_entry_and_retries_a_dead_job_in_a_browser() {
    const SCRIPT: &str = "dashboard.test.mjs";
    if !browser::is_to_be_run(SCRIPT) {
        return;
    }
    let mut rig = Rig::start().await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    let refused = Fault::Refuse { status: 400, code: "parameter_unknown" };
    rig.stripe.fault(StripeRoute::CustomersCreate, &refused, 1);
    let other = simulators::Sender::with_phone("4915112345678", "Karl Weiß");
    rig.deliver([rig.photo(&other, TANKSTELLE)]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    let desk = Desk::locked(&rig.database_url, Clock::system());

    browser::run(SCRIPT, &[("DASHBOARD", &desk.base), ("PASSWORD", PASSWORD)]).await;

    let corrected: i64 = rig.value("select total_minor from entries where id = 1").await;
    assert_eq!(corrected, 2340);
    rig.drain().await;
    assert_eq!(rig.count("entries").await, 2, "the retried job booked");
    desk.end().await;
    rig.end_with_dead_jobs().await;
}
