//! Who writes to us, and the local copy of their Stripe customer.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::messages::Message;
use super::{Store, StoreError, one_row};
use crate::domain::ids::{CustomerId, MessageId, SenderId};
use crate::domain::sender::{Phone, Profile, Sender, UserId, Username};

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

/// Two customers for one sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoubledCustomer {
    /// The older one, on which everything is booked.
    pub used: CustomerId,
    /// The younger one.
    pub other: CustomerId,
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

/// Why somebody has a row.
#[derive(Clone, Copy)]
enum Because {
    Wrote(MessageId),
    IsWrittenTo,
}

impl Store {
    /// The row of whoever wrote `message`, made when there is none. Both ways of writing one number
    /// are one row. A phone and a user id that come together are one person; where two rows exist,
    /// the phone's is taken. Who has changed their number is known by the old one as well, for what
    /// they wrote before.
    pub async fn sender(&self, message: &Message) -> Result<SenderId, StoreError> {
        let sender = &message.sender;
        let key = sender.phone().map(Phone::key);
        let key = key.as_ref().map(Phone::as_str);
        let phone = sender.phone().map(Phone::as_str);
        let user_id = sender.user_id().map(UserId::as_str);
        if let Some(id) = self.who_was(key, user_id, message.sent_at).await? {
            return Ok(id);
        }
        let because = Because::Wrote(message.id);
        let id = self.find_or_make(key, phone, user_id, &message.profile, because).await?;
        self.learn_profile(id, &message.profile).await?;
        Ok(id)
    }

    /// The row of somebody whom we write to first, made when there is none.
    pub async fn recipient(&self, recipient: &Sender) -> Result<SenderId, StoreError> {
        let key = recipient.phone().map(Phone::key);
        let key = key.as_ref().map(Phone::as_str);
        let phone = recipient.phone().map(Phone::as_str);
        let user_id = recipient.user_id().map(UserId::as_str);
        let because = Because::IsWrittenTo;
        self.find_or_make(key, phone, user_id, &Profile::default(), because).await
    }

    async fn find_or_make(
        &self,
        key: Option<&str>,
        phone: Option<&str>,
        user_id: Option<&str>,
        profile: &Profile,
        because: Because,
    ) -> Result<SenderId, StoreError> {
        if let Some(id) = self.find_sender(key, phone, user_id, profile).await? {
            return Ok(id);
        }
        let message = match because {
            Because::Wrote(message) => Some(message.0),
            Because::IsWrittenTo => None,
        };
        // Whose message was erased meanwhile is not written down again.
        sqlx::query!(
            "insert into senders (phone, user_id)
             select $1, $2
             where $3::bigint is null or exists (select from messages where id = $3 for key share)
             on conflict do nothing",
            phone,
            user_id,
            message
        )
        .execute(&self.pool)
        .await?;
        let id = self.find_sender(key, phone, user_id, profile).await?;
        id.ok_or(StoreError::Overtaken { table: "senders" })
    }

    /// Who had this number at that time, or ever had this user id, and has moved since.
    async fn who_was(
        &self,
        key: Option<&str>,
        user_id: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<Option<SenderId>, StoreError> {
        let id = sqlx::query_scalar!(
            "select sender_id
             from former_identities
             where (phone_key = $1 and until > $3) or user_id = $2
             order by until
             limit 1",
            key,
            user_id,
            at
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(id.map(SenderId))
    }

    async fn find_sender(
        &self,
        key: Option<&str>,
        phone: Option<&str>,
        user_id: Option<&str>,
        profile: &Profile,
    ) -> Result<Option<SenderId>, StoreError> {
        let parent = profile.parent_user_id.as_ref().map(UserId::as_str);
        // A parent id alone says who it is only where no number says otherwise.
        let row = sqlx::query!(
            "select id, phone, user_id
             from senders
             where phone_key = $1 or user_id = $2 or ($1::text is null and parent_user_id = $3)
             order by phone_key is not distinct from $1 desc, user_id is not distinct from $2 desc, id
             limit 1",
            key,
            user_id,
            parent
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

    /// Keeps the newest of what is told of a sender. Writes nothing when it is known.
    async fn learn_profile(&self, id: SenderId, profile: &Profile) -> Result<(), StoreError> {
        let parent = profile.parent_user_id.as_ref().map(UserId::as_str);
        let username = profile.username.as_ref().map(Username::as_str);
        if parent.is_none() && username.is_none() {
            return Ok(());
        }
        sqlx::query!(
            "update senders
             set parent_user_id = coalesce($2, parent_user_id), username = coalesce($3, username)
             where id = $1
                 and (parent_user_id is distinct from coalesce($2, parent_user_id)
                      or username is distinct from coalesce($3, username))",
            id.0,
            parent,
            username
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
             set customer_id = $2, customer_checked_at = $3, create_name = null,
                 create_began_at = null, lookup_until = null
             where id = $1",
            id.0,
            customer.0,
            asked_at
        )
        .execute(&self.pool)
        .await?;
        one_row("senders", done.rows_affected())
    }

    /// Only whoever holds this claim asks Stripe who the sender's customer is. `None` when it is the
    /// caller's, for `lease` at most; else how long to wait before asking again. It ends with
    /// [`Store::customer_is`] or [`Store::end_lookup`]. Nothing is held in Postgres meanwhile.
    pub async fn claim_lookup(
        &self,
        id: SenderId,
        lease: Duration,
    ) -> Result<Option<Duration>, StoreError> {
        let left_s = sqlx::query_scalar!(
            r#"with claimed as (
                   update senders
                   set lookup_until = clock_timestamp() + make_interval(secs => $2::float8)
                   where id = $1 and (lookup_until is null or lookup_until < clock_timestamp())
                   returning id
               )
               select extract(epoch from lookup_until - clock_timestamp())::float8
               from senders
               where id = $1 and not exists (select from claimed)"#,
            id.0,
            lease.as_secs_f64()
        )
        .fetch_optional(&self.pool)
        .await?;
        // Whoever had it may have ended meanwhile: then it is free at once.
        Ok(left_s.map(|it| Duration::try_from_secs_f64(it.unwrap_or_default()).unwrap_or_default()))
    }

    /// The claim of [`Store::claim_lookup`] has led to nothing.
    pub async fn end_lookup(&self, id: SenderId) -> Result<(), StoreError> {
        sqlx::query!("update senders set lookup_until = null where id = $1", id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Stripe shows two customers for one sender. Told again, the newest sight counts.
    pub async fn customers_doubled(
        &self,
        id: SenderId,
        used: &CustomerId,
        other: &CustomerId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into doubled_customers (sender_id, customer_id, other_customer_id, seen_at)
             values ($1, $2, $3, $4)
             on conflict (sender_id, other_customer_id)
             do update set customer_id = excluded.customer_id, seen_at = excluded.seen_at",
            id.0,
            used.0,
            other.0,
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The senders for whom Stripe shows two customers, oldest sight first; 100 at most.
    pub async fn doubled_customers(&self) -> Result<Vec<DoubledCustomer>, StoreError> {
        let rows = sqlx::query!(
            "select customer_id, other_customer_id
             from doubled_customers
             order by seen_at, sender_id
             limit 100"
        )
        .fetch_all(&self.pool)
        .await?;
        let pair =
            |used, other| DoubledCustomer { used: CustomerId(used), other: CustomerId(other) };
        Ok(rows.into_iter().map(|row| pair(row.customer_id, row.other_customer_id)).collect())
    }

    /// Stripe shows one customer for the sender.
    pub async fn customer_is_one(&self, id: SenderId) -> Result<(), StoreError> {
        sqlx::query!("delete from doubled_customers where sender_id = $1", id.0)
            .execute(&self.pool)
            .await?;
        Ok(())
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

/// A sender as a row tells who it is.
pub(super) fn somebody(phone: Option<&str>, user_id: Option<&str>) -> Result<Sender, StoreError> {
    let phone = phone.and_then(|it| Phone::parse(it).ok());
    let unreadable = StoreError::Unreadable { table: "senders", column: "phone or user_id" };
    Sender::known_by(phone, user_id.and_then(UserId::parse)).ok_or(unreadable)
}
