//! Everything that the demo runs, in one process: a private Postgres, the simulators, the ingress
//! and the worker. The services are started from settings, as in production.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use private_postgres::{Cluster, Options};
use simulators::{Meta, MetaOptions, Stripe, StripeOptions};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::telling;
use crate::app::Failure;
use crate::app::ingress::Ingress;
use crate::app::worker::Worker;
use crate::clock::Clock;
use crate::settings::{IngressSettings, Source, WorkerSettings};
use crate::store::Store;

/// The database's name, in the private cluster.
const DATABASE: &str = "paragon";

/// What is running.
pub struct Stage {
    /// Meta's end.
    pub meta: Meta,
    /// Stripe's end.
    pub stripe: Stripe,
    /// Our memory, to look into.
    pub store: Store,
    /// Where the ingress takes webhooks.
    pub webhook: String,
    /// How others reach the database.
    pub database_url: String,
    services: JoinSet<Result<(), Failure>>,
    stop: CancellationToken,
    // The last to go.
    _spool: TempDir,
    _cluster: Cluster,
}

impl Stage {
    /// Starts everything, saying so.
    pub async fn set(
        source: &Source,
        keep: Option<PathBuf>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        telling::welcome();
        let began = Instant::now();
        let kept = keep.is_some();
        let cluster = Cluster::start(Options { keep, durable: true, ..Options::default() }).await?;
        let url = database(&cluster).await?;
        let store = Store::open(&url, 4)?;
        store.migrate().await.context("the private database could not be migrated")?;
        telling::postgres(cluster.major_version(), kept, began.elapsed());

        let meta = Meta::start(MetaOptions::default())?;
        let stripe = Stripe::start(StripeOptions::default())?;
        let spool = tempfile::tempdir()?;
        let settings = settings(source, &url, &meta, &stripe, spool.path());
        let ingress = Ingress::bind(IngressSettings::from(&settings)?, Clock::system())?;
        let worker = Worker::prepare(WorkerSettings::from(&settings)?, Clock::system()).await?;
        let webhook = format!("http://{}/webhook", ingress.address());
        meta.webhook_url(&webhook);
        telling::services(&meta, &stripe, &webhook, &worker.engines());

        let mut services = JoinSet::new();
        services.spawn(ingress.run(stop.clone()));
        services.spawn(worker.run(stop.clone()));
        let token = &meta_verify_token();
        let registered = meta.verify_webhook(token).await.context("the ingress does not answer")?;
        telling::registered(registered);
        Ok(Self {
            meta,
            stripe,
            store,
            webhook,
            database_url: url,
            services,
            stop,
            _spool: spool,
            _cluster: cluster,
        })
    }

    /// Ends the services as SIGTERM would, then Postgres.
    pub async fn leave(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        while let Some(ended) = self.services.join_next().await {
            ended.context("a service panicked")??;
        }
        self.store.close().await;
        Ok(())
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

fn meta_verify_token() -> String {
    "demo-verify-token".to_owned()
}

/// What production reads from the environment. The wishes of whoever runs the demo
/// (`REPLY_LANGUAGE`, `HOME_COUNTRY`) are kept.
fn settings(source: &Source, url: &str, meta: &Meta, stripe: &Stripe, spool: &Path) -> Source {
    let wished = ["REPLY_LANGUAGE", "HOME_COUNTRY"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), source.text(name)?)));
    let ours = [
        ("DATABASE_URL", url.to_owned()),
        ("INGRESS_ADDR", "127.0.0.1:0".to_owned()),
        ("METRICS_ADDR", "127.0.0.1:0".to_owned()),
        ("META_APP_SECRET", meta.options().app_secret.clone()),
        ("META_VERIFY_TOKEN", meta_verify_token()),
        ("WA_TOKEN", meta.options().access_token.clone()),
        ("GRAPH_API_URL", meta.base_url()),
        ("MEDIA_HOSTS", meta.media_host()),
        ("STRIPE_SECRET_KEY", stripe.options().secret_key.clone()),
        ("STRIPE_API_URL", stripe.base_url()),
        ("SPOOL_DIR", spool.display().to_string()),
        ("OCR_ENGINES", "local".to_owned()),
        ("ECHO_WAIT_S", "5".to_owned()),
    ];
    Source::given(ours.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(wished))
}
