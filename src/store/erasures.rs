//! Tombstones: who was erased, as salted digests, so that what still lies in a spool of theirs is not
//! replayed. They name nobody, and live 30 days.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Store, StoreError, Tx};
use crate::domain::account::AccountNews;
use crate::domain::ids::{Sha256, Wamid};
use crate::domain::inbound::Item;
use crate::domain::person::{Name, Person, names_in};

/// The tombstones that there are.
#[derive(Clone, Debug, Default)]
pub struct Erasures(Vec<Erasure>);

#[derive(Clone, Debug)]
struct Erasure {
    salt: Vec<u8>,
    digest: Vec<u8>,
    erased_at: DateTime<Utc>,
    theirs_until: Option<DateTime<Utc>>,
}

impl Erasures {
    /// Whether `item`, which reached us at `received_at`, is of somebody who was erased after that.
    pub fn cover(&self, item: &Item, received_at: DateTime<Utc>) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let (names, told_at) = match item {
            Item::Message(message) => {
                let named = names_in(message.wamid.as_str().as_bytes());
                ([Name::of(&message.sender), named].concat(), message.sent_at)
            }
            Item::Status(status) => (names_in(status.wamid.as_str().as_bytes()), status.at),
            Item::Account(AccountNews::Preference(told)) => (Name::of(&told.sender), told.at),
            Item::Account(AccountNews::Template(_)) => return false,
            Item::Kept(kept) => (names_in(&kept.raw.0), received_at),
        };
        let identities: Vec<String> = names.iter().map(Name::identity).collect();
        self.0.iter().any(|erasure| {
            received_at < erasure.erased_at
                && erasure.theirs_until.is_none_or(|until| told_at <= until)
                && identities.iter().any(|it| erasure.is_of(it))
        })
    }
}

impl Erasure {
    fn is_of(&self, identity: &str) -> bool {
        digest(&self.salt, identity).as_bytes() == self.digest.as_slice()
    }
}

fn digest(salt: &[u8], identity: &str) -> Sha256 {
    Sha256::of(&[salt, identity.as_bytes()].concat())
}

impl Store {
    /// All tombstones.
    pub async fn erasures(&self) -> Result<Erasures, StoreError> {
        let erasures = sqlx::query_as!(
            Erasure,
            "select salt, identity_sha256 as digest, erased_at, theirs_until from erasures"
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(Erasures(erasures))
    }

    /// These messages were in a spool when their sender was erased: told again by Meta, they stay
    /// away. Called twice it changes nothing more.
    pub async fn never_accept(
        &self,
        wamids: &[&Wamid],
        received_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut digests: Vec<Sha256> = wamids.iter().map(|it| it.digest()).collect();
        // In one order, as everybody does who writes here.
        digests.sort_unstable();
        let digests: Vec<&[u8]> = digests.iter().map(|it| it.as_bytes().as_slice()).collect();
        sqlx::query!(
            "insert into message_ids (wamid_sha256, first_seen_at)
             select digest, $2
             from unnest($1::bytea[]) with ordinality as told (digest, place)
             order by place
             on conflict do nothing",
            &digests as _,
            received_at
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Puts up a tombstone for each name of `person`, of this moment, and says which moment it is.
pub(super) async fn bury(tx: &mut Tx, person: &Person) -> Result<DateTime<Utc>, StoreError> {
    let numbers = person.numbers.iter().map(|it| (Name::Phone(it.phone.clone()), it.until));
    let user_ids = person.user_ids.iter().map(|it| (Name::UserId(it.clone()), None));
    let (mut salts, mut digests, mut until) = (Vec::new(), Vec::new(), Vec::new());
    for (name, theirs_until) in numbers.chain(user_ids) {
        let salt = Uuid::new_v4().into_bytes();
        digests.push(digest(&salt, &name.identity()).as_bytes().to_vec());
        salts.push(salt.to_vec());
        until.push(theirs_until);
    }
    let erased_at =
        sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(&mut **tx).await?;
    sqlx::query!(
        "insert into erasures (salt, identity_sha256, erased_at, theirs_until)
         select salt, digest, $3, theirs_until
         from unnest($1::bytea[], $2::bytea[], $4::timestamptz[])
              as told (salt, digest, theirs_until)",
        &salts as _,
        &digests as _,
        erased_at,
        &until as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(erased_at)
}
