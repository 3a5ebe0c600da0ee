//! A job and its reason: both or neither, and once.

use apalis_lease::{EnqueueError, Enqueued, NewJob, enqueue, enqueue_all, migrate};

use crate::rig::{Log, QUEUE, Rig, config, job};

#[tokio::test]
async fn a_job_is_gone_when_the_callers_transaction_rolls_back() {
    let rig = Rig::start().await;
    let mut transaction = rig.pool.begin().await.unwrap();
    enqueue(&mut transaction, &job(1)).await.unwrap();
    enqueue_all(&mut transaction, &[job(2), job(3)]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(rig.depth().await.ready, 0);

    let mut transaction = rig.pool.begin().await.unwrap();
    enqueue(&mut transaction, &job(1)).await.unwrap();
    enqueue_all(&mut transaction, &[job(2), job(3)]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(rig.depth().await.ready, 3);
}

#[tokio::test]
async fn a_key_that_is_taken_writes_nothing_and_leaves_the_transaction_whole() {
    let rig = Rig::start().await;
    let mut transaction = rig.pool.begin().await.unwrap();
    let first = enqueue(&mut transaction, &job(1).key("k")).await.unwrap();
    assert!(matches!(first, Enqueued::New(_)));
    assert_eq!(enqueue(&mut transaction, &job(2).key("k")).await.unwrap(), Enqueued::Already);
    let elsewhere = NewJob::new("other", 3_u64).key("k");
    assert!(matches!(enqueue(&mut transaction, &elsewhere).await.unwrap(), Enqueued::New(_)));
    transaction.commit().await.unwrap();
    assert_eq!(rig.depth().await.ready, 1);
    assert_eq!(rig.number("select count(*) from apalis_lease.jobs").await, 2);
}

#[tokio::test]
async fn a_key_is_free_again_when_its_job_is_done() {
    let rig = Rig::start().await;
    let log = Log::default();
    let seen = log.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            async { Ok(().into()) }
        })
        .await;
    rig.announce(job(1).key("k")).await;
    rig.until_drained().await;
    rig.announce(job(2).key("k")).await;
    rig.until_drained().await;
    assert_eq!(log.numbers(), [1, 2]);
    worker.drain().await;
}

#[tokio::test]
async fn one_key_in_two_transactions_at_once_is_one_job() {
    let rig = Rig::start().await;
    let both = futures::future::join_all((0..2).map(async |number| {
        let mut transaction = rig.pool.begin().await.unwrap();
        let enqueued = enqueue(&mut transaction, &job(number).key("k")).await.unwrap();
        transaction.commit().await.unwrap();
        enqueued
    }))
    .await;
    assert_eq!(both.iter().filter(|it| **it == Enqueued::Already).count(), 1);
    assert_eq!(rig.depth().await.ready, 1);
}

#[tokio::test]
async fn many_jobs_are_answered_in_their_order() {
    let rig = Rig::start().await;
    rig.enqueue(job(0).key("b")).await;
    let mut connection = rig.pool.acquire().await.unwrap();
    let jobs = [job(1).key("z"), job(2), job(3).key("b"), job(4).key("a"), job(5).key("z")];
    let answers = enqueue_all(&mut connection, &jobs).await.unwrap();
    let written: Vec<bool> = answers.iter().map(|it| matches!(it, Enqueued::New(_))).collect();
    assert_eq!(written, [true, true, false, true, false]);
    for (answer, number) in answers.iter().zip(1_i64..) {
        let Enqueued::New(id) = answer else { continue };
        let payload: i64 =
            sqlx::query_scalar("select payload::bigint from apalis_lease.jobs where id = $1")
                .bind(id.get())
                .fetch_one(&mut *connection)
                .await
                .unwrap();
        assert_eq!(payload, number);
    }
    assert!(enqueue_all::<u64>(&mut connection, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_payload_that_postgres_refuses_does_not_cost_the_transaction() {
    let rig = Rig::start().await;
    let mut transaction = rig.pool.begin().await.unwrap();
    let refused = enqueue(&mut transaction, &NewJob::new(QUEUE, "a\0b")).await;
    assert!(matches!(refused, Err(EnqueueError::Nul)));
    enqueue(&mut transaction, &job(1)).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(rig.depth().await.ready, 1);
}

#[tokio::test]
async fn migrating_again_and_at_once_changes_nothing() {
    let rig = Rig::start().await;
    rig.enqueue(job(1)).await;
    let all = futures::future::join_all((0..4).map(|_| migrate(&rig.pool))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(rig.depth().await.ready, 1);

    rig.execute("drop schema apalis_lease cascade".to_owned()).await;
    let all = futures::future::join_all((0..4).map(|_| migrate(&rig.pool))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(rig.depth().await.ready, 0);
    let applied = rig.number("select count(*) from apalis_lease.migrations").await;
    assert_eq!(applied, 4);
}
