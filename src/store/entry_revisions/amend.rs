//! What operators change in entries, each change kept with its line in the audit log. Nothing is
//! changed by a form that shows what is not so any more.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Author, Edit, MISSING, Old, keep, locked, set_category, set_total, shown, tell};
use crate::domain::ids::{EntryId, SenderId};
use crate::domain::money::Money;
use crate::domain::reading::{Category, Fields};
use crate::domain::reply::EntryState;
use crate::store::audit_log::{self, Act};
use crate::store::entries::one_at_a_time;
use crate::store::{Store, StoreError, Tx, events, one_row};

/// An entry as the operator wants it. `None` is unknown, but for the total: one that is known stays.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it was paid.
    pub merchant: Option<String>,
    /// On which day.
    pub date: Option<NaiveDate>,
    /// What was paid, above zero.
    pub total: Option<Money>,
    /// The tax within it, in the same currency.
    pub tax: Option<Money>,
    /// For what.
    pub category: Option<Category>,
}

/// A change that somebody made.
#[derive(Clone, PartialEq, Eq)]
pub struct Revision {
    /// Grows.
    pub id: i64,
    /// Of what: merchant, date, total, tax, category, state, customer, confirmed.
    pub what: String,
    /// Before; `None` is unknown.
    pub was: Option<String>,
    /// After.
    pub became: Option<String>,
    /// When.
    pub changed_at: DateTime<Utc>,
    /// By which message of the sender's.
    pub message: Option<i64>,
    /// By whom, where it was an operator.
    pub actor: Option<String>,
}

impl Store {
    /// What was changed in an entry, the oldest first.
    pub async fn revisions(&self, entry: EntryId) -> Result<Vec<Revision>, StoreError> {
        Ok(sqlx::query_as!(
            Revision,
            r#"select entry_revisions.id, entry_revisions.what, entry_revisions.was,
                      entry_revisions.became, entry_revisions.changed_at,
                      entry_revisions.message_id as message, audit_log.actor as "actor?"
               from entry_revisions
               left join audit_log on audit_log.id = entry_revisions.audit_id
               where entry_revisions.entry_id = $1
               order by entry_revisions.id
               limit 500"#,
            entry.0
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Makes the entry what the operator wants, and keeps what it was. False where it is that
    /// already: then nothing is written. An incomplete entry whose total becomes known is booked, or a
    /// duplicate where it then looks like another. [`StoreError::Overtaken`] when there is a revision
    /// beyond `seen`, the last that the operator was shown (0: none).
    pub async fn amend_entry(
        &self,
        entry: EntryId,
        seen: i64,
        wanted: &Wanted,
        act: &Act<'_>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sender = owner(&mut tx, entry).await?;
        let old = locked(&mut tx, entry, sender).await?;
        if last_revision(&mut tx, entry).await? != seen {
            return Err(StoreError::Overtaken { table: "entries" });
        }
        let differ = differences(&old, wanted);
        if differ.is_empty() {
            return Ok(false);
        }
        let act = Act { details: Some(differ.join(", ")), ..act.clone() };
        let audit = audit_log::write(&mut tx, &act).await?;
        let edit = Edit { by: Author::Operator(audit), sender, entry, now: act.now };
        let old = amend_words(&mut tx, &edit, old, wanted).await?;
        match wanted.total {
            Some(total) if old.total != wanted.total => {
                set_total(&mut tx, &edit, &old, total, wanted.tax).await?;
            }
            Some(_) if old.tax != wanted.tax => set_tax(&mut tx, &edit, &old, wanted.tax).await?,
            Some(_) | None => {}
        }
        tell(&mut tx, &edit, old.state).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The operator says that the entry is right. [`StoreError::Overtaken`] where somebody has said
    /// so before.
    pub async fn confirm_as_operator(
        &self,
        entry: EntryId,
        act: &Act<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sender = owner(&mut tx, entry).await?;
        let done = sqlx::query!(
            "update entries set confirmed_at = $2 where id = $1 and confirmed_at is null",
            entry.0,
            act.now
        )
        .execute(&mut *tx)
        .await?;
        one_row("entries", done.rows_affected())?;
        let audit = audit_log::write(&mut tx, act).await?;
        let edit = Edit { by: Author::Operator(audit), sender, entry, now: act.now };
        keep(&mut tx, &edit, "confirmed", None, Some("yes".to_owned())).await?;
        events::entry_confirmed(&mut tx, entry, act.now).await?;
        Ok(tx.commit().await?)
    }

    /// The operator says that a duplicate is a receipt of its own: it counts from now on.
    /// [`StoreError::Overtaken`] where it is no duplicate (any more).
    pub async fn count_duplicate(&self, entry: EntryId, act: &Act<'_>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sender = owner(&mut tx, entry).await?;
        let became = sqlx::query_scalar!(
            "update entries
             set state = case when total_minor is not null and currency is not null
                         then 'booked' else 'incomplete' end,
                 confirmed_at = coalesce(confirmed_at, $2)
             where id = $1 and state = 'duplicate'
             returning state",
            entry.0,
            act.now
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(StoreError::Overtaken { table: "entries" })?;
        let audit = audit_log::write(&mut tx, act).await?;
        let edit = Edit { by: Author::Operator(audit), sender, entry, now: act.now };
        keep(&mut tx, &edit, "state", Some("duplicate".to_owned()), Some(became)).await?;
        tell(&mut tx, &edit, EntryState::Duplicate).await?;
        Ok(tx.commit().await?)
    }
}

/// Whose entry it is; nobody else changes their entries until `tx` ends.
async fn owner(tx: &mut Tx, entry: EntryId) -> Result<SenderId, StoreError> {
    let sender = sqlx::query_scalar!("select sender_id from entries where id = $1", entry.0)
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(MISSING)?;
    one_at_a_time(tx, SenderId(sender)).await?;
    Ok(SenderId(sender))
}

async fn last_revision(tx: &mut Tx, entry: EntryId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(max(id), 0) as "id!" from entry_revisions where entry_id = $1"#,
        entry.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// What is to be changed, by the words of `entry_revisions.what`.
fn differences(old: &Old, wanted: &Wanted) -> Vec<&'static str> {
    let category = wanted.category.map(Category::as_str);
    let total = wanted.total.or(old.total);
    let each = [
        ("merchant", old.merchant != wanted.merchant),
        ("date", old.date != wanted.date),
        ("category", old.category.as_deref() != category),
        ("total", old.total != total),
        ("tax", old.tax != wanted.tax && total.is_some()),
    ];
    each.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
}

async fn set_tax(
    tx: &mut Tx,
    edit: &Edit,
    old: &Old,
    tax: Option<Money>,
) -> Result<(), StoreError> {
    let minor = tax.map(|it| it.minor);
    let done = sqlx::query!("update entries set tax_minor = $2 where id = $1", edit.entry.0, minor)
        .execute(&mut **tx)
        .await?;
    one_row("entries", done.rows_affected())?;
    keep(tx, edit, "tax", old.tax.map(shown), tax.map(shown)).await
}

/// Merchant, date and category; gives back what the entry is then.
async fn amend_words(
    tx: &mut Tx,
    edit: &Edit,
    old: Old,
    wanted: &Wanted,
) -> Result<Old, StoreError> {
    if old.category.as_deref() != wanted.category.map(Category::as_str) {
        set_category(tx, edit, &old, wanted.category).await?;
    }
    if old.merchant == wanted.merchant && old.date == wanted.date {
        return Ok(old);
    }
    let named = Fields { merchant: wanted.merchant.clone(), ..Fields::default() };
    let key = named.merchant_key();
    let done = sqlx::query!(
        "update entries set merchant = $2, merchant_key = $3, receipt_date = $4 where id = $1",
        edit.entry.0,
        wanted.merchant,
        key,
        wanted.date
    )
    .execute(&mut **tx)
    .await?;
    one_row("entries", done.rows_affected())?;
    if old.merchant != wanted.merchant {
        keep(tx, edit, "merchant", old.merchant.clone(), wanted.merchant.clone()).await?;
    }
    if old.date != wanted.date {
        let day = |it: NaiveDate| it.to_string();
        keep(tx, edit, "date", old.date.map(day), wanted.date.map(day)).await?;
    }
    Ok(Old { merchant: wanted.merchant.clone(), merchant_key: key, date: wanted.date, ..old })
}
