//! What stands in Paragon's database, read by SQL once all is quiet. Judges nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Row as _};

/// Rows as they are to be judged.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// How many rows each message has, by Meta's id.
    pub messages: HashMap<String, i64>,
    /// The entries.
    pub entries: Vec<Entry>,
    /// Attempts to send an answer (not what goes before it), by their id.
    pub attempts: HashMap<String, Attempt>,
    /// How many texts of each phone were answered with help.
    pub helps: HashMap<String, i64>,
    /// Meta's ids by our own.
    pub wamids: HashMap<i64, String>,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of which message.
    pub wamid: String,
    /// Of which customer.
    pub customer: String,
    /// In pence.
    pub total: Option<i64>,
    /// `booked`, or `incomplete` and `duplicate`, which do not count (yet).
    pub state: String,
}

/// An attempt to send something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// As an answer to which message.
    pub wamid: String,
    /// `answer`, or `delay` and `notice`, which go before it.
    pub part: String,
    /// Just before it was sent.
    pub intended_at: DateTime<Utc>,
}

/// What the queue and the steps went through.
#[derive(Clone, Debug, Default)]
pub struct Toil {
    /// Attempts of jobs by how they ended.
    pub attempts: Vec<(String, i64)>,
    /// Photos that this machine read.
    pub read_locally: i64,
    /// Photos that were fetched after their webhook.
    pub words_of_delay: i64,
}

/// Reads it.
pub async fn rows(pool: &PgPool) -> sqlx::Result<Rows> {
    let mut rows = Rows::default();
    let messages = sqlx::query("select wamid, count(*) from messages group by wamid");
    for row in messages.fetch_all(pool).await? {
        rows.messages.insert(row.get(0), row.get(1));
    }
    let wamids = sqlx::query("select id, wamid from messages");
    for row in wamids.fetch_all(pool).await? {
        rows.wamids.insert(row.get(0), row.get(1));
    }
    let entries = sqlx::query(
        "select wamid, customer_id, total_minor, state
         from entries join messages on messages.id = entries.message_id",
    );
    for row in entries.fetch_all(pool).await? {
        rows.entries.push(Entry {
            wamid: row.get(0),
            customer: row.get(1),
            total: row.get(2),
            state: row.get(3),
        });
    }
    let attempts = sqlx::query(
        "select send_attempts.id::text, messages.wamid, part, intended_at
         from send_attempts
         join replies on replies.id = send_attempts.reply_id
         join messages on messages.id = replies.message_id",
    );
    for row in attempts.fetch_all(pool).await? {
        let attempt = Attempt { wamid: row.get(1), part: row.get(2), intended_at: row.get(3) };
        rows.attempts.insert(row.get(0), attempt);
    }
    let helps = sqlx::query(
        "select phone, count(*) from replies
         join messages on messages.id = replies.message_id
         where outcome = 'help' group by phone",
    );
    for row in helps.fetch_all(pool).await? {
        rows.helps.insert(row.get(0), row.get(1));
    }
    Ok(rows)
}

/// Waits until workers have made known where events go: nothing is owed to an endpoint before.
pub async fn endpoints(pool: &PgPool, wanted: i64) -> sqlx::Result<()> {
    let known = "select count(*) from event_endpoints where state = 'active'";
    while sqlx::query_scalar::<_, i64>(known).fetch_one(pool).await? < wanted {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Reads what it went through.
pub async fn toil(pool: &PgPool) -> sqlx::Result<Toil> {
    let attempts =
        sqlx::query("select outcome, count(*) from apalis_lease.attempts group by 1 order by 1");
    let attempts = attempts.fetch_all(pool).await?;
    let count =
        async |query: &'static str| sqlx::query_scalar::<_, i64>(query).fetch_one(pool).await;
    Ok(Toil {
        attempts: attempts.iter().map(|it| (it.get(0), it.get(1))).collect(),
        read_locally: count("select count(*) from readings where engine = 'tesseract'").await?,
        words_of_delay: count(
            "select count(*) from replies where part = 'delay' and state = 'sent'",
        )
        .await?,
    })
}

/// Makes due what would be tried again in more than half a minute; how many jobs that are.
pub async fn hurry(pool: &PgPool) -> sqlx::Result<u64> {
    let hurried = sqlx::query(
        "update apalis_lease.jobs set run_at = now()
         where state = 'waiting' and run_at > now() + interval '30 seconds'",
    );
    Ok(hurried.execute(pool).await?.rows_affected())
}

/// What is still under way: a line for each kind of job, and for each spool that is not empty.
pub async fn under_way(pool: &PgPool, spools: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut lines: Vec<String> = sqlx::query_scalar(
        "select format('%s %s jobs of %s, next %s: %s', count(*), state, queue,
                       min(run_at) - now(), reason)
         from apalis_lease.jobs group by queue, state, reason",
    )
    .fetch_all(pool)
    .await?;
    let open: Vec<String> = sqlx::query_scalar(
        "select format('%s has been in a transaction since %s', application_name, xact_start)
         from pg_stat_activity
         where state like 'idle in transaction%' and state_change < now() - interval '2 seconds'",
    )
    .fetch_all(pool)
    .await?;
    lines.extend(open);
    for spool in spools {
        let segments = segments(spool)?;
        if segments > 0 {
            lines.push(format!("{segments} segments in {}", spool.display()));
        }
    }
    Ok(lines)
}

fn segments(spool: &Path) -> std::io::Result<usize> {
    if !spool.exists() {
        return Ok(0);
    }
    let mut segments = 0;
    for file in std::fs::read_dir(spool)? {
        segments += usize::from(file?.path().extension().is_some_and(|it| it == "spool"));
    }
    Ok(segments)
}
