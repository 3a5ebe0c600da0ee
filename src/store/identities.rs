//! Who a sender is from now on, and who they were: people change their number, and Meta then gives
//! them another user id. The row of whoever wrote first stays; the older customer keeps the entries.

use chrono::{DateTime, Utc};

use super::entry_revisions::Author;
use super::senders::somebody;
use super::{Store, StoreError, Tx, events};
use crate::domain::ids::{CustomerId, EntryId, MessageId, SenderId};
use crate::domain::inbound::{Content, Inbound};
use crate::domain::reply::EntryState;
use crate::domain::sender::{Phone, Sender, UserId, Username};

/// A sender becomes somebody else, by a message of Meta's.
#[derive(Clone, Debug)]
pub struct Move {
    /// The message that says so.
    pub message: MessageId,
    /// Who they were.
    pub from: Sender,
    /// Who they are now, as far as told.
    pub to: Sender,
    /// From when on, by Meta's clock.
    pub at: DateTime<Utc>,
}

/// Keeps what only few messages tell: a new identity, a parent id, a username. Once a message.
pub async fn remember_identities(
    tx: &mut Tx,
    told: &[(MessageId, &Inbound)],
) -> Result<(), StoreError> {
    for (id, inbound) in told {
        if let Content::Moved(to) = &inbound.content {
            sqlx::query!(
                "insert into moves (message_id, phone, user_id)
                 values ($1, $2, $3)
                 on conflict (message_id) do nothing",
                id.0,
                to.phone().map(Phone::as_str),
                to.user_id().map(UserId::as_str)
            )
            .execute(&mut **tx)
            .await?;
        }
        let profile = &inbound.profile;
        if profile.parent_user_id.is_some() || profile.username.is_some() {
            sqlx::query!(
                "insert into profiles (message_id, parent_user_id, username)
                 values ($1, $2, $3)
                 on conflict (message_id) do nothing",
                id.0,
                profile.parent_user_id.as_ref().map(UserId::as_str),
                profile.username.as_ref().map(Username::as_str)
            )
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

impl Store {
    /// Makes `moved` true: the sender's row has the new identity, the old one is former, and where
    /// the new one had a row of its own already, its entries and what it is go to the row that is
    /// older. `None` when nobody is known by the old identity: then there is nothing to link. Called
    /// again for the same message it changes nothing more.
    pub async fn move_sender(&self, moved: &Move) -> Result<Option<SenderId>, StoreError> {
        let mut tx = self.begin().await?;
        // Two moves that cross would lock each other's rows: they go one after the other.
        sqlx::query!("select pg_advisory_xact_lock(hashtext('paragon.move_sender'))")
            .execute(&mut *tx)
            .await?;
        if let Some(done) = moved_already(&mut tx, moved.message).await? {
            return Ok(Some(done));
        }
        let Some(sender) = row_of(&mut tx, &moved.from).await? else { return Ok(None) };
        keep_former(&mut tx, sender, moved).await?;
        if let Some(other) = row_of(&mut tx, &moved.to).await?.filter(|it| *it != sender) {
            merge(&mut tx, moved.message, sender, other).await?;
        }
        sqlx::query!(
            "update senders
             set phone = coalesce($2, phone), user_id = $3, metadata_behind = true
             where id = $1",
            sender.0,
            moved.to.phone().map(Phone::as_str),
            moved.to.user_id().map(UserId::as_str)
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(sender))
    }

    /// Who `sender` was before, newest first.
    pub async fn former_identities(&self, sender: SenderId) -> Result<Vec<Sender>, StoreError> {
        let rows = sqlx::query!(
            "select phone, user_id
             from former_identities
             where sender_id = $1
             order by until desc, id desc",
            sender.0
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|row| somebody(row.phone.as_deref(), row.user_id.as_deref())).collect()
    }

    /// Whether the metadata of the sender's customer do not say yet who they are now.
    pub async fn is_metadata_behind(&self, sender: SenderId) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!("select metadata_behind from senders where id = $1", sender.0)
            .fetch_optional(&self.pool)
            .await?
            .unwrap_or_default())
    }

    /// Stripe says now that the customer is `identity`. Does nothing where they have moved again.
    pub async fn metadata_says(
        &self,
        sender: SenderId,
        identity: &Sender,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update senders
             set metadata_behind = false
             where id = $1
                 and phone is not distinct from $2
                 and user_id is not distinct from $3",
            sender.0,
            identity.phone().map(Phone::as_str),
            identity.user_id().map(UserId::as_str)
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

async fn moved_already(tx: &mut Tx, message: MessageId) -> Result<Option<SenderId>, StoreError> {
    let done = sqlx::query_scalar!(
        "select sender_id from former_identities where message_id = $1",
        message.0
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(done.map(SenderId))
}

/// The row of `sender`, locked.
async fn row_of(tx: &mut Tx, sender: &Sender) -> Result<Option<SenderId>, StoreError> {
    let key = sender.phone().map(Phone::key);
    let id = sqlx::query_scalar!(
        "select id
         from senders
         where phone_key = $1 or user_id = $2
         order by phone_key is not distinct from $1 desc
         limit 1
         for no key update",
        key.as_ref().map(Phone::as_str),
        sender.user_id().map(UserId::as_str)
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id.map(SenderId))
}

/// Everything that is known of the sender until now becomes former, not only what Meta named.
async fn keep_former(tx: &mut Tx, sender: SenderId, moved: &Move) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into former_identities (sender_id, message_id, phone, phone_key, user_id, until)
         select id, $2, phone, phone_key, user_id, $3
         from senders
         where id = $1",
        sender.0,
        moved.message.0,
        moved.at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// `other` was `sender` all along. Of two customers the older one stays, and every entry is on it.
async fn merge(
    tx: &mut Tx,
    message: MessageId,
    sender: SenderId,
    other: SenderId,
) -> Result<(), StoreError> {
    let customer = older_customer(tx, sender, other).await?;
    sqlx::query!(
        "update senders
         set phone = null, user_id = null, parent_user_id = null, customer_id = null,
             customer_checked_at = null, create_name = null, create_began_at = null,
             merged_into = $2
         where id = $1",
        other.0,
        sender.0
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update former_identities set sender_id = $2 where sender_id = $1",
        other.0,
        sender.0
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("update senders set merged_into = $2 where merged_into = $1", other.0, sender.0)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("update entries set sender_id = $2 where sender_id = $1", other.0, sender.0)
        .execute(&mut **tx)
        .await?;
    sqlx::query!("update events set sender_id = $2 where sender_id = $1", other.0, sender.0)
        .execute(&mut **tx)
        .await?;
    if let Some(customer) = customer {
        book_on(tx, message, sender, &customer).await?;
    }
    Ok(())
}

/// The customer whose sender wrote first.
async fn older_customer(
    tx: &mut Tx,
    sender: SenderId,
    other: SenderId,
) -> Result<Option<CustomerId>, StoreError> {
    let id = sqlx::query_scalar!(
        r#"select customer_id as "customer_id!"
           from senders
           where id in ($1, $2) and customer_id is not null
           order by id
           limit 1"#,
        sender.0,
        other.0
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(id.map(CustomerId))
}

async fn book_on(
    tx: &mut Tx,
    message: MessageId,
    sender: SenderId,
    customer: &CustomerId,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into entry_revisions (entry_id, message_id, sender_id, what, was, became, changed_at)
         select id, $3, $1, 'customer', customer_id, $2, now()
         from entries
         where sender_id = $1 and customer_id <> $2",
        sender.0,
        customer.0,
        message.0
    )
    .execute(&mut **tx)
    .await?;
    let moved = sqlx::query!(
        r#"update entries set customer_id = $2 where sender_id = $1 and customer_id <> $2
           returning id, state = 'booked' as "counts!", now() as "now!""#,
        sender.0,
        customer.0
    )
    .fetch_all(&mut **tx)
    .await?;
    for entry in moved.iter().filter(|it| it.counts) {
        let by = Author::Message(message);
        events::entry_changed(tx, EntryId(entry.id), EntryState::Booked, by, entry.now).await?;
    }
    sqlx::query!(
        "update senders
         set customer_id = $2, customer_checked_at = coalesce(customer_checked_at, now())
         where id = $1",
        sender.0,
        customer.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
