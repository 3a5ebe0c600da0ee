//! Who is forgotten is forgotten everywhere, whatever was under way; and nobody else is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use private_postgres::Stop;
use serde_json::Value;
use simulators::meta::{Item, Template};
use simulators::{Fault, MetaRoute, Sender, StripeRoute};

use crate::programs::{INGRESS, PARAGON, Running, free_port, output, program, ready, text};
use crate::rig::{CAFE, POTRAVINY, Rig, TANKSTELLE, cluster, until};

const JANA: &str = "420777123456";
const PETR: &str = "420608111222";
const JANAS_ID: &str = "CZ.13491208655302741918";
const JANAS_NAME: &str = "Jana Nováková";

fn jana() -> Sender {
    Sender::with_phone(JANA, JANAS_NAME)
}

fn petr() -> Sender {
    Sender::with_phone(PETR, "Petr")
}

fn paragon(rig: &Rig, arguments: &[&str]) -> Output {
    let mut settings = rig.environment().to_vec();
    let number = rig.meta.options().phone_number_id.clone();
    settings.push(("PHONE_NUMBER_ID".to_owned(), number));
    output(PARAGON, arguments, &settings)
}

/// `paragon forget … --json`, which must end well.
#[track_caller]
fn forget(rig: &Rig, who: &str, more: &[&str]) -> Value {
    let ended = paragon(rig, &[&["forget", who, "--json"], more].concat());
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Every row of every table of ours and of the queue, as text: bytes are in hex.
async fn everything(rig: &Rig) -> BTreeMap<String, String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', schemaname, tablename) from pg_tables
         where schemaname in ('public', 'apalis_lease')",
    )
    .fetch_all(&rig.pool)
    .await
    .unwrap();
    assert!(tables.len() > 25, "{tables:?}");
    let mut everything = BTreeMap::new();
    for table in tables {
        let rows = format!("select coalesce(string_agg(t::text, e'\\n'), '') from {table} as t");
        let rows = rig.value::<String>(&rows).await;
        everything.insert(table, rows);
    }
    everything
}

/// Where `mark` stands in the database, as it is, in hex, and in base64 wherever it begins.
async fn places(rig: &Rig, mark: &str) -> BTreeSet<String> {
    let mut forms = vec![mark.to_owned(), hex::encode(mark)];
    for shift in 0..3 {
        let shifted = [vec![0; shift], mark.as_bytes().to_vec()].concat();
        let whole = STANDARD.encode(shifted);
        let inner = &whole[if shift == 0 { 0 } else { 4 }..whole.len() - 4];
        forms.push(inner.to_owned());
        forms.push(hex::encode(inner));
    }
    let everything = everything(rig).await;
    let holds = |rows: &str| forms.iter().any(|it| rows.contains(it.as_str()));
    everything.into_iter().filter(|(_, rows)| holds(rows)).map(|(table, _)| table).collect()
}

/// Everything that a person can do, by Jana; and the same photo by Petr.
async fn a_life(rig: &Rig) -> Vec<Item> {
    let mut items = vec![rig.photo(&jana(), CAFE), rig.photo(&jana(), POTRAVINY)];
    items[0].body["from_user_id"] = JANAS_ID.into();
    items.push(rig.meta.text(&jana(), "what is this?"));
    rig.deliver(items.clone()).await;
    rig.deliver([rig.photo(&petr(), CAFE)]).await;
    rig.drain().await;
    let answer = rig.answers_to(&items[0])[0].clone();
    let correction = rig.meta.text(&jana(), "12,50").quoting(&answer.wamid, "15550000001");
    let stop = rig.meta.text(&jana(), "STOP");
    rig.deliver([correction.clone(), stop.clone()]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    // What is kept raw, and a status of somebody else's send to her.
    let told = serde_json::json!({ "entry": [{ "id": "1", "changes": [
        { "field": "calls", "value": { "from": JANA, "event": "ring" } },
        { "field": "calls", "value": { "from": PETR, "event": "ring" } },
        { "field": "messages", "value": { "statuses": [{
            "id": format!("wamid.{}", STANDARD.encode(format!("\u{1c}\u{18}\u{c}{JANA}\u{15}2"))),
            "status": "delivered", "timestamp": "1764150000", "recipient_id": JANA,
        }] } },
    ] }] });
    assert_eq!(rig.meta.deliver(&told).await.unwrap().status, 200);
    assert_eq!(rig.count("kept_items").await, 2);
    assert_eq!(rig.count("parked_statuses").await, 1);
    items.extend([correction, stop]);
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_a_person_is_erased_everywhere_and_nothing_of_anybody_else() {
    let rig = Rig::start().await;
    rig.meta.add_template(Template::approved("payment_reminder", "en", "Pay {{1}} now, please."));
    let items = a_life(&rig).await;
    let reminded = ["--template", "payment_reminder", "--param", "5 CZK"];
    let at = ["--at", "2126-01-01T00:00:00Z"];
    let to_jana = paragon(&rig, &[&["remind", "--to", JANA], &reminded[..], &at].concat());
    assert!(to_jana.status.success(), "{}", text(&to_jana.stderr));
    for mark in [JANA, JANAS_ID, JANAS_NAME, "what is this?"] {
        assert!(!places(&rig, mark).await.is_empty(), "{mark} is nowhere, so this proves nothing");
    }
    let petrs = places(&rig, PETR).await;

    let preview = forget(&rig, "+420 777 123 456", &["--dry-run"]);
    assert_eq!(preview["postgres"]["messages"], 5, "{preview}");
    assert_eq!(preview["postgres"]["entries"], 2);
    assert_eq!(preview["meta_media"], 2);
    assert_eq!(rig.count("messages").await, 6, "nothing was erased");
    assert_eq!(rig.meta.count(MetaRoute::MediaDelete), 0);

    let erased = forget(&rig, "+420 777 123 456", &["--yes"]);
    for (table, rows) in preview["postgres"].as_object().unwrap() {
        assert_eq!(&erased["postgres"][table], rows, "{table}");
    }
    assert_eq!(erased["postgres"]["blobs"], 1, "Petr holds the other photo: {erased}");
    assert_eq!(erased["meta_media"], 2);

    for mark in [JANA, JANAS_ID, JANAS_NAME, "what is this?"] {
        assert_eq!(places(&rig, mark).await, BTreeSet::new(), "{mark}");
    }
    for item in &items {
        assert_eq!(places(&rig, &item.wamid).await, BTreeSet::new());
    }
    assert_eq!(places(&rig, PETR).await, petrs, "Petr's are all there");
    assert_eq!(rig.count("entries").await, 1);
    assert!(erased["postgres"]["events"].as_i64().unwrap() >= 4, "{erased}");
    assert_eq!(rig.count("events").await, 1, "Petr's");
    assert_eq!(rig.count("message_ids").await, 6, "digests stay");
    let jobs = "select count(*) from apalis_lease.tasks where state <> 'done'";
    assert_eq!(rig.value::<i64>(jobs).await, 0, "the reminder's job is gone");

    // Stripe keeps its customers; hers is nobody's at WhatsApp.
    let customers = rig.stripe.customers();
    assert_eq!(customers.len(), 2);
    let named: Vec<&Value> = customers
        .iter()
        .map(|it| &it["metadata"])
        .filter(|it| !it.as_object().unwrap().is_empty())
        .collect();
    assert_eq!(named, [&serde_json::json!({ "whatsapp_phone": PETR })]);
    assert_eq!(erased["stripe_customers"].as_array().unwrap().len(), 1);

    // Again: nothing.
    let ended = paragon(&rig, &["forget", JANA, "--yes"]);
    assert_eq!(text(&ended.stdout), "nothing is kept of this person\n");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_meta_tells_again_of_who_was_forgotten_stays_erased_and_who_writes_anew_is_new() {
    let rig = Rig::start().await;
    let photo = rig.photo(&jana(), CAFE);
    let payload = rig.deliver([photo.clone()]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    let answer = rig.answers_to(&photo)[0].clone();
    let before: String = rig.value("select customer_id from entries").await;
    forget(&rig, JANA, &["--yes"]);

    // The photo again, and that she has read the answer.
    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);
    rig.deliver([rig.meta.status(&answer, "read")]).await;
    rig.drain().await;
    assert_eq!(places(&rig, JANA).await, BTreeSet::new());
    assert_eq!(rig.meta.sent().len(), 1);

    rig.deliver([rig.photo(&jana(), CAFE)]).await;
    rig.drain().await;
    assert_eq!(rig.count("entries").await, 1);
    let state = "select state from entries";
    assert_eq!(rig.value::<String>(state).await, "booked", "nobody knows that it came before");
    let after: String = rig.value("select customer_id from entries").await;
    assert_ne!(before, after);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_while_its_sender_is_forgotten_writes_nothing_back() {
    let mut rig = Rig::start().await;
    rig.stripe.fault(StripeRoute::CustomersCreate, &Fault::Slow(Duration::from_secs(4)), 1);
    rig.deliver([rig.photo(&jana(), CAFE)]).await;
    let settings = rig.environment().to_vec();
    let work = rig.drain();
    let watch = async {
        until("the worker asks Stripe", || rig.stripe.count(StripeRoute::CustomersCreate) == 1)
            .await;
        let folder = tempfile::tempdir().unwrap();
        let mut command = program(PARAGON, folder.path(), &settings);
        command.args(["forget", JANA, "--yes", "--json"]);
        let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    };
    tokio::join!(work, watch);

    assert_eq!(places(&rig, JANA).await, BTreeSet::new());
    assert_eq!(rig.count("senders").await, 0);
    let customers = rig.stripe.customers();
    assert_eq!(customers.len(), 1, "the call was under way");
    assert_eq!(customers[0]["metadata"], serde_json::json!({}), "and what it made names nobody");
    assert!(rig.meta.sent().is_empty());
    assert_eq!(rig.count("apalis_lease.tasks").await, 0);
    rig.end_with_dead_jobs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_another_ingress_s_spool_is_not_replayed_once_its_sender_is_forgotten() {
    let mut rig = Rig::start().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut settings = rig.environment().to_vec();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    settings.push(("SPOOL_DIR".into(), elsewhere.path().to_str().unwrap().into()));
    let mut ingress = Running::start(INGRESS, &settings);
    ready(port).await;
    rig.meta.webhook_url(format!("http://127.0.0.1:{port}/webhook"));
    rig.cluster.stop(Stop::Fast).await.unwrap();
    let janas = rig.photo(&jana(), CAFE);
    let payload = rig.meta.webhook([janas, rig.photo(&petr(), POTRAVINY)]);
    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);
    ingress.kill();
    rig.cluster.start_again().await.unwrap();

    forget(&rig, JANA, &["--yes"]);
    let port = free_port();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    let mut again = Running::start(INGRESS, &settings);
    rig.wait_for_row("select count(*) >= 1 from messages").await;
    until("the spool is empty", || {
        let mut files = std::fs::read_dir(elsewhere.path()).unwrap().map(|it| it.unwrap().path());
        !files.any(|it| it.extension().is_some_and(|it| it == "spool"))
    })
    .await;

    assert_eq!(rig.value::<String>("select phone from messages").await, PETR);
    assert_eq!(places(&rig, JANA).await, BTreeSet::new());
    assert_eq!(rig.count("blobs").await, 1);
    // Meta tells it once more.
    ready(port).await;
    rig.meta.webhook_url(format!("http://127.0.0.1:{port}/webhook"));
    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);
    assert_eq!(rig.count("messages").await, 1);
    // Who writes now is somebody new.
    rig.deliver([rig.meta.text(&jana(), "hello")]).await;
    assert_eq!(rig.count("messages").await, 2);
    again.terminate();
    again.ended().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_on_the_disk_loses_who_is_forgotten_and_keeps_the_rest() {
    let rig = Rig::start().await;
    sqlx::query(
        "alter table messages add constraint nobody_likes_it check (profile_name not like 'Bad%')",
    )
    .execute(&rig.pool)
    .await
    .unwrap();
    let bad_jana = Sender::with_phone(JANA, "Bad Jana");
    let bad_petr = Sender::with_phone(PETR, "Bad Petr");
    let both = [rig.meta.text(&bad_jana, "secret"), rig.meta.text(&bad_petr, "kept")];
    assert_eq!(rig.meta.deliver(&rig.meta.webhook(both)).await.unwrap().status, 200);
    let only_hers = rig.meta.webhook([rig.meta.text(&bad_jana, "secret")]);
    assert_eq!(rig.meta.deliver(&only_hers).await.unwrap().status, 200);
    let aside = rig.spool.path().join("set-aside");
    let files = || {
        let files = aside.read_dir().unwrap().map(|it| std::fs::read(it.unwrap().path()).unwrap());
        files.map(|it| text(&it)).collect::<Vec<String>>()
    };
    until("both are set aside", || files().len() == 2).await;

    let erased = forget(&rig, JANA, &["--yes"]);

    assert_eq!(erased["spool_set_aside"], 2);
    let left = files();
    assert_eq!(left.len(), 1);
    assert!(left[0].contains(PETR) && left[0].contains("kept"), "{}", left[0]);
    assert!(!left[0].contains(JANA) && !left[0].contains("secret"), "{}", left[0]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_of_writing_a_number_are_forgotten_together() {
    let rig = Rig::start().await;
    let (with_nine, without) = ("5531988887777", "553188887777");
    rig.deliver([rig.photo(&Sender::with_phone(with_nine, "Ana"), CAFE)]).await;
    rig.deliver([rig.photo(&Sender::with_phone(without, "Ana"), POTRAVINY)]).await;
    rig.drain().await;
    rig.hear_echoes().await;

    forget(&rig, without, &["--yes"]);

    assert_eq!(places(&rig, with_nine).await, BTreeSet::new());
    assert_eq!(places(&rig, without).await, BTreeSet::new());
    assert_eq!(rig.count("entries").await, 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_was_given_away_is_forgotten_for_its_time_only() {
    let rig = Rig::start().await;
    let now = rig.meta.now();
    let book = async |sender: &Sender, photo: &[u8], at| {
        rig.deliver([rig.photo(sender, photo).at(at)]).await;
        rig.drain().await;
    };
    let new = "420733999888";
    book(&jana(), CAFE, now - TimeDelta::minutes(30)).await;
    let change = rig.meta.changed_number(&jana(), new).at(now - TimeDelta::minutes(20));
    rig.deliver([change]).await;
    rig.drain().await;
    // Her old number is somebody else's by now.
    book(&Sender::with_phone(JANA, "Karel"), TANKSTELLE, now).await;
    book(&Sender::with_phone(new, JANAS_NAME), POTRAVINY, now).await;
    rig.hear_echoes().await;
    assert_eq!(rig.count("entries").await, 3);

    forget(&rig, new, &["--yes"]);

    assert_eq!(rig.count("entries").await, 1);
    assert_eq!(rig.value::<String>("select profile_name from messages").await, "Karel");
    assert_eq!(rig.value::<String>("select phone from senders").await, JANA);
    assert_eq!(places(&rig, new).await, BTreeSet::new());
    let named = rig.stripe.customers();
    let named = named.iter().filter(|it| !it["metadata"].as_object().unwrap().is_empty());
    assert_eq!(named.count(), 1, "Karel's");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_outlives_its_sender_unless_it_is_to_be_erased_too() {
    let rig = Rig::start().await;
    rig.meta.add_template(Template::approved("payment_reminder", "en", "Pay {{1}} now, please."));
    rig.deliver([rig.meta.text(&jana(), "STOP")]).await;
    rig.drain().await;
    let remind = |key: &str| {
        let told = ["remind", "--template", "payment_reminder", "--param", "5 CZK"];
        let ended = paragon(&rig, &[&told[..], &["--to", JANA, "--key", key, "--json"]].concat());
        let told: Value = serde_json::from_slice(&ended.stdout).unwrap();
        told["opted_out"].clone()
    };
    assert_eq!(remind("first"), 1);

    forget(&rig, JANA, &["--yes"]);
    assert_eq!(places(&rig, JANA).await, BTreeSet::new());
    assert_eq!(remind("second"), 1, "she has said STOP");

    forget(&rig, JANA, &["--yes", "--also-opt-out"]);
    assert_eq!(rig.count("opt_outs").await, 0);
    assert_eq!(remind("third"), 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_that_was_interrupted_is_run_again() {
    let rig = Rig::start().await;
    rig.deliver([rig.photo(&jana(), CAFE)]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    rig.stripe.fault(StripeRoute::CustomerUpdate, &Fault::INTERNAL_ERROR, 1);

    let ended = paragon(&rig, &["forget", JANA, "--yes"]);
    assert_eq!(ended.status.code(), Some(1));
    let said = text(&ended.stderr);
    assert!(said.contains("run it again") && said.contains("Stripe"), "{said}");
    assert_eq!(rig.count("entries").await, 1, "what leads to Stripe is erased last");

    forget(&rig, JANA, &["--yes"]);
    assert_eq!(places(&rig, JANA).await, BTreeSet::new());
    assert_eq!(rig.stripe.customers()[0]["metadata"], serde_json::json!({}));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_forgotten_without_a_yes() {
    let rig = Rig::start().await;
    rig.deliver([rig.meta.text(&jana(), "hello")]).await;
    let ended = paragon(&rig, &["forget", JANA]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("--yes"), "{}", text(&ended.stderr));
    assert_eq!(rig.count("messages").await, 1);
    rig.end().await;
}

/// The table in docs/forget.md: table and column, and what becomes of it.
fn accounted_for() -> BTreeSet<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/forget.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut columns = BTreeSet::new();
    for line in page.lines().filter(|it| it.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let table = cells[1].trim_matches('`').to_owned();
        for column in cells[2].split('`').skip(1).step_by(2) {
            columns.insert((table.clone(), column.to_owned()));
        }
        assert!(!cells[3].is_empty(), "{line}");
    }
    columns
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_that_could_tell_of_a_person_is_accounted_for() {
    let cluster = cluster().await;
    let url = cluster.create_database("columns").await.unwrap();
    let store = paragon::store::Store::open(&url, 2).unwrap();
    store.migrate().await.unwrap();
    // A number, a name, a text or a picture fits into none of the other types.
    let there: Vec<(String, String)> = sqlx::query_as(
        "select case table_schema when 'public' then '' else table_schema || '.' end || table_name,
                column_name::text
         from information_schema.columns
         join information_schema.tables using (table_schema, table_name)
         where table_schema not in ('pg_catalog', 'information_schema', 'ops')
             and table_type = 'BASE TABLE'
             and table_name <> '_sqlx_migrations'
             and table_name not like '%migrations'
             and data_type not in ('bigint', 'integer', 'smallint', 'boolean', 'date',
                                   'timestamp with time zone', 'double precision', 'interval')",
    )
    .fetch_all(store.pool())
    .await
    .unwrap();
    let there: BTreeSet<_> = there.into_iter().collect();
    assert!(there.len() > 80, "{there:?}");
    let accounted = accounted_for();
    let silent: Vec<_> = there.difference(&accounted).collect();
    assert!(silent.is_empty(), "say in docs/forget.md what becomes of {silent:?}");
    let idle: Vec<_> = accounted.difference(&there).collect();
    assert!(idle.is_empty(), "docs/forget.md speaks of {idle:?}, which is not there");
    store.close().await;
}
