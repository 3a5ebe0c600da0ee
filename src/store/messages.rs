//! What senders wrote, each once: `message_ids` remembers for longest, `messages` holds the rest.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Tx};
use crate::domain::chat::{Press, Quoting, Wish, Words};
use crate::domain::ids::{MessageId, PhoneNumberId, Sha256, Wamid};
use crate::domain::inbound::{Content, Inbound};
use crate::domain::sender::{Phone, Profile, ProfileName, Sender, UserId, Username};

/// A message as the worker needs it.
#[derive(Clone, Debug)]
pub struct Message {
    /// Our id.
    pub id: MessageId,
    /// Meta's id: the answer quotes it.
    pub wamid: Wamid,
    /// The number that was written to.
    pub phone_number_id: PhoneNumberId,
    /// Who wrote.
    pub sender: Sender,
    /// Their profile's name.
    pub profile_name: Option<ProfileName>,
    /// What else Meta told of them.
    pub profile: Profile,
    /// What they sent.
    pub kind: Kind,
    /// Meta's time of writing.
    pub sent_at: DateTime<Utc>,
    /// When the webhook reached us.
    pub received_at: DateTime<Utc>,
}

/// [`crate::domain::inbound::Content`] without photos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A photo or document.
    Media,
    /// Words, and what they reply to.
    Text(Option<Quoting>),
    /// A button of ours.
    Choice(Press),
    /// STOP or START.
    Wish(Wish),
    /// Voice, video, sticker.
    OtherMedia,
    /// The sender is somebody else from now on.
    Moved(Sender),
    /// Nothing to answer.
    Silent,
}

impl Kind {
    fn read(
        word: &str,
        quoted: Option<String>,
        words: Option<String>,
        pressed: Option<String>,
        moved: Option<Sender>,
    ) -> Option<Self> {
        let quoting =
            || Some(Quoting { wamid: Wamid::parse(&quoted?)?, words: Words::new(&words?) });
        match word {
            "media" => Some(Self::Media),
            "text" => Some(Self::Text(quoting())),
            "choice" => Press::parse(&pressed?).map(Self::Choice),
            "other_media" => Some(Self::OtherMedia),
            "moved" => moved.map(Self::Moved),
            "silent" => Some(Self::Silent),
            _ => None,
        }
    }
}

/// A message with when and in which trace it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// What arrived.
    pub message: &'a Inbound,
    /// When its webhook reached us.
    pub received_at: DateTime<Utc>,
    /// The W3C trace context of its webhook.
    pub trace_parent: Option<&'a str>,
}

impl Store {
    /// Which of `wamids` have been accepted before.
    pub async fn known(&self, wamids: &[&Wamid]) -> Result<Vec<Sha256>, StoreError> {
        let digests: Vec<Vec<u8>> =
            wamids.iter().map(|it| it.digest().as_bytes().to_vec()).collect();
        let rows = sqlx::query_scalar!(
            "select wamid_sha256 from message_ids where wamid_sha256 = any($1)",
            &digests
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|it| Sha256::from_bytes(it).ok_or(UNREADABLE_ID)).collect()
    }

    /// The message `id`.
    pub async fn message(&self, id: MessageId) -> Result<Message, StoreError> {
        let row = sqlx::query!(
            r#"select wamid, phone_number_id, messages.phone, messages.user_id, profile_name, kind,
                      sent_at, received_at, quoted_wamid, quoted_words, pressed, wish,
                      profiles.parent_user_id as "parent_user_id?", profiles.username as "username?",
                      moves.phone as "moved_phone?", moves.user_id as "moved_user_id?"
               from messages
               left join profiles on profiles.message_id = messages.id
               left join moves on moves.message_id = messages.id
               where messages.id = $1"#,
            id.0
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::Missing { table: "messages" })?;
        let known_by = |phone: Option<&str>, user_id: Option<&str>| {
            let phone = phone.and_then(|it| Phone::parse(it).ok());
            Sender::known_by(phone, user_id.and_then(UserId::parse))
        };
        let sender = known_by(row.phone.as_deref(), row.user_id.as_deref());
        let moved = known_by(row.moved_phone.as_deref(), row.moved_user_id.as_deref());
        Ok(Message {
            id,
            wamid: Wamid::parse(&row.wamid).ok_or(unreadable("wamid"))?,
            phone_number_id: PhoneNumberId::parse(&row.phone_number_id)
                .ok_or(unreadable("phone_number_id"))?,
            sender: sender.ok_or(unreadable("phone or user_id"))?,
            profile_name: row.profile_name.as_deref().and_then(ProfileName::parse),
            profile: Profile {
                parent_user_id: row.parent_user_id.as_deref().and_then(UserId::parse),
                username: row.username.as_deref().and_then(Username::parse),
            },
            kind: if let Some(wish) = row.wish.as_deref() {
                Kind::Wish(Wish::read(wish).ok_or(unreadable("wish"))?)
            } else {
                let (quoted, words) = (row.quoted_wamid, row.quoted_words);
                Kind::read(&row.kind, quoted, words, row.pressed, moved)
                    .ok_or(unreadable("kind"))?
            },
            sent_at: row.sent_at,
            received_at: row.received_at,
        })
    }
}

impl Store {
    /// Whether `wamid` is a photo to which no answer has been worded yet.
    pub async fn is_under_way(&self, wamid: &Wamid) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select exists (
                   select from messages
                   where wamid = $1 and kind = 'media' and not exists (
                       select from replies where message_id = messages.id and part = 'answer'
                   )
               ) as "under_way!""#,
            wamid.as_str()
        )
        .fetch_one(&self.pool)
        .await?)
    }

    /// How many photos its sender sent to the same number in the 24 hours before `message`, by Meta's
    /// clock; `at_most` where there are more.
    pub async fn photos_before(&self, message: &Message, at_most: u32) -> Result<u32, StoreError> {
        let counted = sqlx::query_scalar!(
            r#"select count(*) as "count!"
               from (
                   select from messages
                   where phone_number_id = $1 and kind = 'media'
                       and (phone = $2 or (phone is null and user_id = $3))
                       and sent_at > $4::timestamptz - interval '24 hours'
                       and (sent_at, id) < ($4, $5)
                   limit $6
               ) as photos"#,
            message.phone_number_id.as_str(),
            message.sender.phone().map(Phone::as_str),
            message.sender.user_id().map(UserId::as_str),
            message.sent_at,
            message.id.0,
            i64::from(at_most)
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(u32::try_from(counted).unwrap_or(at_most))
    }

    /// When the sender of `message` last wrote to the same number, by Meta's clock: from there the
    /// 24-hour window counts.
    pub async fn last_heard(&self, message: &Message) -> Result<DateTime<Utc>, StoreError> {
        let heard = sqlx::query_scalar!(
            "select max(sent_at)
             from (
                 (select sent_at from messages where phone_number_id = $1 and phone = $2
                  order by sent_at desc limit 1)
                 union all
                 (select sent_at from messages where phone_number_id = $1 and user_id = $3
                  order by sent_at desc limit 1)
             ) as newest",
            message.phone_number_id.as_str(),
            message.sender.phone().map(Phone::as_str),
            message.sender.user_id().map(UserId::as_str)
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(heard.unwrap_or(message.sent_at))
    }
}

/// Remembers those of `arrivals` that are new, and says under which id. Told twice, in two calls or
/// in one, a message is remembered once, as it was told first: the second time it is not among the
/// answer. `accepted_at` is the time just before the commit.
pub async fn remember(
    tx: &mut Tx,
    arrivals: &[Arrival<'_>],
    accepted_at: DateTime<Utc>,
) -> Result<HashMap<Wamid, MessageId>, StoreError> {
    if arrivals.is_empty() {
        return Ok(HashMap::new());
    }
    let told = Columns::of(arrivals);
    let rows = sqlx::query!(
        "with fresh as (
             insert into message_ids (wamid_sha256, first_seen_at)
             select told.digest, told.received_at
             from unnest($1::bytea[], $10::timestamptz[])
                  with ordinality as told (digest, received_at, place)
             order by told.place
             on conflict do nothing
             returning wamid_sha256
         )
         insert into messages (wamid, phone_number_id, phone, user_id, profile_name, kind, sent_at,
                               raw, quoted_wamid, quoted_words, pressed, wish, received_at,
                               accepted_at, trace_parent, type)
         select told.wamid, told.phone_number_id, told.phone, told.user_id, told.profile_name,
                told.kind, told.sent_at, told.raw, told.quoted_wamid, told.quoted_words,
                told.pressed, told.wish, told.received_at, $11, told.trace_parent, told.type
         from unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::timestamptz[], $9::bytea[], $13::text[], $14::text[],
                     $15::text[], $16::text[], $10::timestamptz[], $12::text[], $17::text[])
              as told (digest, wamid, phone_number_id, phone, user_id, profile_name, kind, sent_at, raw,
                       quoted_wamid, quoted_words, pressed, wish, received_at, trace_parent,
                       type)
         join fresh on fresh.wamid_sha256 = told.digest
         order by told.sent_at
         returning id, wamid",
        &told.digests as _,
        &told.wamids as _,
        &told.numbers as _,
        &told.phones as _,
        &told.user_ids as _,
        &told.profiles as _,
        &told.kinds as _,
        &told.sent_at,
        &told.raws as _,
        &told.received_at,
        accepted_at,
        &told.traces as _,
        &told.quoted as _,
        &told.words as _,
        &told.pressed as _,
        &told.wishes as _,
        &told.types as _,
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| Ok((Wamid::parse(&row.wamid).ok_or(unreadable("wamid"))?, MessageId(row.id))))
        .collect()
}

/// New messages as the columns of one statement.
#[derive(Default)]
struct Columns<'a> {
    digests: Vec<[u8; 32]>,
    wamids: Vec<&'a str>,
    numbers: Vec<&'a str>,
    phones: Vec<Option<&'a str>>,
    user_ids: Vec<Option<&'a str>>,
    profiles: Vec<Option<&'a str>>,
    kinds: Vec<&'a str>,
    types: Vec<&'a str>,
    sent_at: Vec<DateTime<Utc>>,
    raws: Vec<&'a [u8]>,
    quoted: Vec<Option<&'a str>>,
    words: Vec<Option<&'a str>>,
    pressed: Vec<Option<String>>,
    wishes: Vec<Option<&'a str>>,
    received_at: Vec<DateTime<Utc>>,
    traces: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    /// Each message once, sorted by key: two commits that share messages and lock them crosswise
    /// would deadlock.
    fn of(arrivals: &[Arrival<'a>]) -> Self {
        let mut sorted: Vec<(Sha256, &Arrival<'a>)> =
            arrivals.iter().map(|it| (it.message.wamid.digest(), it)).collect();
        sorted.sort_by_key(|(digest, _)| *digest);
        sorted.dedup_by_key(|(digest, _)| *digest);
        let mut columns = Self::default();
        for (digest, arrival) in sorted {
            columns.push(digest, arrival);
        }
        columns
    }

    fn push(&mut self, digest: Sha256, arrival: &Arrival<'a>) {
        let message = arrival.message;
        let quoting = quoting(&message.content);
        self.digests.push(*digest.as_bytes());
        self.wamids.push(message.wamid.as_str());
        self.numbers.push(message.phone_number_id.as_str());
        self.phones.push(message.sender.phone().map(Phone::as_str));
        self.user_ids.push(message.sender.user_id().map(UserId::as_str));
        self.profiles.push(message.profile_name.as_ref().map(ProfileName::as_str));
        self.kinds.push(message.content.kind());
        self.types.push(message.message_type.as_str());
        self.sent_at.push(message.sent_at);
        self.raws.push(message.raw.0.as_slice());
        self.quoted.push(quoting.map(|it| it.wamid.as_str()));
        self.words.push(quoting.map(|it| it.words.as_str()));
        self.pressed.push(pressed(&message.content));
        self.wishes.push(wish(&message.content));
        self.received_at.push(arrival.received_at);
        self.traces.push(arrival.trace_parent);
    }
}

fn quoting(content: &Content) -> Option<&Quoting> {
    match content {
        Content::Text(quoting) => quoting.as_ref(),
        Content::Media(_)
        | Content::Choice(_)
        | Content::Wish(_)
        | Content::OtherMedia
        | Content::Moved(_)
        | Content::Silent => None,
    }
}

fn wish(content: &Content) -> Option<&'static str> {
    match content {
        Content::Wish(wish) => Some(wish.as_str()),
        Content::Media(_)
        | Content::Text(_)
        | Content::Choice(_)
        | Content::OtherMedia
        | Content::Moved(_)
        | Content::Silent => None,
    }
}

fn pressed(content: &Content) -> Option<String> {
    match content {
        Content::Choice(press) => Some(press.to_string()),
        Content::Media(_)
        | Content::Text(_)
        | Content::Wish(_)
        | Content::OtherMedia
        | Content::Moved(_)
        | Content::Silent => None,
    }
}

const UNREADABLE_ID: StoreError =
    StoreError::Unreadable { table: "message_ids", column: "wamid_sha256" };

fn unreadable(column: &'static str) -> StoreError {
    StoreError::Unreadable { table: "messages", column }
}
