//! What the `ops` views read does not grow with the past. Blocks are counted, which do not depend on
//! the machine; times are printed and judge nothing. `make test` compares 10 thousand messages with 50
//! thousand, `make proof` with a million, and `PARAGON_PAST=5000000` with so many.

use paragon::store::Store;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

use crate::crashes::is_proof;
use crate::rig::cluster;

/// Each view as a dashboard reads it.
const VIEWS: [(&str, &str); 20] = [
    ("queue_depth", "select * from ops.queue_depth"),
    ("throughput", "select * from ops.throughput where minute > now() - interval '1 hour'"),
    ("latency", "select * from ops.latency where minute > now() - interval '1 hour'"),
    ("steps", "select * from ops.steps"),
    ("failures", "select * from ops.failures"),
    ("stuck_jobs", "select * from ops.stuck_jobs"),
    ("dead_jobs", "select * from ops.dead_jobs order by since desc limit 50"),
    ("workers", "select * from ops.workers"),
    ("templates", "select * from ops.templates"),
    ("waiting_replies", "select * from ops.waiting_replies"),
    ("costs", "select * from ops.costs"),
    ("kept", "select * from ops.kept"),
    ("entries", "select * from ops.entries order by id desc limit 50"),
    ("messages", "select * from ops.messages order by id desc limit 50"),
    ("messages, one", "select * from ops.messages where id = 9000"),
    ("replies", "select * from ops.replies order by id desc limit 50"),
    ("reminders", "select * from ops.reminders order by id desc limit 50"),
    ("entries, one", "select * from ops.entries where id = 9000"),
    ("event_endpoints", "select * from ops.event_endpoints"),
    ("event_deliveries", "select * from ops.event_deliveries order by id desc limit 50"),
];

/// Those that look up each row's last attempt, reading and so on by index. An index of 50 thousand
/// rows has two levels, of a million three, of 30 million four: each look-up reads one block more.
const BY_INDEX: [&str; 6] =
    ["messages", "messages, one", "replies", "reminders", "entries, one", "event_deliveries"];

/// A message each 10 seconds up to now, each booked and answered, each hundredth tried twice. Times in
/// order, as they would have been written.
const PAST: [&str; 16] = [
    "insert into senders (phone, customer_id, customer_checked_at)
     select '4207' || lpad(n::text, 8, '0'), 'cus_' || n, now() from generate_series(1, 1000) as n",
    "insert into messages (wamid, phone_number_id, phone, kind, sent_at, received_at, accepted_at, raw)
     select 'wamid.' || n, '1', '4207' || lpad((n % 1000)::text, 8, '0'), 'media', at, at, at, 'raw'
     from generate_series(1, {n}) as n,
          lateral (select now() - ({n} - n) * interval '10 s' as at) as past",
    "insert into blobs (sha256, mime, bytes, stored_at)
     values (sha256('photo'), 'image/jpeg', 'photo', now())",
    "insert into media (message_id, media_id, declared_mime, state, sha256)
     select id, id::text, 'image/jpeg', 'stored', sha256('photo') from messages order by messages.id",
    "insert into readings (message_id, engine, verdict, total_unscaled, total_scale, currency, read_at)
     select id, 'ppocr', 'receipt', 2240, 2, 'GBP', accepted_at from messages order by id",
    "insert into matches (message_id, sender_id, customer_id, matched_at)
     select id, 1 + id % 1000, 'cus_1', accepted_at from messages order by id",
    "insert into entries (message_id, sender_id, customer_id, state, total_minor, currency, booked_at)
     select id, 1 + id % 1000, 'cus_1', 'booked', 2240, 'GBP', accepted_at from messages order by id",
    "insert into event_endpoints (url, changed_at) values ('https://example.com/events', now())",
    "insert into events (kind, subject, message_id, sender_id, occurred_at, data)
     select 'entry.booked', 'message ' || id, id, 1 + id % 1000, accepted_at, '{}'
     from messages order by id",
    "insert into event_deliveries (event_id, endpoint_id, subject, state, delivered_at)
     select id, 1, subject, 'delivered', occurred_at from events order by id",
    "insert into replies (message_id, sender_id, part, outcome, language, body, parameters, state,
                          created_at, settled_at)
     select id, 1 + id % 1000, 'answer', 'entry', 'en', 'Booked', '{}', 'sent', accepted_at, accepted_at
     from messages order by id",
    "insert into send_attempts (id, reply_id, number, form, intended_at, outcome, wamid, settled_at,
                                delivery, delivered_at)
     select gen_random_uuid(), id, 1, 'text', settled_at, 'accepted', 'wamid.out.' || id, settled_at,
            'delivered', settled_at
     from replies order by id",
    "insert into reminders (key, phone_number_id, sender_id, template, language, parameters,
                            parameter_names, run_at, state, created_at, settled_at)
     select 'k' || id, '1', 1 + id % 1000, 'payment_reminder', 'en', '{}', '{}', accepted_at, 'sent',
            accepted_at, accepted_at
     from messages order by id",
    "insert into apalis_lease.done_jobs (id, queue, priority, run_at, attempt, max_attempts, run,
                                         payload, created_at, done_at)
     select id, 'messages', 1, accepted_at, 1, 33, 1, jsonb_build_object('message_id', id), accepted_at,
            accepted_at + interval '3 s'
     from messages order by id",
    "insert into apalis_lease.attempts (job_id, run, queue, attempt, worker, started_at, ended_at,
                                        outcome, reason)
     select id, 1, 'messages', 1, 'w', accepted_at + interval '10 ms', accepted_at + interval '3 s',
            case when id % 100 = 0 then 'retry' else 'done' end,
            case when id % 100 = 0 then 'reply: send: not sent' end
     from messages order by id",
    "insert into apalis_lease.jobs (id, queue, state, attempt, max_attempts, run, payload, reason,
                                    dead_since)
     overriding system value
     select 1000000000 + n, 'messages', 'dead', 3, 3, 3, jsonb_build_object('message_id', n),
            'match_customer: stripe: refused', now()
     from generate_series(1, 50) as n",
];

/// What 10 thousand messages are compared with.
pub fn messages_of_the_past() -> u32 {
    let told = std::env::var_os("PARAGON_PAST").and_then(|it| it.to_str()?.parse().ok());
    told.unwrap_or(if is_proof() { 1_000_000 } else { 50_000 })
}

/// A database in which so many messages have been answered, counted as a worker counts them.
pub async fn past(store: &Store, messages: u32) {
    for statement in PAST {
        let statement = statement.replace("{n}", &messages.to_string());
        sqlx::query(AssertSqlSafe(statement)).execute(store.pool()).await.unwrap();
    }
    // The steps besides the jobs, as a worker notes them. Rows lie by time, as they were written.
    for statement in [
        "insert into step_minutes (minute, step, done, running)
         select minute, step, 6, array[0, 0, 1, 2, 3]
         from (select distinct date_trunc('minute', accepted_at) as minute from messages) as minutes,
              unnest(array['message', 'extract', 'match_customer', 'record', 'reply', 'answer']) as step
         order by minute, step",
        "select roll_up_attempts('-infinity', now())",
        "cluster step_minutes using step_minutes_pkey",
        "vacuum analyze",
    ] {
        sqlx::query(statement).execute(store.pool()).await.unwrap();
    }
}

/// Blocks that a query reads, and its time in ms, with everything in memory.
async fn cost(pool: &PgPool, query: &str) -> (i64, f64) {
    sqlx::query(AssertSqlSafe(query.to_owned())).fetch_all(pool).await.unwrap();
    let explain = AssertSqlSafe(format!("explain (analyze, buffers, format json) {query}"));
    let told: Value = sqlx::query_scalar(explain).fetch_one(pool).await.unwrap();
    let plan = &told[0]["Plan"];
    let blocks = |kind: &str| plan[kind].as_i64().unwrap();
    let ms = told[0]["Execution Time"].as_f64().unwrap();
    (blocks("Shared Hit Blocks") + blocks("Shared Read Blocks"), ms)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_view_reads_more_when_there_is_more_of_the_past() {
    let more = messages_of_the_past();
    let cluster = cluster().await;
    let mut costs = Vec::new();
    for messages in [10_000, more] {
        let url = cluster.create_database(&format!("past_{messages}")).await.unwrap();
        let store = Store::open(&url, 1).unwrap();
        store.migrate().await.unwrap();
        past(&store, messages).await;
        let mut of_views = Vec::new();
        for (_, query) in VIEWS {
            of_views.push(cost(store.pool(), query).await);
        }
        costs.push(of_views);
        store.close().await;
    }
    println!("view              blocks of 10000  of {more:<8}  ms of 10000  of {more}");
    for ((view, _), (few, many)) in VIEWS.iter().zip(costs[0].iter().zip(&costs[1])) {
        println!("{view:<20}{:>12}{:>12}{:>14.2}{:>12.2}", few.0, many.0, few.1, many.1);
    }
    for ((view, _), (few, many)) in VIEWS.iter().zip(costs[0].iter().zip(&costs[1])) {
        // A look-up of three blocks has four at a million; where it finds no row, two are three.
        let most =
            if more > 50_000 && BY_INDEX.contains(view) { few.0 * 3 / 2 } else { few.0 * 6 / 5 };
        // A handful of blocks more is no growth: where a page ends is chance.
        assert!(many.0 <= most.max(few.0 + 4), "ops.{view}: {} blocks, then {}", few.0, many.0);
    }
}
