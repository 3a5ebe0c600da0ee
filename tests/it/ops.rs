//! What operators read in the schema `ops` is what happened.

use std::fmt::Write as _;

use paragon::store::Store;
use serde_json::Value;
use simulators::{Fault, Sender, StripeRoute};
use sqlx::PgPool;

use crate::rig::{CAFE, CAT, Rig, TESSERACT, cluster, somebody};

/// Every attempt that ended has been counted.
const COUNTED: &str = "select not exists (select from apalis_lease.jobs)
    and not exists (
        select from apalis_lease.attempts
        where ended_at > (select reached_at from watermarks where name = 'step_minutes')
    )
    and exists (select from ops.throughput where step = 'answer')";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_and_what_failed_is_counted_once_for_each_step() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::INTERNAL_ERROR, 1);
    rig.deliver([rig.photo(&somebody(), CAFE), rig.photo(&somebody(), CAT)]).await;

    rig.drain_until(COUNTED).await;

    let done = "select coalesce(jsonb_object_agg(step, done), '{}') from (
                    select step, sum(done) as done from ops.throughput group by step) as steps";
    let done: Value = rig.value(done).await;
    for (step, times) in [("read_locally", 2), ("match_customer", 1), ("record", 1), ("reply", 2)] {
        assert_eq!(done[step], times, "{step} in {done}");
    }
    assert_eq!(done["answer"], 2, "{done}");
    let failed = "select jsonb_object_agg(step, failed) from (
                      select step, sum(failed) as failed from ops.throughput group by step
                      having sum(failed) > 0) as steps";
    let failed: Value = rig.value(failed).await;
    assert_eq!(failed, serde_json::json!({ "match_customer": 1, "message": 1 }));
    let jobs = "select sum(done + failed + put_off) = (select count(*) from apalis_lease.attempts)
                from ops.throughput where step in ('message', 'read_locally', 'remind')";
    assert!(rig.value::<bool>(jobs).await, "an attempt was counted twice or not at all");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_and_failures_are_told_by_step_without_the_other_sides_request_ids() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::INTERNAL_ERROR, 2);
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;

    rig.drain_until(COUNTED).await;

    let timed = "select array_agg(step order by step) from ops.steps
                 where p50_ms <= p95_ms and p95_ms <= p99_ms and p99_ms > 0";
    let timed: Vec<String> = rig.value(timed).await;
    let steps =
        ["answer", "extract", "match_customer", "message", "read_locally", "record", "reply"];
    assert_eq!(timed, steps);
    let waited = "select array_agg(step order by step) from ops.latency
                  where wait_p50_ms <= wait_p95_ms and wait_p95_ms <= wait_p99_ms";
    let waited: Vec<String> = rig.value(waited).await;
    assert!(waited.contains(&"message".to_owned()), "{waited:?}");
    // Reading is most of it, and both are timed by different clocks.
    let whole = "select (select p50_ms from ops.steps where step = 'answer')
                      > (select p50_ms from ops.steps where step = 'read_locally') * 0.8";
    assert!(rig.value::<bool>(whole).await);
    let failures =
        "select jsonb_agg(jsonb_build_array(step, reason, count, outcome)) from ops.failures";
    let failures: Value = rig.value(failures).await;
    assert_eq!(failures.as_array().unwrap().len(), 1, "{failures}");
    assert_eq!(failures[0][0], "match_customer");
    assert_eq!(failures[0][1], "stripe: Stripe failed: HTTP 500, api_error");
    assert_eq!((&failures[0][2], &failures[0][3]), (&Value::from(2), &Value::from("retry")));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_answers_and_workers_have_a_row_each_with_their_state() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;

    let working = "select count(*) = 3 from ops.workers where state = 'alive' and slots > 0";
    rig.drain_until(working).await;
    rig.drain().await;
    rig.hear_echoes().await;

    let entry: Value = rig.value("select to_jsonb(it) from ops.entries as it").await;
    assert_eq!((&entry["state"], &entry["currency"]), (&"booked".into(), &"GBP".into()));
    assert_eq!((&entry["total_minor"], &entry["revisions"]), (&2240.into(), &0.into()));
    let reply: Value = rig.value("select to_jsonb(it) from ops.replies as it").await;
    assert_eq!((&reply["part"], &reply["form"]), (&"answer".into(), &"text".into()));
    assert_eq!((&reply["attempts"], &reply["message"]), (&1.into(), &entry["message"]));
    let state = reply["state"].as_str().unwrap();
    assert!(["delivered", "read"].contains(&state), "{reply}");
    assert_eq!(rig.count("ops.workers").await, 0, "who ends well is no worker any more");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_stuck_when_nobody_takes_it_its_number_is_paused_or_its_worker_is_gone() {
    let rig = Rig::start().await;
    rig.deliver([rig.meta.text(&somebody(), "hello")]).await;
    let reason = "select coalesce(min(reason), 'none is stuck') from ops.stuck_jobs";
    assert_eq!(rig.value::<String>(reason).await, "none is stuck");

    // What a quarter of an hour without a worker would have made of it.
    let age = "with aged as (
                   update apalis_lease.jobs
                   set created_at = now() - interval '15 minutes', run_at = now() - interval '15 minutes'
                   returning id)
               select count(*) from aged";
    assert_eq!(rig.value::<i64>(age).await, 1);
    assert_eq!(rig.value::<String>(reason).await, "is ready, and no worker takes it");

    let pause =
        "select apalis_lease.pause_group(queue, group_key, 'a dead token') from apalis_lease.jobs";
    assert!(rig.value::<bool>(pause).await);
    assert_eq!(rig.value::<String>(reason).await, "its number is paused: a dead token");
    let resume = "select apalis_lease.resume_group(queue, group_key) from apalis_lease.jobs";
    assert!(rig.value::<bool>(resume).await);

    let lose = "with lost as (
                    update apalis_lease.jobs
                    set state = 'running', attempt = 1, run = 1, worker = 'gone', lease_ms = 15000,
                        started_at = now() - interval '3 minutes', lease_until = now() - interval '2 minutes'
                    returning id)
                select count(*) from lost";
    assert_eq!(rig.value::<i64>(lose).await, 1);
    let gone = "its worker is not heard of, and no other has taken it over";
    assert_eq!(rig.value::<String>(reason).await, gone);

    rig.drain().await;
    assert_eq!(rig.value::<String>(reason).await, "none is stuck");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_reads_every_view_and_nothing_else() {
    let cluster = cluster().await;
    let url = cluster.create_database("read").await.unwrap();
    let store = Store::open(&url, 1).unwrap();
    store.migrate().await.unwrap();
    let mut reader = store.pool().acquire().await.unwrap();
    let views: Vec<String> =
        sqlx::query_scalar("select viewname::text from pg_views where schemaname = 'ops'")
            .fetch_all(&mut *reader)
            .await
            .unwrap();
    assert!(views.len() >= 16, "{views:?}");
    sqlx::query("set role paragon_reader").execute(&mut *reader).await.unwrap();
    for view in views {
        let read = format!("select to_jsonb(it) from ops.{view} as it");
        let read = sqlx::query(sqlx::AssertSqlSafe(read)).fetch_all(&mut *reader).await;
        assert!(read.is_ok(), "ops.{view}: {read:?}");
    }
    let tables = "select format('%I.%I', schemaname, tablename) from pg_tables
                  where schemaname not in ('pg_catalog', 'information_schema')";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *reader).await.unwrap();
    assert!(tables.len() >= 40, "{tables:?}");
    for table in tables {
        let read = format!("select count(*) from {table}");
        let read = sqlx::query(sqlx::AssertSqlSafe(read)).fetch_all(&mut *reader).await;
        assert!(read.unwrap_err().to_string().contains("permission denied"), "{table}");
    }
    drop(reader);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_create_roles_migrates_all_the_same() {
    let cluster = cluster().await;
    let owner = PgPool::connect(&cluster.url("postgres")).await.unwrap();
    for statement in ["create role humble login nocreaterole", "create database plain owner humble"]
    {
        sqlx::query(statement).execute(&owner).await.unwrap();
    }
    let url = cluster.url("plain").replacen("paragon@", "humble@", 1);
    let store = Store::open(&url, 1).unwrap();

    store.migrate().await.unwrap();

    assert!(store.is_migrated().await.unwrap());
    assert_eq!(store.queue_depth().await.unwrap().len(), 4);
    let made = "select exists (select from pg_roles where rolname = 'paragon_reader')";
    assert!(!sqlx::query_scalar::<_, bool>(made).fetch_one(&owner).await.unwrap());
    store.close().await;
    owner.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_percentile_is_at_most_a_bucket_off_and_minutes_add_up_to_their_hour() {
    let rig = Rig::start().await;
    // From a millisecond to ten minutes and a half, in two halves that are added up.
    let off = "with measured as (select 1 + n::float8 * n / 1000 as ms, n % 2 as half
                                 from generate_series(1, 25000) as n),
                    whole as (select histogram_sum(half) as buckets
                              from (select histogram(ms) as half from measured group by half) as halves)
               select max(abs(histogram_percentile(buckets, fraction) / exact - 1))
               from whole, unnest(array[0.01, 0.5, 0.95, 0.99, 1]) as fraction,
                    lateral (select percentile_disc(fraction) within group (order by ms) as exact
                             from measured) as exactly";
    let off: f64 = rig.value(off).await;
    assert!(off < 0.19, "{off}");
    let edges = "select array[histogram_percentile('{}', 0.5) is null,
                              histogram(null) = '{}',
                              histogram_percentile(histogram(0), 0.5) <= 1,
                              histogram_percentile(histogram(1e12), 0.5) > 2e7]";
    assert_eq!(rig.value::<Vec<bool>>(edges).await, [true; 4]);
    rig.end().await;
}

/// What a dashboard may read says nothing of who it is about.
#[tokio::test(flavor = "multi_thread")]
async fn no_view_shows_anybody() {
    let mut rig = Rig::start().await;
    let photo = rig.photo(&somebody(), CAFE);
    let words = rig.meta.text(&somebody(), "a secret of mine");
    rig.deliver([photo.clone(), words.clone()]).await;
    rig.drain().await;
    let answer = rig.answers_to(&photo)[0].wamid.clone();
    let correction = rig.meta.text(&somebody(), "99.00").quoting(&answer, "15550000001");
    rig.deliver([correction.clone(), rig.meta.text(&somebody(), "STOP")]).await;
    let odd = serde_json::json!({ "entry": [{ "id": "1", "changes": [
        { "field": "calls", "value": { "from": "420777123456", "event": "ring" } }] }] });
    assert_eq!(rig.meta.deliver(&odd).await.unwrap().status, 200);
    let refused = Fault::Refuse { status: 400, code: "parameter_unknown" };
    rig.stripe.fault(StripeRoute::CustomersCreate, &refused, 1);
    rig.deliver([rig.photo(&Sender::with_phone("4915550100199", "Emil Tajemný"), CAFE)]).await;
    rig.drain().await;
    rig.hear_echoes().await;

    let views: Vec<String> =
        sqlx::query_scalar("select viewname::text from pg_views where schemaname = 'ops'")
            .fetch_all(&rig.pool)
            .await
            .unwrap();
    let mut told = String::new();
    for view in views {
        let rows =
            format!("select coalesce(string_agg(it::text, e'\\n'), '') from ops.{view} as it");
        writeln!(told, "{view}: {}", rig.value::<String>(&rows).await).unwrap();
    }

    assert!(told.contains("match_customer: stripe:"), "the dead job is there: {told}");
    let wamids = [&photo.wamid, &words.wamid, &correction.wamid, &answer];
    let personal = ["420777123456", "4915550100199", "Nováková", "Tajemný", "a secret of mine"];
    for word in personal.into_iter().chain(wamids.map(String::as_str)) {
        assert!(!told.contains(word), "{word:?} stands in {told}");
    }
    rig.end_with_dead_jobs().await;
}
