//! A reminder as a program asks for it, understood and written down; or what is wrong with it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Desk;
use super::guard::Caller;
use super::refusal::Refusal;
use crate::app::reminding::{key, misfit, misfit_of_template, problem_of};
use crate::domain::access::Numbers;
use crate::domain::ids::{PhoneNumberId, SenderId};
use crate::domain::sender::{Phone, Sender, UserId};
use crate::domain::template::Parameter;
use crate::queue;
use crate::store::api::Sought;
use crate::store::reminders::{Batch, NewReminder, schedule};
use crate::store::{Store, StoreError};

/// A moment that lies so little in the past is meant as now.
const JUST_NOW: TimeDelta = TimeDelta::minutes(1);

/// A reminder that is asked for. Of `phone`, `user_id` and `sender` one says whom it is for.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReminder)]
pub struct Wanted {
    /// A number with its country code, digits only.
    #[schema(example = "420777123456")]
    phone: Option<String>,
    /// A business-scoped user id.
    user_id: Option<String>,
    /// A sender's id.
    sender: Option<i64>,
    /// The approved template.
    #[schema(example = "payment_reminder", min_length = 1, max_length = 512)]
    template: String,
    /// Its language. Left out: `REPLY_LANGUAGE`.
    #[schema(example = "en")]
    language: Option<String>,
    /// What is put into it, in its order; by name where the template has names.
    #[serde(default)]
    parameters: Vec<Value>,
    /// Not before then. Left out: now.
    at: Option<DateTime<Utc>>,
    /// Meta's id of the number that it leaves from. Left out: the key's, or `PHONE_NUMBER_ID`.
    number: Option<String>,
    /// Names the reminder: asked for again under this name, nothing more is sent. Left out: recipient,
    /// template, parameters and time name it.
    key: Option<String>,
}

/// A parameter of a template.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Parameter)]
pub struct Value {
    /// Its name, where the template has names.
    name: Option<String>,
    /// 1 to 900 characters, without line breaks.
    #[schema(min_length = 1, max_length = 900)]
    value: String,
}

/// A reminder that was understood.
pub struct Ready {
    to: To,
    batch: Batch,
    at: Option<DateTime<Utc>>,
    parameters: Vec<Parameter>,
    key: Option<String>,
}

enum To {
    Sender(i64),
    Person(Sender),
}

impl Ready {
    /// Understands what is asked for, or says what is wrong with it.
    pub fn of(desk: &Desk, caller: &Caller, asked: &Wanted) -> Result<Self, Refusal> {
        let invalid = |text: String| Refusal::Invalid(text);
        let now = desk.clock.now();
        if asked.at.is_some_and(|it| it < now - JUST_NOW) {
            return Err(invalid("at: it has passed".to_owned()));
        }
        let parameters = asked
            .parameters
            .iter()
            .map(|it| Parameter { name: it.name.clone(), value: it.value.clone() });
        let parameters: Vec<Parameter> = parameters.collect();
        let with_names = parameters.iter().filter(|it| it.name.is_some()).count();
        if with_names != 0 && with_names != parameters.len() {
            return Err(invalid("parameters: name all of them, or none".to_owned()));
        }
        if let Some(problem) = parameters.iter().find_map(|it| problem_of(&it.value)) {
            return Err(invalid(format!("parameters: one {problem}")));
        }
        if asked.key.as_ref().is_some_and(|it| it.chars().any(char::is_control)) {
            return Err(invalid("key: want no control characters".to_owned()));
        }
        if asked.template.trim().is_empty() {
            return Err(invalid("template: want its name".to_owned()));
        }
        let language = desk.settings.language.code().to_owned();
        let batch = Batch {
            number: number(desk, caller, asked.number.as_deref())?,
            template: asked.template.clone(),
            language: asked.language.clone().unwrap_or(language),
            run_at: asked.at.unwrap_or(now),
        };
        Ok(Self { to: to(asked)?, batch, at: asked.at, parameters, key: asked.key.clone() })
    }

    /// Writes it down with its job, unless it is there; which it is.
    pub async fn write(
        self,
        store: &Store,
        numbers: &Numbers,
        now: DateTime<Utc>,
    ) -> Result<i64, Refusal> {
        let Batch { template, language, .. } = &self.batch;
        let known = store.known_template(template, language).await?;
        let wrong = misfit_of_template(known.as_ref());
        if let Some(wrong) = wrong.or_else(|| misfit(known.as_ref(), &self.parameters)) {
            return Err(Refusal::Invalid(format!("parameters: {wrong}")));
        }
        let (sender, person) = self.recipient(store, numbers).await?;
        let key = key(self.key.as_ref(), &self.batch, self.at, &person, &self.parameters);
        let reminder = NewReminder { key: key.clone(), sender, parameters: self.parameters };
        let mut tx = store.begin().await?;
        let new = schedule(&mut tx, &self.batch, &[reminder], now).await?;
        let orders: Vec<_> = new.iter().map(|id| (*id, self.batch.number.clone())).collect();
        queue::enqueue_reminders(&mut tx, &orders, Some(self.batch.run_at))
            .await
            .map_err(|_| Refusal::Unavailable)?;
        tx.commit().await.map_err(StoreError::from)?;
        match new.first() {
            Some(id) => Ok(id.0),
            None => Ok(store.reminder_with_key(&key).await?.ok_or(Refusal::NotFound)?.0),
        }
    }

    async fn recipient(
        &self,
        store: &Store,
        numbers: &Numbers,
    ) -> Result<(SenderId, Sender), Refusal> {
        match &self.to {
            To::Person(person) => Ok((store.recipient(person).await?, person.clone())),
            To::Sender(id) => {
                let sought = Sought { id: Some(*id), ..Sought::default() };
                if store.senders_for(numbers, &sought, 1).await?.is_empty() {
                    return Err(Refusal::Invalid("sender: there is no such one".to_owned()));
                }
                let id = SenderId(*id);
                Ok((id, store.identity(id).await?))
            }
        }
    }
}

/// Whom it is for: one of three says so.
fn to(asked: &Wanted) -> Result<To, Refusal> {
    let invalid = |text: &str| Refusal::Invalid(text.to_owned());
    match (&asked.phone, &asked.user_id, asked.sender) {
        (Some(phone), None, None) => {
            let phone = Phone::parse(phone).map_err(|_| invalid("phone: want 6 to 15 digits"))?;
            let person = Sender::known_by(Some(phone), None);
            person.map(To::Person).ok_or(invalid("phone: want 6 to 15 digits"))
        }
        (None, Some(user_id), None) => {
            let person = UserId::parse(user_id).and_then(|it| Sender::known_by(None, Some(it)));
            person.map(To::Person).ok_or(invalid("user_id: want a business-scoped user id"))
        }
        (None, None, Some(sender)) => Ok(To::Sender(sender)),
        _ => Err(invalid("want one of phone, user_id and sender")),
    }
}

/// The number that it leaves from.
fn number(desk: &Desk, caller: &Caller, asked: Option<&str>) -> Result<PhoneNumberId, Refusal> {
    let invalid = |text: &str| Refusal::Invalid(text.to_owned());
    let number = match (asked, &caller.key.numbers) {
        (Some(asked), _) => PhoneNumberId::parse(asked),
        (None, Numbers::These(numbers)) if numbers.len() == 1 => numbers.first().cloned(),
        (None, Numbers::All | Numbers::These(_)) => desk.settings.number.clone(),
    };
    let number = number.ok_or(invalid("number: want Meta's id of the number to send from"))?;
    if caller.key.numbers.include(&number) {
        Ok(number)
    } else {
        Err(invalid("number: it is none of this key's"))
    }
}
