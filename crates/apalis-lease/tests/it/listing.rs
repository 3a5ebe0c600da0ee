//! What apalis' tools see of a queue, and what they may put into it.

use apalis_core::backend::{
    FetchById, Filter, ListAllTasks, ListQueues, ListTasks, ListWorkers, Metrics, TaskSink,
};
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::status::Status;
use apalis_core::task::task_id::TaskId;
use apalis_lease::{LeaseStorage, NewJob, Outcome, Priority};
use serde_json::{Value, json};

use crate::rig::{QUEUE, Rig, config, eventually, job};

fn filter(status: Option<Status>) -> Filter {
    Filter { status, page: 1, page_size: Some(3) }
}

#[tokio::test]
async fn tasks_are_listed_by_status_and_page_and_found_by_id_over_or_not() {
    let rig = Rig::start().await;
    let worker = rig
        .work(config(), |number, _| async move {
            Ok(if number == 1 { Outcome::give_up("never") } else { Outcome::Done })
        })
        .await;
    let dead = rig.announce(job(1)).await;
    let done = rig.announce(job(2).key("k")).await;
    rig.until_state(dead, "dead").await;
    rig.until_state(done, "done").await;
    worker.drain().await;
    let mut waiting = Vec::new();
    for number in 3..=5 {
        waiting.push(rig.enqueue(job(number).priority(Priority::Last)).await);
    }
    let mut connection = rig.pool.acquire().await.unwrap();
    apalis_lease::enqueue(&mut connection, &NewJob::new("other", 9)).await.unwrap();

    let mut storage = LeaseStorage::new(&rig.pool, QUEUE);
    let args = async |status, page| -> Vec<Value> {
        let filter = Filter { page, ..filter(status) };
        let tasks = storage.list_tasks(&filter).await.unwrap();
        tasks.into_iter().map(|it| it.args).collect()
    };
    assert_eq!(args(None, 1).await, [5, 4, 3]);
    assert_eq!(args(None, 2).await, [2, 1]);
    assert_eq!(args(None, 0).await, [5, 4, 3], "a page that is none is the first");
    assert_eq!(args(Some(Status::Failed), 1).await, [1]);
    assert_eq!(args(Some(Status::Done), 1).await, [2]);
    assert_eq!(args(Some(Status::Running), 1).await, [0; 0]);
    assert_eq!(storage.list_all_tasks(&filter(None)).await.unwrap()[0].args, json!(9));

    let id = TaskId::from_string(done.to_string());
    let task = storage.fetch_by_id(&id).await.unwrap().unwrap();
    assert_eq!((task.args.clone(), task.status(), task.attempt()), (json!(2), Status::Done, 1));
    assert_eq!((task.idempotency_key(), task.max_attempts()), (Some("k"), Some(10)));
    assert!(task.done_at().is_some());
    assert!(storage.fetch_by_id(&TaskId::from_string("nonsense")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_task_that_is_pushed_runs_and_a_taken_key_writes_nothing() {
    let rig = Rig::start().await;
    let mut storage = LeaseStorage::new(&rig.pool, QUEUE);
    storage.push(json!(1)).await.unwrap();
    storage.push_bulk(vec![json!(2), json!(3)]).await.unwrap();
    for number in [4, 5] {
        let task = TaskBuilder::new(json!(number)).idempotency_key("k").priority(0);
        storage.push_task(task.max_attempts(2).build()).await.unwrap();
    }
    let first = "select count(*) from apalis_lease.jobs
                 where key = 'k' and priority = 0 and max_attempts = 2 and payload = '4'";
    assert_eq!(rig.number(first).await, 1);
    assert_eq!(rig.depth().await.ready, 4);
    let worker = rig.work(config(), |_, _| async { Ok(Outcome::Done) }).await;
    storage.push(json!(6)).await.unwrap();
    rig.until_drained().await;
    worker.drain().await;
}

#[tokio::test]
async fn workers_are_listed_from_their_first_heartbeat_to_their_drain() {
    let rig = Rig::start().await;
    let storage = LeaseStorage::new(&rig.pool, QUEUE);
    assert!(storage.list_workers().await.unwrap().is_empty());
    let ended = async || rig.work(config(), |_, _| async { Ok(Outcome::Done) }).await;
    let (one, two) = (ended().await, ended().await);
    let count = async || storage.list_workers().await.unwrap().len();
    eventually("both are listed", async || count().await == 2).await;
    let listed = storage.list_all_workers().await.unwrap();
    assert!(listed.iter().all(|it| it.queue == QUEUE && it.last_heartbeat >= it.started_at));
    assert_ne!(listed[0].id, listed[1].id, "names may be the same");
    let heartbeats = "select count(*) from apalis_lease.workers where heartbeat_at > started_at";
    eventually("they beat on", async || rig.number(heartbeats).await == 2).await;
    one.drain().await;
    assert_eq!(count().await, 1);
    two.kill().await;
    assert_eq!(count().await, 1, "who was killed stays, with an old heartbeat");
}

#[tokio::test]
async fn queues_are_counted_with_their_workers_and_without_their_past() {
    let rig = Rig::start().await;
    let storage = LeaseStorage::new(&rig.pool, QUEUE);
    let worker = rig.work(config(), |_, _| async { Ok(Outcome::give_up("never")) }).await;
    let dead = rig.announce(job(1)).await;
    rig.until_state(dead, "dead").await;
    worker.drain().await;
    rig.enqueue(job(2)).await;
    let mut connection = rig.pool.acquire().await.unwrap();
    apalis_lease::enqueue(&mut connection, &NewJob::new("other", 9)).await.unwrap();

    let queues = storage.list_queues().await.unwrap();
    let names: Vec<&str> = queues.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, [QUEUE, "other"]);
    let value = |stats: &[apalis_core::backend::Statistic], title: &str| {
        stats.iter().find(|it| it.title == title).map(|it| it.value.clone())
    };
    let ours = storage.fetch_by_queue().await.unwrap();
    assert_eq!(value(&ours, "Ready").as_deref(), Some("1"));
    assert_eq!(value(&ours, "Dead").as_deref(), Some("1"));
    assert!(value(&ours, "Oldest ready since").is_some());
    let all = storage.global().await.unwrap();
    assert_eq!(value(&all, "Ready").as_deref(), Some("2"));
}
