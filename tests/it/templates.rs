//! Templates from file to approval: `paragon templates` as a process, Meta's reviewer at the other
//! end, and what webhooks tell in between.

use std::path::Path;
use std::process::Output;

use chrono::TimeDelta;
use serde_json::{Value, json};
use simulators::MetaRoute;
use simulators::meta::{Template, TemplateStatus};

use crate::programs::{PARAGON, output, program, text};
use crate::rig::Rig;

/// The article's text that Meta rejected, and what it became.
const REJECTED: &str = "Your receipt has been processed, category: {{1}}";
const CORRECTED: &str =
    "Your receipt has been processed, category: {{1}}. This is a service message.";

fn shipped() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").display().to_string()
}

fn write(folder: &Path, body: &str) {
    let file = format!(
        "name = \"receipt_done\"\ncategory = \"UTILITY\"\n\
         [languages.en]\nbody = \"{body}\"\nexamples = [\"meals\"]\n"
    );
    std::fs::write(folder.join("receipt_done.toml"), file).unwrap();
}

/// `paragon templates …` with the rig's settings and its account.
fn paragon(rig: &Rig, arguments: &[&str]) -> Output {
    let mut settings = rig.environment().to_vec();
    settings.push(("WABA_ID".to_owned(), rig.meta.options().waba_id.clone()));
    output(PARAGON, &[&["templates"], arguments].concat(), &settings)
}

fn said(ended: &Output) -> String {
    format!("{}{}", text(&ended.stdout), text(&ended.stderr))
}

fn listed(rig: &Rig) -> Value {
    serde_json::from_slice(&paragon(rig, &["list", "--json"]).stdout).unwrap()
}

fn status_at_meta(rig: &Rig, name: &str) -> Option<TemplateStatus> {
    rig.meta.templates().into_iter().find(|it| it.name == name).map(|it| it.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_template_is_edited_submitted_again_and_approved() {
    let rig = Rig::start().await;
    let folder = tempfile::tempdir().unwrap();
    let submit = ["submit", "--dir", folder.path().to_str().unwrap()];

    write(folder.path(), REJECTED);
    let linted = paragon(&rig, &submit);
    assert_eq!(linted.status.code(), Some(1));
    assert!(said(&linted).contains("receipt_done.toml [en] service-message"), "{}", said(&linted));
    assert_eq!(
        rig.meta.count(MetaRoute::TemplateCreate),
        0,
        "nothing is submitted that lint flags"
    );

    write(folder.path(), CORRECTED);
    let submitted = paragon(&rig, &submit);
    assert!(submitted.status.success(), "{}", said(&submitted));
    let why = "Your template reads like promotion.";
    rig.meta.reject_template("receipt_done", "en", "PROMOTIONAL", why, "Say what happened.").await;
    let row = listed(&rig)[0].clone();
    assert_eq!((&row["name"], &row["status"]), (&json!("receipt_done"), &json!("REJECTED")));
    assert_eq!(row["reason"], json!(format!("PROMOTIONAL: {why}: Say what happened.")));

    let unchanged = paragon(&rig, &submit);
    assert_eq!(unchanged.status.code(), Some(1));
    assert!(said(&unchanged).contains("change the text"), "{}", said(&unchanged));

    write(folder.path(), &format!("We did what you asked us to. {CORRECTED}"));
    let edited = paragon(&rig, &submit);
    assert!(said(&edited).contains("edited, under review again"), "{}", said(&edited));
    assert_eq!(rig.meta.review().await, (1, 0));
    assert_eq!(status_at_meta(&rig, "receipt_done"), Some(TemplateStatus::Approved));
    let row = listed(&rig)[0].clone();
    assert_eq!((&row["status"], &row["reason"]), (&json!("APPROVED"), &Value::Null));
    assert_eq!(rig.meta.count(MetaRoute::TemplateCreate), 1);
    assert_eq!(rig.meta.count(MetaRoute::TemplateEdit), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_templates_pass_the_lint_and_metas_reviewer_and_are_submitted_once() {
    let rig = Rig::start().await;
    for language in ["en", "cs", "de"] {
        rig.meta.remove_template("receipt_result", language);
    }
    let submit = ["submit", "--dir", &shipped()];

    let first = paragon(&rig, &submit);
    assert!(first.status.success(), "{}", said(&first));
    assert_eq!(rig.meta.review().await, (6, 0));
    let second = paragon(&rig, &submit);

    assert!(second.status.success(), "{}", said(&second));
    assert_eq!(text(&second.stdout).matches("as Meta has it").count(), 6);
    assert_eq!(rig.meta.count(MetaRoute::TemplateCreate), 6);
    assert_eq!(rig.meta.count(MetaRoute::TemplateEdit), 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn meta_takes_a_hundred_new_ones_an_hour_and_the_rest_is_named() {
    let rig = Rig::start().await;
    rig.meta.pretend_submitted(98);
    let submit = ["submit", "--json", "--dir", &shipped()];
    for language in ["en", "cs", "de"] {
        rig.meta.remove_template("receipt_result", language);
    }

    let ended = paragon(&rig, &submit);

    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("4 of 6 texts are not submitted"), "{}", said(&ended));
    let rows: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let done = rows.as_array().unwrap().iter().filter(|it| it["done"] == true).count();
    assert_eq!(done, 2);
    rig.meta.advance(std::time::Duration::from_secs(3601));
    let again = paragon(&rig, &submit);
    assert!(again.status.success(), "{}", said(&again));
    rig.end().await;
}

#[test]
fn lint_needs_no_setting_and_names_file_language_rule_and_what_to_do() {
    let fine = output(PARAGON, &["templates", "lint", "--dir", &shipped()], &[]);
    assert!(fine.status.success(), "{}", said(&fine));
    assert!(text(&fine.stdout).contains("2 templates in 6 texts: nothing found"));

    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "{{1}} is on sale!!");
    let lint = ["templates", "lint", "--json", "--dir", folder.path().to_str().unwrap()];
    let flagged = output(PARAGON, &lint, &[]);
    assert_eq!(flagged.status.code(), Some(1));
    let rows: Value = serde_json::from_slice(&flagged.stdout).unwrap();
    let rules: Vec<&str> =
        rows.as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["parameter-at-end", "service-message", "advertising", "advertising"]);
    assert!(rows.as_array().unwrap().iter().all(|it| it["language"] == "en"));

    std::fs::write(folder.path().join("receipt_done.toml"), "name = \"x\"\ncategory = 3\n")
        .unwrap();
    let broken = output(PARAGON, &lint, &[]);
    assert!(said(&broken).contains("receipt_done.toml"), "{}", said(&broken));
    assert!(said(&broken).contains("line 2"), "{}", said(&broken));
}

#[test]
fn what_talks_to_meta_names_the_setting_that_it_lacks() {
    let with = |settings: &[(&str, &str)], arguments: &[&str]| {
        let settings: Vec<(String, String)> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let ended = output(PARAGON, &[&["templates"], arguments].concat(), &settings);
        (ended.status.code(), text(&ended.stderr))
    };
    let dir = shipped();
    let (code, said) = with(&[("WA_TOKEN", "t")], &["submit", "--dir", &dir]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("WABA_ID: not set"), "{said}");
    let (code, said) = with(&[("WABA_ID", "12")], &["submit", "--dir", &dir]);
    assert!(code == Some(78) && said.contains("WA_TOKEN: not set"), "{said}");
    let (code, said) = with(&[("WA_TOKEN", "t"), ("WABA_ID", "12")], &["sync"]);
    assert!(code == Some(78) && said.contains("DATABASE_URL: not set"), "{said}");
    let (code, said) = with(&[("WA_TOKEN", "t"), ("WABA_ID", "../12")], &["submit", "--dir", &dir]);
    assert!(code == Some(78) && said.contains("WABA_ID: want"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_templates_are_read_to_the_end_and_deleted_ones_are_seen() {
    let rig = Rig::start().await;
    for number in 0..230 {
        let name = format!("template_{number}");
        rig.meta.add_template(Template::approved(&name, "en", "This is a service message."));
    }
    assert!(paragon(&rig, &["sync"]).status.success());
    assert_eq!(rig.count("templates").await, 233);
    let pages = rig.meta.count(MetaRoute::Templates);
    assert_eq!(pages, 3);

    rig.meta.remove_template("template_7", "en");
    assert!(paragon(&rig, &["sync"]).status.success());

    let deleted: String =
        rig.value("select string_agg(name, ' ') from templates where status = 'DELETED'").await;
    assert_eq!(deleted, "template_7");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_moved_categories_and_quality_are_told_by_webhook_once_and_in_any_order() {
    let rig = Rig::start().await;
    assert!(paragon(&rig, &["sync"]).status.success());
    let now = rig.meta.now() + TimeDelta::seconds(2);
    let later = now + TimeDelta::seconds(30);
    rig.meta.advance(std::time::Duration::from_mins(1));
    let status = |at, event: &str| {
        let told = json!({ "event": event, "reason": "NONE" });
        let field = "message_template_status_update";
        rig.meta.template_webhook(field, "receipt_result", "en", at, told)
    };
    // Ours runs a minute behind Meta's: what is told of the future counts as now.
    let paused = status(later, "PAUSED");
    for payload in [&paused, &status(now, "APPROVED"), &paused] {
        assert_eq!(rig.meta.deliver(payload).await.unwrap().status, 200);
    }
    rig.meta.move_template("receipt_result", "cs", "MARKETING").await;
    rig.meta.move_template("receipt_result", "cs", "MARKETING").await;
    rig.meta.rate_template("receipt_result", "de", "RED").await;

    let rows = listed(&rig);
    let row = |language: &str| {
        rows.as_array().unwrap().iter().find(|it| it["language"] == language).unwrap().clone()
    };
    assert_eq!(row("en")["status"], "PAUSED");
    assert_eq!(row("cs")["category"], "MARKETING");
    assert_eq!(row("cs")["previous_category"], "UTILITY");
    assert_eq!(row("de")["quality"], "RED");
    let shown = text(&paragon(&rig, &["list"]).stdout);
    assert!(shown.contains("Meta moved it from UTILITY to MARKETING"), "{shown}");
    assert_eq!(rig.count("kept_items").await, 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_only_a_webhook_has_told_of_is_known() {
    let rig = Rig::start().await;
    let told = json!({ "event": "APPROVED" });
    let field = "message_template_status_update";
    let payload = rig.meta.template_webhook(field, "elsewhere", "fr", rig.meta.now(), told);
    assert_eq!(rig.meta.deliver(&payload).await.unwrap().status, 200);
    let row = listed(&rig)[0].clone();
    assert_eq!((&row["name"], &row["status"]), (&json!("elsewhere"), &json!("APPROVED")));
    rig.end().await;
}

/// The folder is optional: without one, the command says which it looked for.
#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ended = program(PARAGON, folder.path(), &[]).args(["templates", "lint"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("templates: the folder cannot be read (--dir)"));
}
