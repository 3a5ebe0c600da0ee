//! The account's message templates, and the check that a send fits one. It knows positional
//! parameters of the body only; headers and buttons are accepted as they come.

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

/// One template in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Name, shared by its languages.
    pub name: String,
    /// Meta's language code: `en`, `cs`, `en_US`.
    pub language: String,
    /// Body with `{{1}}`, `{{2}}`, …
    pub body: String,
    /// Whether it may be sent.
    pub status: TemplateStatus,
    /// `UTILITY` or `MARKETING`; decides the pricing category of its messages.
    pub category: String,
    id: String,
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
            id: ids::digits(),
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

    fn parameters(&self) -> usize {
        (1..100).take_while(|n| self.body.contains(&format!("{{{{{n}}}}}"))).count()
    }

    fn as_json(&self) -> Value {
        let status = match self.status {
            TemplateStatus::Approved => "APPROVED",
            TemplateStatus::Pending => "PENDING",
            TemplateStatus::Rejected => "REJECTED",
            TemplateStatus::Paused => "PAUSED",
            TemplateStatus::Disabled => "DISABLED",
        };
        json!({
            "name": self.name,
            "language": self.language,
            "status": status,
            "category": self.category,
            "parameter_format": "POSITIONAL",
            "components": [{ "type": "BODY", "text": self.body }],
            "id": self.id,
        })
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

/// `GET /{version}/{waba-id}/message_templates[?name=]`
pub(crate) fn list(state: &State, asked: &Asked<MetaRoute>) -> Answer {
    if object_id(asked) != state.options.waba_id {
        return errors::no_such_object(object_id(asked));
    }
    let name = asked.param("name");
    let memory = state.memory();
    let wanted = memory.templates.iter().filter(|it| name.as_ref().is_none_or(|n| *n == it.name));
    let data: Vec<Value> = wanted.map(Template::as_json).collect();
    Answer::json(
        200,
        &json!({
            "data": data,
            "paging": { "cursors": { "before": "MAZDZD", "after": "MjQZD" } },
        }),
    )
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
    if given.len() != template.parameters() {
        let (given, expected) = (given.len(), template.parameters());
        let details = format!(
            "body: number of localizable_params ({given}) does not match the expected number of \
             params ({expected})"
        );
        let title = "Number of parameters does not match the expected number of params";
        return Err(errors::error(400, 132_000, title, &details));
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
