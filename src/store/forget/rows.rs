//! The rows of one person, table by table, in the order in which nothing is left pointing at what is
//! gone. Each statement counts what it erased.

use chrono::{DateTime, Utc};

use super::{Known, OptOut, texts};
use crate::store::opt_outs::{self, Names};
use crate::store::{StoreError, Tx};

/// What is being erased, and what has been.
#[derive(Default)]
pub(super) struct Rows {
    messages: Vec<i64>,
    reminders: Vec<i64>,
    /// Whose events go, whatever they are about.
    senders: Vec<i64>,
    /// Digests of their photos.
    pub(super) photos: Vec<Vec<u8>>,
    /// Jobs that run at this moment.
    pub(super) running: Vec<i64>,
    /// By table.
    pub(super) counts: Vec<(&'static str, u64)>,
}

/// The messages that are theirs, locked: those that reached us before `before`, or all.
pub(super) async fn messages_of(
    tx: &mut Tx,
    known: &Known,
    before: Option<DateTime<Utc>>,
) -> Result<Vec<i64>, StoreError> {
    let (mut phones, mut since, mut until) = (Vec::new(), Vec::new(), Vec::new());
    for held in &known.person.numbers {
        for phone in held.phone.variants() {
            phones.push(phone.as_str().to_owned());
            since.push(held.since);
            until.push(held.until);
        }
    }
    Ok(sqlx::query_scalar!(
        "select id
         from messages
         where (exists (
                    select from unnest($1::text[], $2::timestamptz[], $3::timestamptz[])
                                as held (phone, since, until)
                    where held.phone = messages.phone
                        and (held.since is null or messages.sent_at > held.since)
                        and (held.until is null or messages.sent_at <= held.until)
                )
                or user_id = any($4)
                or id in (select message_id from entries where sender_id = any($5))
                or id in (select message_id from matches where sender_id = any($5))
                or id in (select message_id from replies where sender_id = any($5)))
             and ($6::timestamptz is null or received_at < $6)
         order by id
         for update",
        &phones,
        &since as _,
        &until as _,
        &texts(&known.person.user_ids),
        &known.senders,
        before
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Ends `jobs`, whatever their state, and what is told of them.
pub(super) async fn end_jobs(tx: &mut Tx, jobs: &[i64]) -> Result<(), StoreError> {
    sqlx::query!(
        r#"select apalis_lease.cancel_job(id, 'erased by paragon forget') as "ended!"
           from unnest($1::bigint[]) as id"#,
        jobs
    )
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query!("delete from apalis_lease.done_jobs where id = any($1)", jobs)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("delete from apalis_lease.attempts where job_id = any($1)", jobs)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

impl Rows {
    /// Locks their messages, and sees what hangs on them.
    pub(super) async fn find(
        tx: &mut Tx,
        known: &Known,
        before: Option<DateTime<Utc>>,
    ) -> Result<Self, StoreError> {
        let messages = messages_of(tx, known, before).await?;
        let senders = match before {
            Some(_) => Vec::new(),
            None => known.senders.clone(),
        };
        let reminders = match before {
            // What is to be sent since then is to somebody new.
            Some(_) => Vec::new(),
            None => {
                sqlx::query_scalar!(
                    "select id from reminders where sender_id = any($1) order by id for update",
                    &known.senders
                )
                .fetch_all(&mut **tx)
                .await?
            }
        };
        let photos = sqlx::query_scalar!(
            r#"select distinct sha256 as "sha256!"
               from media
               where message_id = any($1) and sha256 is not null
               order by 1"#,
            &messages
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(Self { messages, reminders, senders, photos, ..Self::default() })
    }

    pub(super) fn count(&mut self, table: &'static str, rows: u64) {
        match self.counts.iter_mut().find(|(name, _)| *name == table) {
            Some((_, counted)) => *counted += rows,
            None => self.counts.push((table, rows)),
        }
    }

    /// Everything that came of their messages and reminders.
    pub(super) async fn erase_of_messages(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.erase_jobs(tx).await?;
        let messages = &self.messages;
        let told = sqlx::query!("delete from events where message_id = any($1)", messages)
            .execute(&mut **tx)
            .await?;
        self.count("events", told.rows_affected());
        self.erase_sends(tx).await?;
        self.erase_entries(tx).await?;
        self.erase_what_was_read(tx).await?;
        let gone = sqlx::query!("delete from reminders where id = any($1)", &self.reminders)
            .execute(&mut **tx)
            .await?;
        self.count("reminders", gone.rows_affected());
        let gone = sqlx::query!("delete from messages where id = any($1)", &self.messages)
            .execute(&mut **tx)
            .await?;
        self.count("messages", gone.rows_affected());
        Ok(())
    }

    /// A job that runs is left alone, so that its end can be seen: it finds nothing to work on.
    async fn erase_jobs(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let jobs = sqlx::query!(
            r#"select id as "id!", state = 'running' as "runs!"
               from apalis_lease.tasks
               where (queue in ('messages', 'local_reading')
                      and (payload ->> 'message_id')::bigint = any($1))
                   or (queue = 'reminders' and (payload ->> 'reminder_id')::bigint = any($2))
                   or (queue = 'events' and payload ->> 'delivery_id' in (
                       select event_deliveries.id::text
                       from events
                       join event_deliveries on event_deliveries.event_id = events.id
                       where events.message_id = any($1) or events.sender_id = any($3)
                   ))"#,
            &self.messages,
            &self.reminders,
            &self.senders
        )
        .fetch_all(&mut **tx)
        .await?;
        self.running = jobs.iter().filter(|it| it.runs).map(|it| it.id).collect();
        let ended: Vec<i64> = jobs.iter().filter(|it| !it.runs).map(|it| it.id).collect();
        end_jobs(tx, &ended).await?;
        self.count("jobs", u64::try_from(ended.len()).unwrap_or_default());
        Ok(())
    }

    /// Answers and reminders that were sent; of each attempt a digest stays, by which its statuses are
    /// known.
    async fn erase_sends(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let gone = sqlx::query_scalar!(
            r#"with gone as (
                   delete from send_attempts
                   where reply_id in (select id from replies where message_id = any($1))
                       or reminder_id = any($2)
                   returning id, wamid
               ),
               kept as (
                   insert into erased_sends (id_sha256, erased_at)
                   select distinct sha256(convert_to(name, 'UTF8')), now()
                   from gone
                   cross join lateral unnest(array[id::text, wamid]) as name
                   where name is not null
                   on conflict (id_sha256) do update set erased_at = excluded.erased_at
               )
               select count(*) as "gone!" from gone"#,
            &self.messages,
            &self.reminders
        )
        .fetch_one(&mut **tx)
        .await?;
        self.count("send_attempts", u64::try_from(gone).unwrap_or_default());
        let gone = sqlx::query!("delete from replies where message_id = any($1)", &self.messages)
            .execute(&mut **tx)
            .await?;
        self.count("replies", gone.rows_affected());
        Ok(())
    }

    async fn erase_entries(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let gone = sqlx::query!(
            "delete from entry_revisions
             where message_id = any($1)
                 or entry_id in (select id from entries where message_id = any($1))",
            &self.messages
        )
        .execute(&mut **tx)
        .await?;
        self.count("entry_revisions", gone.rows_affected());
        let gone = sqlx::query!("delete from entries where message_id = any($1)", &self.messages)
            .execute(&mut **tx)
            .await?;
        self.count("entries", gone.rows_affected());
        Ok(())
    }

    async fn erase_what_was_read(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let messages = &self.messages;
        let matches = sqlx::query!("delete from matches where message_id = any($1)", messages)
            .execute(&mut **tx)
            .await?;
        let readings = sqlx::query!("delete from readings where message_id = any($1)", messages)
            .execute(&mut **tx)
            .await?;
        let media = sqlx::query!("delete from media where message_id = any($1)", messages)
            .execute(&mut **tx)
            .await?;
        let moves = sqlx::query!("delete from moves where message_id = any($1)", messages)
            .execute(&mut **tx)
            .await?;
        let profiles = sqlx::query!("delete from profiles where message_id = any($1)", messages)
            .execute(&mut **tx)
            .await?;
        let former =
            sqlx::query!("delete from former_identities where message_id = any($1)", messages)
                .execute(&mut **tx)
                .await?;
        self.count("matches", matches.rows_affected());
        self.count("readings", readings.rows_affected());
        self.count("media", media.rows_affected());
        self.count("moves", moves.rows_affected());
        self.count("profiles", profiles.rows_affected());
        self.count("former_identities", former.rows_affected());
        Ok(())
    }

    /// Who they are and were, and what they wished. After their messages: whoever works on one of
    /// them holds it, and is waited for.
    pub(super) async fn erase_of_senders(
        &mut self,
        tx: &mut Tx,
        known: &Known,
        opt_out: OptOut,
        before: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let names = Names::of(&known.person, before);
        let wishes = match opt_out {
            OptOut::Stands => opt_outs::forget_but_stop(tx, &names).await?,
            OptOut::Erased => opt_outs::forget_all(tx, &names).await?,
        };
        self.count("opt_outs", wishes);
        self.erase_senders(tx, &known.senders).await
    }

    async fn erase_senders(&mut self, tx: &mut Tx, senders: &[i64]) -> Result<(), StoreError> {
        let former =
            sqlx::query!("delete from former_identities where sender_id = any($1)", senders)
                .execute(&mut **tx)
                .await?;
        let paces = sqlx::query!("delete from pair_paces where sender_id = any($1)", senders)
            .execute(&mut **tx)
            .await?;
        let reached = sqlx::query!("delete from reached_people where sender_id = any($1)", senders)
            .execute(&mut **tx)
            .await?;
        let doubled =
            sqlx::query!("delete from doubled_customers where sender_id = any($1)", senders)
                .execute(&mut **tx)
                .await?;
        let told = sqlx::query!("delete from events where sender_id = any($1)", senders)
            .execute(&mut **tx)
            .await?;
        let gone = sqlx::query!("delete from senders where id = any($1)", senders)
            .execute(&mut **tx)
            .await?;
        self.count("former_identities", former.rows_affected());
        self.count("pair_paces", paces.rows_affected());
        self.count("reached_people", reached.rows_affected());
        self.count("doubled_customers", doubled.rows_affected());
        self.count("events", told.rows_affected());
        self.count("senders", gone.rows_affected());
        Ok(())
    }
}
