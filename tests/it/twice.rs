//! Told twice, done once.

use std::time::Duration;

use simulators::{Fault, StripeRoute};
use tokio::task::JoinSet;

use crate::rig::{CAFE, Rig, TESSERACT, somebody};

/// Once, and each of the other tellings was known for what it is.
async fn done_once(rig: &Rig, told_again: u16) {
    assert_eq!(rig.count("messages").await, 1);
    assert_eq!(rig.count("entries").await, 1);
    let first_jobs = "select count(*) from apalis_lease.done_jobs where queue = 'local_reading'";
    assert_eq!(rig.value::<i64>(first_jobs).await, 1, "read once");
    assert_eq!(rig.meta.sent().len(), 1, "answered once");
    assert_eq!(rig.stripe.customers().len(), 1);
    let repeated = rig.metric("paragon_ingress_items_total{item=\"repeated\"}").await;
    assert!((repeated - f64::from(told_again)).abs() < 0.5, "{repeated} are known as told again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_sent_twice_by_meta_is_answered_once() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let payload = rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    let jobs_before = rig.count("apalis_lease.jobs").await;
    let again = rig.meta.deliver(&payload).await.unwrap();
    assert_eq!((again.status, jobs_before), (200, 1));
    assert_eq!(rig.count("apalis_lease.jobs").await, 1);
    rig.drain().await;

    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200, "also after the answer");
    rig.drain().await;

    done_once(&rig, 2).await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_deliveries_of_one_message_at_the_same_moment_are_one_row_and_one_job() {
    let rig = std::sync::Arc::new(Rig::start_with(&[TESSERACT]).await);
    let payload = rig.meta.webhook([rig.photo(&somebody(), CAFE)]);
    let mut deliveries = JoinSet::new();
    for _ in 0..10 {
        let (rig, payload) = (std::sync::Arc::clone(&rig), payload.clone());
        deliveries.spawn(async move { rig.meta.deliver(&payload).await.unwrap().status });
    }
    let answered = deliveries.join_all().await;

    assert_eq!(answered, [200; 10]);
    assert_eq!(rig.count("messages").await, 1);
    assert_eq!(rig.count("apalis_lease.jobs").await, 1);
    rig.drain().await;
    done_once(&rig, 9).await;
    std::sync::Arc::into_inner(rig).unwrap().end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_twice_in_one_batch_is_one_message() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone(), photo]).await;
    rig.drain().await;
    done_once(&rig, 1).await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_of_a_new_sender_arriving_at_once_are_one_customer_although_search_lags() {
    let rig = Rig::start_with(&[TESSERACT, ("WORKER_OCR_CONCURRENCY", "2")]).await;
    rig.stripe.search_lag(Duration::from_hours(1));
    // The others come while the first one asks, and take its answer.
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::Slow(Duration::from_secs(1)), 1);
    let photos: Vec<_> = (0..4).map(|_| rig.photo(&somebody(), CAFE)).collect();

    rig.deliver(photos.clone()).await;
    rig.drain().await;

    assert_eq!(rig.count("entries").await, 4);
    assert_eq!(rig.stripe.customers().len(), 1);
    assert_eq!(rig.stripe.count(StripeRoute::CustomersSearch), 1);
    for photo in &photos {
        assert_eq!(rig.answers_to(photo).len(), 1);
    }
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_job_done_again_from_the_start_changes_nothing() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    let asked = (rig.meta.asked().len(), rig.stripe.asked().len());

    for queue in ["messages", "local_reading"] {
        let again = "insert into apalis_lease.jobs (queue, max_attempts, payload)
                     select $1, 3, jsonb_build_object('message_id', id) from messages";
        sqlx::query(again).bind(queue).execute(&rig.pool).await.unwrap();
    }
    rig.drain().await;

    assert_eq!(rig.count("entries").await, 1);
    assert_eq!(rig.count("readings").await, 1);
    assert_eq!(rig.meta.sent().len(), 1);
    // One read mark a job is harmless; nothing else is asked of anybody again.
    assert!(rig.meta.asked().len() <= asked.0 + 2);
    assert_eq!(rig.stripe.asked().len(), asked.1);
    rig.end().await;
}
