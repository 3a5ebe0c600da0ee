//! A cluster from start to end: what callers hold. It gives out URLs and makes databases; it does
//! not know what is in them.

use crate::{
    Error, Frozen, Stop,
    account::Account,
    find::{self, Installation},
    folders::{self, Folders},
    guard::Guard,
    initialise::{self, USER},
    server::Server,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long Postgres may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// How much of Postgres's log an error quotes.
const LOG_LINES: usize = 20;

/// How a cluster is to be; the default is a throw-away one that does not wait for the disk, and
/// that lives in memory where TMPDIR is unset and /dev/shm has a gigabyte to spare.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The data folder, made if absent, used again if it holds a cluster, and never removed.
    /// `None`: a temporary one. One cluster at a time may use it.
    pub keep: Option<PathBuf>,
    /// `false`: commits do not wait for the disk, and a power failure may cost the whole cluster
    /// (the end of our process never does). `true`: Postgres's own defaults.
    pub durable: bool,
    /// A folder where ready-made empty clusters are kept, one for each version of Postgres, so
    /// that `initdb` runs once and not for every start. Ignored when `durable`.
    pub templates: Option<PathBuf>,
    /// More settings, as in postgresql.conf; they win over ours.
    pub settings: Vec<(String, String)>,
}

/// A private Postgres. Dropping it stops it, removes what is not kept and waits until that is
/// done; when this process is killed instead, the guard does the same.
pub struct Cluster {
    // In the order in which they must end.
    server: Option<Server>,
    _guard: Guard,
    folders: Folders,
    account: Account,
    installation: Installation,
    settings: Vec<(String, String)>,
    at_drop: Stop,
}

impl Cluster {
    /// Makes a cluster, or takes the kept one, and returns when it answers: after half a second,
    /// or a tenth from a template. Gives up after 30 seconds.
    pub async fn start(options: Options) -> Result<Cluster, Error> {
        let kept_major = options.keep.as_deref().map(folders::major_in).transpose()?.flatten();
        Self::start_by(find::newest(kept_major)?, kept_major, options).await
    }

    /// A throw-away cluster that holds what `fill` puts into an empty one. `fill` runs once for each
    /// `name` and version of Postgres, and what it made is kept in `templates`, a folder, to be copied
    /// for every later start: whoever fills otherwise needs another name. Two processes may do so at
    /// the same moment; both fill then. `keep` and `durable` do not go with it and are ignored.
    pub async fn start_filled<E: From<Error>>(
        options: Options,
        templates: &Path,
        name: &str,
        fill: impl AsyncFnOnce(&Cluster) -> Result<(), E>,
    ) -> Result<Cluster, E> {
        let installation = find::newest(None)?;
        let filled = templates.join(name);
        let template = initialise::place(&filled, &installation);
        let options = Options { keep: None, durable: false, ..options };
        if template.is_dir() {
            let options = Options { templates: Some(filled), ..options };
            return Ok(Self::start_by(installation, None, options).await?);
        }
        let mut cluster = Self::start_by(installation, None, options).await?;
        fill(&cluster).await?;
        cluster.stop(Stop::Fast).await?;
        initialise::publish(cluster.data_dir(), &template).await?;
        cluster.start_again().await?;
        Ok(cluster)
    }

    async fn start_by(
        installation: Installation,
        kept_major: Option<u32>,
        options: Options,
    ) -> Result<Cluster, Error> {
        let keep = options.keep.as_deref();
        let account = Account::choose(keep);
        let folders = Folders::make(&account, keep, options.durable)?;
        let at_drop = if keep.is_some() { Stop::Fast } else { Stop::Immediate };
        let guard = Guard::start(&account, &folders, at_drop)?;
        let settings = settings(&options, folders.private.path());
        let mut cluster = Cluster {
            server: None,
            _guard: guard,
            folders,
            account,
            installation,
            settings,
            at_drop,
        };
        if kept_major.is_none() {
            let templates = options.templates.as_deref().filter(|_| !options.durable);
            let Cluster { folders, account, installation, .. } = &mut cluster;
            let durable = options.durable;
            initialise::initialise(account, installation, folders, templates, durable).await?;
        }
        cluster.start_again().await?;
        Ok(cluster)
    }

    /// Where a database of this cluster is, for sqlx and for libpq (psql, pgbench). `postgres`
    /// is always there.
    pub fn url(&self, database: &str) -> String {
        let socket = self.folders.private.path().display();
        // Port and TLS are named because PGPORT and PGSSLMODE would otherwise fill them in.
        format!("postgres://{USER}@localhost:5432/{database}?host={socket}&sslmode=disable")
    }

    /// Makes an empty database and returns its URL. A second call with the same name is an error.
    pub async fn create_database(&self, name: &str) -> Result<String, Error> {
        self.create_database_from(name, "template1").await
    }

    /// Makes a database with all that is in `template`, to which nobody may be connected.
    pub async fn create_database_from(&self, name: &str, template: &str) -> Result<String, Error> {
        for it in [name, template] {
            must_be_a_name(it)?;
        }
        let mut admin = PgConnection::connect(&self.url("postgres")).await?;
        let statement = format!("create database \"{name}\" template \"{template}\"");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await?;
        admin.close().await?;
        Ok(self.url(name))
    }

    /// Stops Postgres and keeps its data and its URLs for [`Cluster::start_again`]. Nothing
    /// happens when it is stopped already.
    pub async fn stop(&mut self, how: Stop) -> Result<(), Error> {
        match self.server.take() {
            Some(server) => server.stop(how).await,
            None => Ok(()),
        }
    }

    /// Starts Postgres again behind the same socket and returns when it answers. Nothing happens
    /// when it runs.
    pub async fn start_again(&mut self) -> Result<(), Error> {
        if self.server.as_mut().is_some_and(|it| !it.has_ended()) {
            return Ok(());
        }
        self.server = None;
        let mut server = Server::spawn(
            &self.account,
            &self.installation,
            &self.folders,
            &self.settings,
            self.at_drop,
        )?;
        self.until_it_answers(&mut server).await?;
        self.server = Some(server);
        Ok(())
    }

    /// Stops every process of Postgres's in its tracks until the answer is dropped. `None` while it is
    /// stopped.
    pub fn freeze(&self) -> Result<Option<Frozen>, Error> {
        self.pid().map(Frozen::freeze).transpose()
    }

    /// The postmaster's pid, or `None` while it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// Where the data is.
    pub fn data_dir(&self) -> &Path {
        &self.folders.data
    }

    /// The folder of `postgres`; `psql` and `pgbench` may be there too.
    pub fn bin_dir(&self) -> &Path {
        &self.installation.bin
    }

    /// The major version that runs: 14 or newer.
    pub fn major_version(&self) -> u32 {
        self.installation.major
    }

    async fn until_it_answers(&self, server: &mut Server) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let url = self.url("postgres");
        let why = loop {
            if server.has_ended() {
                break "it ended at once";
            }
            if Instant::now() > deadline {
                break "it did not answer within 30 seconds";
            }
            if let Ok(connection) = PgConnection::connect(&url).await {
                connection.close().await?;
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        };
        Err(Error::DidNotStart { why, log: self.end_of_log() })
    }

    fn end_of_log(&self) -> String {
        let log = fs::read(self.folders.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

fn settings(options: &Options, socket: &Path) -> Vec<(String, String)> {
    let socket = socket.display().to_string();
    let ours = [
        ("listen_addresses", ""),
        ("unix_socket_directories", socket.as_str()),
        ("port", "5432"),
        ("max_connections", "200"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
    ];
    let careless = [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off")];
    let careless = careless.into_iter().filter(|_| !options.durable);
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let more = options.settings.iter().cloned();
    ours.into_iter().chain(careless).map(owned).chain(more).collect()
}

fn must_be_a_name(name: &str) -> Result<(), Error> {
    let letter = |it: u8| it.is_ascii_lowercase() || it == b'_';
    let begins = name.bytes().next().is_some_and(letter);
    let goes_on = name.bytes().all(|it| letter(it) || it.is_ascii_digit());
    if begins && goes_on && name.len() <= 63 {
        return Ok(());
    }
    Err(Error::NotADatabaseName(name.to_owned()))
}
