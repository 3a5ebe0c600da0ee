//! Photos' bytes, held against their digests. Postgres adds them up: none of them is sent to us.

use super::{Rows, Scope, Store, StoreError};

/// Photos in one statement: at the largest, 128 MiB to be read.
const PHOTOS: i64 = 8;

/// Which photos come next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Photos {
    /// Those with a digest above this; empty: from the beginning.
    pub above: Vec<u8>,
}

/// Some photos, looked at.
#[derive(Clone, Debug, Default)]
pub struct PhotoStep {
    /// Where the next step begins; `None` after the last photo.
    pub next: Option<Photos>,
    /// How many.
    pub photos: i64,
    /// So large together.
    pub bytes: i64,
    /// Those that are not what their digest says, by a message that they belong to.
    pub damaged: Rows,
}

impl Store {
    /// The next photos after `from`, in the order of their digests, at most `at_most`, and none after
    /// `end` (an empty one is no end): each read whole and added up. Digests are as good as dice, so
    /// that any stretch of them is a fair sample.
    pub async fn check_photos(
        &self,
        scope: &Scope,
        from: &Photos,
        end: &Photos,
        at_most: i64,
    ) -> Result<PhotoStep, StoreError> {
        let mut tx = self.begin_reading(scope.statement_limit).await?;
        let photos = sqlx::query!(
            r#"select sha256, octet_length(bytes)::bigint as "bytes!", sha256(bytes) <> sha256 as "damaged!",
                      (select min(message_id) from media where media.sha256 = blobs.sha256) as message
               from blobs
               where sha256 > $1 and ($3 = ''::bytea or sha256 <= $3)
               order by sha256
               limit $2"#,
            from.above,
            at_most.min(PHOTOS),
            end.above
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let mut step = PhotoStep::default();
        for photo in photos {
            step.photos += 1;
            step.bytes += photo.bytes;
            if photo.damaged {
                let examples = photo.message.into_iter().collect();
                step.damaged.add(Rows { count: 1, examples });
            }
            step.next = Some(Photos { above: photo.sha256 });
        }
        Ok(step)
    }
}
