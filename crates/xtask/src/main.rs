//! `cargo run -p xtask -- sqlx`: writes `.sqlx/` anew from the queries in `src/store` and the
//! migrations, against a private Postgres. Needs no database of yours and touches none.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use private_postgres::{Cluster, Options};
use sqlx::migrate::Migrator;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("sqlx") => describe_queries().await,
        _ => bail!("usage: cargo run -p xtask -- sqlx"),
    }
}

/// Compiles our queries against a migrated database; sqlx's macros write down what they learn.
async fn describe_queries() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("no workspace")?;
    let cluster = Cluster::start(Options::default()).await?;
    let url = cluster.create_database("described").await?;
    let pool = sqlx::PgPool::connect(&url).await?;
    apalis_lease::migrate(&pool).await?;
    Migrator::new(root.join("migrations")).await?.run(&pool).await?;
    pool.close().await;

    let fresh = root.join("target/sqlx");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh)?;
    }
    std::fs::create_dir_all(&fresh)?;
    // The macros write only while they are expanded, so the library must be compiled again.
    touch(&root.join("src/lib.rs"))?;
    let mut cargo = Command::new("cargo");
    // What this cargo run says of itself would make the other one build some dependencies anew.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_") {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        .args(["check", "--package", "paragon", "--lib"])
        .current_dir(root)
        .env("DATABASE_URL", &url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &fresh)
        .status()?;
    if !status.success() {
        bail!("the library does not compile against its own migrations");
    }
    let committed = root.join(".sqlx");
    if committed.exists() {
        std::fs::remove_dir_all(&committed)?;
    }
    std::fs::rename(&fresh, &committed)?;
    println!("wrote {}", committed.display());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a file's time is the machine's time")]
fn touch(file: &Path) -> std::io::Result<()> {
    std::fs::File::options().append(true).open(file)?.set_modified(std::time::SystemTime::now())
}
