//! Entries for the bookkeeper, page by page from one snapshot: however many there are, one page is in
//! memory. Holds nobody's number and no name.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Store, StoreError, Tx};
use crate::domain::ids::{CustomerId, EntryId, MessageId, Sha256};
use crate::domain::money::{Currency, Money};
use crate::domain::reading::Category;
use crate::domain::reply::EntryState;

/// Which entries.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// In these states.
    pub states: Vec<EntryState>,
    /// Recorded from then on.
    pub since: Option<DateTime<Utc>>,
    /// Recorded before.
    pub until: Option<DateTime<Utc>>,
}

/// One entry, as it stands.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Our id.
    pub id: EntryId,
    /// The message that it came from.
    pub message: MessageId,
    /// Whose it is, at Stripe.
    pub customer: CustomerId,
    /// How it stands.
    pub state: EntryState,
    /// When it was recorded.
    pub booked_at: DateTime<Utc>,
    /// The receipt's date.
    pub date: Option<NaiveDate>,
    /// Who sold.
    pub merchant: Option<String>,
    /// What kind of cost.
    pub category: Option<Category>,
    /// The total's currency, where known.
    pub currency: Option<Currency>,
    /// The total.
    pub total: Option<Money>,
    /// The tax in it.
    pub tax: Option<Money>,
    /// When the sender said that it is right.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// How often something of it was corrected.
    pub corrections: i64,
    /// Which entry it repeats, or seemed to.
    pub duplicate_of: Option<EntryId>,
    /// Its photo: digest and type.
    pub photo: Option<(Sha256, String)>,
}

/// Entries as they stood at one moment.
#[derive(Debug)]
pub struct Snapshot(Tx);

impl Store {
    /// Begins to read entries as they stand now. Holds a connection until it is dropped.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query!("set transaction isolation level repeatable read, read only")
            .execute(&mut *tx)
            .await?;
        Ok(Snapshot(tx))
    }
}

impl Snapshot {
    /// The next `at_most` entries after `after`, in their order.
    pub async fn entries(
        &mut self,
        wanted: &Wanted,
        after: EntryId,
        at_most: i64,
    ) -> Result<Vec<Exported>, StoreError> {
        let states: Vec<String> = wanted.states.iter().map(|it| it.as_str().to_owned()).collect();
        let rows = sqlx::query_as!(
            Row,
            r#"select entries.id, entries.message_id, entries.customer_id, entries.state,
                      entries.booked_at, entries.receipt_date, entries.merchant, entries.category,
                      entries.total_minor, entries.currency, entries.tax_minor,
                      entries.confirmed_at, entries.duplicate_of,
                      (select count(*) from entry_revisions
                       where entry_revisions.entry_id = entries.id
                           and entry_revisions.what not in ('customer', 'confirmed')) as "corrections!",
                      blobs.sha256 as "photo_sha256?", blobs.mime as "photo_mime?"
               from entries
               left join media on media.message_id = entries.message_id
               left join blobs on blobs.sha256 = media.sha256
               where entries.id > $1
                   and entries.state = any($2)
                   and ($3::timestamptz is null or entries.booked_at >= $3)
                   and ($4::timestamptz is null or entries.booked_at < $4)
               order by entries.id
               limit $5"#,
            after.0,
            &states,
            wanted.since,
            wanted.until,
            at_most
        )
        .fetch_all(&mut *self.0)
        .await?;
        rows.into_iter().map(Row::exported).collect()
    }

    /// The bytes of a photo; `None` when they are not kept any more.
    pub async fn photo(&mut self, sha256: Sha256) -> Result<Option<Vec<u8>>, StoreError> {
        let digest = sha256.as_bytes().as_slice();
        Ok(sqlx::query_scalar!("select bytes from blobs where sha256 = $1", digest)
            .fetch_optional(&mut *self.0)
            .await?)
    }
}

struct Row {
    id: i64,
    message_id: i64,
    customer_id: String,
    state: String,
    booked_at: DateTime<Utc>,
    receipt_date: Option<NaiveDate>,
    merchant: Option<String>,
    category: Option<String>,
    total_minor: Option<i64>,
    currency: Option<String>,
    tax_minor: Option<i64>,
    confirmed_at: Option<DateTime<Utc>>,
    duplicate_of: Option<i64>,
    corrections: i64,
    photo_sha256: Option<Vec<u8>>,
    photo_mime: Option<String>,
}

impl Row {
    fn exported(self) -> Result<Exported, StoreError> {
        let unreadable = |column| StoreError::Unreadable { table: "entries", column };
        let currency = match self.currency.as_deref() {
            None => None,
            Some(code) => Some(Currency::parse(code).ok_or(unreadable("currency"))?),
        };
        let money = |minor: Option<i64>| Some(Money { minor: minor?, currency: currency? });
        let photo = self.photo_sha256.as_deref().and_then(Sha256::from_bytes);
        Ok(Exported {
            id: EntryId(self.id),
            message: MessageId(self.message_id),
            customer: CustomerId(self.customer_id),
            state: EntryState::parse(&self.state).ok_or(unreadable("state"))?,
            booked_at: self.booked_at,
            date: self.receipt_date,
            merchant: self.merchant,
            category: self.category.as_deref().and_then(Category::parse),
            currency,
            total: money(self.total_minor),
            tax: money(self.tax_minor),
            confirmed_at: self.confirmed_at,
            corrections: self.corrections,
            duplicate_of: self.duplicate_of.map(EntryId),
            photo: photo.zip(self.photo_mime),
        })
    }
}
