//! A job that settles in a transaction of its own: what it has done and that it is done are one.

use std::sync::Arc;

use apalis_lease::{Outcome, SettleError};
use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::rig::{LEASE, Log, Rig, config, eventually, job};

const POSTED: &str = "select count(*) from posted";

async fn rig() -> Rig {
    let rig = Rig::start().await;
    rig.execute("create table posted (number bigint)".to_owned()).await;
    rig
}

/// The handler's effect.
async fn post(transaction: &mut sqlx::PgTransaction<'_>, number: u64) {
    sqlx::query("insert into posted values ($1)")
        .bind(i64::try_from(number).unwrap())
        .execute(&mut **transaction)
        .await
        .unwrap();
}

#[tokio::test]
async fn effect_and_outcome_are_one_commit_and_what_is_returned_after_it_changes_nothing() {
    let rig = rig().await;
    let pool = rig.pool.clone();
    let worker = rig
        .work(config(), move |number, context| {
            let pool = pool.clone();
            async move {
                let mut transaction = pool.begin().await?;
                post(&mut transaction, number).await;
                context.settle(&mut transaction, &Outcome::Done).await?;
                transaction.commit().await?;
                assert!(number != 2, "after the commit");
                if number == 3 { Err("after the commit".into()) } else { Ok(Outcome::Done) }
            }
        })
        .await;
    for number in 1..=3 {
        let id = rig.announce(job(number)).await;
        rig.until_state(id, "done").await;
        assert_eq!(rig.outcomes(id).await, ["done"]);
    }
    worker.drain().await;
    assert_eq!(rig.number(POSTED).await, 3);
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_leaves_the_outcome_to_the_handler() {
    let rig = rig().await;
    let (log, pool) = (Log::default(), rig.pool.clone());
    let seen = log.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            let pool = pool.clone();
            async move {
                let mut transaction = pool.begin().await?;
                post(&mut transaction, number).await;
                context.settle(&mut transaction, &Outcome::Done).await?;
                if context.attempt() == 1 {
                    transaction.rollback().await?;
                    return Ok(Outcome::retry("thought better of it"));
                }
                transaction.commit().await?;
                Ok(Outcome::Done)
            }
        })
        .await;
    let id = rig.announce(job(1)).await;
    rig.until_state(id, "done").await;
    assert_eq!(rig.outcomes(id).await, ["retry", "done"]);
    assert_eq!(rig.number(POSTED).await, 1);
    worker.drain().await;
}

#[tokio::test]
async fn any_outcome_can_be_settled_so() {
    let rig = rig().await;
    let (log, pool) = (Log::default(), rig.pool.clone());
    let seen = log.clone();
    let worker = rig
        .work(config(), move |number, context| {
            seen.note(number, &context);
            let pool = pool.clone();
            async move {
                let outcome = match context.attempt() {
                    1 => Outcome::retry("once more"),
                    _ => Outcome::give_up("no use"),
                };
                let mut transaction = pool.begin().await?;
                post(&mut transaction, number).await;
                context.settle(&mut transaction, &outcome).await?;
                transaction.commit().await?;
                Ok(Outcome::Done)
            }
        })
        .await;
    let id = rig.announce(job(1)).await;
    rig.until_state(id, "dead").await;
    assert_eq!(rig.outcomes(id).await, ["retry", "give_up"]);
    assert_eq!(log.attempts(), [1, 2]);
    assert_eq!(rig.number(POSTED).await, 2);
    worker.drain().await;
}

#[tokio::test]
async fn a_job_that_was_cancelled_meanwhile_cannot_settle_and_its_effect_is_undone() {
    let rig = rig().await;
    let (pool, gate) = (rig.pool.clone(), Arc::new(Semaphore::new(0)));
    let (held, told) = (Arc::clone(&gate), Log::default());
    let (begun, late) = (told.clone(), Arc::new(Semaphore::new(0)));
    let refused = Arc::clone(&late);
    let worker = rig
        .work(config(), move |number, context| {
            begun.note(number, &context);
            let (pool, held, refused) = (pool.clone(), Arc::clone(&held), Arc::clone(&refused));
            async move {
                held.acquire().await?.forget();
                let mut transaction = pool.begin().await?;
                post(&mut transaction, number).await;
                let settled = context.settle(&mut transaction, &Outcome::Done).await;
                assert!(matches!(settled, Err(SettleError::TooLate)));
                transaction.rollback().await?;
                refused.add_permits(1);
                Ok(Outcome::Done)
            }
        })
        .await;
    let id = rig.announce(job(1)).await;
    told.until_count(1).await;
    assert!(apalis_lease::cancel_job(&rig.pool, id, "not wanted").await.unwrap());
    gate.add_permits(1);
    eventually("it was refused", async || late.available_permits() == 1).await;
    worker.drain().await;
    assert_eq!(rig.number(POSTED).await, 0);
    assert_eq!(rig.outcomes(id).await, ["cancelled"]);
}

/// The open transaction locks the job's row. Heartbeats must pass it by, or every other lease of
/// the worker would lapse; and no rescue may take a row that is being settled.
#[tokio::test]
async fn an_open_transaction_holds_up_no_heartbeat_and_its_job_is_not_rescued() {
    let rig = rig().await;
    let (log, pool) = (Log::default(), rig.pool.clone());
    let gate = Arc::new(Semaphore::new(0));
    let (seen, held) = (log.clone(), Arc::clone(&gate));
    let handler = move |number, context: apalis_lease::JobContext| {
        seen.note(number, &context);
        let (pool, held): (PgPool, _) = (pool.clone(), Arc::clone(&held));
        async move {
            if number == 1 {
                let mut transaction = pool.begin().await?;
                post(&mut transaction, number).await;
                context.settle(&mut transaction, &Outcome::Done).await?;
                held.acquire().await?.forget();
                transaction.commit().await?;
            } else {
                held.acquire().await?.forget();
            }
            Ok(Outcome::Done)
        }
    };
    let worker = rig.work(config().concurrency(2), handler.clone()).await;
    let rescuer = rig.work(config(), handler).await;
    let slow = rig.announce(job(1)).await;
    log.until_count(1).await;
    let beside = rig.announce(job(2)).await;
    log.until_count(2).await;
    tokio::time::sleep(LEASE * 3).await;
    gate.add_permits(2);
    for id in [slow, beside] {
        rig.until_state(id, "done").await;
        assert_eq!(rig.outcomes(id).await, ["done"]);
    }
    assert_eq!(log.attempts(), [1, 1]);
    worker.drain().await;
    rescuer.drain().await;
}
