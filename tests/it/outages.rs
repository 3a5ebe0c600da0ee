//! Others fail; nothing is lost and nothing is doubled.

use std::time::Duration;

use paragon::store::Store;
use paragon::store::ingresses::SpoolState;
use private_postgres::Stop;
use simulators::meta::Tamper;
use simulators::{Fault, MetaRoute, Sender, StripeRoute};

use crate::rig::{CAFE, CAT, Rig, TANKSTELLE, somebody, until};

#[tokio::test(flavor = "multi_thread")]
async fn stripe_failing_inside_makes_one_customer_under_a_new_key() {
    let rig = Rig::start().await;
    rig.stripe.fault(StripeRoute::CustomersCreate, &Fault::INTERNAL_ERROR, 2);
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    assert_eq!(rig.stripe.customers().len(), 1);
    let keys: std::collections::HashSet<String> = rig
        .stripe
        .asked_on(StripeRoute::CustomersCreate)
        .iter()
        .map(|it| it.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!(keys.len(), 3, "Stripe replays a stored 500: each try has a key of its own");
    assert!(keys.iter().all(|it| !it.contains("420777123456")), "a key names nobody's phone");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_created_by_a_call_whose_answer_was_lost_is_not_created_again() {
    let rig = Rig::start().await;
    rig.stripe.search_lag(Duration::from_hours(1));
    rig.stripe.fault(StripeRoute::CustomersCreate, &Fault::DoneButAnswerLost, 1);
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    assert_eq!(rig.stripe.customers().len(), 1);
    assert_eq!(rig.count("entries").await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_lookup_is_not_nobody() {
    let rig = Rig::start().await;
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::INTERNAL_ERROR, 2);
    rig.stripe.fault(
        StripeRoute::CustomersSearch,
        &Fault::TooManyRequests { retry_after: Some(1) },
        1,
    );
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;

    assert_eq!(rig.stripe.count(StripeRoute::CustomersSearch), 4);
    assert_eq!(rig.stripe.count(StripeRoute::CustomersCreate), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_hangs_is_cut_or_refused_is_fetched_anew() {
    let rig = Rig::start_with(&[("MEDIA_BUDGET_MS", "300")]).await;
    rig.meta.fault(MetaRoute::MediaObject, &Fault::Hang, 1);
    rig.meta.fault(MetaRoute::MediaObject, &Fault::INTERNAL_ERROR, 1);
    rig.meta.fault(MetaRoute::MediaBytes, &Fault::Cut, 1);
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.count("entries").await, 1);
    assert_eq!(rig.answers_to(&photo).len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_whose_bytes_are_not_the_promised_ones_is_never_booked() {
    let rig = Rig::start().await;
    let media = rig.meta.add_media(CAFE, "image/jpeg");
    rig.meta.tamper(&media, Tamper::WrongDigest);
    let photo = rig.meta.photo(&somebody(), &media);

    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.count("blobs").await, 0, "nothing of it is kept");
    assert_eq!(rig.count("entries").await, 0);
    assert_eq!(rig.value::<String>("select state from media").await, "lost");
    let said = rig.answers_to(&photo)[0].text.clone().unwrap();
    assert!(said.contains("send the receipt again"), "{said}");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_restarted_under_a_running_worker_costs_nothing() {
    let mut rig = Rig::start().await;
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::Slow(Duration::from_secs(4)), 1);
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let worker = rig.worker().await;
    let mut working = tokio::task::JoinSet::new();
    working.spawn(worker.run(stop.clone()));
    until("Stripe is asked", || rig.stripe.count(StripeRoute::CustomersSearch) == 1).await;

    rig.cluster.stop(Stop::Immediate).await.unwrap();
    rig.cluster.start_again().await.unwrap();
    until("the answer", || rig.meta.sent().len() == 1).await;
    rig.wait_for_row("select not exists (select from apalis_lease.jobs)").await;
    stop.cancel();
    working.join_next().await.unwrap().unwrap().unwrap();

    assert_eq!(rig.count("entries").await, 1);
    assert_eq!(rig.meta.sent().len(), 1);
    assert_eq!(rig.stripe.customers().len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_told_to_the_sender_and_stays_visible_until_retried() {
    let mut rig = Rig::start().await;
    let refused = Fault::Refuse { status: 400, code: "parameter_unknown" };
    rig.stripe.fault(StripeRoute::CustomersCreate, &refused, 1);
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    let reason: String = rig.value("select reason from ops.dead_jobs").await;
    assert!(reason.starts_with("match_customer: stripe: refused"), "{reason}");
    let told = rig.answers_to(&photo)[0].text.clone().unwrap();
    assert!(told.contains("Your photo is safe"), "{told}");

    let retried = "select apalis_lease.retry_job(job) from ops.dead_jobs";
    assert!(rig.value::<bool>(retried).await);
    rig.drain().await;

    assert_eq!(rig.count("ops.dead_jobs").await, 0);
    assert_eq!(rig.count("entries").await, 1);
    assert!(rig.answers_to(&photo)[1].text.as_deref().unwrap().starts_with("Booked"));
    let told: String = rig.value("select string_agg(kind, ' ' order by id) from events").await;
    assert_eq!(told, "entry.failed entry.booked");
    rig.end_with_dead_jobs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_could_not_be_sent_is_sent_by_the_next_try() {
    let mut rig = Rig::start().await;
    let refused = Fault::Refuse { status: 400, code: "parameter_unknown" };
    rig.stripe.fault(StripeRoute::CustomersCreate, &refused, 2);
    // The read mark goes to the same address, before the notice.
    rig.meta.fault(MetaRoute::Messages, &Fault::Slow(Duration::from_millis(1)), 1);
    rig.meta.fault(MetaRoute::Messages, &Fault::Refuse { status: 400, code: "131016" }, 1);
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert_eq!(rig.count("ops.dead_jobs").await, 1);
    let told: Vec<_> = rig.answers_to(&photo).into_iter().filter_map(|it| it.text).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("Your photo is safe"), "{}", told[0]);
    rig.end_with_dead_jobs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_pauses_its_number_burns_no_attempt_and_a_new_one_in_its_file_ends_the_pause()
{
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "simulated-access-token\n").unwrap();
    let path = file.path().to_str().unwrap();
    let rig = Rig::start_with(&[("WA_TOKEN", ""), ("WA_TOKEN_FILE", path)]).await;
    let senders = ["420777123456", "420777123457", "420777123458"];
    let photos = senders.map(|it| rig.photo(&Sender::with_phone(it, "Jana"), CAT));
    rig.deliver(photos.clone()).await;
    rig.meta.accept_only_token("another");

    let replaced = async {
        rig.wait_for_row("select exists (select from told_pauses)").await;
        rig.wait_for_row(
            "select not exists (select from apalis_lease.jobs
                                where queue = 'local_reading' or state = 'running')",
        )
        .await;
        let burnt = "select coalesce(max(attempt), 0) from apalis_lease.jobs";
        assert_eq!(rig.value::<i32>(burnt).await, 0);
        assert_eq!(rig.count("apalis_lease.jobs").await, 3, "they wait");
        assert_eq!(rig.meta.sent().len(), 0);
        std::fs::write(&file, "another\n").unwrap();
    };
    tokio::join!(rig.drain(), replaced);

    assert_eq!(photos.map(|it| rig.answers_to(&it).len()), [1, 1, 1]);
    assert_eq!(rig.count("told_pauses").await, 0);
    // The ingress reads it, too, within some seconds.
    let here = "select state from media order by message_id desc limit 1";
    let mut tries = 0;
    loop {
        rig.deliver([rig.photo(&somebody(), TANKSTELLE)]).await;
        if rig.value::<String>(here).await == "stored" {
            break;
        }
        tries += 1;
        assert!(tries < 50, "the ingress goes on with the dead token");
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    rig.drain().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_whose_token_meta_accepts_again_flows_on_by_itself() {
    let rig = Rig::start().await;
    rig.deliver([rig.photo(&somebody(), CAT)]).await;
    rig.meta.accept_only_token("another");
    rig.drain_until("select exists (select from apalis_lease.paused_groups)").await;

    rig.meta.accept_only_token(rig.meta.options().access_token.clone());
    rig.drain().await;

    assert_eq!(rig.meta.sent().len(), 1);
    rig.end().await;
}

/// sqlx takes a transaction for begun when Postgres has said so: who stops waiting before that must not
/// leave one open, in which the next one's writes would vanish.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_nobody_waits_for_any_more_swallows_nothing() {
    let rig = Rig::start().await;
    let store = Store::open(&rig.database_url, 1).unwrap();
    store.ping().await.unwrap();
    let frozen = rig.cluster.freeze().unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(200), store.begin()).await;
    assert!(given_up.is_err(), "Postgres is frozen");
    drop(frozen);

    let id = uuid::Uuid::new_v4();
    store.ingress_seen(id, SpoolState::Empty).await.unwrap();

    let seen = format!("select exists (select from ingresses where id = '{id}')");
    assert!(rig.value::<bool>(&seen).await, "it was written, and is not there");
    store.close().await;
    rig.end().await;
}
