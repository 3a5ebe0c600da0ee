//! The account's message templates: listed, and checked when one is sent. It knows the parameters of
//! the body only; headers and buttons are accepted as they come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{MetaRoute, State, errors, object_id};
use crate::answer::Answer;
use crate::asked::Asked;
use crate::ids;

/// Whether a template may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateStatus {
    /// May be sent.
    Approved,
    /// Still under review: refused with 132001.
    Pending,
    /// Refused by Meta: 132001.
    Rejected,
    /// Paused for low quality: 132015.
    Paused,
    /// Disabled for good: 132016.
    Disabled,
}

impl TemplateStatus {
    pub(crate) fn word(self) -> &'static str {
        match self {
            TemplateStatus::Approved => "APPROVED",
            TemplateStatus::Pending => "PENDING",
            TemplateStatus::Rejected => "REJECTED",
            TemplateStatus::Paused => "PAUSED",
            TemplateStatus::Disabled => "DISABLED",
        }
    }
}

/// One template in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Name, shared by its languages.
    pub name: String,
    /// Meta's language code: `en`, `cs`, `en_US`.
    pub language: String,
    /// Body with `{{1}}`, `{{2}}`, … or `{{name}}`, …
    pub body: String,
    /// Whether it may be sent.
    pub status: TemplateStatus,
    /// `UTILITY` or `MARKETING`; decides the pricing category of its messages.
    pub category: String,
    /// What it was before Meta moved it.
    pub previous_category: Option<String>,
    /// Why it was rejected: `NONE` unless it is.
    pub rejected_reason: String,
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    pub quality: String,
    pub(crate) id: String,
    pub(crate) components: Value,
    pub(crate) submitted: Option<DateTime<Utc>>,
    pub(crate) edits: Vec<DateTime<Utc>>,
}

impl Template {
    /// An approved utility template.
    pub fn approved(name: &str, language: &str, body: &str) -> Self {
        Self {
            name: name.to_owned(),
            language: language.to_owned(),
            body: body.to_owned(),
            status: TemplateStatus::Approved,
            category: "UTILITY".to_owned(),
            previous_category: None,
            rejected_reason: "NONE".to_owned(),
            quality: "UNKNOWN".to_owned(),
            id: ids::digits(),
            components: json!([{ "type": "BODY", "text": body }]),
            submitted: None,
            edits: Vec::new(),
        }
    }

    /// The same template in another state.
    #[must_use]
    pub fn with_status(self, status: TemplateStatus) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn is(&self, name: &str, language: &str) -> bool {
        self.name == name && self.language == language
    }

    /// The names or numbers between `{{` and `}}`, each once, in their order.
    pub(crate) fn parameters(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for part in self.body.split("{{").skip(1) {
            if let Some((name, _)) = part.split_once("}}")
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    fn is_named(&self) -> bool {
        self.parameters().iter().any(|it| it.parse::<usize>().is_err())
    }

    fn as_json(&self) -> Value {
        let mut shown = json!({
            "name": self.name,
            "language": self.language,
            "status": self.status.word(),
            "category": self.category,
            "parameter_format": if self.is_named() { "NAMED" } else { "POSITIONAL" },
            "components": self.components,
            "quality_score": { "score": self.quality },
            "rejected_reason": self.rejected_reason,
            "id": self.id,
        });
        if let Some(before) = &self.previous_category {
            shown["previous_category"] = json!(before);
        }
        shown
    }
}

/// What every account of the simulator starts with: category, amount, merchant, date.
pub(crate) fn shipped() -> Vec<Template> {
    let texts = [
        ("en", "Booked: {{1}}, {{2}} at {{3}} on {{4}}."),
        ("cs", "Zaúčtováno: {{1}}, {{2}}, {{3}}, {{4}}."),
        ("de", "Gebucht: {{1}}, {{2}} bei {{3}} am {{4}}."),
    ];
    texts.map(|(language, body)| Template::approved("receipt_result", language, body)).into()
}

/// `GET /{version}/{waba-id}/message_templates[?name=&language=&status=&category=&limit=&after=]`
pub(crate) fn list(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    if object_id(asked) != state.options.waba_id {
        return errors::no_such_object(object_id(asked));
    }
    let memory = state.memory();
    let wanted = |it: &&Template| {
        let is = |key: &str, value: &str| asked.param(key).is_none_or(|it| it == value);
        is("name", &it.name)
            && is("language", &it.language)
            && is("status", it.status.word())
            && is("category", &it.category)
    };
    let all: Vec<Value> = memory.templates.iter().filter(wanted).map(Template::as_json).collect();
    let from = asked.param("after").and_then(|it| place(&it)).unwrap_or(0).min(all.len());
    let limit = asked.param("limit").and_then(|it| it.parse().ok()).unwrap_or(25);
    let page: Vec<Value> = all.iter().skip(from).take(limit).cloned().collect();
    let end = from + page.len();
    let mut paging = json!({ "cursors": { "before": cursor(from), "after": cursor(end) } });
    if end < all.len() {
        paging["next"] =
            json!(format!("http://{}{}?after={}", state.address, asked.path, cursor(end)));
    }
    Answer::json(200, &json!({ "data": page, "paging": paging }))
}

fn cursor(place: usize) -> String {
    STANDARD.encode(place.to_string())
}

fn place(cursor: &str) -> Option<usize> {
    String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?.parse().ok()
}

/// The body parameters as text if the `template` object of a send fits an approved template,
/// with that template's category; Meta's refusal otherwise.
pub(crate) fn fit(known: &[Template], sent: &Value) -> Result<(Vec<String>, String), Answer> {
    let name = sent["name"].as_str().unwrap_or_default();
    let Some(language) = sent["language"]["code"].as_str() else {
        return Err(errors::parameter("The parameter template['language']['code'] is required."));
    };
    let missing = || {
        let details = format!("template name ({name}) does not exist in {language}");
        errors::error(404, 132_001, "Template name does not exist in the translation", &details)
    };
    let template = known.iter().find(|it| it.is(name, language)).ok_or_else(missing)?;
    match template.status {
        TemplateStatus::Approved => {}
        TemplateStatus::Pending | TemplateStatus::Rejected => return Err(missing()),
        TemplateStatus::Paused => return Err(errors::of_code(400, 132_015)),
        TemplateStatus::Disabled => return Err(errors::of_code(400, 132_016)),
    }
    let given = body_parameters(sent)?;
    if template.is_named() {
        return fit_named(template, sent, given);
    }
    if given.len() != template.parameters().len() {
        let (given, expected) = (given.len(), template.parameters().len());
        let details = format!(
            "body: number of localizable_params ({given}) does not match the expected number of \
             params ({expected})"
        );
        let title = "Number of parameters does not match the expected number of params";
        return Err(errors::error(400, 132_000, title, &details));
    }
    Ok((given, template.category.clone()))
}

/// Each named parameter is given, once, under its name.
fn fit_named(
    template: &Template,
    sent: &Value,
    given: Vec<String>,
) -> Result<(Vec<String>, String), Answer> {
    let components = sent["components"].as_array().into_iter().flatten();
    let bodies = components.filter(|it| it["type"].as_str().is_some_and(is_body));
    let parameters = bodies.flat_map(|it| it["parameters"].as_array().into_iter().flatten());
    let mut names: Vec<&str> =
        parameters.map(|it| it["parameter_name"].as_str().unwrap_or_default()).collect();
    let mut wanted = template.parameters();
    names.sort_unstable();
    wanted.sort_unstable();
    if names != wanted {
        let details = "Parameter name is missing or empty, or no such parameter exists";
        return Err(errors::parameter(details));
    }
    Ok((given, template.category.clone()))
}

fn body_parameters(sent: &Value) -> Result<Vec<String>, Answer> {
    let components = sent["components"].as_array().into_iter().flatten();
    let bodies = components.filter(|it| it["type"].as_str().is_some_and(is_body));
    let parameters = bodies.flat_map(|it| it["parameters"].as_array().into_iter().flatten());
    parameters.map(parameter_text).collect()
}

fn is_body(component: &str) -> bool {
    component.eq_ignore_ascii_case("body")
}

fn parameter_text(parameter: &Value) -> Result<String, Answer> {
    let text = match parameter["type"].as_str() {
        Some("text") => parameter["text"].as_str(),
        Some("currency") => parameter["currency"]["fallback_value"].as_str(),
        Some("date_time") => parameter["date_time"]["fallback_value"].as_str(),
        _ => {
            return Err(errors::parameter("template['components'][0]['parameters']: wrong type"));
        }
    };
    let Some(text) = text.filter(|it| !it.is_empty()) else {
        let details = "Parameter of type text is missing text value";
        return Err(errors::error(400, 131_008, "Required parameter is missing", details));
    };
    if text.contains(['\n', '\t']) || text.contains("     ") {
        let details =
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces";
        return Err(errors::parameter(details));
    }
    Ok(text.to_owned())
}
