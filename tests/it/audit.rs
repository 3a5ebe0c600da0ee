//! `paragon audit` finds what is lost, doubled or stuck, by its name: each finding, by breaking that very
//! thing in a database in which all is well.

use std::process::Output;

use paragon::store::Store;
use private_postgres::Cluster;
use serde_json::{Value, json};
use simulators::anthropic::Reply;
use simulators::{Integrator, Sender};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::crashes::is_proof;
use crate::history::past;
use crate::programs::{PARAGON, output, text};
use crate::rig::{CAFE, CAT, POTRAVINY, Rig, TANKSTELLE, cluster, somebody};

const EVENT_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// The message of the receipt, of the cat, and of words, as `story` delivers them.
const RECEIPT: &str = "(select message_id from entries order by id limit 1)";
const CAT_ID: &str = "(select message_id from replies where outcome = 'not_a_receipt')";
const WORDS: &str = "(select message_id from replies where outcome = 'help')";

/// One way to break what holds: the statements, and the breaches that are then found.
struct Case {
    found: &'static [&'static str],
    broken_by: String,
}

fn case(found: &'static [&'static str], broken_by: &str) -> Case {
    let ids = [("{receipt}", RECEIPT), ("{cat}", CAT_ID), ("{words}", WORDS)];
    let broken_by = ids.iter().fold(broken_by.to_owned(), |it, (name, id)| it.replace(name, id));
    Case { found, broken_by }
}

fn cases() -> Vec<Case> {
    [of_messages(), of_answers(), of_the_queue()].into_iter().flatten().collect()
}

fn of_messages() -> Vec<Case> {
    vec![
        case(
            &["messages_not_remembered"],
            "delete from message_ids where wamid_sha256 =
             (select sha256(convert_to(wamid, 'UTF8')) from messages where id = {words})",
        ),
        case(
            &["messages_without_job"],
            "delete from apalis_lease.done_jobs where payload ->> 'message_id' = {words}::text",
        ),
        case(&["photos_without_media"], "delete from media where message_id = {receipt}"),
        case(
            &["photos_never_fetched"],
            "update media set state = 'pending', sha256 = null where message_id = {cat};
             delete from readings where message_id = {cat};
             delete from replies where outcome = 'not_a_receipt'",
        ),
        case(
            &["photos_without_bytes"],
            "set session_replication_role = replica;
             delete from blobs where sha256 =
             (select sha256 from media where message_id = {receipt})",
        ),
        case(
            &["photos_damaged"],
            "update blobs set bytes = overlay(bytes placing '\\x00' from 100) where sha256 =
             (select sha256 from media where message_id = {receipt})",
        ),
        case(
            &["receipts_without_entry", "messages_without_answer"],
            "delete from send_attempts where reply_id in
                 (select id from replies where message_id = {receipt});
             create temp table its as select {receipt} as id;
             delete from replies where message_id = (select id from its);
             delete from entries where message_id = (select id from its)",
        ),
        case(&["entries_without_receipt"], "delete from readings where message_id = {receipt}"),
    ]
}

fn of_answers() -> Vec<Case> {
    vec![
        case(&["entries_without_answer"], "delete from replies where message_id = {receipt}"),
        case(&["messages_without_answer"], "delete from replies where message_id = {cat}"),
        case(
            &["answers_without_entry"],
            "create temp table its as select {receipt} as id;
             delete from readings where message_id = (select id from its);
             update replies set entry_id = null, asks = null
             where message_id = (select id from its);
             delete from entries where message_id = (select id from its)",
        ),
        case(
            &["answers_not_sent"],
            "update replies set state = 'owed', settled_at = null where message_id = {cat}",
        ),
        case(
            &["answers_not_taken"],
            "delete from send_attempts where reply_id =
             (select id from replies where message_id = {cat})",
        ),
        case(
            &["answers_taken_twice"],
            "insert into send_attempts (id, reply_id, number, form, intended_at, outcome, wamid,
                                        settled_at)
             select gen_random_uuid(), id, 2, 'text', now(), 'accepted', 'wamid.again', now()
             from replies where message_id = {cat}",
        ),
        case(
            &["statuses_not_settled"],
            "insert into parked_statuses (wamid, delivery, attempt_id, told_at, received_at)
             select wamid, 'read', id, now(), now() - interval '1 minute'
             from send_attempts limit 1",
        ),
        case(
            &["statuses_of_nobody"],
            "insert into parked_statuses (wamid, delivery, told_at, received_at)
             values ('wamid.of.another', 'sent', now(), now() - interval '1 minute')",
        ),
        case(
            &["entries_without_event"],
            "delete from events where message_id = (select max(message_id) from entries)",
        ),
        case(
            &["events_not_delivered"],
            "insert into event_endpoints (url, changed_at) values ('http://127.0.0.1:9/', now());
             insert into event_deliveries (event_id, endpoint_id, subject)
             select events.id, event_endpoints.id, subject from events cross join event_endpoints
             limit 1",
        ),
        case(
            &["customers_doubled"],
            "insert into doubled_customers
             select id, customer_id, 'cus_other', now() from senders
             where customer_id is not null limit 1",
        ),
    ]
}

fn of_the_queue() -> Vec<Case> {
    let hour = "now() - interval '1 hour'";
    let job = |columns: &str, values: &str| {
        format!(
            "insert into apalis_lease.jobs (queue, payload, max_attempts, created_at, {columns})
             values ('messages', jsonb_build_object('message_id', {WORDS}), 33, {hour}, {values})"
        )
    };
    vec![
        case(
            &["reminders_without_job"],
            "insert into reminders (key, phone_number_id, sender_id, template, language, parameters,
                                    parameter_names, run_at, state, created_at)
             select 'k', '1', id, 't', 'en', '{}', '{}', now() - interval '1 hour', 'scheduled',
                    now() - interval '1 hour'
             from senders limit 1",
        ),
        case(
            &["jobs_without_subject"],
            "insert into apalis_lease.jobs (queue, payload, max_attempts, run_at, created_at)
             select queue, payload, 3, now() + interval '1 hour', now() - interval '1 hour'
             from (values ('messages', '{\"message_id\": 999999}'::jsonb),
                          ('messages', '{\"message_id\": \"what\"}'),
                          ('reminders', '{\"reminder_id\": 999999}'),
                          ('events', '{\"delivery_id\": 999999}')) as about (queue, payload)",
        ),
        case(
            &["jobs_dead"],
            &job("state, attempt, run, reason, dead_since", &format!("'dead', 33, 33, 'x', {hour}")),
        ),
        case(&["jobs_stuck"], &job("run_at", hour)),
        case(
            &["leases_expired"],
            &job(
                "state, attempt, run, worker, started_at, lease_until, lease_ms",
                "'running', 1, 1, 'w', now() - interval '3 minutes', now() - interval '2 minutes',
                 15000",
            ),
        ),
    ]
}

/// A photo of a receipt, a cat, words, and a sender who goes over the limit: all answered as they are to
/// be.
async fn story() -> Rig {
    let rig = Rig::start_with(&[("OCR_ENGINES", "anthropic"), ("SENDER_DAILY_LIMIT", "1")]).await;
    let receipt = json!({
        "is_receipt": true, "merchant": "The Copper Kettle", "total": "22.40", "currency": "GBP",
        "date": "2026-11-19", "category": "meals", "tax": "3.73", "country": "GB",
    });
    let cat = json!({ "is_receipt": false });
    rig.anthropic.otherwise(Reply::Json(receipt));
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    rig.anthropic.script(cat);
    let other = Sender::with_phone("420777000002", "Petr");
    rig.deliver([rig.photo(&other, CAT), rig.meta.text(&other, "hello")]).await;
    rig.drain().await;
    let eager = Sender::with_phone("420777000003", "Eva");
    let photos = [CAFE, TANKSTELLE, POTRAVINY].map(|it| rig.photo(&eager, it));
    rig.deliver(photos).await;
    rig.drain().await;
    rig.hear_echoes().await;
    rig
}

fn audit(rig_spool: &str, url: &str, arguments: &[&str]) -> Output {
    let settings = [("DATABASE_URL", url), ("SPOOL_DIR", rig_spool)];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    output(PARAGON, &[&["audit"], arguments].concat(), &settings)
}

fn told(ended: &Output) -> Value {
    serde_json::from_slice(&ended.stdout)
        .unwrap_or_else(|_| panic!("{}{}", text(&ended.stdout), text(&ended.stderr)))
}

/// The names of what was found, with the exit code held against it.
fn found(ended: &Output) -> Vec<String> {
    let told = told(ended);
    let findings = told["findings"].as_array().unwrap();
    let well = findings.iter().all(|it| it["well"] == true);
    assert_eq!(told["well"], json!(well));
    assert_eq!(ended.status.code(), Some(i32::from(!well)), "{}", text(&ended.stderr));
    let some = findings.iter().filter(|it| it["count"] != 0);
    some.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

async fn run(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_promise_that_is_broken_is_found_by_its_name_and_nothing_else() {
    let mut rig = story().await;
    let spool = rig.spool.path().to_str().unwrap().to_owned();
    // Nobody may be connected to what is copied.
    rig.end_with_dead_jobs().await;
    for (number, case) in cases().into_iter().enumerate() {
        let name = format!("case_{number}");
        let url = rig.cluster.create_database_from(&name, "paragon").await.unwrap();
        run(&url, &case.broken_by).await;
        let ended = audit(&spool, &url, &["--json", "--grace-minutes", "0"]);
        assert_eq!(found(&ended), case.found, "{}", case.broken_by);
        let told = told(&ended);
        let broken = told["findings"].as_array().unwrap().iter().find(|it| it["count"] != 0);
        let broken = broken.unwrap();
        assert!(broken["remedy"].as_str().unwrap().len() > 10, "{broken}");
        let is_nobodys = case.found == ["statuses_of_nobody"];
        assert_eq!(broken["examples"].as_array().unwrap().is_empty(), is_nobodys, "{broken}");
        let shown = text(&ended.stdout);
        assert!(!shown.contains("420777") && !shown.contains("wamid"), "{shown}");
        let young = found(&audit(&spool, &url, &["--json"]));
        assert!(young.len() <= 1, "what is younger than ten minutes may be under way: {young:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_promises_are_kept_the_audit_says_so_reads_only_and_shows_nobody() {
    let rig = story().await;
    let spool = rig.spool.path().to_str().unwrap();
    let ended = audit(spool, &rig.database_url, &["--json", "--grace-minutes", "0"]);
    assert_eq!(found(&ended), Vec::<String>::new());
    let looked = &told(&ended)["looked_at"];
    assert_eq!((&looked["messages"], &looked["photos"]), (&json!(6), &json!(4)), "{looked}");
    assert_eq!(looked["spool"], true);
    // Just upgraded: as long as there are none, no entry lacks its event.
    run(&rig.database_url, "delete from events").await;
    let ended = audit(spool, &rig.database_url, &["--json", "--grace-minutes", "0"]);
    assert_eq!(found(&ended), Vec::<String>::new());

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md");
    let page = std::fs::read_to_string(page).unwrap();
    for finding in told(&ended)["findings"].as_array().unwrap() {
        let name = finding["name"].as_str().unwrap();
        assert!(page.contains(&format!("| `{name}` |")), "docs/audit.md lacks {name}");
    }

    // Whoever may read and nothing else can run it.
    run(
        &rig.database_url,
        "create role auditor login;
         grant usage on schema public, ops, apalis_lease to auditor;
         grant select on all tables in schema public, ops, apalis_lease to auditor",
    )
    .await;
    let (_, host) = rig.database_url.split_once('@').unwrap();
    let url = format!("postgres://auditor@{host}");
    let ended = audit("/nowhere", &url, &["--grace-minutes", "0"]);
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).contains("looked at 6 messages, 0 jobs, 4 photos"));
    assert!(text(&ended.stdout).contains("no spool"));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_the_spool_is_found() {
    let rig = Rig::start().await;
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().to_str().unwrap();
    let file = |name: &str| std::fs::write(folder.path().join(name), b"PGN1").unwrap();
    let look =
        |grace| found(&audit(spool, &rig.database_url, &["--json", "--grace-minutes", grace]));

    assert_eq!(look("0"), Vec::<String>::new());
    std::fs::create_dir(folder.path().join("set-aside")).unwrap();
    file("set-aside/0190.spool");
    assert_eq!(look("0"), ["records_set_aside"]);
    file("0191.spool");
    assert_eq!(look("0"), ["records_set_aside", "records_not_replayed"]);
    assert_eq!(look("10"), ["records_set_aside"], "a segment may just be written");
    rig.end().await;
}

/// What docs/audit.md says to do about what nobody works on.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_works_on_is_owed_a_job_again_as_the_page_says() {
    let rig = story().await;
    let spool = rig.spool.path().to_str().unwrap();
    let look = || found(&audit(spool, &rig.database_url, &["--json", "--grace-minutes", "0"]));
    run(&rig.database_url, &format!("delete from replies where message_id = {CAT_ID}")).await;
    assert_eq!(look(), ["messages_without_answer"]);

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md");
    let page = std::fs::read_to_string(page).unwrap();
    let statement = page.split("```sql\n").nth(1).unwrap().split("```").next().unwrap();
    let unanswered = "(select message_id from readings where verdict = 'not_a_receipt')";
    run(&rig.database_url, &statement.replace("(17, 18)", unanswered)).await;
    rig.drain().await;
    rig.hear_echoes().await;

    assert_eq!(look(), Vec::<String>::new());
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_sends_is_found_and_owed_a_job_again_as_the_page_says() {
    let integrator = Integrator::start(EVENT_SECRET).unwrap();
    let url = integrator.url();
    let settings = [("EVENT_URLS", url.as_str()), ("EVENT_SECRET", EVENT_SECRET)];
    let rig = Rig::start_with(&settings).await;
    rig.drain_until("select count(*) = 1 from event_endpoints").await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    let spool = rig.spool.path().to_str().unwrap();
    let look = || found(&audit(spool, &rig.database_url, &["--json", "--grace-minutes", "0"]));
    assert_eq!((look(), integrator.received().len()), (Vec::new(), 1));
    let lost = "update event_deliveries set state = 'pending', delivered_at = null";
    run(&rig.database_url, lost).await;
    assert_eq!(look(), ["events_not_delivered"]);

    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md");
    let page = std::fs::read_to_string(page).unwrap();
    let statement = page.split("```sql\n").nth(2).unwrap().split("```").next().unwrap();
    let deliveries = "(select id from event_deliveries)";
    run(&rig.database_url, &statement.replace("(17, 18)", deliveries)).await;
    rig.drain().await;

    assert_eq!((look(), integrator.received().len()), (Vec::new(), 2));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_in_time_is_not_waited_for() {
    let rig = Rig::start().await;
    let mut locked = rig.pool.begin().await.unwrap();
    sqlx::query("lock table messages in access exclusive mode")
        .execute(&mut *locked)
        .await
        .unwrap();
    let ended = audit("/nowhere", &rig.database_url, &["--statement-seconds", "1"]);
    locked.rollback().await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = text(&ended.stderr);
    assert!(said.contains("not finished") && said.contains("--statement-seconds"), "{said}");
    rig.end().await;
}

/// How long it takes and how much it reads is printed, and judged by nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_past_is_audited_step_by_step() {
    let messages = if is_proof() { 1_000_000 } else { 5_000 };
    let cluster: Cluster = cluster().await;
    let url = cluster.create_database("past").await.unwrap();
    let store = Store::open(&url, 1).unwrap();
    store.migrate().await.unwrap();
    past(&store, messages).await;
    run(
        &url,
        "insert into message_ids select sha256(convert_to(wamid, 'UTF8')), received_at from messages",
    )
    .await;
    run(&url, "vacuum analyze message_ids").await;
    let read = "select sum(blks_hit + blks_read)::bigint from pg_stat_database";
    let blocks = async || sqlx::query_scalar::<_, i64>(read).fetch_one(store.pool()).await.unwrap();
    let before = blocks().await;

    let ended = audit("/nowhere", &url, &["--json"]);

    assert_eq!(found(&ended), ["jobs_dead"]);
    let looked = &told(&ended)["looked_at"];
    assert!(looked["messages"].as_i64().unwrap() > i64::from(messages) - 100, "{looked}");
    println!("{looked}, {} blocks of 8 kB", blocks().await - before);
    let since = audit("/nowhere", &url, &["--json", "--since", "2999-01-01"]);
    assert_eq!(told(&since)["looked_at"]["messages"], 0);
    store.close().await;
}
