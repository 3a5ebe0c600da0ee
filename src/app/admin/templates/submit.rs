//! `paragon templates submit`: what stands in the files becomes what Meta has. New texts are
//! created, changed and rejected ones edited, the others left alone; run again, it goes on where it
//! ended. Meta takes 100 new ones an hour: the rest is for the next run.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::files::TemplateFile;
use super::{Account, Output, print, sync, table};
use crate::app::Failure;
use crate::clients::whatsapp::TemplateError;
use crate::domain::template::{Category, Definition, Listed};
use crate::store::Store;

/// New templates that Meta takes from one account in [`AN_HOUR`]; each language is one. Source:
/// Meta, "Templates", 2026-05-05.
const NEW_AN_HOUR: usize = 100;
const AN_HOUR: TimeDelta = TimeDelta::hours(1);

/// What is to be done with one text.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Create,
    Edit {
        id: String,
        category: Option<Category>,
    },
    Nothing(&'static str),
    /// Only a person can go on.
    Stuck(String),
}

/// What was done with one text.
struct Done {
    name: String,
    language: String,
    outcome: Outcome,
}

enum Outcome {
    Done(&'static str),
    NotDone(String),
}

/// Submits all of `files` that Meta has not, or has otherwise. An error when anything is left over.
pub async fn run(
    account: &Account,
    store: Option<&Store>,
    files: &[TemplateFile],
    output: &Output,
) -> Result<(), Failure> {
    let listed = account.whatsapp.templates(&account.id).await.map_err(anyhow::Error::from)?;
    let places = places(account, store).await?;
    let mut batch = Batch { account, store, places, done: Vec::new() };
    let mut submitted = Ok(());
    for definition in files.iter().flat_map(|it| &it.definitions) {
        let there = listed
            .iter()
            .find(|it| it.name == definition.name && it.language == definition.language);
        submitted = batch.submit(definition, step(definition, there)).await;
        if submitted.is_err() {
            break;
        }
    }
    let done = batch.done;
    print(&shown(&done, output)).map_err(anyhow::Error::from)?;
    submitted?;
    if let Some(store) = store {
        sync(account, store).await?;
    }
    let left = done.iter().filter(|it| matches!(it.outcome, Outcome::NotDone(_))).count();
    if left > 0 {
        return Err(anyhow::anyhow!("{left} of {} texts are not submitted", done.len()).into());
    }
    Ok(())
}

fn step(definition: &Definition, there: Option<&Listed>) -> Step {
    let Some(there) = there else { return Step::Create };
    let same_words = there.words == definition.words;
    let same_category = Category::parse(&there.category) == Some(definition.category);
    let edit = |category| Step::Edit { id: there.id.clone(), category };
    match there.status.as_str() {
        // Of an approved one Meta lets nobody change the category: a moved one is shown by `list`.
        "APPROVED" | "FLAGGED" | "PAUSED" if same_words => Step::Nothing("as Meta has it"),
        "APPROVED" | "FLAGGED" | "PAUSED" => edit(None),
        "REJECTED" if same_words && same_category => {
            let reason = there.reason.as_deref().unwrap_or("no reason was given");
            Step::Stuck(format!("rejected as it stands ({reason}): change the text"))
        }
        "REJECTED" => edit(Some(definition.category)),
        "PENDING" | "IN_APPEAL" if same_words => Step::Nothing("under review"),
        "PENDING" | "IN_APPEAL" => {
            Step::Stuck("under review with other words: wait for the verdict".to_owned())
        }
        other => Step::Stuck(format!("{other} at Meta: give it another name")),
    }
}

/// How many new ones may still be submitted, and when the next may be.
struct Places {
    left: usize,
    next_at: Option<DateTime<Utc>>,
}

/// What we submitted in the last hour counts; without a database only Meta knows.
async fn places(account: &Account, store: Option<&Store>) -> anyhow::Result<Places> {
    let Some(store) = store else { return Ok(Places { left: NEW_AN_HOUR, next_at: None }) };
    let created = store.templates_created_since(account.clock.now() - AN_HOUR).await?;
    let next_at = created.first().map(|it| *it + AN_HOUR);
    Ok(Places { left: NEW_AN_HOUR.saturating_sub(created.len()), next_at })
}

struct Batch<'a> {
    account: &'a Account,
    store: Option<&'a Store>,
    places: Places,
    done: Vec<Done>,
}

impl Batch<'_> {
    /// Does one step. An error ends the batch: every other would meet it too.
    async fn submit(&mut self, definition: &Definition, step: Step) -> anyhow::Result<()> {
        let outcome = match step {
            Step::Nothing(why) => Outcome::Done(why),
            Step::Stuck(why) => Outcome::NotDone(why),
            Step::Create => self.create(definition).await?,
            Step::Edit { id, category } => {
                let edited = self.account.whatsapp.edit_template(&id, definition, category).await;
                outcome("edited, under review again", edited)?
            }
        };
        let (name, language) = (definition.name.clone(), definition.language.clone());
        self.done.push(Done { name, language, outcome });
        Ok(())
    }

    async fn create(&mut self, definition: &Definition) -> anyhow::Result<Outcome> {
        if self.places.left == 0 {
            let when = self.places.next_at.map_or_else(
                || "in an hour".to_owned(),
                |it| format!("after {}", it.format("%H:%M UTC")),
            );
            let why = format!("Meta takes {NEW_AN_HOUR} new ones an hour: run this again {when}");
            return Ok(Outcome::NotDone(why));
        }
        let account = self.account;
        let created = account.whatsapp.create_template(&account.id, definition).await;
        if matches!(created, Err(TemplateError::NotNow(_))) {
            self.places.left = 0;
        }
        let outcome = outcome("submitted, under review", created)?;
        if let Outcome::Done(_) = outcome {
            self.places.left -= 1;
            if let Some(store) = self.store {
                let now = account.clock.now();
                store.template_created(&definition.name, &definition.language, now).await?;
            }
        }
        Ok(outcome)
    }
}

fn outcome(
    done: &'static str,
    answered: Result<(), TemplateError>,
) -> Result<Outcome, TemplateError> {
    match answered {
        Ok(()) => Ok(Outcome::Done(done)),
        Err(error @ (TemplateError::NotNow(_) | TemplateError::Refused { .. })) => {
            Ok(Outcome::NotDone(error.to_string()))
        }
        Err(
            error @ (TemplateError::NotAllowed(_)
            | TemplateError::OutcomeUnknown(_)
            | TemplateError::NotSent(_)),
        ) => Err(error),
    }
}

fn shown(done: &[Done], output: &Output) -> String {
    let row = |it: &Done| match &it.outcome {
        Outcome::Done(what) => (true, (*what).to_owned()),
        Outcome::NotDone(why) => (false, why.clone()),
    };
    if output.json {
        let rows = done.iter().map(|it| {
            let (ok, what) = row(it);
            json!({ "name": it.name, "language": it.language, "done": ok, "what": what })
        });
        return format!("{:#}\n", serde_json::Value::Array(rows.collect()));
    }
    let cells = |it: &Done| {
        let (ok, what) = row(it);
        let mark = if ok { "✓" } else { "✗" };
        vec![mark.to_owned(), it.name.clone(), it.language.clone(), what]
    };
    table(&["", "name", "language", ""], done.iter().map(cells))
}
