//! What is asked for when somebody is to be reminded, on the command line or by the API: what Meta
//! takes as a parameter, whether the template takes them, and what names a reminder.

use chrono::{DateTime, Utc};

use crate::domain::ids::Sha256;
use crate::domain::sender::{Phone, Sender, UserId};
use crate::domain::template::{Misfit, OtherParameters, Parameter, fill};
use crate::store::reminders::Batch;
use crate::store::templates::Known;

/// Longest value of a parameter: with the rest of the template it must fit in 1,024 characters.
const VALUE_MAX: usize = 900;

/// What Meta would not take as a parameter.
pub fn problem_of(value: &str) -> Option<&'static str> {
    if value.trim().is_empty() {
        Some("is empty")
    } else if value.chars().any(char::is_control) || value.contains("     ") {
        Some("has a line break, a tab or more than four blanks in a row")
    } else if value.chars().count() > VALUE_MAX {
        Some("is longer than 900 characters")
    } else {
        None
    }
}

/// Whether the template, as far as it is known here, takes other parameters than a reminder can give.
pub fn misfit_of_template(known: Option<&Known>) -> Option<Misfit> {
    let wants_others =
        known.is_some_and(|it| it.words.is_some() && it.others == OtherParameters::Wanted);
    wants_others.then_some(Misfit::OthersWanted)
}

/// Why these parameters do not fit the template, as far as it is known here.
pub fn misfit(known: Option<&Known>, parameters: &[Parameter]) -> Option<Misfit> {
    let words = known?.words.as_ref()?;
    fill(words, parameters).err()
}

/// What names a reminder: the key that was given, or everything that it consists of. Two recipients
/// under one key are two reminders.
pub fn key(
    named: Option<&String>,
    batch: &Batch,
    at: Option<DateTime<Utc>>,
    to: &Sender,
    parameters: &[Parameter],
) -> String {
    let phone = to.phone().map(|it| Phone::key(it).as_str().to_owned());
    let user_id = to.user_id().map(|it| UserId::as_str(it).to_owned());
    let mut parts = vec![phone.unwrap_or_default(), user_id.unwrap_or_default()];
    if let Some(named) = named {
        parts.extend(["named".to_owned(), named.clone()]);
    } else {
        parts.extend([batch.template.clone(), batch.language.clone()]);
        parts.push(at.map(|it| it.to_rfc3339()).unwrap_or_default());
        parts.extend(parameters.iter().map(|it| it.value.clone()));
    }
    // A separator that no part can hold: values have no control characters.
    hex::encode(Sha256::of(parts.join("\u{1f}").as_bytes()).as_bytes())
}
