//! Everything that the demo runs: a private Postgres, the simulators, and ingress and worker as
//! processes of their own, started from settings as in production.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use private_postgres::{Cluster, Options};
use simulators::{Meta, MetaOptions, Stripe, StripeOptions};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::part::{Part, Role};
use super::telling;
use crate::settings::Source;
use crate::store::Store;

/// The database's name, in the private cluster.
const DATABASE: &str = "paragon";

/// What the demo takes over from the environment of whoever runs it.
const WISHES: [&str; 4] =
    ["REPLY_LANGUAGE", "HOME_COUNTRY", "OCR_MODELS_DIR", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What is running.
pub struct Stage {
    /// Meta's end.
    pub meta: Arc<Meta>,
    /// Stripe's end.
    pub stripe: Stripe,
    /// Our memory, to look into.
    pub store: Store,
    /// Where the ingress takes webhooks.
    pub webhook: String,
    /// How others reach the database.
    pub database_url: String,
    /// Stage 1.
    pub ingress: Mutex<Part>,
    /// Stage 2.
    pub worker: Mutex<Part>,
    /// The ingress's custody while Postgres is away.
    pub spool: TempDir,
    /// Postgres. The last to go.
    pub cluster: Mutex<Cluster>,
}

impl Stage {
    /// Starts everything, saying so.
    pub async fn set(source: &Source, keep: Option<PathBuf>) -> anyhow::Result<Self> {
        telling::welcome();
        let began = Instant::now();
        let kept = keep.is_some();
        let cluster = Cluster::start(Options { keep, durable: true, ..Options::default() }).await?;
        let url = database(&cluster).await?;
        let store = Store::open(&url, 4)?;
        store.migrate().await.context("the private database could not be migrated")?;
        telling::postgres(cluster.major_version(), kept, began.elapsed());

        let meta = Arc::new(Meta::start(MetaOptions::default())?);
        let stripe = Stripe::start(StripeOptions::default())?;
        let spool = tempfile::tempdir()?;
        let settings = settings(source, &url, &meta, &stripe, spool.path());
        let (ingress, worker) = tokio::try_join!(
            Part::start(Role::Ingress, settings.clone()),
            Part::start(Role::Worker, settings)
        )?;
        let ((ingress, address), (worker, engines)) = (ingress, worker);
        let webhook = format!("http://{address}/webhook");
        meta.webhook_url(&webhook);
        telling::services(&meta, &stripe, &webhook, &engines);
        let registered = meta.verify_webhook(VERIFY_TOKEN).await;
        telling::registered(registered.context("the ingress does not answer")?);
        Ok(Self {
            meta,
            stripe,
            store,
            webhook,
            database_url: url,
            ingress: Mutex::new(ingress),
            worker: Mutex::new(worker),
            spool,
            cluster: Mutex::new(cluster),
        })
    }

    /// Ends the services as SIGTERM would. Postgres ends when the stage is dropped.
    pub async fn leave(&self) -> anyhow::Result<()> {
        // Where it was switched off: what runs has to be settled.
        self.cluster.lock().await.start_again().await?;
        let (mut ingress, mut worker) = (self.ingress.lock().await, self.worker.lock().await);
        let (ingress, worker) = tokio::join!(ingress.end(), worker.end());
        self.store.close().await;
        ingress.and(worker)
    }
}

/// The database of a cluster, made when it is not there yet (with `--keep` it may be).
async fn database(cluster: &Cluster) -> anyhow::Result<String> {
    let url = cluster.url(DATABASE);
    match Store::open(&url, 1)?.ping().await {
        Ok(()) => Ok(url),
        Err(_) => Ok(cluster.create_database(DATABASE).await?),
    }
}

const VERIFY_TOKEN: &str = "demo-verify-token";

/// What production reads from the environment, with the wishes of whoever runs the demo.
fn settings(
    source: &Source,
    url: &str,
    meta: &Meta,
    stripe: &Stripe,
    spool: &Path,
) -> HashMap<String, String> {
    let wished = WISHES.iter().filter_map(|name| Some(((*name).to_owned(), source.text(name)?)));
    let ours = [
        ("DATABASE_URL", url.to_owned()),
        ("INGRESS_ADDR", "127.0.0.1:0".to_owned()),
        ("METRICS_ADDR", "127.0.0.1:0".to_owned()),
        ("META_APP_SECRET", meta.options().app_secret.clone()),
        ("META_VERIFY_TOKEN", VERIFY_TOKEN.to_owned()),
        ("WA_TOKEN", meta.options().access_token.clone()),
        ("GRAPH_API_URL", meta.base_url()),
        ("MEDIA_HOSTS", meta.media_host()),
        ("STRIPE_SECRET_KEY", stripe.options().secret_key.clone()),
        ("STRIPE_API_URL", stripe.base_url()),
        ("SPOOL_DIR", spool.display().to_string()),
        ("OCR_ENGINES", "local".to_owned()),
        ("ECHO_WAIT_S", "5".to_owned()),
        ("RUST_LOG", super::log_filter(source)),
    ];
    ours.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(wished).collect()
}
