//! Everything that one person is and was known by, as our rows tell it. Reads only.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Known, texts};
use crate::domain::person::{HeldNumber, Person};
use crate::domain::sender::{Phone, Sender, UserId};
use crate::store::{Store, StoreError};

impl Store {
    /// Everything that the person is and was known by who is `asked` for. A number is whoever has it
    /// now; where nobody does, whoever had it last.
    pub async fn person(&self, asked: &Sender) -> Result<Known, StoreError> {
        let senders = self.rows_of(asked).await?;
        let mut person = Person::default();
        for row in sqlx::query!(
            r#"select phone, user_id, null::timestamptz as until
               from senders
               where id = any($1)
               union all
               select phone, user_id, until
               from former_identities
               where sender_id = any($1)
               order by until desc nulls first"#,
            &senders
        )
        .fetch_all(&self.pool)
        .await?
        {
            let phone = row.phone.as_deref().and_then(|it| Phone::parse(it).ok());
            add(&mut person, phone, row.user_id.as_deref().and_then(UserId::parse), row.until);
        }
        let since_ever = asked.phone().filter(|_| senders.is_empty()).cloned();
        add(&mut person, since_ever, asked.user_id().cloned(), None);
        self.bound(&mut person, &senders).await?;
        self.learn_from_messages(&mut person).await?;
        Ok(Known { person, senders })
    }

    async fn rows_of(&self, asked: &Sender) -> Result<Vec<i64>, StoreError> {
        let key = asked.phone().map(Phone::key);
        let ids = sqlx::query_scalar!(
            r#"with now as (
                   select id
                   from senders
                   where phone_key = $1 or user_id = $2 or parent_user_id = $2
               ),
               before as (
                   (select sender_id as id from former_identities where phone_key = $1
                    order by until desc limit 1)
                   union
                   select sender_id from former_identities where user_id = $2
               ),
               found as (
                   select id from now
                   union
                   select id from before where not exists (select from now)
               )
               select id as "id!" from found
               union
               select senders.id from senders join found on senders.merged_into = found.id"#,
            key.as_ref().map(Phone::as_str),
            asked.user_id().map(UserId::as_str)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }

    /// From when on each number is theirs: until then it was somebody else's, who has moved.
    async fn bound(&self, person: &mut Person, senders: &[i64]) -> Result<(), StoreError> {
        for held in &mut person.numbers {
            let key = held.phone.key();
            held.since = sqlx::query_scalar!(
                "select max(until)
                 from former_identities
                 where phone_key = $1 and sender_id <> all($2)
                     and until < coalesce($3::timestamptz, 'infinity')",
                key.as_str(),
                senders,
                held.until
            )
            .fetch_one(&self.pool)
            .await?;
        }
        Ok(())
    }

    /// What only messages tell, of somebody whose messages nobody has worked on yet.
    async fn learn_from_messages(&self, person: &mut Person) -> Result<(), StoreError> {
        let (phones, user_ids) = (all_phones(person), texts(&person.user_ids));
        let rows = sqlx::query!(
            "select distinct on (phone, user_id) phone, user_id, sent_at
             from messages
             where phone = any($1) or user_id = any($2)",
            &phones,
            &user_ids
        )
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let phone = row.phone.as_deref().and_then(|it| Phone::parse(it).ok());
            let user_id = row.user_id.as_deref().and_then(UserId::parse);
            let theirs = |held: &HeldNumber| {
                phone.as_ref().is_some_and(|it| it.key() == held.phone.key())
                    && held.is_theirs_at(row.sent_at)
            };
            let is_theirs = user_id.as_ref().is_some_and(|it| person.user_ids.contains(it))
                || person.numbers.iter().any(theirs);
            if is_theirs {
                add(person, phone, user_id, None);
            }
        }
        Ok(())
    }
}

/// Adds what is not known yet: the first that is told of a number counts.
fn add(
    person: &mut Person,
    phone: Option<Phone>,
    user_id: Option<UserId>,
    until: Option<DateTime<Utc>>,
) {
    if let Some(phone) = phone
        && person.numbers.iter().all(|it| it.phone.key() != phone.key())
    {
        person.numbers.push(HeldNumber { phone, since: None, until });
    }
    if let Some(user_id) = user_id
        && !person.user_ids.contains(&user_id)
    {
        person.user_ids.push(user_id);
    }
}

/// Their numbers in every way of writing.
fn all_phones(person: &Person) -> Vec<String> {
    let variants = person.numbers.iter().flat_map(|it| it.phone.variants());
    variants.map(|it| it.as_str().to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
}
