//! Who writes to us, and the local copy of their Stripe customer.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Store, StoreError, one_row};
use crate::domain::ids::{CustomerId, SenderId};
use crate::domain::sender::{Phone, Sender, UserId};

/// The customer of a sender, as Stripe last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCustomer {
    /// Which.
    pub id: CustomerId,
    /// When Stripe was asked.
    pub checked_at: DateTime<Utc>,
    /// Stripe has told since then, or at about that time, of a change that may end it.
    pub is_doubted: bool,
}

/// A webhook that reached us this long before Stripe was asked may have been written down after:
/// longer than an ingress takes, and than two machines' clocks differ.
const WRITTEN_WITHIN: TimeDelta = TimeDelta::seconds(30);

/// One try to create a customer, frozen before the call: the same key goes with the same name.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateTry {
    /// Names the identity in the idempotency key.
    pub key: Uuid,
    /// Counted from 1; the other part of the idempotency key.
    pub number: i32,
    /// Everything that is known of who it is.
    pub identity: Sender,
    /// The customer's name in this try; empty when there is none.
    pub name: String,
    /// When the try began: a customer created since may be ours.
    pub began_at: DateTime<Utc>,
}

/// Shows which try it is, not whose.
impl std::fmt::Debug for CreateTry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreateTry({})", self.number)
    }
}

impl Store {
    /// The row of `sender`, made when there is none. Both ways of writing one number are one row. A
    /// phone and a user id that come together are one person; where two rows exist, the phone's is
    /// taken.
    pub async fn sender(&self, sender: &Sender) -> Result<SenderId, StoreError> {
        let key = sender.phone().map(Phone::key);
        let key = key.as_ref().map(Phone::as_str);
        let phone = sender.phone().map(Phone::as_str);
        let user_id = sender.user_id().map(UserId::as_str);
        if let Some(id) = self.find_sender(key, phone, user_id).await? {
            return Ok(id);
        }
        sqlx::query!(
            "insert into senders (phone, user_id) values ($1, $2) on conflict do nothing",
            phone,
            user_id
        )
        .execute(&self.pool)
        .await?;
        let id = self.find_sender(key, phone, user_id).await?;
        id.ok_or(StoreError::Overtaken { table: "senders" })
    }

    async fn find_sender(
        &self,
        key: Option<&str>,
        phone: Option<&str>,
        user_id: Option<&str>,
    ) -> Result<Option<SenderId>, StoreError> {
        let row = sqlx::query!(
            "select id, phone, user_id
             from senders
             where phone_key = $1 or user_id = $2
             order by phone_key is not distinct from $1 desc
             limit 1",
            key,
            user_id
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let learned = (row.phone.is_none() && phone.is_some())
            || (row.user_id.is_none() && user_id.is_some());
        if learned {
            self.learn(row.id, key, phone, user_id).await?;
        }
        Ok(Some(SenderId(row.id)))
    }

    /// Adds what was not known of a sender, unless another row already has it.
    async fn learn(
        &self,
        id: i64,
        key: Option<&str>,
        phone: Option<&str>,
        user_id: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update senders
             set phone = case when exists (select from senders as other where other.phone_key = $4)
                         then phone else coalesce(phone, $2) end,
                 user_id = case when exists (select from senders as other where other.user_id = $3)
                           then user_id else coalesce(user_id, $3) end
             where id = $1",
            id,
            phone,
            user_id,
            key
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Everything that is known of who it is.
    pub async fn identity(&self, id: SenderId) -> Result<Sender, StoreError> {
        let row = sqlx::query!("select phone, user_id from senders where id = $1", id.0)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(StoreError::Missing { table: "senders" })?;
        somebody(row.phone.as_deref(), row.user_id.as_deref())
    }

    /// The local copy of the customer, if there is one, however old.
    pub async fn known_customer(&self, id: SenderId) -> Result<Option<KnownCustomer>, StoreError> {
        let row = sqlx::query!(
            r#"select customer_id, customer_checked_at,
                      exists (
                          select from stripe_events as told
                          where told.customer_id = senders.customer_id
                            and told.raises_doubt
                            and told.received_at >= customer_checked_at - make_interval(secs => $2::bigint)
                      ) as "is_doubted!"
               from senders
               where id = $1"#,
            id.0,
            WRITTEN_WITHIN.num_seconds()
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::Missing { table: "senders" })?;
        let is_doubted = row.is_doubted;
        Ok(row.customer_id.zip(row.customer_checked_at).map(|(customer, checked_at)| {
            KnownCustomer { id: CustomerId(customer), checked_at, is_doubted }
        }))
    }

    /// `customer` is not this sender's any more: then they have none. Does nothing when another one
    /// has been found meanwhile.
    pub async fn customer_is_not(
        &self,
        id: SenderId,
        customer: &CustomerId,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "update senders
             set customer_id = null, customer_checked_at = null
             where id = $1 and customer_id = $2",
            id.0,
            customer.0
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Stripe, asked at `asked_at`, said who the customer is. Ends a create that was under way.
    pub async fn customer_is(
        &self,
        id: SenderId,
        customer: &CustomerId,
        asked_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "update senders
             set customer_id = $2, customer_checked_at = $3, create_name = null, create_began_at = null
             where id = $1",
            id.0,
            customer.0,
            asked_at
        )
        .execute(&self.pool)
        .await?;
        one_row("senders", done.rows_affected())
    }

    /// The create under way for this sender, or a new one frozen with `name`. However many ask at
    /// once, all get the same try, and so the same idempotency key with the same parameters.
    /// `None` when the customer has become known in the meantime: then nothing is to be created.
    pub async fn create_try(
        &self,
        id: SenderId,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<CreateTry>, StoreError> {
        let row = sqlx::query!(
            r#"update senders
               set create_try = create_try + case when create_name is null then 1 else 0 end,
                   create_name = coalesce(create_name, $2),
                   create_began_at = coalesce(create_began_at, $3)
               where id = $1 and customer_id is null
               returning phone, user_id, create_key, create_try, create_name as "create_name!",
                         create_began_at as "create_began_at!""#,
            id.0,
            name,
            now
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(CreateTry {
            key: row.create_key,
            number: row.create_try,
            identity: somebody(row.phone.as_deref(), row.user_id.as_deref())?,
            name: row.create_name,
            began_at: row.create_began_at,
        }))
    }

    /// The try `number` made no customer (Stripe keeps its failure and would replay it): the next
    /// try gets a key of its own. Called twice it does nothing more.
    pub async fn create_try_failed(&self, id: SenderId, number: i32) -> Result<(), StoreError> {
        sqlx::query!(
            "update senders
             set create_name = null, create_began_at = null
             where id = $1 and create_try = $2",
            id.0,
            number
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

fn somebody(phone: Option<&str>, user_id: Option<&str>) -> Result<Sender, StoreError> {
    let phone = phone.and_then(|it| Phone::parse(it).ok());
    let unreadable = StoreError::Unreadable { table: "senders", column: "phone or user_id" };
    Sender::known_by(phone, user_id.and_then(UserId::parse)).ok_or(unreadable)
}
