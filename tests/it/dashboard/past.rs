//! What a page reads does not grow with the past. Blocks are counted, which do not depend on the
//! machine; times are printed and judge nothing. `make test` compares 10 thousand messages with 50
//! thousand, `make proof` with a million.

use std::time::Instant;

use paragon::store::Store;
use private_postgres::Cluster;

use super::Desk;
use crate::history::{messages_of_the_past, past};
use crate::rig::cluster;

const PAGES: [&str; 18] = [
    "/",
    "/queue",
    "/messages",
    "/messages?before=9000",
    "/messages?from={day}&to={day}",
    "/messages?state=delivered",
    "/messages?state=lost",
    "/messages?sender=7",
    "/messages/9000",
    "/messages/9000/photo",
    "/entries",
    "/entries?state=incomplete",
    "/entries?customer=cus_1",
    "/entries/9000",
    "/dead",
    "/numbers",
    "/events",
    "/audit",
];

/// How often a page is asked for; the first few fill what is kept of the catalogue.
const FEW: i64 = 5;
const MANY: i64 = 25;

/// Blocks that a page reads, and milliseconds until it is here, on average.
async fn cost(cluster: &Cluster, database: &str, page: &str) -> (i64, f64) {
    let (few, _) = blocks_of(cluster, database, page, FEW).await;
    let (many, ms) = blocks_of(cluster, database, page, MANY).await;
    ((many - few) / (MANY - FEW), ms)
}

/// Blocks of our tables that were read, from before the first to after the last of `times`. Who has
/// hung up has told the statistics all.
async fn blocks_of(cluster: &Cluster, database: &str, page: &str, times: i64) -> (i64, f64) {
    let before = blocks_so_far(cluster, database).await;
    let desk = Desk::open(&cluster.url(database));
    let began = Instant::now();
    for _ in 0..times {
        desk.page(page).await;
    }
    let ms = began.elapsed().as_secs_f64() * 1000.0;
    desk.end().await;
    (blocks_so_far(cluster, database).await - before, ms / f64::from(i32::try_from(times).unwrap()))
}

async fn blocks_so_far(cluster: &Cluster, database: &str) -> i64 {
    let pool = sqlx::PgPool::connect(&cluster.url("postgres")).await.unwrap();
    let deadline = Instant::now() + crate::rig::PATIENCE;
    loop {
        let connected: i64 =
            sqlx::query_scalar("select count(*) from pg_stat_activity where datname = $1")
                .bind(database)
                .fetch_one(&pool)
                .await
                .unwrap();
        if connected == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "somebody is still connected to {database}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    pool.close().await;
    // Not the catalogue's: how much of that is read depends on how many connections were opened.
    let pool = sqlx::PgPool::connect(&cluster.url(database)).await.unwrap();
    let blocks = sqlx::query_scalar(
        "select sum(coalesce(heap_blks_hit + heap_blks_read, 0)
                    + coalesce(idx_blks_hit + idx_blks_read, 0)
                    + coalesce(toast_blks_hit + toast_blks_read, 0)
                    + coalesce(tidx_blks_hit + tidx_blks_read, 0))::bigint
         from pg_statio_user_tables",
    );
    let blocks = blocks.fetch_one(&pool).await.unwrap();
    pool.close().await;
    blocks
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_reads_more_when_there_is_more_of_the_past() {
    let more = messages_of_the_past();
    let cluster = cluster().await;
    let quiet = sqlx::PgPool::connect(&cluster.url("postgres")).await.unwrap();
    // Its reading would be counted as a page's.
    for statement in ["alter system set autovacuum = off", "select pg_reload_conf()"] {
        sqlx::query(statement).execute(&quiet).await.unwrap();
    }
    quiet.close().await;
    let mut costs = Vec::new();
    for messages in [10_000, more] {
        let database = format!("pages_{messages}");
        let url = cluster.create_database(&database).await.unwrap();
        let store = Store::open(&url, 1).unwrap();
        store.migrate().await.unwrap();
        past(&store, messages).await;
        let day: String = sqlx::query_scalar("select (now() - interval '1 day')::date::text")
            .fetch_one(store.pool())
            .await
            .unwrap();
        store.close().await;
        let mut of_pages = Vec::new();
        for page in PAGES {
            of_pages.push(cost(&cluster, &database, &page.replace("{day}", &day)).await);
        }
        costs.push(of_pages);
    }
    println!(
        "page                            blocks of 10000  of {more:<8}  ms of 10000  of {more}"
    );
    for (page, (few, many)) in PAGES.iter().zip(costs[0].iter().zip(&costs[1])) {
        println!("{page:<32}{:>15}{:>12}{:>14.1}{:>12.1}", few.0, many.0, few.1, many.1);
    }
    for (page, (few, many)) in PAGES.iter().zip(costs[0].iter().zip(&costs[1])) {
        // Ten messages of one person, then as many as the page shows.
        if page.contains("sender=") {
            assert!(many.0 < 5000, "{page}: {} blocks", many.0);
            continue;
        }
        // An index of a million rows has a level more than one of ten thousand, and each look-up
        // reads it: of two blocks become three.
        let most = if more > 50_000 { few.0 * 8 / 5 } else { few.0 * 6 / 5 };
        assert!(many.0 <= most.max(few.0 + 24), "{page}: {} blocks, then {}", few.0, many.0);
    }
}
