//! `private-postgres [--durable] [--keep FOLDER]`: a Postgres for as long as this runs, its URL on
//! standard output. For psql, pgbench and whatever else wants a database for a while. It is not
//! part of the product, and takes no database's name: `postgres` is there.

use private_postgres::{Cluster, Options};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: private-postgres [--durable] [--keep FOLDER]";

#[tokio::main]
async fn main() -> ExitCode {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), &mut options) {
            ("--durable", it) => it.durable = true,
            ("--keep", it) => it.keep = arguments.next().map(Into::into),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("private-postgres: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let cluster = Cluster::start(options).await?;
    println!("{}", cluster.url("postgres"));
    tokio::select! {
        done = tokio::signal::ctrl_c() => done?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
