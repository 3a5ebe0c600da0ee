//! The templates of an account: what Meta has, a new one, a changed one. Nothing is repeated here:
//! a create whose answer was lost is found by listing.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::codes::{Class, class_of};
use super::error::GraphError;
use super::{Refusal, WhatsApp};
use crate::clients::http::{Answer, Cause, HttpError};
use crate::domain::ids::AccountId;
use crate::domain::template::{
    Category, Definition, Format, Listed, OtherParameters, Placeholders, Words,
};

const WITHIN: Duration = Duration::from_secs(30);

/// Templates on one page.
const PAGE: &str = "100";

const FIELDS: &str = "id,name,language,status,category,previous_category,components,\
                      quality_score,rejected_reason";

/// An account has at most some thousand templates; more pages than this would be a circle.
const PAGES_MAX: usize = 200;

/// Why Meta did not do what was asked of its templates.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Too many calls: 100 new templates an hour, for one. Nothing was done.
    #[error("Meta takes no more for now: {0}")]
    NotNow(Refusal),
    /// The token is dead, or may not do this: the operator must act.
    #[error("the token may not do this (is it alive, with whatsapp_business_management?): {0}")]
    NotAllowed(Refusal),
    /// Meta does not take it as it stands. Its own words follow: they speak of the template only.
    #[error("Meta refuses it ({refusal}): {words}")]
    Refused {
        /// The codes.
        refusal: Refusal,
        /// What it says to the person.
        words: String,
    },
    /// It may have been done: list the templates to know.
    #[error("no answer that can be understood; it may have been done")]
    OutcomeUnknown(#[source] Cause),
    /// No connection was made: surely nothing was done.
    #[error("Meta could not be reached")]
    NotSent(#[source] HttpError),
}

impl From<HttpError> for TemplateError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::NotSent(_) => Self::NotSent(error),
            HttpError::OutcomeUnknown(_) | HttpError::TooLarge { .. } => {
                Self::OutcomeUnknown(error.into())
            }
        }
    }
}

impl WhatsApp {
    /// Every template of `account`, in every language.
    pub async fn templates(&self, account: &AccountId) -> Result<Vec<Listed>, TemplateError> {
        let mut listed = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut url = self.base.join(&[account.as_str(), "message_templates"]);
            url.query_pairs_mut().append_pair("fields", FIELDS).append_pair("limit", PAGE);
            if let Some(after) = &after {
                url.query_pairs_mut().append_pair("after", after);
            }
            let answer = self.ask(Method::GET, url, "/{waba-id}/message_templates", None).await?;
            let page: Page =
                answer.json().map_err(|it| TemplateError::OutcomeUnknown(it.into()))?;
            listed.extend(page.data.into_iter().map(Row::listed));
            after = page.paging.and_then(Paging::further);
            if after.is_none() {
                return Ok(listed);
            }
        }
        Err(TemplateError::OutcomeUnknown("the pages of templates do not end".into()))
    }

    /// Submits a new template for review. Called twice, Meta refuses the second.
    pub async fn create_template(
        &self,
        account: &AccountId,
        definition: &Definition,
    ) -> Result<(), TemplateError> {
        let url = self.base.join(&[account.as_str(), "message_templates"]);
        let format = Placeholders::of(&definition.words.body).format();
        let body = json!({
            "name": definition.name,
            "language": definition.language,
            "category": definition.category.as_str(),
            "parameter_format": format.map(Format::as_str),
            "components": components(definition),
        });
        self.ask(Method::POST, url, "/{waba-id}/message_templates", Some(&body)).await?;
        Ok(())
    }

    /// Submits the template `id` again, with other words. Meta allows it for approved, rejected and
    /// paused ones, once in 24 hours and ten times in 30 days. `category` is for those that are not
    /// approved: of an approved one it cannot be changed.
    pub async fn edit_template(
        &self,
        id: &str,
        definition: &Definition,
        category: Option<Category>,
    ) -> Result<(), TemplateError> {
        let url = self.base.join(&[id]);
        let mut body = json!({ "components": components(definition) });
        if let Some(category) = category {
            body["category"] = json!(category.as_str());
        }
        self.ask(Method::POST, url, "/{template-id}", Some(&body)).await?;
        Ok(())
    }

    async fn ask(
        &self,
        method: Method,
        url: Url,
        route: &'static str,
        body: Option<&Value>,
    ) -> Result<Answer, TemplateError> {
        let call = match method {
            Method::POST => self.http.post(url, route, WITHIN),
            _ => self.http.get(url, route, WITHIN),
        };
        let call = call.header(AUTHORIZATION, self.bearer.header());
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        let answer = call.send().await?;
        if answer.is_success() { Ok(answer) } else { Err(refused(&answer)) }
    }
}

/// Rates that only the management of templates knows.
const MANAGEMENT_RATE: i32 = 80_008;

fn refused(answer: &Answer) -> TemplateError {
    let told = GraphError::read(&answer.body);
    let refusal = told.refusal(answer.status);
    match told.code.map(|code| (code, class_of(code, told.subcode))) {
        Some((MANAGEMENT_RATE, _) | (_, Some(Class::Later | Class::Hold))) => {
            TemplateError::NotNow(refusal)
        }
        Some((_, Some(Class::Token | Class::Blocked))) => TemplateError::NotAllowed(refusal),
        _ if answer.status == 429 => TemplateError::NotNow(refusal),
        _ if answer.status >= 500 => TemplateError::OutcomeUnknown(refusal.to_string().into()),
        _ => TemplateError::Refused { refusal, words: words(&answer.body) },
    }
}

/// What Graph says to the person, at most 300 characters of it.
fn words(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &body["error"];
    let said = ["error_user_msg", "message"].into_iter().find_map(|it| error[it].as_str());
    let said = said.unwrap_or("no words").chars().filter(|it| !it.is_control());
    said.take(300).collect()
}

fn components(definition: &Definition) -> Value {
    let words = &definition.words;
    let mut components = Vec::new();
    if let Some(header) = &words.header {
        components.push(json!({ "type": "HEADER", "format": "TEXT", "text": header }));
    }
    let mut body = json!({ "type": "BODY", "text": words.body });
    if let Some(example) = example(definition) {
        body["example"] = example;
    }
    components.push(body);
    if let Some(footer) = &words.footer {
        components.push(json!({ "type": "FOOTER", "text": footer }));
    }
    Value::Array(components)
}

fn example(definition: &Definition) -> Option<Value> {
    let examples = &definition.examples;
    let first = examples.first()?;
    if first.name.is_none() {
        let values: Vec<&str> = examples.iter().map(|it| it.value.as_str()).collect();
        return Some(json!({ "body_text": [values] }));
    }
    let named: Vec<Value> =
        examples.iter().map(|it| json!({ "param_name": it.name, "example": it.value })).collect();
    Some(json!({ "body_text_named_params": named }))
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Row>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    cursors: Option<Cursors>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl Paging {
    /// The cursor of the next page. `next` itself is a whole URL: never followed, for it carries
    /// the token wherever it points.
    fn further(self) -> Option<String> {
        self.next?;
        self.cursors?.after
    }
}

#[derive(Deserialize)]
struct Row {
    id: String,
    name: String,
    language: String,
    status: String,
    category: String,
    previous_category: Option<String>,
    rejected_reason: Option<String>,
    quality_score: Option<Quality>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Quality {
    score: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    r#type: String,
    format: Option<String>,
    text: Option<String>,
    #[serde(default)]
    buttons: Vec<Value>,
}

impl Component {
    fn is(&self, kind: &str) -> bool {
        self.r#type.eq_ignore_ascii_case(kind)
    }

    /// Whether it is neither body nor footer, and has something to be filled in.
    fn wants_parameters(&self) -> bool {
        let has = |text: &str| !Placeholders::of(text).names().is_empty();
        let pictured = self.is("HEADER") && self.format.as_deref().is_some_and(|it| it != "TEXT");
        let in_text = !self.is("BODY") && self.text.as_deref().is_some_and(has);
        let dynamic = |it: &Value| it["url"].as_str().is_some_and(has) || it["type"] == "COPY_CODE";
        pictured || in_text || self.buttons.iter().any(dynamic)
    }
}

impl Row {
    fn listed(self) -> Listed {
        let text = |kind: &str| {
            self.components.iter().find(|it| it.is(kind)).and_then(|it| it.text.clone())
        };
        let words = Words {
            header: text("HEADER"),
            body: text("BODY").unwrap_or_default(),
            footer: text("FOOTER"),
        };
        let wanted = self.components.iter().any(Component::wants_parameters);
        Listed {
            words,
            others: if wanted { OtherParameters::Wanted } else { OtherParameters::None },
            id: self.id,
            name: self.name,
            language: self.language,
            status: self.status,
            reason: self.rejected_reason.filter(|it| it != "NONE"),
            previous_category: self.previous_category.filter(|it| *it != self.category),
            category: self.category,
            quality: self.quality_score.and_then(|it| it.score),
        }
    }
}
