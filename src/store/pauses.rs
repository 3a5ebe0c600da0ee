//! Numbers whose jobs wait because their token is dead. The pause itself is the queue's.

use super::{Store, StoreError};
use crate::domain::ids::PhoneNumberId;
use crate::domain::retry::TOKEN_IS_DEAD;

impl Store {
    /// The numbers that are paused for a dead token.
    pub async fn paused_numbers(&self) -> Result<Vec<PhoneNumberId>, StoreError> {
        let rows = sqlx::query_scalar!(
            "select distinct group_key from apalis_lease.paused_groups where strpos(reason, $1) > 0",
            TOKEN_IS_DEAD
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().filter_map(|it| PhoneNumberId::parse(it)).collect())
    }

    /// Whether nobody has told the operator yet that `number` is paused. True once for each pause,
    /// whoever asks.
    pub async fn pause_is_news(&self, number: &PhoneNumberId) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "insert into told_pauses (phone_number_id, told_at)
             values ($1, now())
             on conflict (phone_number_id) do nothing",
            number.as_str()
        )
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The jobs of `number` flow on, in every queue where it was paused for a dead token. Called
    /// again it does nothing.
    pub async fn resume_number(&self, number: &PhoneNumberId) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query!(
            "select apalis_lease.resume_group(queue, group_key)
             from apalis_lease.paused_groups
             where group_key = $1 and strpos(reason, $2) > 0",
            number.as_str(),
            TOKEN_IS_DEAD
        )
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query!("delete from told_pauses where phone_number_id = $1", number.as_str())
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}
