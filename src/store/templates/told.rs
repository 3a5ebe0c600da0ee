//! What Meta tells of its templates, all of them or one, and who has waited for it. Never takes an
//! older word for a newer one.

use chrono::{DateTime, Utc};

use super::whole_second;
use crate::domain::account::{TemplateChange, TemplateNews};
use crate::domain::ids::{MessageId, PhoneNumberId, ReminderId};
use crate::domain::template::{Listed, OtherParameters};
use crate::store::{StoreError, Tx};

/// Meta listed all of its templates, asked at `asked_at`: `listed`, and no others. A webhook that
/// tells of a later time stands.
pub async fn keep_listed(
    tx: &mut Tx,
    listed: &[Listed],
    asked_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut listed: Vec<&Listed> = listed.iter().collect();
    listed.sort_by_key(|it| (&it.name, &it.language));
    listed.dedup_by_key(|it| (&it.name, &it.language));
    let told_at = whole_second(asked_at);
    let texts = |of: fn(&Listed) -> &str| listed.iter().map(|it| of(it)).collect::<Vec<&str>>();
    let maybe =
        |of: fn(&Listed) -> Option<&str>| listed.iter().map(|it| of(it)).collect::<Vec<_>>();
    let names = texts(|it| &it.name);
    let languages = texts(|it| &it.language);
    let others: Vec<bool> = listed.iter().map(|it| it.others == OtherParameters::Wanted).collect();
    sqlx::query!(
        "insert into templates as known (
             name, language, template_id, status, reason, status_told_at, checked_at, category,
             previous_category, category_told_at, quality, quality_told_at, header, body, footer,
             others_wanted, synced_at
         )
         select told.name, told.language, told.id, told.status, told.reason, $12, $13, told.category,
                told.previous_category, $12, told.quality, $12, told.header, told.body, told.footer,
                told.others_wanted, $13
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $14::bool[])
              as told (name, language, id, status, reason, category, previous_category, quality,
                       header, body, footer, others_wanted)
         on conflict (name, language) do update
         set template_id = excluded.template_id,
             status = case when known.status_told_at <= $12 then excluded.status else known.status end,
             reason = case when known.status_told_at <= $12
                      then coalesce(excluded.reason,
                                    case when known.status = excluded.status then known.reason end)
                      else known.reason end,
             status_told_at = greatest(known.status_told_at, $12),
             checked_at = $13,
             previous_category = coalesce(
                 excluded.previous_category,
                 case when known.category <> excluded.category then known.category end,
                 known.previous_category
             ),
             category = case when coalesce(known.category_told_at, 'epoch') <= $12
                        then excluded.category else known.category end,
             category_told_at = greatest(known.category_told_at, $12),
             quality = case when coalesce(known.quality_told_at, 'epoch') <= $12
                       then excluded.quality else known.quality end,
             quality_told_at = greatest(known.quality_told_at, $12),
             header = excluded.header,
             body = excluded.body,
             footer = excluded.footer,
             others_wanted = excluded.others_wanted,
             synced_at = $13",
        &names as _,
        &languages as _,
        &texts(|it| &it.id) as _,
        &texts(|it| &it.status) as _,
        &maybe(|it| it.reason.as_deref()) as _,
        &texts(|it| &it.category) as _,
        &maybe(|it| it.previous_category.as_deref()) as _,
        &maybe(|it| it.quality.as_deref()) as _,
        &maybe(|it| it.words.header.as_deref()) as _,
        &texts(|it| &it.words.body) as _,
        &maybe(|it| it.words.footer.as_deref()) as _,
        told_at,
        asked_at,
        &others
    )
    .execute(&mut **tx)
    .await?;
    others_are_deleted(tx, &names, &languages, asked_at).await
}

/// Meta has these templates and no others, as it said when it was asked at `asked_at`.
async fn others_are_deleted(
    tx: &mut Tx,
    names: &[&str],
    languages: &[&str],
    asked_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update templates
         set status = 'DELETED', reason = null, status_told_at = $3, checked_at = $4
         where status_told_at <= $3
           and (name, language) not in (select * from unnest($1::text[], $2::text[]))",
        names as _,
        languages as _,
        whole_second(asked_at),
        asked_at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A webhook told of a template. Told twice, or after something newer, it changes nothing.
pub async fn hear(
    tx: &mut Tx,
    news: &TemplateNews,
    received_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    // Known from the first word on, whatever it is about.
    sqlx::query!(
        "insert into templates (name, language, template_id, status, status_told_at, checked_at)
         values ($1, $2, $3, 'UNKNOWN', 'epoch', $4)
         on conflict (name, language) do nothing",
        news.name,
        news.language,
        news.id,
        received_at
    )
    .execute(&mut **tx)
    .await?;
    match &news.change {
        TemplateChange::Status { status, reason } => {
            sqlx::query!(
                "update templates
                 set status = $3, reason = $4, status_told_at = $5, checked_at = $6,
                     template_id = coalesce($7, template_id)
                 where name = $1 and language = $2 and status_told_at <= $5",
                news.name,
                news.language,
                status,
                reason.as_deref(),
                news.at,
                received_at,
                news.id
            )
            .execute(&mut **tx)
            .await?;
        }
        TemplateChange::Category { now, before } => {
            sqlx::query!(
                "update templates
                 set previous_category = coalesce(
                         $4, case when category <> $3 then category end, previous_category
                     ),
                     category = $3, category_told_at = $5
                 where name = $1 and language = $2 and coalesce(category_told_at, 'epoch') <= $5",
                news.name,
                news.language,
                now,
                before.as_deref(),
                news.at
            )
            .execute(&mut **tx)
            .await?;
        }
        TemplateChange::Quality(score) => {
            sqlx::query!(
                "update templates
                 set quality = $3, quality_told_at = $4
                 where name = $1 and language = $2 and coalesce(quality_told_at, 'epoch') <= $4",
                news.name,
                news.language,
                score,
                news.at
            )
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

/// What waited for a template that may be sent now, and is owed a run.
#[derive(Clone, Debug, Default)]
pub struct Awake {
    /// Answers: their messages, with the number that was written to.
    pub messages: Vec<(MessageId, PhoneNumberId)>,
    /// Reminders, with the number that they leave from.
    pub reminders: Vec<(ReminderId, PhoneNumberId)>,
}

/// What waits for a template that may be sent now: it waits no longer.
pub async fn awake(tx: &mut Tx) -> Result<Awake, StoreError> {
    let messages = sqlx::query!(
        "update replies
         set waits_for_template = null, reason = null
         from templates, messages
         where messages.id = replies.message_id
           and replies.waits_for_template = templates.name
           and replies.language = templates.language
           and replies.state = 'owed'
           and templates.status in ('APPROVED', 'FLAGGED')
         returning replies.message_id, messages.phone_number_id"
    )
    .fetch_all(&mut **tx)
    .await?;
    let reminders = sqlx::query!(
        "update reminders
         set waits_for_template = null, reason = null
         from templates
         where reminders.waits_for_template = templates.name
           and reminders.language = templates.language
           and reminders.state = 'scheduled'
           and templates.status in ('APPROVED', 'FLAGGED')
         returning reminders.id, reminders.phone_number_id"
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(Awake {
        messages: messages
            .into_iter()
            .map(|it| Ok((MessageId(it.message_id), number(&it.phone_number_id)?)))
            .collect::<Result<_, StoreError>>()?,
        reminders: reminders
            .into_iter()
            .map(|it| Ok((ReminderId(it.id), number(&it.phone_number_id)?)))
            .collect::<Result<_, StoreError>>()?,
    })
}

fn number(text: &str) -> Result<PhoneNumberId, StoreError> {
    let unreadable = StoreError::Unreadable { table: "reminders", column: "phone_number_id" };
    PhoneNumberId::parse(text).ok_or(unreadable)
}
