//! The numbers that are written to, and the templates, with their health.

use chrono::{DateTime, NaiveDate, Utc};

use crate::store::{Store, StoreError};

/// A number of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Meta's id of it.
    pub id: String,
    /// Why its jobs are paused, where they are.
    pub paused: Option<String>,
    /// Since when.
    pub paused_since: Option<DateTime<Utc>>,
    /// People who may be written to in 24 hours outside their window; 0: Meta sets no limit.
    pub people: Option<i64>,
    /// When Meta last said so.
    pub checked_at: Option<DateTime<Utc>>,
    /// Messages that left from it this month, charged and free.
    pub messages: i64,
    /// Those that Meta charges for.
    pub billable: i64,
}

/// A template in a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// As at Meta.
    pub name: String,
    /// As at Meta.
    pub language: String,
    /// May it be sent?
    pub status: String,
    /// Why not.
    pub reason: Option<String>,
    /// What it is billed as.
    pub category: Option<String>,
    /// What it was billed as before Meta moved it.
    pub previous_category: Option<String>,
    /// GREEN, YELLOW, RED, UNKNOWN.
    pub quality: Option<String>,
    /// Answers that wait for it.
    pub waiting_replies: i64,
    /// When its words were last listed.
    pub synced_at: Option<DateTime<Utc>>,
}

/// What Meta told of the account or a number, and we do not act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The webhook's field.
    pub field: String,
    /// Meta's word.
    pub kind: String,
    /// How often.
    pub items: i64,
    /// The last time.
    pub last_at: DateTime<Utc>,
}

impl Store {
    /// Every number that was ever written to or left from, with how it is in `month`.
    pub async fn numbers(&self, month: NaiveDate) -> Result<Vec<Number>, StoreError> {
        Ok(sqlx::query_as!(
            Number,
            r#"with known as (
                   select id from numbers_written_to
                   union
                   select phone_number_id from messaging_limits
                   union
                   select phone_number_id from costs
                   union
                   select group_key from apalis_lease.paused_groups where queue <> 'events'
               )
               select known.id as "id!",
                      (select coalesce(min(reason), '') from apalis_lease.paused_groups
                       where group_key = known.id having count(*) > 0) as paused,
                      (select min(since) from apalis_lease.paused_groups
                       where group_key = known.id) as paused_since,
                      case when limits.phone_number_id is not null
                           then coalesce(limits.people, 0) end as people,
                      limits.checked_at as "checked_at?",
                      coalesce(spent.messages, 0)::bigint as "messages!",
                      coalesce(spent.billable, 0)::bigint as "billable!"
               from known
               left join messaging_limits as limits on limits.phone_number_id = known.id
               left join lateral (
                   select sum(billable_messages + free_messages) as messages,
                          sum(billable_messages) as billable
                   from costs
                   where costs.phone_number_id = known.id and costs.month = $1
               ) as spent on true
               order by known.id"#,
            month
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Every template that Meta told of.
    pub async fn shown_templates(&self) -> Result<Vec<Template>, StoreError> {
        Ok(sqlx::query_as!(
            Template,
            r#"select name as "name!", language as "language!", status as "status!", reason,
                      category, previous_category, quality, waiting_replies as "waiting_replies!",
                      synced_at
               from ops.templates
               order by name, language
               limit 200"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// What Meta told besides messages and statuses, by what it is; the newest first.
    pub async fn account_news(&self) -> Result<Vec<News>, StoreError> {
        Ok(sqlx::query_as!(
            News,
            r#"select field as "field!", kind as "kind!", items as "items!", last_at as "last_at!"
               from ops.kept
               order by last_at desc
               limit 30"#
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
