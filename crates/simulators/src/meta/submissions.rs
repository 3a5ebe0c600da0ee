//! New and changed templates: `POST …/message_templates` and `POST /{template-id}`. It checks what
//! Meta checks at once; the words are judged later, by [`super::review`].

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::templates::{Template, TemplateStatus};
use super::{MetaRoute, State, errors, object_id};
use crate::answer::Answer;
use crate::asked::Asked;
use crate::ids;

/// New templates that one account may submit in an hour, each language counted.
const NEW_AN_HOUR: usize = 100;

/// Edits of one approved template, in 24 hours and in 30 days.
const EDITS_A_DAY: usize = 1;
const EDITS_A_MONTH: usize = 10;

const KEYS: [&str; 6] =
    ["name", "category", "language", "components", "parameter_format", "allow_category_change"];

/// `POST /{version}/{waba-id}/message_templates`
pub(crate) fn create(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    if object_id(asked) != state.options.waba_id {
        return errors::no_such_object(object_id(asked));
    }
    let read = asked.json().ok_or_else(|| errors::parameter("The body is not JSON."));
    match read.and_then(|body| read_new(&body)) {
        Err(refusal) => refusal,
        Ok(template) => keep(state, template),
    }
}

fn keep(state: &State, template: Template) -> Answer {
    let now = state.now();
    let mut memory = state.memory();
    let new = |it: &&Template| it.submitted.is_some_and(|at| now - at < TimeDelta::hours(1));
    if memory.templates.iter().filter(new).count() >= NEW_AN_HOUR {
        return errors::of_code(400, 80_008);
    }
    if memory.templates.iter().any(|it| it.is(&template.name, &template.language)) {
        return errors::template(2_388_024, "Content in this language already exists");
    }
    let answer = json!({ "id": template.id, "status": "PENDING", "category": template.category });
    memory.templates.push(Template { submitted: Some(now), ..template });
    Answer::json(200, &answer)
}

fn read_new(body: &Value) -> Result<Template, Answer> {
    let keys = body.as_object().into_iter().flat_map(|it| it.keys());
    if let Some(key) = keys.into_iter().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(errors::parameter(&format!("Unexpected key \"{key}\" on param \"body\".")));
    }
    let text = |key: &str| {
        let missing = || errors::parameter(&format!("The parameter {key} is required."));
        body[key].as_str().filter(|it| !it.is_empty()).ok_or_else(missing)
    };
    let (name, language, category) = (text("name")?, text("language")?, text("category")?);
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    if name.len() > 512 || !name.bytes().all(plain) {
        return Err(errors::parameter("Param name must be lower-case letters, digits and _."));
    }
    if !["UTILITY", "MARKETING", "AUTHENTICATION"].contains(&category) {
        return Err(errors::parameter("Param category must be one of {AUTHENTICATION, …}."));
    }
    let words = body_words(&body["components"])?;
    let mut template = Template::approved(name, language, &words);
    check_parameters(&template, &body["components"], body["parameter_format"].as_str())?;
    template.status = TemplateStatus::Pending;
    category.clone_into(&mut template.category);
    template.components = body["components"].clone();
    Ok(template)
}

/// `POST /{version}/{template-id}`; `None` when no template has that id.
pub(crate) fn edit(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    let (id, now) = (object_id(asked), state.now());
    let body = asked.json().unwrap_or_default();
    let mut memory = state.memory();
    let Some(template) = memory.templates.iter_mut().find(|it| it.id == id) else {
        return errors::no_such_object(id);
    };
    match template.status {
        TemplateStatus::Approved => {
            let within = |span| template.edits.iter().filter(|it| now - **it < span).count();
            if within(TimeDelta::days(1)) >= EDITS_A_DAY
                || within(TimeDelta::days(30)) >= EDITS_A_MONTH
            {
                return errors::template(2_388_025, "Templates are edited once in 24 hours");
            }
            if body["category"].as_str().is_some_and(|it| it != template.category) {
                let words = "The category of an approved template cannot be changed";
                return errors::template(2_388_026, words);
            }
        }
        TemplateStatus::Rejected | TemplateStatus::Paused => {}
        TemplateStatus::Pending | TemplateStatus::Disabled => {
            return errors::template(2_388_027, "This template cannot be edited in its state");
        }
    }
    let words = match body_words(&body["components"]) {
        Ok(words) => words,
        Err(refusal) => return refusal,
    };
    let mut edited = Template { body: words, ..template.clone() };
    if let Err(refusal) = check_parameters(&edited, &body["components"], None) {
        return refusal;
    }
    if let Some(category) = body["category"].as_str() {
        category.clone_into(&mut edited.category);
    }
    edited.components = body["components"].clone();
    edited.status = TemplateStatus::Pending;
    "NONE".clone_into(&mut edited.rejected_reason);
    if template.status == TemplateStatus::Approved {
        edited.edits.push(now);
    }
    *template = edited;
    Answer::json(200, &json!({ "success": true }))
}

fn body_words(components: &Value) -> Result<String, Answer> {
    let components = components.as_array().into_iter().flatten();
    let words = components.into_iter().find(|it| it["type"] == "BODY").map(|it| &it["text"]);
    match words.and_then(Value::as_str) {
        Some(text) if (1..=1024).contains(&text.chars().count()) => Ok(text.to_owned()),
        _ => Err(errors::parameter("BODY must have a text of 1 to 1024 characters.")),
    }
}

/// What is refused at once: numbers with gaps, parameters at the ends, missing examples.
fn check_parameters(
    template: &Template,
    components: &Value,
    format: Option<&str>,
) -> Result<(), Answer> {
    let names = template.parameters();
    if names.is_empty() {
        return Ok(());
    }
    let numbers: Vec<usize> = names.iter().filter_map(|it| it.parse().ok()).collect();
    let named = numbers.is_empty();
    let counted = (1..=names.len()).all(|it| numbers.contains(&it));
    if !named && !counted {
        return Err(errors::template(2_388_047, "Parameters must be numbered without a gap"));
    }
    if format.is_some_and(|it| (it == "NAMED") != named) {
        return Err(errors::parameter("Param parameter_format does not fit the body."));
    }
    let body = template.body.trim();
    if body.starts_with("{{") || body.ends_with("}}") {
        let words = "Variables can't be at the start or end of the template";
        return Err(errors::template(2_388_299, words));
    }
    let words = body.split_whitespace().filter(|it| !it.contains("{{")).count();
    if words < 2 * names.len() + 1 {
        let words = "This template contains too many variables for its length";
        return Err(errors::template(2_388_293, words));
    }
    let components = components.as_array().into_iter().flatten();
    let example = components.into_iter().find(|it| it["type"] == "BODY").map(|it| &it["example"]);
    let given = example.map_or(0, |it| {
        let named = it["body_text_named_params"].as_array().map(Vec::len);
        named.or_else(|| it["body_text"][0].as_array().map(Vec::len)).unwrap_or(0)
    });
    if given != names.len() {
        let words = "BODY component does not contain the expected field(s) (example)";
        return Err(errors::template(2_388_043, words));
    }
    Ok(())
}

/// An id as templates have.
pub(crate) fn is_template(state: &State, id: &str) -> bool {
    state.memory().templates.iter().any(|it| it.id == id)
}

/// For tests of the hourly limit: that many have been submitted just now.
pub(crate) fn pretend(state: &State, count: usize) {
    let now = state.now();
    let mut memory = state.memory();
    for number in 0..count {
        let mut template = Template::approved(&format!("other_{number}"), "en", "Nothing.");
        template.submitted = Some(now);
        template.id = ids::digits();
        memory.templates.push(template);
    }
}
