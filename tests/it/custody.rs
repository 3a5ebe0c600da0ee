//! 200 means custody, also while Postgres is away.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use private_postgres::Stop;
use serde_json::Value;

use crate::programs::{INGRESS, Running, free_port, ready};
use crate::rig::{CAFE, Rig, somebody};

const ONCE: &str = "select count(*) from messages";

/// What lies in the spool, in bytes.
fn spooled(rig: &Rig) -> u64 {
    let files = std::fs::read_dir(rig.spool.path()).unwrap().map(|it| it.unwrap());
    files
        .filter(|it| it.path().extension().is_some_and(|it| it == "spool"))
        .map(|it| it.metadata().unwrap().len())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_webhooks_are_200_and_are_there_once_when_it_is_back() {
    let mut rig = Rig::start().await;
    let photo = rig.photo(&somebody(), CAFE);
    let mut payloads: Vec<Value> = vec![rig.meta.webhook([photo.clone()])];
    payloads.extend((0..20).map(|_| rig.meta.webhook([rig.meta.text(&somebody(), "hi")])));

    rig.cluster.stop(Stop::Immediate).await.unwrap();
    for payload in &payloads {
        let answer = rig.meta.deliver(payload).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.elapsed < Duration::from_secs(10), "took {:?}", answer.elapsed);
    }
    assert!(spooled(&rig) > 0);
    // Meta delivers one of them again, for whatever reason.
    assert_eq!(rig.meta.deliver(&payloads[0]).await.unwrap().status, 200);
    rig.cluster.start_again().await.unwrap();

    rig.wait_for_row("select count(*) >= 21 from messages").await;
    rig.drain().await;
    assert_eq!(rig.value::<i64>(ONCE).await, 21);
    assert_eq!(rig.value::<String>("select state from media").await, "stored", "with its photo");
    assert_eq!(rig.count("entries").await, 1);
    assert_eq!(rig.answers_to(&photo).len(), 1);
    assert_eq!(spooled(&rig), 0, "what has found its place is deleted");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_spool_survives_the_ingress() {
    let mut rig = Rig::start().await;
    let port = free_port();
    let mut settings = rig.environment().to_vec();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    let mut ingress = Running::start(INGRESS, &settings);
    ready(port).await;
    rig.meta.webhook_url(format!("http://127.0.0.1:{port}/webhook"));
    rig.cluster.stop(Stop::Fast).await.unwrap();
    let payload = rig.meta.webhook([rig.photo(&somebody(), CAFE)]);
    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);

    ingress.kill();
    rig.cluster.start_again().await.unwrap();
    rig.restart_ingress().await;

    rig.wait_for_row("select count(*) = 1 from messages").await;
    rig.drain().await;
    assert_eq!(rig.meta.sent().len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_neither_postgres_nor_the_spool_takes_it_meta_is_told_to_deliver_again() {
    let mut rig = Rig::start_with(&[("SPOOL_MAX_BYTES", "100")]).await;
    let payload = rig.meta.webhook([rig.photo(&somebody(), CAFE)]);
    rig.cluster.stop(Stop::Fast).await.unwrap();
    let refused = rig.meta.deliver(&payload).await.unwrap();
    assert_eq!(refused.status, 503);
    assert_eq!(spooled(&rig), 0, "nothing half-written");
    rig.cluster.start_again().await.unwrap();

    let tries = rig.meta.deliver_with_redelivery(&payload).await;

    assert!(tries.accepted());
    assert_eq!(rig.value::<i64>(ONCE).await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_hangs_is_answered_from_the_spool_in_time() {
    let rig = Rig::start().await;
    let mut holder = rig.pool.begin().await.unwrap();
    sqlx::query("lock table message_ids in access exclusive mode")
        .execute(&mut *holder)
        .await
        .unwrap();

    let payload = rig.meta.webhook([rig.photo(&somebody(), CAFE)]);
    let answer = rig.meta.deliver(&payload).await.unwrap();
    holder.rollback().await.unwrap();

    assert_eq!(answer.status, 200);
    assert!(answer.elapsed < Duration::from_secs(10), "took {:?}", answer.elapsed);
    rig.wait_for_row("select count(*) = 1 from messages").await;
    rig.drain().await;
    assert_eq!(rig.meta.sent().len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_postgres_never_takes_is_set_aside_and_costs_neither_neighbour_nor_next() {
    let rig = Rig::start().await;
    sqlx::query(
        "alter table messages add constraint nobody_likes_it check (profile_name <> 'Bad')",
    )
    .execute(&rig.pool)
    .await
    .unwrap();
    let bad = simulators::Sender::with_phone("15550001111", "Bad");
    let (good, worse) = (rig.meta.text(&somebody(), "a"), rig.meta.text(&bad, "b"));

    let first = rig.meta.webhook([good.clone(), worse]);
    assert_eq!(rig.meta.deliver(&first).await.unwrap().status, 200);
    rig.deliver([rig.meta.text(&somebody(), "c")]).await;
    rig.wait_for_row("select count(*) = 2 from messages").await;
    rig.wait_for_row("select count(*) = 2 from apalis_lease.jobs").await;

    let aside = rig.spool.path().join("set-aside");
    crate::rig::until("it is set aside", || aside.read_dir().unwrap().count() == 1).await;
    crate::rig::until("the spool is empty", || spooled(&rig) == 0).await;
    rig.end().await;
}

/// The spool's files in this folder of it, each with the rights of everybody but its owner.
fn rights_of_others(rig: &Rig, folder: &str) -> Vec<u32> {
    let files = rig.spool.path().join(folder).read_dir().unwrap().map(|it| it.unwrap());
    files
        .filter(|it| it.path().extension().is_some_and(|it| it == "spool"))
        .map(|it| it.metadata().unwrap().permissions().mode() & 0o077)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_on_the_disk_is_for_its_owner_only() {
    let mut rig = Rig::start().await;
    let never = "alter table messages add constraint never check (profile_name <> 'Bad')";
    sqlx::query(never).execute(&rig.pool).await.unwrap();
    let bad = simulators::Sender::with_phone("15550001111", "Bad");
    rig.deliver([rig.meta.text(&bad, "a")]).await;
    let aside = rig.spool.path().join("set-aside");
    crate::rig::until("it is set aside", || aside.read_dir().unwrap().count() == 1).await;
    assert_eq!(rights_of_others(&rig, "set-aside"), [0]);

    rig.cluster.stop(Stop::Fast).await.unwrap();
    let payload = rig.meta.webhook([rig.photo(&somebody(), CAFE)]);
    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);
    assert_eq!(rights_of_others(&rig, ""), [0]);

    rig.cluster.start_again().await.unwrap();
    rig.wait_for_row("select count(*) = 1 from messages").await;
    rig.drain().await;
    rig.end().await;
}
