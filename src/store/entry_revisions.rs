//! What senders change in their entries, each change kept with the message that made it. One
//! message changes once, however often its job runs; an older message does not undo a newer one, nor
//! what an operator did since. The operator's own changes are in `amend.rs`.

mod amend;

use chrono::{DateTime, NaiveDate, Utc};

pub use self::amend::{Revision, Wanted};
use super::audit_log::AuditId;
use super::entries::{Likeness, Recorded, one_at_a_time, repeated};
use super::{Store, StoreError, Tx, events, one_row};
use crate::domain::chat::Correction;
use crate::domain::ids::{EntryId, MessageId, SenderId, Wamid};
use crate::domain::money::{Currency, Money};
use crate::domain::reading::Category;
use crate::domain::reply::{Entry, EntryState};

/// Who changes which entry, by which message.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The message that says so.
    pub message: MessageId,
    /// Who sent it. Nobody changes the entry of another sender.
    pub sender: SenderId,
    /// What is changed.
    pub entry: EntryId,
    /// When.
    pub now: DateTime<Utc>,
}

/// What a change is kept with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Author {
    Message(MessageId),
    Operator(AuditId),
}

impl Author {
    /// The message, or the line of `audit_log`, as its row id.
    pub(super) fn ids(self) -> (Option<i64>, Option<i64>) {
        match self {
            Self::Message(id) => (Some(id.0), None),
            Self::Operator(id) => (None, Some(id.0)),
        }
    }
}

/// A change by whomsoever.
#[derive(Clone, Copy, Debug)]
struct Edit {
    by: Author,
    sender: SenderId,
    entry: EntryId,
    now: DateTime<Utc>,
}

impl Change {
    fn edit(&self) -> Edit {
        let Self { message, sender, entry, now } = *self;
        Edit { by: Author::Message(message), sender, entry, now }
    }
}

/// An entry after a correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrected {
    /// As it stands now.
    pub recorded: Recorded,
    /// What it was before this correction.
    pub before: EntryState,
}

impl Store {
    /// The entry that `sender` means by quoting `wamid`: their own photo, or an answer of ours that
    /// speaks of it.
    pub async fn quoted_entry(
        &self,
        sender: SenderId,
        wamid: &Wamid,
    ) -> Result<Option<Entry>, StoreError> {
        let id = sqlx::query_scalar!(
            r#"select entries.id as "id!"
               from messages
               join entries on entries.message_id = messages.id
               where messages.wamid = $1 and entries.sender_id = $2
               union all
               select entries.id
               from send_attempts
               join replies on replies.id = send_attempts.reply_id
               join entries on entries.id = replies.entry_id
               where send_attempts.wamid = $1 and entries.sender_id = $2
               limit 1"#,
            wamid.as_str(),
            sender.0
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(id) = id else { return Ok(None) };
        self.own_entry(sender, EntryId(id)).await
    }

    /// Makes the correction, and keeps what was there before. An incomplete entry whose total
    /// becomes known is booked, or asked about where it then looks like another. Called again for
    /// the same message it changes nothing. [`StoreError::Missing`] for an entry of another sender.
    pub async fn correct_entry(
        &self,
        change: &Change,
        correction: Correction,
    ) -> Result<Corrected, StoreError> {
        let mut tx = self.begin().await?;
        one_at_a_time(&mut tx, change.sender).await?;
        let old = locked(&mut tx, change.entry, change.sender).await?;
        let what = match correction {
            Correction::Total(_) => "total",
            Correction::Category(_) => "category",
        };
        if is_news(&mut tx, change, what).await? {
            match correction {
                Correction::Total(total) => {
                    // What was printed as tax is not a part of another amount.
                    let fits =
                        |tax: &Money| tax.currency == total.currency && tax.minor < total.minor;
                    let tax = old.tax.filter(fits);
                    set_total(&mut tx, &change.edit(), &old, total, tax).await?;
                }
                Correction::Category(category) => {
                    set_category(&mut tx, &change.edit(), &old, Some(category)).await?;
                }
            }
            tell(&mut tx, &change.edit(), old.state).await?;
        }
        let before = state_before(&mut tx, change).await?;
        tx.commit().await?;
        let entry = self.own_entry(change.sender, change.entry).await?;
        let recorded = self.recorded(entry.ok_or(MISSING)?).await?;
        Ok(Corrected { before: before.unwrap_or(recorded.entry.state), recorded })
    }

    /// The sender says that the entry is right, or that it is indeed the one that we have. Nothing
    /// for an entry of another sender.
    pub async fn confirm_entry(&self, change: &Change) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        one_at_a_time(&mut tx, change.sender).await?;
        let done = sqlx::query!(
            "update entries set confirmed_at = $3
             where id = $1 and sender_id = $2 and confirmed_at is null",
            change.entry.0,
            change.sender.0,
            change.now
        )
        .execute(&mut *tx)
        .await?;
        if done.rows_affected() == 1 {
            events::entry_confirmed(&mut tx, change.entry, change.now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The sender says that a duplicate is a receipt of its own: it counts from now on. `None`
    /// where it is no duplicate (any more), or another sender's. Called again for the same message
    /// it answers the same.
    pub async fn entry_is_new(&self, change: &Change) -> Result<Option<Entry>, StoreError> {
        let mut tx = self.begin().await?;
        one_at_a_time(&mut tx, change.sender).await?;
        let became = sqlx::query_scalar!(
            "update entries
             set state = case when total_minor is not null and currency is not null
                         then 'booked' else 'incomplete' end,
                 confirmed_at = coalesce(confirmed_at, $3)
             where id = $1 and sender_id = $2 and state = 'duplicate'
             returning state",
            change.entry.0,
            change.sender.0,
            change.now
        )
        .fetch_optional(&mut *tx)
        .await?;
        match became {
            Some(became) => {
                let was = Some(EntryState::Duplicate.as_str().to_owned());
                keep(&mut tx, &change.edit(), "state", was, Some(became)).await?;
                tell(&mut tx, &change.edit(), EntryState::Duplicate).await?;
            }
            None if state_before(&mut tx, change).await?.is_none() => return Ok(None),
            None => {}
        }
        tx.commit().await?;
        self.own_entry(change.sender, change.entry).await
    }
}

/// What of an entry a correction must know.
struct Old {
    message: MessageId,
    state: EntryState,
    merchant: Option<String>,
    merchant_key: Option<String>,
    date: Option<NaiveDate>,
    total: Option<Money>,
    tax: Option<Money>,
    category: Option<String>,
}

async fn locked(tx: &mut Tx, entry: EntryId, sender: SenderId) -> Result<Old, StoreError> {
    let row = sqlx::query!(
        "select message_id, state, merchant, merchant_key, receipt_date, total_minor, currency,
                tax_minor, category
         from entries
         where id = $1 and sender_id = $2
         for no key update",
        entry.0,
        sender.0
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(MISSING)?;
    let currency = row.currency.as_deref().and_then(Currency::parse);
    let money = |minor: Option<i64>| Some(Money { minor: minor?, currency: currency? });
    Ok(Old {
        message: MessageId(row.message_id),
        state: EntryState::parse(&row.state).ok_or(UNREADABLE)?,
        merchant: row.merchant,
        merchant_key: row.merchant_key,
        date: row.receipt_date,
        total: money(row.total_minor),
        tax: money(row.tax_minor),
        category: row.category,
    })
}

/// Whether this message has not changed `what` yet, and neither a later one nor an operator since
/// it came has.
async fn is_news(tx: &mut Tx, change: &Change, what: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select not exists (
               select from entry_revisions
               where entry_id = $1 and what = $2
                   and (message_id >= $3
                        or audit_id is not null
                            and changed_at >= (select accepted_at from messages where id = $3))
           ) as "is_news!""#,
        change.entry.0,
        what,
        change.message.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

async fn set_total(
    tx: &mut Tx,
    edit: &Edit,
    old: &Old,
    total: Money,
    tax: Option<Money>,
) -> Result<(), StoreError> {
    let state = match old.state {
        EntryState::Booked | EntryState::Duplicate => old.state,
        EntryState::Incomplete => EntryState::Booked,
    };
    let like =
        Likeness { merchant_key: old.merchant_key.as_deref(), date: old.date, total: Some(total) };
    let original = if old.state == EntryState::Incomplete {
        repeated(tx, edit.sender, old.message, &like).await?
    } else {
        None
    };
    let state = if original.is_some() { EntryState::Duplicate } else { state };
    let done = sqlx::query!(
        "update entries
         set total_minor = $2, currency = $3, tax_minor = $4, state = $5,
             duplicate_of = coalesce($6, duplicate_of)
         where id = $1",
        edit.entry.0,
        total.minor,
        total.currency.code(),
        tax.map(|it| it.minor),
        state.as_str(),
        original.map(|it| it.0)
    )
    .execute(&mut **tx)
    .await?;
    one_row("entries", done.rows_affected())?;
    keep(tx, edit, "total", old.total.map(shown), Some(shown(total))).await?;
    if tax != old.tax {
        keep(tx, edit, "tax", old.tax.map(shown), tax.map(shown)).await?;
    }
    if state != old.state {
        let (was, became) = (old.state.as_str().to_owned(), state.as_str().to_owned());
        keep(tx, edit, "state", Some(was), Some(became)).await?;
    }
    Ok(())
}

async fn set_category(
    tx: &mut Tx,
    edit: &Edit,
    old: &Old,
    category: Option<Category>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update entries set category = $2 where id = $1",
        edit.entry.0,
        category.map(Category::as_str)
    )
    .execute(&mut **tx)
    .await?;
    one_row("entries", done.rows_affected())?;
    let became = category.map(|it| it.as_str().to_owned());
    keep(tx, edit, "category", old.category.clone(), became).await
}

async fn keep(
    tx: &mut Tx,
    edit: &Edit,
    what: &str,
    was: Option<String>,
    became: Option<String>,
) -> Result<(), StoreError> {
    let (message, audit) = edit.by.ids();
    sqlx::query!(
        "insert into entry_revisions
             (entry_id, message_id, audit_id, sender_id, what, was, became, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        edit.entry.0,
        message,
        audit,
        edit.sender.0,
        what,
        was,
        became,
        edit.now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Tells the integrator of a change that is kept; the entry was `before`.
async fn tell(tx: &mut Tx, edit: &Edit, before: EntryState) -> Result<(), StoreError> {
    events::entry_changed(tx, edit.entry, before, edit.by, edit.now).await
}

/// What the state was before this message changed it; `None` where it did not.
async fn state_before(tx: &mut Tx, change: &Change) -> Result<Option<EntryState>, StoreError> {
    let was = sqlx::query_scalar!(
        "select was from entry_revisions
         where message_id = $1 and entry_id = $2 and what = 'state'",
        change.message.0,
        change.entry.0
    )
    .fetch_optional(&mut **tx)
    .await?;
    was.flatten().map(|it| EntryState::parse(&it).ok_or(UNREADABLE)).transpose()
}

/// As machines read it.
fn shown(money: Money) -> String {
    format!("{} {}", money.decimal(), money.currency)
}

const MISSING: StoreError = StoreError::Missing { table: "entries" };
const UNREADABLE: StoreError = StoreError::Unreadable { table: "entries", column: "state" };
