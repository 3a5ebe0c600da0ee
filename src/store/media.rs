//! Photos and documents: where each message's stands, and the bytes by their digest.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, one_row};
use crate::domain::ids::{MediaId, MessageId, Sha256};
use crate::domain::inbound::MediaRef;

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

/// Keeps the bytes, once for each digest.
pub async fn keep_blob(tx: &mut Tx, blob: &Blob, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into blobs (sha256, mime, bytes, stored_at)
         values ($1, $2, $3, $4)
         on conflict (sha256) do nothing",
        blob.sha256.as_bytes(),
        blob.mime,
        blob.bytes,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ties a new message to its photo: stored under `sha256`, or pending without one.
pub async fn attach(
    tx: &mut Tx,
    message: MessageId,
    media: &MediaRef,
    sha256: Option<Sha256>,
) -> Result<(), StoreError> {
    let state = if sha256.is_some() { "stored" } else { "pending" };
    let done = sqlx::query!(
        "insert into media (message_id, media_id, declared_mime, declared_sha256, state, sha256)
         values ($1, $2, $3, $4, $5, $6)",
        message.0,
        media.id.as_str(),
        media.mime,
        media.sha256.map(|it| it.as_bytes().to_vec()),
        state,
        sha256.map(|it| it.as_bytes().to_vec()),
    )
    .execute(&mut **tx)
    .await?;
    one_row("media", done.rows_affected())
}

impl Store {
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
        keep_blob(&mut tx, blob, now).await?;
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
