//! Keys of the API, by their digests; and the writes that were asked for under an Idempotency-Key.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError, one_row};
use crate::domain::access::{LinkKey, Numbers, Scope};
use crate::domain::ids::{PhoneNumberId, Sha256};

/// Our row id of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub i64);

/// A key that is to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Whose it is.
    pub label: String,
    /// How it begins.
    pub hint: String,
    /// Its digest.
    pub digest: Sha256,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What it may see.
    pub numbers: Numbers,
}

/// A key as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Which.
    pub id: KeyId,
    /// Whose it is.
    pub label: String,
    /// How it begins.
    pub hint: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What it may see.
    pub numbers: Numbers,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A write that is asked for under a name.
#[derive(Clone, Copy, Debug)]
pub struct Once {
    /// By which key.
    pub key: KeyId,
    /// Digest of the Idempotency-Key.
    pub name: Sha256,
    /// Digest of everything that it asks for.
    pub content: Sha256,
}

/// What is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: do it.
    New,
    /// It was done, and wrote this row.
    Done(i64),
    /// It is being done.
    UnderWay,
    /// Something else was asked for under the same name.
    Other,
}

/// A request that has been under way for longer has died: it may be done again.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(1);

/// How long a name is remembered.
pub(super) const REMEMBERED: TimeDelta = TimeDelta::hours(24);

struct Row {
    id: i64,
    label: String,
    hint: String,
    scopes: Vec<String>,
    numbers: Option<Vec<String>>,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl From<Row> for Key {
    fn from(row: Row) -> Self {
        let these = |it: Vec<String>| it.iter().filter_map(|it| PhoneNumberId::parse(it)).collect();
        Self {
            id: KeyId(row.id),
            label: row.label,
            hint: row.hint,
            // A scope that this version does not know allows nothing.
            scopes: row.scopes.iter().filter_map(|it| Scope::parse(it)).collect(),
            numbers: row.numbers.map_or(Numbers::All, |it| Numbers::These(these(it))),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

impl Store {
    /// Writes a key down.
    pub async fn make_key(&self, key: &NewKey, now: DateTime<Utc>) -> Result<KeyId, StoreError> {
        let scopes: Vec<String> = key.scopes.iter().map(|it| it.as_str().to_owned()).collect();
        let numbers = key.numbers.texts();
        let id = sqlx::query_scalar!(
            "insert into api_keys (label, hint, key_sha256, scopes, numbers, created_at)
             values ($1, $2, $3, $4, $5, $6)
             returning id",
            key.label,
            key.hint,
            key.digest.as_bytes(),
            &scopes,
            numbers.as_deref(),
            now
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(KeyId(id))
    }

    /// Every key, the oldest first.
    pub async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select id, label, hint, scopes, numbers, created_at, last_used_at, revoked_at
             from api_keys
             order by id"
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Key::from).collect())
    }

    /// The key with this digest, unless it is revoked; noted as used.
    pub async fn use_key(
        &self,
        digest: Sha256,
        now: DateTime<Utc>,
    ) -> Result<Option<Key>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select id, label, hint, scopes, numbers, created_at, last_used_at, revoked_at
             from api_keys
             where key_sha256 = $1 and revoked_at is null",
            digest.as_bytes()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        if row.last_used_at.is_none_or(|it| now - it >= TimeDelta::minutes(1)) {
            sqlx::query!("update api_keys set last_used_at = $2 where id = $1", row.id, now)
                .execute(&self.pool)
                .await?;
        }
        Ok(Some(row.into()))
    }

    /// The key is good for nothing from now on. [`StoreError::Overtaken`] where there is no such key,
    /// or it is revoked already.
    pub async fn revoke_key(&self, id: KeyId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null",
            id.0,
            now
        )
        .execute(&self.pool)
        .await?;
        one_row("api_keys", done.rows_affected())
    }

    /// Takes the name of a write, or says what is known of it.
    pub async fn begin_once(&self, once: &Once, now: DateTime<Utc>) -> Result<Known, StoreError> {
        let taken = sqlx::query!(
            "insert into api_requests as known (key_id, name_sha256, content_sha256, began_at)
             values ($1, $2, $3, $4)
             on conflict (key_id, name_sha256) do update
             set began_at = excluded.began_at, content_sha256 = excluded.content_sha256,
                 result_id = null
             where known.began_at < $5
                 or (known.result_id is null and known.began_at < $6
                     and known.content_sha256 = excluded.content_sha256)",
            once.key.0,
            once.name.as_bytes(),
            once.content.as_bytes(),
            now,
            now - REMEMBERED,
            now - UNDER_WAY
        )
        .execute(&self.pool)
        .await?;
        if taken.rows_affected() == 1 {
            return Ok(Known::New);
        }
        let known = sqlx::query!(
            "select content_sha256, result_id
             from api_requests
             where key_id = $1 and name_sha256 = $2",
            once.key.0,
            once.name.as_bytes()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(match known {
            None => Known::UnderWay,
            Some(it) if it.content_sha256 != once.content.as_bytes() => Known::Other,
            Some(it) => it.result_id.map_or(Known::UnderWay, Known::Done),
        })
    }

    /// It was done, and wrote this row.
    pub async fn end_once(&self, once: &Once, result: i64) -> Result<(), StoreError> {
        sqlx::query!(
            "update api_requests set result_id = $3 where key_id = $1 and name_sha256 = $2",
            once.key.0,
            once.name.as_bytes(),
            result
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// It was refused: the name is free again.
    pub async fn forget_once(&self, once: &Once) -> Result<(), StoreError> {
        sqlx::query!(
            "delete from api_requests
             where key_id = $1 and name_sha256 = $2 and result_id is null",
            once.key.0,
            once.name.as_bytes()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What links to photos are signed with, the newest first.
    pub async fn link_keys(&self) -> Result<Vec<LinkKey>, StoreError> {
        let keys = sqlx::query_scalar!("select key from photo_link_keys order by id desc")
            .fetch_all(&self.pool)
            .await?;
        Ok(keys.into_iter().map(LinkKey::new).collect())
    }
}
