//! Message templates as Meta last told of them: by listing, by webhook, by refusing one. Told twice
//! or in another order, the newest word of Meta's time stands.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::{Store, StoreError, Tx};
use crate::domain::account::{TemplateChange, TemplateNews};
use crate::domain::ids::{MessageId, PhoneNumberId};
use crate::domain::template::{Listed, OtherParameters, Words};

/// What is known of a template when one is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Meta's word.
    pub status: String,
    /// When we last heard of the status.
    pub checked_at: DateTime<Utc>,
    /// What it says; `None` where only a webhook has told of it.
    pub words: Option<Words>,
    /// Whether anything but the body wants parameters.
    pub others: OtherParameters,
    /// What it is billed as.
    pub category: Option<String>,
}

/// A template as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    /// Its name.
    pub name: String,
    /// Its language's code.
    pub language: String,
    /// Meta's word.
    pub status: String,
    /// Why it is rejected or paused.
    pub reason: Option<String>,
    /// What it is billed as.
    pub category: Option<String>,
    /// What it was billed as before Meta moved it.
    pub previous_category: Option<String>,
    /// Meta's word.
    pub quality: Option<String>,
    /// How many answers wait for it.
    pub waiting_replies: i64,
}

impl Store {
    /// What is known of the template `name` in `language`.
    pub async fn known_template(
        &self,
        name: &str,
        language: &str,
    ) -> Result<Option<Known>, StoreError> {
        let row = sqlx::query!(
            "select status, checked_at, header, body, footer, others_wanted, category
             from templates
             where name = $1 and language = $2",
            name,
            language
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| {
            let (header, footer) = (row.header, row.footer);
            Known {
                status: row.status,
                checked_at: row.checked_at,
                words: row.body.map(|body| Words { header, body, footer }),
                others: if row.others_wanted {
                    OtherParameters::Wanted
                } else {
                    OtherParameters::None
                },
                category: row.category,
            }
        }))
    }

    /// All of `ops.templates`, by name and language.
    pub async fn template_rows(&self) -> Result<Vec<TemplateRow>, StoreError> {
        Ok(sqlx::query_as!(
            TemplateRow,
            r#"select name as "name!", language as "language!", status as "status!", reason, category,
                      previous_category, quality, waiting_replies as "waiting_replies!"
               from ops.templates
               order by name, language"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// When templates were submitted as new ones since `since`, the oldest first.
    pub async fn templates_created_since(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"select created_at as "created_at!" from templates where created_at >= $1 order by created_at"#,
            since
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// A new template was submitted; called twice it counts as one.
    pub async fn template_created(
        &self,
        name: &str,
        language: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into templates (name, language, status, status_told_at, checked_at, created_at)
             values ($1, $2, 'PENDING', $3, $4, $4)
             on conflict (name, language) do update
             set status = 'PENDING', status_told_at = $3, checked_at = $4, created_at = $4",
            name,
            language,
            whole_second(now),
            now
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Meta refused to send this template, in a call made at `asked_at`: it has this `status`.
    pub async fn template_refused(
        &self,
        name: &str,
        language: &str,
        status: &str,
        asked_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into templates as known (name, language, status, status_told_at, checked_at)
             values ($1, $2, $3, $4, $5)
             on conflict (name, language) do update
             set status = case when known.status in ('APPROVED', 'FLAGGED', 'UNKNOWN')
                          then excluded.status else known.status end,
                 status_told_at = excluded.status_told_at,
                 checked_at = excluded.checked_at
             where known.status_told_at <= excluded.status_told_at",
            name,
            language,
            status,
            whole_second(asked_at),
            asked_at
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Meta's times are whole seconds: ours must not be later for a fraction.
fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::seconds(1)).unwrap_or(at)
}

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

/// Answers whose template may be sent now: they wait no longer, and are owed a run.
pub async fn awake(tx: &mut Tx) -> Result<Vec<(MessageId, PhoneNumberId)>, StoreError> {
    let woken = sqlx::query!(
        "update replies
         set waits_for_template = null, reason = null
         from templates, messages
         where messages.id = replies.message_id
           and replies.waits_for_template = templates.name
           and replies.language = templates.language
           and templates.status in ('APPROVED', 'FLAGGED')
         returning replies.message_id, messages.phone_number_id"
    )
    .fetch_all(&mut **tx)
    .await?;
    let woken = woken.into_iter().map(|row| {
        let number = PhoneNumberId::parse(&row.phone_number_id);
        let unreadable = StoreError::Unreadable { table: "messages", column: "phone_number_id" };
        Ok((MessageId(row.message_id), number.ok_or(unreadable)?))
    });
    woken.collect()
}
