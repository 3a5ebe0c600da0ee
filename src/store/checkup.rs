//! What `paragon doctor` asks of Postgres besides whether it answers.

use chrono::{DateTime, Utc};

use super::{Store, StoreError};

impl Store {
    /// What time it is in Postgres.
    pub async fn now(&self) -> Result<DateTime<Utc>, StoreError> {
        Ok(sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#)
            .fetch_one(&self.pool)
            .await?)
    }

    /// How many sends Meta has refused with `code` since then, at once or afterwards.
    pub async fn refused_with(&self, code: i32, since: DateTime<Utc>) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select count(*) as "refused!"
               from send_attempts
               where intended_at >= $2 and (error_code = $1 or delivery_error_code = $1)"#,
            code,
            since
        )
        .fetch_one(&self.pool)
        .await?)
    }
}
