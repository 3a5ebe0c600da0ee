//! `make bench`: what the ingress can do on this machine, measured and never asserted. A real ingress
//! (release build) before a real, durable Postgres; the load beside them on the same cores; pgbench
//! in the same minutes as the measure of what Postgres itself can do. One JSON line for each figure
//! on stdout. Knows nothing of Paragon's code: it speaks HTTP, SQL and `/metrics`.
//!
//! `ingress-bench [open|closed|commit|photos|memory]…`, all when none is named; `BENCH_SECONDS`
//! (default 15) is how long each load lasts.

mod graph;
mod http;
mod load;
mod payloads;
mod pgbench;
mod report;
mod scenarios;
mod stage;

use anyhow::bail;

use crate::scenarios::Scenario;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut wanted = Vec::new();
    for name in std::env::args().skip(1) {
        match Scenario::named(&name) {
            Some(scenario) => wanted.push(scenario),
            None => bail!("{name} is none of open, closed, commit, photos, memory"),
        }
    }
    if wanted.is_empty() {
        wanted = Scenario::ALL.to_vec();
    }
    for scenario in wanted {
        scenario.run().await?;
    }
    Ok(())
}
