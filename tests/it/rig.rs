//! A whole Paragon for one test: its own Postgres, its own simulators, ingress and worker started
//! from settings as in production.

use std::path::Path;
use std::time::Duration;

use paragon::app::Failure;
use paragon::app::ingress::Ingress;
use paragon::app::worker::Worker;
use paragon::clock::Clock;
use paragon::settings::{IngressSettings, Source, WorkerSettings};
use paragon::store::Store;
use private_postgres::{Cluster, Options};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simulators::anthropic::Reply;
use simulators::meta::{Item, Sent};
use simulators::{
    Anthropic, AnthropicOptions, Meta, MetaOptions, Sender, Stripe, StripeOptions, wait_until,
};
use sqlx::PgPool;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The demo's photos, smaller: quick to decode, to send and to read.
pub const CAFE: &[u8] = include_bytes!("../fixtures/photos/cafe.jpg");
pub const POTRAVINY: &[u8] = include_bytes!("../fixtures/photos/potraviny.jpg");
pub const TANKSTELLE: &[u8] = include_bytes!("../fixtures/photos/tankstelle.jpg");
pub const CAT: &[u8] = include_bytes!("../fixtures/photos/cat.jpg");

/// Where what is read off a photo is the point: by Tesseract, really. It is quick and the same on
/// every machine; `reading.rs` tests the models.
pub const TESSERACT: (&str, &str) = ("OCR_ENGINES", "tesseract");

/// Where clusters that are ready-made lie, for all tests of all runs.
const TEMPLATES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/pg");

/// The rig's database.
const DATABASE: &str = "paragon";

/// Both queues are dry.
const DRY: &str = "select not exists (select from apalis_lease.jobs where state <> 'dead')";

/// Reading on a loaded machine is slow; no test waits longer than this for anything.
pub const PATIENCE: Duration = Duration::from_mins(2);

pub struct Rig {
    pub meta: Meta,
    pub stripe: Stripe,
    pub anthropic: Anthropic,
    pub pool: PgPool,
    pub database_url: String,
    settings: Vec<(String, String)>,
    pub ingress_url: String,
    metrics_url: String,
    ingress: JoinSet<Result<(), Failure>>,
    stop: CancellationToken,
    ended: bool,
    pub spool: TempDir,
    pub cluster: Cluster,
}

impl Rig {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With these settings besides the usual ones.
    pub async fn start_with(wishes: &[(&str, &str)]) -> Self {
        let cluster = migrated_cluster().await;
        let database_url = cluster.url(DATABASE);
        Self::start_on(cluster, database_url, wishes).await
    }

    /// On a database as it is.
    pub async fn start_on(cluster: Cluster, database_url: String, wishes: &[(&str, &str)]) -> Self {
        let meta = Meta::start(MetaOptions::default()).unwrap();
        let stripe = Stripe::start(StripeOptions::default()).unwrap();
        let anthropic = Anthropic::start(AnthropicOptions::default()).unwrap();
        let known = readings();
        anthropic.read_with(move |shown| {
            let (_, said) = known.iter().find(|(photo, _)| *photo == shown)?;
            Some(Reply::Json(said.clone()))
        });
        let spool = tempfile::tempdir().unwrap();
        let mut settings = settings(&database_url, &meta, &stripe, &anthropic);
        settings.push(("SPOOL_DIR".to_owned(), spool.path().to_str().unwrap().to_owned()));
        settings.extend(wishes.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let stop = CancellationToken::new();
        let source = Source::given(settings.clone());
        let bound =
            Ingress::bind(IngressSettings::from(&source).unwrap(), Clock::system()).unwrap();
        meta.webhook_url(format!("http://{}/webhook", bound.address()));
        stripe.webhook_url(format!("http://{}/stripe/webhook", bound.address()));
        let ingress_url = format!("http://{}", bound.address());
        let metrics_url = format!("http://{}/metrics", bound.metrics_address());
        let mut ingress = JoinSet::new();
        ingress.spawn(bound.run(stop.clone()));
        let pool = PgPool::connect(&database_url).await.unwrap();
        Self {
            meta,
            stripe,
            anthropic,
            pool,
            database_url,
            settings,
            ingress_url,
            metrics_url,
            ingress,
            stop,
            ended: false,
            spool,
            cluster,
        }
    }

    /// The settings, for a program that is started as a process.
    pub fn environment(&self) -> &[(String, String)] {
        &self.settings
    }

    /// The value of a number that the ingress shows, named with its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        shown(&self.metrics_page().await, name)
    }

    /// Everything that the ingress shows.
    pub async fn metrics_page(&self) -> String {
        page(&self.metrics_url).await
    }

    /// A photo as the webhook's item.
    pub fn photo(&self, from: &Sender, bytes: &[u8]) -> Item {
        let media = self.meta.add_media(bytes, "image/jpeg");
        self.meta.photo(from, &media)
    }

    /// Delivers these items in one webhook, and returns the payload for another delivery.
    pub async fn deliver(&self, items: impl IntoIterator<Item = Item>) -> Value {
        let payload = self.meta.webhook(items);
        assert_eq!(self.meta.deliver(&payload).await.unwrap().status, 200);
        payload
    }

    /// Runs a worker until both queues are dry: nothing ready, deferred or running.
    pub async fn drain(&self) {
        self.drain_until(DRY).await;
    }

    /// The same at another time, by the worker's clock.
    pub async fn drain_at(&self, clock: &Clock) {
        self.work_until(DRY, clock.clone()).await;
    }

    /// Runs a worker until `done` (a query that gives a boolean) holds.
    pub async fn drain_until(&self, done: &str) {
        self.work_until(done, Clock::system()).await;
    }

    async fn work_until(&self, done: &str, clock: Clock) {
        let stop = CancellationToken::new();
        let worker = self.worker_at(clock).await;
        let work = Box::pin(worker.run(stop.clone()));
        let watch = async {
            self.wait_for_row(done).await;
            stop.cancel();
        };
        let (worked, ()) = tokio::join!(work, watch);
        worked.unwrap();
    }

    /// A worker of these settings, not running yet.
    pub async fn worker(&self) -> Worker {
        self.worker_at(Clock::system()).await
    }

    /// The same, by this clock.
    pub async fn worker_at(&self, clock: Clock) -> Worker {
        let source = Source::given(self.settings.clone());
        Worker::prepare(WorkerSettings::from(&source).unwrap(), clock).await.unwrap()
    }

    /// Waits until `condition` (a query that gives a boolean) holds.
    pub async fn wait_for_row(&self, condition: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if self.value::<bool>(condition).await {
                return;
            }
            let is_late = tokio::time::Instant::now() > deadline;
            let jobs = if is_late { self.jobs().await } else { String::new() };
            assert!(!is_late, "still not so: {condition}\n{jobs}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What waits, runs or is dead, a line each kind.
    async fn jobs(&self) -> String {
        let jobs = "select coalesce(string_agg(line, e'\\n'), 'no jobs') from (
                        select format('%s %s jobs of %s, %s to %s: %s', count(*), state, queue,
                                      min(run_at - now()), max(run_at - now()), reason) as line
                        from apalis_lease.jobs
                        group by queue, state, reason) as lines";
        self.value(jobs).await
    }

    /// The one value that a query gives.
    pub async fn value<T>(&self, query: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()));
        query.fetch_one(&self.pool).await.unwrap()
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        self.value(&format!("select count(*) from {table}")).await
    }

    /// The answers that quote a message.
    pub fn answers_to(&self, item: &Item) -> Vec<Sent> {
        let quotes = |it: &Sent| it.quoted.as_deref() == Some(item.wamid.as_str());
        self.meta.sent().into_iter().filter(quotes).collect()
    }

    /// Waits for the echoes of everything that was sent.
    pub async fn hear_echoes(&self) {
        self.wait_for_row(
            "select not exists (select from send_attempts where delivered_at is null)",
        )
        .await;
    }

    /// The same where an attempt may have died before it was sent.
    pub async fn hear_echoes_of_accepted(&self) {
        self.wait_for_row(
            "select not exists (select from send_attempts
                                where outcome = 'accepted' and delivered_at is null)",
        )
        .await;
    }

    /// Stops the ingress, and starts it again on another port.
    pub async fn restart_ingress(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.ingress.join_next().await {
            ended.unwrap().unwrap();
        }
        self.stop = CancellationToken::new();
        let source = Source::given(self.settings.clone());
        let bound =
            Ingress::bind(IngressSettings::from(&source).unwrap(), Clock::system()).unwrap();
        self.meta.webhook_url(format!("http://{}/webhook", bound.address()));
        self.ingress.spawn(bound.run(self.stop.clone()));
    }

    /// Stops the ingress and checks what every test expects: nothing gave up, no fault unused.
    pub async fn end(mut self) {
        assert_eq!(self.count("ops.dead_jobs").await, 0, "a job gave up");
        self.end_with_dead_jobs().await;
    }

    /// The same where a job was meant to give up.
    pub async fn end_with_dead_jobs(&mut self) {
        assert_eq!(self.meta.faults_left(), 0, "a fault of Meta was not met");
        assert_eq!(self.stripe.faults_left(), 0, "a fault of Stripe was not met");
        assert_eq!(self.anthropic.faults_left(), 0, "a fault of Anthropic was not met");
        self.stop.cancel();
        while let Some(ended) = self.ingress.join_next().await {
            ended.unwrap().unwrap();
        }
        self.pool.close().await;
        self.ended = true;
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
        assert!(self.ended || std::thread::panicking(), "a test must end its rig");
    }
}

/// What is answered there, which must be with 200.
pub async fn page(url: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    answer.text().await.unwrap()
}

/// The value of a number on a page of metrics, named with its labels.
pub fn shown(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {page}")).parse().unwrap()
}

/// Waits until `condition` holds.
pub async fn until(what: &str, condition: impl FnMut() -> bool) {
    assert!(wait_until(PATIENCE, condition).await.is_ok(), "still not so: {what}");
}

/// An empty cluster.
pub async fn cluster() -> Cluster {
    Cluster::start(cluster_options()).await.unwrap()
}

/// A cluster with a database that is migrated, which is done once for all tests.
async fn migrated_cluster() -> Cluster {
    let migrate = async |cluster: &Cluster| {
        let url = cluster.create_database(DATABASE).await?;
        let store = Store::open(&url, 2).unwrap();
        store.migrate().await.unwrap();
        store.close().await;
        Ok::<(), private_postgres::Error>(())
    };
    let (templates, name) = (Path::new(TEMPLATES), format!("migrated-{}", all_migrations()));
    Cluster::start_filled(cluster_options(), templates, &name, migrate).await.unwrap()
}

fn cluster_options() -> Options {
    // Committed is committed, also when a test stops Postgres as a crash would.
    let settings = vec![("synchronous_commit".to_owned(), "on".to_owned())];
    Options { templates: Some(TEMPLATES.into()), settings, ..Options::default() }
}

/// A word for all migrations together: another when one of them changes.
fn all_migrations() -> String {
    let (ours, queues) =
        (sqlx::migrate!("./migrations"), sqlx::migrate!("./crates/apalis-lease/migrations"));
    let mut digest = Sha256::new();
    for migration in queues.iter().chain(ours.iter()) {
        digest.update(&migration.checksum);
    }
    hex::encode(&digest.finalize()[..8])
}

pub fn somebody() -> Sender {
    Sender::with_phone("420777123456", "Jana Nováková")
}

/// What the paid engine reads off the four photos: what stands on them.
fn readings() -> [(&'static [u8], Value); 4] {
    let receipt = |merchant, total, currency, date, category, tax, country| {
        json!({
            "is_receipt": true, "merchant": merchant, "total": total, "currency": currency,
            "date": date, "category": category, "tax": tax, "country": country,
        })
    };
    let nothing = Value::Null;
    [
        (CAFE, receipt("The Copper Kettle", "22.40", "GBP", "2026-11-19", "meals", "3.73", "GB")),
        (
            POTRAVINY,
            receipt("POTRAVINY U LÍPY", "335.46", "CZK", "2026-11-21", "groceries", "35.94", "CZ"),
        ),
        (
            TANKSTELLE,
            receipt("Tankhof Meisenbrunn", "80.43", "EUR", "2026-11-14", "fuel", "12.84", "DE"),
        ),
        (
            CAT,
            json!({
                "is_receipt": false, "merchant": nothing, "total": nothing, "currency": nothing,
                "date": nothing, "category": nothing, "tax": nothing, "country": nothing,
            }),
        ),
    ]
}

fn settings(
    database_url: &str,
    meta: &Meta,
    stripe: &Stripe,
    anthropic: &Anthropic,
) -> Vec<(String, String)> {
    [
        ("DATABASE_URL", database_url.to_owned()),
        ("INGRESS_ADDR", "127.0.0.1:0".to_owned()),
        ("METRICS_ADDR", "127.0.0.1:0".to_owned()),
        ("META_APP_SECRET", meta.options().app_secret.clone()),
        ("META_VERIFY_TOKEN", "test-verify-token".to_owned()),
        ("WA_TOKEN", meta.options().access_token.clone()),
        ("GRAPH_API_URL", meta.base_url()),
        ("MEDIA_HOSTS", meta.media_host()),
        // Generous: the machines that run tests are loaded.
        ("MEDIA_BUDGET_MS", "5000".to_owned()),
        ("STRIPE_SECRET_KEY", stripe.options().secret_key.clone()),
        ("STRIPE_API_URL", stripe.base_url()),
        ("STRIPE_WEBHOOK_SECRET", stripe.options().webhook_secret.clone()),
        ("ANTHROPIC_API_KEY", anthropic.options().api_key.clone()),
        ("ANTHROPIC_API_URL", anthropic.base_url()),
        // Most tests are not about reading; those that are say so.
        ("OCR_ENGINES", "anthropic".to_owned()),
        ("ECHO_WAIT_S", "2".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
