//! Messages, their jobs and photos: what was accepted is known, owed a job, and here.

use super::{Found, Rows, Scope, Span, Store, StoreError, Tx, rows};
use crate::domain::breach::Breach;

impl Store {
    /// What is not as it must be among the messages of `span`, how many of them were old enough to
    /// be looked at, and how they were answered.
    pub async fn breaches_among_messages(
        &self,
        scope: &Scope,
        span: Span,
    ) -> Result<(i64, Found), StoreError> {
        let mut tx = self.begin_reading(scope.statement_limit).await?;
        let looked_at = sqlx::query_scalar!(
            r#"select count(*) as "count!" from messages
               where id > $1 and id <= $2 and accepted_at < $3"#,
            span.after,
            span.up_to,
            scope.settled_before
        )
        .fetch_one(&mut *tx)
        .await?;
        let mut found = vec![
            (Breach::MessageNotRemembered, not_remembered(&mut tx, scope, span).await?),
            (Breach::MessageWithoutJob, without_job(&mut tx, scope, span).await?),
            (Breach::PhotoWithoutMedia, without_media(&mut tx, scope, span).await?),
            (Breach::PhotoNeverFetched, never_fetched(&mut tx, scope, span).await?),
            (Breach::PhotoWithoutBytes, without_bytes(&mut tx, scope, span).await?),
        ];
        found.extend(super::answers::among(&mut tx, scope, span).await?);
        tx.commit().await?;
        Ok((looked_at, found))
    }
}

async fn not_remembered(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from messages
         where id > $1 and id <= $2 and accepted_at < $3
           and not exists (
               select from message_ids
               where wamid_sha256 = sha256(convert_to(messages.wamid, 'UTF8'))
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

/// Done jobs are kept for 8 days at least: of older messages nobody knows.
async fn without_job(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from messages
         where id > $1 and id <= $2 and accepted_at < $3
           and accepted_at > now() - interval '7 days'
           and not exists (
               select from apalis_lease.jobs where payload ->> 'message_id' = messages.id::text
           )
           and not exists (
               select from apalis_lease.done_jobs where payload ->> 'message_id' = messages.id::text
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

async fn without_media(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select id from messages
         where id > $1 and id <= $2 and accepted_at < $3 and kind = 'media'
           and not exists (select from media where message_id = messages.id)",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

async fn never_fetched(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select messages.id from messages
         join media on media.message_id = messages.id and media.state = 'pending'
         where messages.id > $1 and messages.id <= $2 and accepted_at < $3
           and not exists (
               select from replies where message_id = messages.id and part = 'answer'
           )
           and not exists (
               select from apalis_lease.jobs where payload ->> 'message_id' = messages.id::text
           )",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}

/// A foreign key forbids it; a restore without constraints, or a disk, may not have asked.
async fn without_bytes(tx: &mut Tx, scope: &Scope, span: Span) -> Result<Rows, StoreError> {
    Ok(rows!(
        tx,
        "select messages.id from messages
         join media on media.message_id = messages.id and media.state = 'stored'
         where messages.id > $1 and messages.id <= $2 and accepted_at < $3
           and not exists (select from blobs where blobs.sha256 = media.sha256)",
        span.after,
        span.up_to,
        scope.settled_before
    ))
}
