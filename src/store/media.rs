//! Photos and documents: where each message's stands, and the bytes by their digest.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError, Tx, one_row};
use crate::domain::ids::{MediaId, MessageId, Sha256};
use crate::domain::inbound::MediaRef;

/// Bytes that come again sooner than this are not touched. Far less than what orphans live, so that
/// no message is tied to bytes that are being swept.
const TOUCHED_AFTER: TimeDelta = TimeDelta::hours(1);

/// A photo's bytes with the type that their first bytes show.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    /// The digest of `bytes`.
    pub sha256: Sha256,
    /// For example `image/jpeg`.
    pub mime: String,
    /// The photo.
    pub bytes: Vec<u8>,
}

/// Shows size and type, never the picture.
impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({}, {} bytes)", self.mime, self.bytes.len())
    }
}

/// Where the photo of a message stands.
#[derive(Clone, Debug)]
pub enum Media {
    /// Here.
    Stored(Blob),
    /// To be fetched by its id.
    Pending(MediaRef),
    /// Not to be had any more; the row says why.
    Lost,
}

/// [`Media`] without its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Here.
    Stored,
    /// To be fetched by its id.
    Pending,
    /// Not to be had any more.
    Lost,
}

/// Keeps the bytes, once for each digest. Told again after [`TOUCHED_AFTER`], the time of storing is
/// renewed, so that bytes about to be used again are not swept away as orphans.
async fn keep(
    connection: impl sqlx::PgExecutor<'_>,
    blob: &Blob,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into blobs (sha256, mime, bytes, stored_at)
         values ($1, $2, $3, $4)
         on conflict (sha256) do update
         set stored_at = excluded.stored_at
         where blobs.stored_at < $5",
        blob.sha256.as_bytes(),
        blob.mime,
        blob.bytes,
        now,
        now - TOUCHED_AFTER,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How the photo of a new message is tied to it.
#[derive(Clone, Copy, Debug)]
pub struct Attachment<'a> {
    /// Whose.
    pub message: MessageId,
    /// Where it is to be had.
    pub media: &'a MediaRef,
    /// Under which digest its bytes are here; without one it is pending.
    pub stored: Option<Sha256>,
}

/// Ties new messages to their photos.
pub async fn attach(tx: &mut Tx, attachments: &[Attachment<'_>]) -> Result<(), StoreError> {
    if attachments.is_empty() {
        return Ok(());
    }
    // The photos' rows are locked by this: in the order of their digests, as everybody does.
    let mut sorted = attachments.to_vec();
    sorted.sort_by_key(|it| it.stored);
    let messages: Vec<i64> = sorted.iter().map(|it| it.message.0).collect();
    let ids: Vec<&str> = sorted.iter().map(|it| it.media.id.as_str()).collect();
    let mimes: Vec<&str> = sorted.iter().map(|it| it.media.mime.as_str()).collect();
    let bytes = |it: Option<Sha256>| it.map(|it| it.as_bytes().to_vec());
    let declared: Vec<Option<Vec<u8>>> = sorted.iter().map(|it| bytes(it.media.sha256)).collect();
    let stored: Vec<Option<Vec<u8>>> = sorted.iter().map(|it| bytes(it.stored)).collect();
    let done = sqlx::query!(
        "insert into media (message_id, media_id, declared_mime, declared_sha256, state, sha256)
         select told.message_id, told.media_id, told.mime, told.declared,
                case when told.stored is null then 'pending' else 'stored' end, told.stored
         from unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
              with ordinality as told (message_id, media_id, mime, declared, stored, place)
         order by told.place",
        &messages,
        &ids as _,
        &mimes as _,
        &declared as _,
        &stored as _,
    )
    .execute(&mut **tx)
    .await?;
    let touched = usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
    if touched == sorted.len() { Ok(()) } else { Err(StoreError::Overtaken { table: "media" }) }
}

impl Store {
    /// Keeps the bytes of a photo, in a commit of its own, before the message that it belongs to:
    /// small items never wait behind them. Told twice, they are kept once. What nothing is tied to
    /// in the end is removed by the chores.
    pub async fn keep_blob(&self, blob: &Blob, now: DateTime<Utc>) -> Result<(), StoreError> {
        keep(&self.pool, blob, now).await
    }

    /// The photo of `message`, with its bytes when they are here.
    pub async fn media(&self, message: MessageId) -> Result<Media, StoreError> {
        let row = sqlx::query!(
            r#"select media.media_id, media.declared_mime, media.declared_sha256, media.state,
                      blobs.sha256 as "sha256?", blobs.mime as "mime?",
                      blobs.bytes as "bytes?"
               from media
               left join blobs on blobs.sha256 = media.sha256
               where media.message_id = $1"#,
            message.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::Missing { table: "media" })?;
        match (row.state.as_str(), row.sha256, row.mime, row.bytes) {
            ("stored", Some(sha256), Some(mime), Some(bytes)) => {
                let sha256 = Sha256::from_bytes(&sha256).ok_or(unreadable("sha256"))?;
                Ok(Media::Stored(Blob { sha256, mime, bytes }))
            }
            ("pending", ..) => Ok(Media::Pending(MediaRef {
                id: MediaId::parse(&row.media_id).ok_or(unreadable("media_id"))?,
                mime: row.declared_mime,
                sha256: row.declared_sha256.as_deref().and_then(Sha256::from_bytes),
                url: None,
            })),
            ("lost", ..) => Ok(Media::Lost),
            _ => Err(unreadable("state")),
        }
    }

    /// Where the photo of `message` stands, without reading it.
    pub async fn media_state(&self, message: MessageId) -> Result<State, StoreError> {
        let state = sqlx::query_scalar!("select state from media where message_id = $1", message.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(StoreError::Missing { table: "media" })?;
        match state.as_str() {
            "stored" => Ok(State::Stored),
            "pending" => Ok(State::Pending),
            "lost" => Ok(State::Lost),
            _ => Err(unreadable("state")),
        }
    }

    /// The pending photo has come. Called twice it changes nothing more.
    pub async fn media_arrived(
        &self,
        message: MessageId,
        blob: &Blob,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        keep(&mut *tx, blob, now).await?;
        let done = sqlx::query!(
            "update media
             set state = 'stored', sha256 = $2
             where message_id = $1 and (state = 'pending' or sha256 = $2)",
            message.0,
            blob.sha256.as_bytes(),
        )
        .execute(&mut *tx)
        .await?;
        one_row("media", done.rows_affected())?;
        Ok(tx.commit().await?)
    }

    /// The pending photo will never come. The reason is shown to the operator: nothing personal.
    pub async fn media_lost(&self, message: MessageId, reason: &str) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "update media
             set state = 'lost', reason = $2
             where message_id = $1 and state in ('pending', 'lost')",
            message.0,
            reason,
        )
        .execute(&self.pool)
        .await?;
        one_row("media", done.rows_affected())
    }
}

fn unreadable(column: &'static str) -> StoreError {
    StoreError::Unreadable { table: "media", column }
}
