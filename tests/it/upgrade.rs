//! The schema moves on while messages are on their way, and a backup is taken and put back: nothing is lost
//! and nothing is doubled. docs/upgrade.md.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use private_postgres::Cluster;
use serde_json::{Value, json};
use simulators::Sender;
use simulators::anthropic::Reply;
use simulators::meta::Item;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, PgPool};

use crate::programs::{PARAGON, Running, WORKER, output, program, text};
use crate::rig::{CAFE, Rig, cluster, until};

/// The schema before this migration is one that the programs of today run on: what comes later only adds.
const EARLIER_THAN: i64 = 20_261_126_800_002;

/// The schema as a release before had it.
async fn earlier_schema(url: &str) {
    let pool = PgPool::connect(url).await.unwrap();
    apalis_lease::migrate(&pool).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for file in std::fs::read_dir(migrations).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.split('_').next().unwrap().parse::<i64>().unwrap() < EARLIER_THAN {
            std::fs::copy(&path, folder.path().join(name)).unwrap();
        }
    }
    Migrator::new(folder.path()).await.unwrap().run(&pool).await.unwrap();
    pool.close().await;
}

fn receipt(pounds: usize) -> Value {
    json!({
        "is_receipt": true, "merchant": "The Copper Kettle", "total": format!("{pounds}.40"),
        "currency": "GBP", "date": "2026-11-19", "category": "meals", "tax": null, "country": "GB",
    })
}

/// The photo of the `number`th receipt: each of another total, three of each sender's.
fn photo(rig: &Rig, number: usize) -> Item {
    let sender = Sender::with_phone(&format!("42077700{:04}", number / 3), "Jana");
    rig.photo(&sender, &[CAFE, number.to_string().as_bytes()].concat())
}

/// Each photo is an entry and has one answer, and the audit is content.
async fn all_is_well(rig: &Rig, photos: &[Item]) {
    rig.hear_echoes_of_accepted().await;
    assert_eq!(usize::try_from(rig.count("entries").await).unwrap(), photos.len());
    for photo in photos {
        let answers = rig.answers_to(photo);
        let answers = answers.iter().filter(|it| !it.text.as_deref().unwrap().contains("longer"));
        assert_eq!(answers.count(), 1);
    }
    assert_eq!(rig.stripe.customers().len(), photos.len().div_ceil(3));
    audited(rig, &rig.database_url);
}

fn audited(rig: &Rig, url: &str) {
    let mut settings = rig.environment().to_vec();
    settings.push(("DATABASE_URL".to_owned(), url.to_owned()));
    let arguments = ["audit", "--grace-minutes", "0", "--all-photos"];
    let ended = output(PARAGON, &arguments, &settings);
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrations_run_under_load_and_lose_and_double_nothing_that_is_under_way() {
    let cluster = cluster().await;
    let url = cluster.create_database("paragon").await.unwrap();
    earlier_schema(&url).await;
    let rig = Rig::start_on(cluster, url, &[("OCR_ENGINES", "anthropic")]).await;
    let workers = [(); 2].map(|()| Running::start(WORKER, rig.environment()));
    (0..45).for_each(|number| rig.anthropic.script(receipt(number + 1)));
    let folder = tempfile::tempdir().unwrap();
    let mut photos = Vec::new();
    let mut migrating = None;
    let mut due = tokio::time::interval(Duration::from_millis(60));
    for number in 0..45 {
        due.tick().await;
        photos.push(photo(&rig, number));
        rig.deliver([photos[number].clone()]).await;
        match number {
            12 => {
                let mut migrate = program(PARAGON, folder.path(), rig.environment());
                migrating = Some(migrate.arg("migrate").stdout(Stdio::null()).spawn().unwrap());
            }
            // A migration that is not as ours are: nobody reads or writes messages for 3 s.
            25 => locked(&rig).await,
            _ => {}
        }
    }
    let migrated = migrating.unwrap().wait().unwrap();

    rig.wait_for_row("select not exists (select from apalis_lease.jobs)").await;
    rig.wait_for_row("select count(*) = 45 from messages").await;
    assert!(migrated.success());
    drop(workers);
    rig.drain().await;
    all_is_well(&rig, &photos).await;
    let newest =
        format!("select count(*) >= 3 from _sqlx_migrations where version >= {EARLIER_THAN}");
    assert!(rig.value::<bool>(&newest).await, "the migrations have run");
    rig.end().await;
}

/// Begins to hold the table of messages against everybody, and lets it go 3 s later by itself.
async fn locked(rig: &Rig) {
    let pool = rig.pool.clone();
    let begun = "select exists (select from pg_locks where mode = 'AccessExclusiveLock'
                                and granted and relation = 'messages'::regclass)";
    let hold = "begin; lock table messages in access exclusive mode; select pg_sleep(3); commit";
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { sqlx::raw_sql(hold).execute(&pool).await.unwrap() });
    });
    rig.wait_for_row(begun).await;
}

fn postgres_tool(cluster: &Cluster, name: &str, arguments: &[&str]) {
    let tool = Command::new(cluster.bin_dir().join(name)).args(arguments).output().unwrap();
    assert!(tool.status.success(), "{name}: {}", text(&tool.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_that_is_put_back_goes_on_with_what_was_under_way_and_passes_the_audit() {
    let rig = Rig::start_with(&[("OCR_ENGINES", "anthropic")]).await;
    rig.anthropic.otherwise(Reply::Json(receipt(22)));
    let done = photo(&rig, 0);
    rig.deliver([done.clone()]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    rig.anthropic.otherwise(Reply::Json(receipt(23)));
    let under_way = photo(&rig, 1);
    rig.deliver([under_way.clone()]).await;

    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    postgres_tool(&rig.cluster, "pg_dump", &["-Fc", "-f", path, &rig.database_url]);
    // Another server: what is not in the dump is not there.
    let other = cluster().await;
    let restored = other.create_database("restored").await.unwrap();
    let pool = PgPool::connect(&restored).await.unwrap();
    sqlx::query("create role paragon_reader nologin").execute(&pool).await.unwrap();
    postgres_tool(&rig.cluster, "pg_restore", &["--exit-on-error", "-d", &restored, path]);

    audited(&rig, &restored);
    let mut settings = rig.environment().to_vec();
    settings.push(("DATABASE_URL".to_owned(), restored.clone()));
    let worker = Running::start(WORKER, &settings);
    until("what was under way is answered", || rig.answers_to(&under_way).len() == 1).await;
    let dry = "select not exists (select from apalis_lease.jobs)";
    let is_dry = async || sqlx::query_scalar(AssertSqlSafe(dry)).fetch_one(&pool).await.unwrap();
    while !is_dry().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(worker);
    assert_eq!(rig.answers_to(&done).len(), 1, "what had its answer is not answered again");
    let entries: i64 =
        sqlx::query_scalar("select count(*) from entries").fetch_one(&pool).await.unwrap();
    assert_eq!(entries, 2);
    pool.close().await;
    audited(&rig, &restored);
    rig.end().await;
}
