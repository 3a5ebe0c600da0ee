//! Entries, the newest first, as bookkeepers filter them.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Days, Page, Timed};
use crate::domain::ids::{CustomerId, EntryId, MessageId};
use crate::domain::money::{Currency, Money};
use crate::domain::reading::Category;
use crate::domain::reply::EntryState;
use crate::store::entry_revisions::Wanted;
use crate::store::exported::Exported;
use crate::store::{Store, StoreError};

/// Which entries are looked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this state.
    pub state: Option<EntryState>,
    /// For this kind of thing.
    pub category: Option<Category>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Of this customer of Stripe's.
    pub customer: Option<CustomerId>,
    /// Those that nobody has confirmed.
    pub unconfirmed: Unconfirmed,
    /// Booked on these days.
    pub days: Days,
    /// Older than this one.
    pub before: Option<i64>,
}

/// Whether what somebody has confirmed is shown too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unconfirmed {
    /// It is.
    #[default]
    All,
    /// It is not.
    Only,
}

/// An entry as a page or a file shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub id: EntryId,
    /// Of which message.
    pub message: MessageId,
    /// Whose, at Stripe.
    pub customer: String,
    /// Whether it counts.
    pub state: EntryState,
    /// Where it was paid.
    pub merchant: Option<String>,
    /// What was paid.
    pub total: Option<Money>,
    /// Its currency, which may be known where the total is not.
    pub currency: Option<Currency>,
    /// The tax within it.
    pub tax: Option<Money>,
    /// On which day.
    pub date: Option<NaiveDate>,
    /// For what.
    pub category: Option<Category>,
    /// What it repeats, or seemed to.
    pub duplicate_of: Option<EntryId>,
    /// When it was written.
    pub booked_at: DateTime<Utc>,
    /// When somebody said that it is right.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// How often something of it was changed.
    pub corrections: i64,
}

impl Entry {
    /// The entry as it would be wanted to stay.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            merchant: self.merchant.clone(),
            date: self.date,
            total: self.total,
            tax: self.tax,
            category: self.category,
        }
    }
}

/// For a file, without its photo.
impl From<Entry> for Exported {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            message: entry.message,
            customer: CustomerId(entry.customer),
            state: entry.state,
            booked_at: entry.booked_at,
            date: entry.date,
            merchant: entry.merchant,
            category: entry.category,
            currency: entry.currency,
            total: entry.total,
            tax: entry.tax,
            confirmed_at: entry.confirmed_at,
            corrections: entry.corrections,
            duplicate_of: entry.duplicate_of,
            photo: None,
        }
    }
}

/// Shows which and how it stands: where somebody shops stays out of logs.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({}, {})", self.id.0, self.state.as_str())
    }
}

pub(super) struct EntryRow {
    id: i64,
    message_id: i64,
    customer_id: String,
    state: String,
    merchant: Option<String>,
    total_minor: Option<i64>,
    currency: Option<String>,
    tax_minor: Option<i64>,
    receipt_date: Option<NaiveDate>,
    category: Option<String>,
    duplicate_of: Option<i64>,
    booked_at: DateTime<Utc>,
    confirmed_at: Option<DateTime<Utc>>,
    corrections: i64,
}

impl TryFrom<EntryRow> for Entry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let currency = row.currency.as_deref().and_then(Currency::parse);
        let money = |minor: Option<i64>| Some(Money { minor: minor?, currency: currency? });
        let unreadable = StoreError::Unreadable { table: "entries", column: "state" };
        Ok(Self {
            id: EntryId(row.id),
            message: MessageId(row.message_id),
            customer: row.customer_id,
            state: EntryState::parse(&row.state).ok_or(unreadable)?,
            total: money(row.total_minor),
            tax: money(row.tax_minor),
            currency,
            merchant: row.merchant,
            date: row.receipt_date,
            category: row.category.as_deref().and_then(Category::parse),
            duplicate_of: row.duplicate_of.map(EntryId),
            booked_at: row.booked_at,
            confirmed_at: row.confirmed_at,
            corrections: row.corrections,
        })
    }
}

impl Store {
    /// A page of at most `at_most` entries. No more than 5,000 are looked at, and the page says where
    /// to go on.
    pub async fn search_entries(
        &self,
        filter: &Filter,
        at_most: usize,
    ) -> Result<Page<Entry>, StoreError> {
        let newest = sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "id!" from entries"#)
            .fetch_one(&self.pool)
            .await?;
        let below = filter.before.unwrap_or(i64::MAX).min(newest + 1);
        let ids = self.ids_of(Timed::Entries, filter.days, below).await?;
        let rows = sqlx::query_as!(
            EntryRow,
            r#"select id as "id!", message_id as "message_id!", customer_id as "customer_id!",
                      state as "state!", merchant, total_minor, currency, tax_minor, receipt_date,
                      category, duplicate_of, booked_at as "booked_at!", confirmed_at,
                      (select count(*) from entry_revisions
                       where entry_id = near.id and what not in ('customer', 'confirmed'))
                          as "corrections!"
               from (
                   (select id, message_id, customer_id, state, merchant, total_minor, currency,
                           tax_minor, receipt_date, category, duplicate_of, booked_at, confirmed_at
                    from entries
                    where id >= $1 and id < $2 and $7::text is null
                    order by id desc
                    limit 5000)
                   union all
                   (select id, message_id, customer_id, state, merchant, total_minor, currency,
                           tax_minor, receipt_date, category, duplicate_of, booked_at, confirmed_at
                    from entries
                    where id >= $1 and id < $2 and $7::text is not null and customer_id = $7
                    order by id desc
                    limit 5000)
               ) as near
               where ($3::text is null or state = $3)
                   and ($4::text is null or category = $4)
                   and ($5::text is null or currency = $5)
                   and (not $6 or confirmed_at is null)
                   and ($8::timestamptz is null or booked_at >= $8)
                   and ($9::timestamptz is null or booked_at < $9)
               order by id desc
               limit $10"#,
            ids.from,
            ids.below,
            filter.state.map(EntryState::as_str),
            filter.category.map(Category::as_str),
            filter.currency.map(Currency::code),
            filter.unconfirmed == Unconfirmed::Only,
            filter.customer.as_ref().map(|it| it.0.as_str()),
            filter.days.begin(),
            filter.days.end(),
            i64::try_from(at_most).unwrap_or(i64::MAX - 1) + 1
        )
        .fetch_all(&self.pool)
        .await?;
        let window = self.entry_window(ids.from, ids.below, filter).await?;
        let mut rows: Vec<Entry> =
            rows.into_iter().map(Entry::try_from).collect::<Result<_, StoreError>>()?;
        let is_full = rows.len() > at_most;
        rows.truncate(at_most);
        let older = if is_full { rows.last().map(|it| it.id.0) } else { window };
        Ok(Page { window_ended: !is_full && window.is_some(), rows, older })
    }

    /// The last id of a full window.
    async fn entry_window(
        &self,
        from: i64,
        below: i64,
        filter: &Filter,
    ) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select id as "id!"
               from (
                   (select id from entries
                    where id >= $1 and id < $2 and $3::text is null
                    order by id desc
                    limit 1 offset 4999)
                   union all
                   (select id from entries
                    where id >= $1 and id < $2 and $3::text is not null and customer_id = $3
                    order by id desc
                    limit 1 offset 4999)
               ) as last"#,
            from,
            below,
            filter.customer.as_ref().map(|it| it.0.as_str())
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// One entry.
    pub async fn shown_entry(&self, id: EntryId) -> Result<Entry, StoreError> {
        let row = sqlx::query_as!(
            EntryRow,
            r#"select id, message_id, customer_id, state, merchant, total_minor, currency, tax_minor,
                      receipt_date, category, duplicate_of, booked_at, confirmed_at,
                      (select count(*) from entry_revisions
                       where entry_id = entries.id and what not in ('customer', 'confirmed'))
                          as "corrections!"
               from entries
               where id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::Missing { table: "entries" })?;
        Entry::try_from(row)
    }

    /// The entry of a message, where it has one.
    pub async fn shown_entry_of(&self, message: MessageId) -> Result<Option<Entry>, StoreError> {
        let row = sqlx::query_as!(
            EntryRow,
            r#"select id, message_id, customer_id, state, merchant, total_minor, currency, tax_minor,
                      receipt_date, category, duplicate_of, booked_at, confirmed_at,
                      (select count(*) from entry_revisions
                       where entry_id = entries.id and what not in ('customer', 'confirmed'))
                          as "corrections!"
               from entries
               where message_id = $1"#,
            message.0
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Entry::try_from).transpose()
    }
}
