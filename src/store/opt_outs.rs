//! Who wants no reminders, by phone and by user id. Told twice or in another order, the newest word
//! stands. It says nothing of answers: who sends a photo gets one.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx, events};
use crate::domain::chat::Wish;
use crate::domain::ids::{MessageId, SenderId};
use crate::domain::person::Person;
use crate::domain::sender::{Phone, Sender, UserId};

/// How a wish was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// They wrote it.
    Message(MessageId),
    /// They used WhatsApp's own switch.
    Preference,
    /// Meta said so when it refused a message (131050).
    Refusal,
}

impl ToldBy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Preference => "preference",
            Self::Refusal => "refusal",
        }
    }

    fn message(self) -> Option<i64> {
        match self {
            Self::Message(id) => Some(id.0),
            Self::Preference | Self::Refusal => None,
        }
    }
}

impl Store {
    /// `sender` wrote `message`, which says `wish`. Whether that message changed anything: then it is
    /// owed a confirmation, also when this is called again for it. Somebody who says START and had
    /// not stopped has changed nothing.
    pub async fn wish_written(
        &self,
        sender: &Sender,
        wish: Wish,
        message: MessageId,
        sent_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        wish_told(&mut tx, sender, wish, ToldBy::Message(message), sent_at).await?;
        tx.commit().await?;
        Ok(sqlx::query_scalar!(
            r#"select exists (select from opt_outs where message_id = $1) as "changed!""#,
            message.0
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// Whether `sender` wants no reminders, by everything that names them.
    pub async fn is_opted_out(&self, sender: &Sender) -> Result<bool, StoreError> {
        // Who has changed their number has stopped by the old one too, up to then.
        let newest = sqlx::query_scalar!(
            "with person as (
                 select id, phone_key, user_id
                 from senders
                 where phone_key = any($1) or user_id = any($1)
             ),
             names as (
                 select identity, null::timestamptz as until from unnest($1::text[]) as identity
                 union all
                 select phone_key, null from person
                 union all
                 select user_id, null from person
                 union all
                 select former.phone_key, former.until
                 from former_identities as former
                 join person on person.id = former.sender_id
                 union all
                 select former.user_id, former.until
                 from former_identities as former
                 join person on person.id = former.sender_id
             )
             select opt_outs.is_out
             from opt_outs
             -- Of who was forgotten a STOP is kept under the digest of their name.
             join names on opt_outs.identity = any(
                     array[names.identity, encode(sha256(convert_to(names.identity, 'UTF8')), 'hex')]
                 )
                and (names.until is null or opt_outs.told_at <= names.until)
             order by opt_outs.told_at desc, opt_outs.is_out desc
             limit 1",
            &identities(sender)
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(newest.unwrap_or(false))
    }
}

/// Somebody wants reminders no more, or again, by their word of `at`. An older word than the one that
/// is known changes nothing. Meta's times are whole seconds: of two messages in one second the one
/// that was accepted later counts.
pub async fn wish_told(
    tx: &mut Tx,
    sender: &Sender,
    wish: Wish,
    by: ToldBy,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let is_out = match wish {
        Wish::Stop => true,
        Wish::Start => false,
    };
    let identities = identities(sender);
    let was_out = is_out_by_any(tx, &identities).await?;
    sqlx::query!(
        "insert into opt_outs as known (identity, is_out, told_by, told_at, message_id)
         select identity, $2, $3, $4, case when $2 then $5::bigint end
         from unnest($1::text[]) as identity
         -- A message that was erased meanwhile says nothing.
         where $5::bigint is null or exists (select from messages where id = $5 for key share)
         order by identity
         on conflict (identity) do update
         set is_out = $2,
             told_by = $3,
             told_at = $4,
             message_id = case when known.is_out <> $2 then $5 else known.message_id end
         where known.told_at < $4
             or (known.told_at = $4 and coalesce(known.message_id, 0) < $5)",
        &identities,
        is_out,
        by.as_str(),
        at,
        by.message()
    )
    .execute(&mut **tx)
    .await?;
    if is_out && !was_out && is_out_by_any(tx, &identities).await? {
        events::sender_opted_out(tx, &identities, by.as_str(), by.message(), at).await?;
    }
    Ok(())
}

/// Whether a STOP stands under one of these names, as they stand in `tx`.
async fn is_out_by_any(tx: &mut Tx, identities: &[String]) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(bool_or(is_out), false) as "is_out!"
           from opt_outs
           where identity = any($1)"#,
        identities
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Meta said at `at` that `person` has refused what was sent.
pub async fn refused(tx: &mut Tx, person: SenderId, at: DateTime<Utc>) -> Result<(), StoreError> {
    let identities = sqlx::query_scalar!(
        r#"select identity as "identity!"
           from senders
           cross join lateral unnest(array[phone_key, user_id]) as identity
           where id = $1 and identity is not null
           order by identity"#,
        person.0
    )
    .fetch_all(&mut **tx)
    .await?;
    let was_out = is_out_by_any(tx, &identities).await?;
    sqlx::query!(
        "insert into opt_outs as known (identity, is_out, told_by, told_at)
         select identity, true, 'refusal', $2
         from unnest($1::text[]) as identity
         on conflict (identity) do update
         set is_out = true, told_by = 'refusal', told_at = $2, message_id = null
         where known.told_at < $2",
        &identities,
        at
    )
    .execute(&mut **tx)
    .await?;
    if !was_out && is_out_by_any(tx, &identities).await? {
        events::sender_opted_out(tx, &identities, ToldBy::Refusal.as_str(), None, at).await?;
    }
    Ok(())
}

/// By what somebody who is being forgotten is and was known, and until when what was wished under it is
/// their wish.
pub(super) struct Names {
    identities: Vec<String>,
    until: Vec<Option<DateTime<Utc>>>,
    current: Vec<String>,
}

impl Names {
    /// The names of `person`; what was wished after `before` is somebody else's.
    pub(super) fn of(person: &Person, before: Option<DateTime<Utc>>) -> Self {
        let numbers =
            person.numbers.iter().map(|it| (it.phone.key().as_str().to_owned(), it.until));
        let ids = person.user_ids.iter().map(|it| (it.as_str().to_owned(), None));
        let names: Vec<(String, Option<DateTime<Utc>>)> = numbers.chain(ids).collect();
        let current = names.iter().filter(|(_, until)| until.is_none());
        Self {
            current: current.map(|(name, _)| name.clone()).collect(),
            until: names.iter().map(|(_, until)| until.or(before)).collect(),
            identities: names.into_iter().map(|(name, _)| name).collect(),
        }
    }
}

/// Erases what they wished, but for a STOP that stands: it is kept under the digests of their current
/// names, so that they are not written to again. Counts the wishes that are gone.
pub(super) async fn forget_but_stop(tx: &mut Tx, names: &Names) -> Result<u64, StoreError> {
    sqlx::query!(
        "insert into opt_outs as known (identity, is_out, told_by, told_at)
         select encode(sha256(convert_to(name, 'UTF8')), 'hex'), true, newest.told_by, newest.told_at
         from unnest($3::text[]) as name
         cross join (
             select opt_outs.is_out, opt_outs.told_by, opt_outs.told_at
             from opt_outs
             join unnest($1::text[], $2::timestamptz[]) as theirs (identity, until)
                 on theirs.identity = opt_outs.identity
                 and (theirs.until is null or opt_outs.told_at <= theirs.until)
             order by opt_outs.told_at desc, opt_outs.is_out desc
             limit 1
         ) as newest
         where newest.is_out
         on conflict (identity) do update
         set told_at = greatest(known.told_at, excluded.told_at)",
        &names.identities,
        &names.until as _,
        &names.current
    )
    .execute(&mut **tx)
    .await?;
    forget_wishes(tx, names).await
}

/// Erases what they wished, a STOP too. Counts the wishes that are gone.
pub(super) async fn forget_all(tx: &mut Tx, names: &Names) -> Result<u64, StoreError> {
    let digests = sqlx::query!(
        "delete from opt_outs
         where identity in (
             select encode(sha256(convert_to(name, 'UTF8')), 'hex') from unnest($1::text[]) as name
         )",
        &names.current
    )
    .execute(&mut **tx)
    .await?;
    Ok(digests.rows_affected() + forget_wishes(tx, names).await?)
}

async fn forget_wishes(tx: &mut Tx, names: &Names) -> Result<u64, StoreError> {
    let gone = sqlx::query!(
        "delete from opt_outs
         using unnest($1::text[], $2::timestamptz[]) as theirs (identity, until)
         where opt_outs.identity = theirs.identity
             and (theirs.until is null or opt_outs.told_at <= theirs.until)",
        &names.identities,
        &names.until as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(gone.rows_affected())
}

/// By what a person is known here: the number in its one way of writing, and the user id.
fn identities(sender: &Sender) -> Vec<String> {
    let phone = sender.phone().map(|it| Phone::key(it).as_str().to_owned());
    let user_id = sender.user_id().map(|it| UserId::as_str(it).to_owned());
    phone.into_iter().chain(user_id).collect()
}
