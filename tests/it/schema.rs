//! What is committed about the database is true of the database.

use std::collections::BTreeSet;
use std::path::Path;

use paragon::store::Store;
use serde_json::Value;
use sqlx::{Column, Either, Executor, SqlSafeStr, TypeInfo};

use crate::rig::{Rig, cluster};

/// `.sqlx/` is what the compiler believes of each query: a stale entry would lie to it.
#[tokio::test(flavor = "multi_thread")]
async fn every_committed_query_is_what_postgres_says_of_it() {
    let cluster = cluster().await;
    let url = cluster.create_database("described").await.unwrap();
    let store = paragon::store::Store::open(&url, 2).unwrap();
    store.migrate().await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut checked = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let committed: Value = serde_json::from_str(&text).unwrap();
        let query = committed["query"].as_str().unwrap().to_owned();
        let safe = sqlx::AssertSqlSafe(query.clone()).into_sql_str();
        let told =
            store.pool().describe(safe).await.unwrap_or_else(|error| panic!("{error}: {query}"));
        let columns: Vec<(String, String)> = told
            .columns
            .iter()
            .map(|it| (it.name().to_owned(), it.type_info().name().to_owned()))
            .collect();
        let believed: Vec<(String, String)> = committed["describe"]["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| {
                let word = |key: &str| it[key].as_str().unwrap().to_owned();
                (word("name"), word("type_info").to_uppercase())
            })
            .collect();
        let spelt = |kind: String| kind.to_uppercase().replace("[]", "ARRAY");
        let columns: Vec<_> = columns.into_iter().map(|(name, kind)| (name, spelt(kind))).collect();
        assert_eq!(columns, believed, "run `make sqlx`: {query}");
        let parameters = match told.parameters {
            Some(Either::Left(types)) => types.len(),
            Some(Either::Right(count)) => count,
            None => 0,
        };
        let believed = committed["describe"]["parameters"]["Left"].as_array().unwrap().len();
        assert_eq!(parameters, believed, "run `make sqlx`: {query}");
        checked += 1;
    }
    assert!(checked > 30, "only {checked} queries");
    store.close().await;
}

/// Views and columns that others' dashboards and scripts ask for.
const PROMISED: [(&str, &[&str]); 19] = [
    ("throughput", &["minute", "step", "done", "failed"]),
    ("latency", &["minute", "step", "p50_ms", "p95_ms", "p99_ms"]),
    ("steps", &["step", "done", "failed", "p50_ms", "p95_ms", "p99_ms", "wait_p95_ms"]),
    ("failures", &["step", "reason", "count", "last_at"]),
    ("stuck_jobs", &["job", "message", "attempts", "reason", "since"]),
    ("entries", &["id", "message", "state", "total_minor", "currency", "booked_at"]),
    ("replies", &["id", "message", "state", "reason", "sent_at", "delivered_at"]),
    ("workers", &["worker", "queue", "state", "slots", "holds", "heartbeat_at"]),
    ("kept", &["field", "kind", "reason", "items", "first_at", "last_at"]),
    ("queue_depth", &["queue", "ready", "deferred", "running", "dead", "oldest_ready_s"]),
    (
        "messages",
        &[
            "id",
            "kind",
            "state",
            "received_at",
            "accepted_at",
            "read_at",
            "matched_at",
            "booked_at",
            "replied_at",
            "delivered_at",
            "trace_id",
        ],
    ),
    ("templates", &["name", "language", "status", "category", "previous_category"]),
    ("waiting_replies", &["message", "template", "language", "reason", "since"]),
    ("reminders", &["id", "template", "state", "reason", "run_at", "sent_at", "delivered_at"]),
    (
        "costs",
        &["number", "month", "category", "pricing_type", "billable_messages", "free_messages"],
    ),
    ("dead_jobs", &["job", "message", "attempts", "reason", "since"]),
    ("api_keys", &["id", "label", "scopes", "numbers", "last_used_at", "revoked_at"]),
    (
        "event_endpoints",
        &["id", "url", "state", "reason", "failing_since", "next_try_at", "pending", "given_up"],
    ),
    (
        "event_deliveries",
        &["id", "event", "type", "message", "endpoint", "state", "attempts", "delivered_at"],
    ),
];

/// Dashboards and scripts of others depend on these.
#[tokio::test(flavor = "multi_thread")]
async fn the_views_have_the_columns_that_are_promised_and_each_is_commented() {
    let cluster = cluster().await;
    let url = cluster.create_database("views").await.unwrap();
    let store = paragon::store::Store::open(&url, 2).unwrap();
    store.migrate().await.unwrap();
    for (view, columns) in PROMISED {
        let there: Vec<String> = sqlx::query_scalar(
            "select column_name::text from information_schema.columns
             where table_schema = 'ops' and table_name = $1",
        )
        .bind(view)
        .fetch_all(store.pool())
        .await
        .unwrap();
        let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
        for column in columns {
            assert!(there.contains(column), "ops.{view}.{column}");
        }
    }
    let silent: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
         where relnamespace = 'ops'::regnamespace and obj_description(oid) is null
         union all
         select relname || '.' || attname
         from pg_class
         join pg_attribute on attrelid = pg_class.oid and attnum > 0
         where relnamespace = 'ops'::regnamespace and col_description(pg_class.oid, attnum) is null",
    )
    .fetch_all(store.pool())
    .await
    .unwrap();
    assert_eq!(silent, Vec::<String>::new(), "without a comment");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_lacks_any_migration_is_behind() {
    let rig = Rig::start().await;
    let store = Store::open(&rig.database_url, 1).unwrap();
    assert!(store.is_migrated().await.unwrap());
    let one =
        "delete from _sqlx_migrations where version = (select min(version) from _sqlx_migrations)";
    sqlx::query(one).execute(&rig.pool).await.unwrap();
    assert!(!store.is_migrated().await.unwrap());
    store.close().await;
    rig.end().await;
}
