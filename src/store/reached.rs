//! Whom we wrote to by template outside their window in the last 24 hours, and how many Meta lets
//! us. All numbers share one limit, so it is counted over all of them.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Store, StoreError};
use crate::domain::ids::{PhoneNumberId, SenderId};

/// Meta counts in a moving day. Source: Meta, "Messaging limits", 2026.
const DAY: TimeDelta = TimeDelta::hours(24);

/// How many people may be reached in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many.
    People(i64),
    /// As many as we like.
    None,
}

impl Store {
    /// The limit as Meta last told it of `number`, and when it was asked.
    pub async fn messaging_limit(
        &self,
        number: &PhoneNumberId,
    ) -> Result<Option<(Limit, DateTime<Utc>)>, StoreError> {
        let row = sqlx::query!(
            "select people, checked_at from messaging_limits where phone_number_id = $1",
            number.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|it| (it.people.map_or(Limit::None, Limit::People), it.checked_at)))
    }

    /// Meta told the limit.
    pub async fn messaging_limit_is(
        &self,
        number: &PhoneNumberId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let people = match limit {
            Limit::People(people) => Some(people),
            Limit::None => None,
        };
        sqlx::query!(
            "insert into messaging_limits (phone_number_id, people, checked_at)
             values ($1, $2, $3)
             on conflict (phone_number_id) do update set people = $2, checked_at = $3",
            number.as_str(),
            people,
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// `person` is about to be written to outside their window. `None` when `limit` allows it: then
    /// they count from now on. Else when the next place is free. Who was reached in the last day
    /// takes no place of their own again.
    pub async fn reach(
        &self,
        person: SenderId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut tx = self.begin().await?;
        if let Limit::People(most) = limit {
            // Two that count at the same moment would both find the last place free.
            sqlx::query_scalar!(
                r#"select 1 as "locked!" from pg_advisory_xact_lock(hashtext('paragon.reached_people'))"#
            )
            .fetch_one(&mut *tx)
            .await?;
            let oldest = sqlx::query_scalar!(
                "select reached_at
                 from reached_people
                 where reached_at > $1 and sender_id <> $2
                 order by reached_at desc
                 offset $3
                 limit 1",
                now - DAY,
                person.0,
                most - 1
            )
            .fetch_optional(&mut *tx)
            .await?;
            let known = sqlx::query_scalar!(
                r#"select exists (
                       select from reached_people where sender_id = $1 and reached_at > $2
                   ) as "known!""#,
                person.0,
                now - DAY
            )
            .fetch_one(&mut *tx)
            .await?;
            if let Some(oldest) = oldest.filter(|_| !known) {
                return Ok(Some(oldest + DAY));
            }
        }
        sqlx::query!(
            "insert into reached_people (sender_id, reached_at)
             values ($1, $2)
             on conflict (sender_id) do update set reached_at = $2",
            person.0,
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(None)
    }
}
