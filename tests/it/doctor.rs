//! `paragon doctor` finds what is broken, names it and says what to do: each finding, by breaking that
//! thing.

use private_postgres::Stop;
use serde_json::Value;
use simulators::meta::{Health, Template, TemplateStatus};
use simulators::{Fault, MetaRoute};

use crate::programs::{INGRESS, PARAGON, Running, free_port, output, ready, text};
use crate::rig::{Rig, TESSERACT, somebody};

/// What doctor finds with these settings besides (an empty value takes one away).
fn findings(rig: &Rig, changes: &[(&str, &str)]) -> Vec<Value> {
    let mut settings = rig.environment().to_vec();
    let options = rig.meta.options();
    settings.push(("WABA_ID".to_owned(), options.waba_id.clone()));
    settings.push(("PHONE_NUMBER_ID".to_owned(), options.phone_number_id.clone()));
    settings.push(("SPOOL_MAX_BYTES".to_owned(), "1000000".to_owned()));
    settings.extend(changes.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    let ended = output(PARAGON, &["doctor", "--json"], &settings);
    let findings: Vec<Value> = serde_json::from_slice(&ended.stdout)
        .unwrap_or_else(|_| panic!("{}{}", text(&ended.stdout), text(&ended.stderr)));
    let ill = findings.iter().any(|it| it["well"] == false);
    assert_eq!(ended.status.code(), Some(i32::from(ill)), "{}", text(&ended.stderr));
    let said = text(&ended.stdout) + &text(&ended.stderr);
    for secret in [&options.access_token, &options.app_secret, &rig.stripe.options().secret_key] {
        assert!(!said.contains(secret.as_str()), "a secret is shown: {said}");
    }
    findings
}

/// What is not well: about what, what is wrong, and what to do.
fn ailments(rig: &Rig, changes: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let word = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let ill = findings(rig, changes).into_iter().filter(|it| it["well"] == false);
    ill.map(|it| (word(&it, "about"), word(&it, "found"), word(&it, "remedy")))
        // A container's own layer is no place for a spool, and tests run in containers.
        .filter(|(about, found, _)| about != "spool" || !found.contains("is gone with it"))
        .collect()
}

/// With these settings exactly one thing is wrong: `about`, in words with `found` in them.
#[track_caller]
fn check_with(rig: &Rig, changes: &[(&str, &str)], about: &str, found: &str) {
    let ailments = ailments(rig, changes);
    assert_eq!(ailments.len(), 1, "{about}: {ailments:?}");
    let (of, what, remedy) = &ailments[0];
    assert_eq!(of, about, "{ailments:?}");
    assert!(what.contains(found), "{what}");
    assert!(remedy.len() > 10, "{remedy}");
}

/// The account as `change` makes it: exactly one thing is wrong. Then it is well again.
#[track_caller]
fn check(rig: &Rig, change: impl FnOnce(&mut Health), about: &str, found: &str) {
    rig.meta.health(change);
    check_with(rig, &[], about, found);
    rig.meta.health(|it| *it = Health::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_doctor_says_so_of_everything_and_leaves_no_trace_of_anybody() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    assert_eq!(ailments(&rig, &[]), []);
    let about: Vec<String> =
        findings(&rig, &[]).iter().map(|it| it["about"].as_str().unwrap().to_owned()).collect();
    let all = [
        "database",
        "migrations",
        "clock of Postgres",
        "customers",
        "test recipients",
        "events",
        "API keys",
        "token",
        "clock of Meta",
        "business",
        "subscribed app",
        "templates",
        "display name",
        "number",
        "account mode",
        "sending",
        "app secret",
        "webhook fields",
        "override URLs",
        "webhook",
        "signature",
        "Stripe",
        "reading on this machine",
        "categories",
        "spool",
    ];
    assert_eq!(about, all);
    assert_eq!(rig.count("kept_items").await, 0);
    assert_eq!(rig.count("messages").await, 0);
    assert_eq!(rig.count("parked_statuses").await, 1, "the self-test's, however often it is run");
    assert_eq!(rig.stripe.customers().len(), 0);
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/doctor.md"));
    let page = page.unwrap();
    for about in all.iter().chain(&["reading by anthropic"]) {
        assert!(page.contains(&format!("| {about} |")), "docs/doctor.md lacks {about}");
    }
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_at_meta_is_found() {
    let rig = Rig::start().await;
    let soon = (rig.meta.now() + chrono::TimeDelta::days(2)).timestamp();
    check(&rig, |it| it.token_expires_at = soon, "token", "it dies at");
    check(&rig, |it| drop(it.scopes.remove(0)), "token", "whatsapp_business_management");
    check(&rig, |it| it.clock_ahead_s = 90, "clock of Meta", "ahead");
    check(&rig, |it| it.business_verification = "pending".into(), "business", "pending");
    check(&rig, |it| it.account_review = "REJECTED".into(), "business", "REJECTED");
    check(&rig, |it| it.name_status = "DECLINED".into(), "display name", "DECLINED");
    check(&rig, |it| it.number_status = "PENDING".into(), "number", "PENDING");
    check(&rig, |it| it.quality = "RED".into(), "number", "RED");
    check(&rig, |it| it.can_send = "BLOCKED".into(), "sending", "BLOCKED");
    check(&rig, |it| it.subscribed = false, "subscribed app", "not subscribed");
    check(&rig, |it| it.fields.retain(|it| it != "messages"), "webhook fields", "messages");
    // A number of the sandbox is no mistake; it is said.
    rig.meta.health(|it| it.account_mode = "SANDBOX".into());
    let findings = findings(&rig, &[]);
    let mode = findings.iter().find(|it| it["about"] == "account mode").unwrap();
    assert!(mode["found"].as_str().unwrap().contains("five confirmed recipients"));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_a_wrong_secret_and_templates_that_cannot_be_sent_are_found() {
    let rig = Rig::start().await;
    let receipt = || Template::approved("receipt_result", "en", "Booked: {{1}} {{2}} {{3}} {{4}}.");
    rig.meta.remove_template("receipt_result", "en");
    check_with(&rig, &[], "templates", "there is no receipt_result in en");
    let mut paused = receipt();
    paused.status = TemplateStatus::Paused;
    rig.meta.add_template(paused);
    check_with(&rig, &[], "templates", "PAUSED");
    rig.meta.add_template(receipt());
    check_with(&rig, &[("REPLY_TEMPLATE", "other")], "templates", "there is no other");
    check_with(&rig, &[("REPLY_LANGUAGE", "xx")], "templates", "REPLY_LANGUAGE");

    let ill = ailments(&rig, &[("META_APP_SECRET", "wrong")]);
    let about: Vec<&str> = ill.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(about, ["app secret", "signature"], "{ill:?}");
    assert!(ill[1].1.contains("was refused"), "{ill:?}");

    let ill = ailments(&rig, &[("WA_TOKEN", "dead")]);
    assert_eq!(ill.len(), 1, "{ill:?}");
    assert!(ill[0].1.contains("dead") && ill[0].2.contains("WA_TOKEN"), "{ill:?}");
    rig.meta.fault(MetaRoute::DebugToken, &Fault::INTERNAL_ERROR, 1);
    let ill = ailments(&rig, &[]);
    assert_eq!(ill[0].0, "token", "{ill:?}");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_cannot_be_reached_or_goes_elsewhere_is_found() {
    let rig = Rig::start().await;
    check_with(&rig, &[("META_VERIFY_TOKEN", "wrong")], "webhook", "HTTP 403");
    let url = format!("{}/elsewhere", rig.ingress_url);
    rig.meta.health(|it| it.callback_url = Some(url));
    let ill = ailments(&rig, &[]);
    assert_eq!(ill.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["webhook", "signature"]);
    assert!(ill[0].1.contains("HTTP 404") && ill[0].2.contains("/webhook"), "{ill:?}");
    rig.meta
        .health(|it| it.callback_url = Some(format!("http://127.0.0.1:{}/webhook", free_port())));
    let ill = ailments(&rig, &[]);
    assert!(ill[0].1.contains("could not connect"), "{ill:?}");
    rig.meta.health(|it| *it = Health::default());

    // An ingress with another secret, by an override that nobody thought of.
    let port = free_port();
    let mut settings = rig.environment().to_vec();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    settings.push(("META_APP_SECRET".into(), "another".into()));
    let other = Running::start(INGRESS, &settings);
    ready(port).await;
    rig.meta.health(|it| it.number_override = Some(format!("http://127.0.0.1:{port}/webhook")));
    let ill = ailments(&rig, &[]);
    assert_eq!(
        ill.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(),
        ["override URLs", "signature"],
        "{ill:?}"
    );
    drop(other);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_stripe_reading_the_disk_or_settings_is_found() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    check_with(&rig, &[("STRIPE_SECRET_KEY", "sk_test_wrong")], "Stripe", "not accepted");
    rig.stripe.without_search();
    let found = findings(&rig, &[]);
    let stripe = found.iter().find(|it| it["about"] == "Stripe").unwrap();
    assert!(stripe["well"] == true && stripe["found"].as_str().unwrap().contains("listed"));
    rig.stripe.with_search();

    let claude = |changes: &[(&str, &str)], found: &str| {
        let changes = [&[("OCR_ENGINES", "anthropic")], changes].concat();
        check_with(&rig, &changes, "reading by anthropic", found);
    };
    assert_eq!(ailments(&rig, &[("OCR_ENGINES", "anthropic")]), []);
    claude(&[("ANTHROPIC_API_KEY", "wrong")], "HTTP 401");
    claude(&[("ANTHROPIC_API_KEY", "")], "not set");
    claude(&[("ANTHROPIC_MODEL", "gpt")], "HTTP 404");
    check_with(&rig, &[("PATH", "/nowhere")], "reading on this machine", "tesseract");
    let nowhere = [("OCR_ENGINES", "ppocr"), ("OCR_MODELS_DIR", "/nowhere")];
    check_with(&rig, &nowhere, "reading on this machine", "");
    check_with(&rig, &[("CATEGORIES_FILE", "/nowhere")], "categories", "CATEGORIES_FILE");

    check_with(&rig, &[("SPOOL_DIR", "/nowhere/at/all")], "spool", "no folder");
    // Where Linux keeps what it keeps in memory.
    if let Ok(fleeting) = tempfile::tempdir_in("/dev/shm") {
        let found = findings(&rig, &[("SPOOL_DIR", fleeting.path().to_str().unwrap())]);
        let spool = found.iter().find(|it| it["about"] == "spool").unwrap();
        let said = spool["found"].as_str().unwrap();
        assert!(spool["well"] == false && said.contains("in memory (tmpfs)"), "{said}");
    }
    check_with(&rig, &[("SPOOL_MAX_BYTES", "9000000000000000000")], "spool", "SPOOL_MAX_BYTES");
    std::fs::write(rig.spool.path().join("set-aside/0190.spool"), b"").unwrap();
    check_with(&rig, &[], "spool", "1 files");
    std::fs::remove_file(rig.spool.path().join("set-aside/0190.spool")).unwrap();

    for (name, about) in [
        ("DATABASE_URL", "database"),
        ("WA_TOKEN", "token"),
        ("WABA_ID", "account"),
        ("STRIPE_SECRET_KEY", "Stripe"),
        ("META_VERIFY_TOKEN", "webhook"),
    ] {
        check_with(&rig, &[(name, "")], about, "not set");
    }
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_database_is_found() {
    let mut rig = Rig::start().await;
    sqlx::query(
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)",
    )
    .execute(&rig.pool)
    .await
    .unwrap();
    check_with(&rig, &[], "migrations", "older than this program");
    rig.cluster.stop(Stop::Fast).await.unwrap();
    check_with(&rig, &[], "database", "Postgres did not answer");
    rig.cluster.start_again().await.unwrap();
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_number_that_writes_to_no_test_recipient_is_found() {
    let mut rig = Rig::start().await;
    let refuse = Fault::Refuse { status: 400, code: "131030" };
    rig.meta.fault_always(MetaRoute::Messages, refuse);
    rig.deliver([rig.meta.text(&somebody(), "hello")]).await;
    rig.drain().await;
    rig.meta.clear_faults();
    check_with(&rig, &[], "test recipients", "131030");
    rig.end_with_dead_jobs().await;
}
