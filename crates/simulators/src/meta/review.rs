//! What becomes of a template after it was submitted: the reviewer's verdict, pauses, moved
//! categories, quality, and the webhooks that tell of them. Also what people tell WhatsApp they want
//! to be sent. The reviewer has a few rules of its own; it is not Meta's.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::templates::{Template, TemplateStatus};
use super::{Meta, Redelivered, Sender, delivery, submissions};

/// A service message says what it is …
const SAYS_SO: [&str; 4] =
    ["service message", "servisní zpráva", "servicenachricht", "service update"];

/// … and sells nothing.
const SELLS: [&str; 8] =
    ["discount", "sale ", "special offer", "buy ", "sleva", "nabídka", "rabatt", "angebot"];

impl Meta {
    /// The reviewer looks at every template that waits, and tells each verdict by webhook. How many
    /// were approved and how many rejected.
    pub async fn review(&self) -> (usize, usize) {
        let waiting: Vec<Template> = self
            .templates()
            .into_iter()
            .filter(|it| it.status == TemplateStatus::Pending)
            .collect();
        let (mut approved, mut rejected) = (0, 0);
        for template in waiting {
            if let Some(why) = objection(&template) {
                rejected += 1;
                let advice = "State plainly what happened, and that it is a service message.";
                self.reject_template(
                    &template.name,
                    &template.language,
                    "PROMOTIONAL",
                    why,
                    advice,
                )
                .await;
            } else {
                approved += 1;
                self.approve_template(&template.name, &template.language).await;
            }
        }
        (approved, rejected)
    }

    /// Approves it, and tells so.
    pub async fn approve_template(&self, name: &str, language: &str) -> Redelivered {
        self.set_template_status(name, language, TemplateStatus::Approved, json!({})).await
    }

    /// Rejects it with Meta's `reason` and what goes with it, and tells so.
    pub async fn reject_template(
        &self,
        name: &str,
        language: &str,
        reason: &str,
        why: &str,
        advice: &str,
    ) -> Redelivered {
        let told = json!({
            "reason": reason,
            "rejection_info": { "reason": why, "recommendation": advice },
        });
        self.set_template_status(name, language, TemplateStatus::Rejected, told).await
    }

    /// Pauses it for what people make of it, and tells so.
    pub async fn pause_template(&self, name: &str, language: &str) -> Redelivered {
        let told = json!({ "other_info": {
            "title": "FIRST_PAUSE",
            "description": "Your template has been paused for 3 hours because of its low quality.",
        } });
        self.set_template_status(name, language, TemplateStatus::Paused, told).await
    }

    /// Moves it to another category, and tells so.
    pub async fn move_template(&self, name: &str, language: &str, category: &str) -> Redelivered {
        let now = self.now();
        let before = self.change_template(name, language, |it| {
            let before = std::mem::replace(&mut it.category, category.to_owned());
            it.previous_category = Some(before.clone());
            before
        });
        let told = json!({ "previous_category": before, "new_category": category });
        let payload = self.template_webhook("template_category_update", name, language, now, told);
        delivery::until_accepted(&self.vendor().state, &payload).await
    }

    /// Rates it, and tells so.
    pub async fn rate_template(&self, name: &str, language: &str, score: &str) -> Redelivered {
        let before = self.change_template(name, language, |it| {
            std::mem::replace(&mut it.quality, score.to_owned())
        });
        let told = json!({ "previous_quality_score": before, "new_quality_score": score });
        let field = "message_template_quality_update";
        let payload = self.template_webhook(field, name, language, self.now(), told);
        delivery::until_accepted(&self.vendor().state, &payload).await
    }

    /// A webhook of `field` about a template, told at `at`, with `told` besides what names it. It is
    /// not delivered.
    pub fn template_webhook(
        &self,
        field: &str,
        name: &str,
        language: &str,
        at: DateTime<Utc>,
        told: Value,
    ) -> Value {
        let id = self.templates().into_iter().find(|it| it.is(name, language)).map(|it| it.id);
        let mut value = told;
        // Meta writes this id as a number.
        value["message_template_id"] = json!(id.and_then(|it| it.parse::<u64>().ok()));
        value["message_template_name"] = json!(name);
        value["message_template_language"] = json!(language);
        self.account_webhook(field, at, &value)
    }

    /// Somebody uses WhatsApp's own switch for marketing messages: `stop` or `resume`.
    pub async fn prefer(&self, who: &Sender, wish: &str) -> Redelivered {
        let now = self.now();
        let mut preference = json!({
            "detail": "User requested to change marketing messages",
            "category": "marketing_messages",
            "value": wish,
            "timestamp": now.timestamp(),
        });
        if let Some(phone) = &who.phone {
            preference["wa_id"] = json!(phone);
        }
        if let Some(user_id) = &who.user_id {
            preference["user_id"] = json!(user_id);
        }
        let options = self.options();
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": options.display_phone_number,
                "phone_number_id": options.phone_number_id,
            },
            "user_preferences": [preference],
        });
        let payload = self.account_webhook("user_preferences", now, &value);
        delivery::until_accepted(&self.vendor().state, &payload).await
    }

    /// Every template of the account.
    pub fn templates(&self) -> Vec<Template> {
        self.vendor().state.memory().templates.clone()
    }

    /// That many other templates were submitted just now: what remains of the hour's 100 is less.
    pub fn pretend_submitted(&self, count: usize) {
        submissions::pretend(&self.vendor().state, count);
    }

    fn account_webhook(&self, field: &str, at: DateTime<Utc>, value: &Value) -> Value {
        json!({
            "object": "whatsapp_business_account",
            "entry": [{
                "id": self.options().waba_id,
                "time": at.timestamp(),
                "changes": [{ "field": field, "value": value }],
            }],
        })
    }

    async fn set_template_status(
        &self,
        name: &str,
        language: &str,
        status: TemplateStatus,
        mut told: Value,
    ) -> Redelivered {
        let reason = told["reason"].as_str().unwrap_or("NONE").to_owned();
        let category = self.change_template(name, language, |it| {
            it.status = status;
            it.rejected_reason.clone_from(&reason);
            it.category.clone()
        });
        told["event"] = json!(status.word());
        told["reason"] = json!(reason);
        told["message_template_category"] = json!(category);
        let field = "message_template_status_update";
        let payload = self.template_webhook(field, name, language, self.now(), told);
        delivery::until_accepted(&self.vendor().state, &payload).await
    }

    fn change_template<T: Default>(
        &self,
        name: &str,
        language: &str,
        change: impl FnOnce(&mut Template) -> T,
    ) -> T {
        let mut memory = self.vendor().state.memory();
        memory.templates.iter_mut().find(|it| it.is(name, language)).map(change).unwrap_or_default()
    }
}

/// Why the reviewer does not like it.
fn objection(template: &Template) -> Option<&'static str> {
    let body = template.body.to_lowercase();
    if template.category != "UTILITY" {
        return None;
    }
    if body.contains("}}{{") || body.contains("}} {{") {
        return Some("Your template has parameters placed next to each other.");
    }
    if SELLS.iter().any(|it| body.contains(it)) || !SAYS_SO.iter().any(|it| body.contains(it)) {
        return Some("Promotional content disguised as service.");
    }
    None
}
