//! Reminders from the command line to the phone: once, to nobody who wants none, inside Meta's
//! limits, and counted as Meta bills them.

use std::process::Output;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use simulators::meta::{Sent, Statuses, Template, TemplateStatus};
use simulators::{Fault, MetaRoute, Sender};

use crate::programs::{PARAGON, output, text};
use crate::rig::{CAFE, CAT, Rig, somebody};

const BODY: &str = "This is a service message: the payment {{1}} of {{2}} is due on {{3}}, please.";
const PHONE: &str = "420777123456";
const PARAMETERS: [&str; 6] =
    ["--param", "VAT for October", "--param", "12 400 CZK", "--param", "25 Nov 2026"];

async fn rig() -> Rig {
    let rig = Rig::start().await;
    rig.meta.add_template(Template::approved("payment_reminder", "en", BODY));
    rig
}

/// `paragon …` with the rig's settings, its account and its number.
fn paragon(rig: &Rig, arguments: &[&str]) -> Output {
    let mut settings = rig.environment().to_vec();
    let options = rig.meta.options();
    settings.push(("WABA_ID".to_owned(), options.waba_id.clone()));
    settings.push(("PHONE_NUMBER_ID".to_owned(), options.phone_number_id.clone()));
    output(PARAGON, arguments, &settings)
}

#[track_caller]
fn remind(rig: &Rig, arguments: &[&str]) -> String {
    let all = [&["remind", "--template", "payment_reminder"], arguments].concat();
    let ended = paragon(rig, &all);
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    text(&ended.stdout)
}

#[track_caller]
fn remind_jana(rig: &Rig, more: &[&str]) -> String {
    remind(rig, &[&["--to", PHONE], &PARAMETERS[..], more].concat())
}

fn reminders(rig: &Rig) -> Vec<Sent> {
    let of_reminders =
        |it: &Sent| it.template.as_ref().is_some_and(|it| it.name == "payment_reminder");
    rig.meta.sent().into_iter().filter(of_reminders).collect()
}

/// A CSV file of so many people.
fn people(count: usize) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let line = |number| format!("4207771{number:05},VAT,{number} CZK,25 Nov 2026");
    let lines: Vec<String> =
        std::iter::once("to,what,amount,due".to_owned()).chain((0..count).map(line)).collect();
    std::fs::write(file.path(), lines.join("\n")).unwrap();
    file
}

async fn states(rig: &Rig) -> String {
    rig.value(
        "select coalesce(string_agg(state || ':' || count, ' ' order by state), '')
         from (select state, count(*) from ops.reminders group by state) as counted",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_is_sent_by_template_and_asked_for_twice_it_is_sent_once() {
    let rig = rig().await;

    let first = remind_jana(&rig, &[]);
    let second = remind_jana(&rig, &[]);
    rig.drain().await;
    let third = remind_jana(&rig, &[]);
    rig.drain().await;

    assert!(first.starts_with("1 reminders scheduled"), "{first}");
    for again in [second, third] {
        assert!(again.contains("1 were asked for before"), "{again}");
    }
    let sent = reminders(&rig);
    assert_eq!(sent.len(), 1);
    let template = sent[0].template.as_ref().unwrap();
    assert_eq!(template.parameters, ["VAT for October", "12 400 CZK", "25 Nov 2026"]);
    assert_eq!(sent[0].phone_number_id, rig.meta.options().phone_number_id);
    rig.hear_echoes().await;
    assert_eq!(states(&rig).await, "delivered:1");
    let under_a_key = remind_jana(&rig, &["--key", "november"]);
    assert!(under_a_key.starts_with("1 reminders scheduled"), "{under_a_key}");
    rig.drain().await;
    assert_eq!(reminders(&rig).len(), 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reminded_after_stop_and_again_after_start() {
    let rig = rig().await;
    let soon = (rig.meta.now() + TimeDelta::seconds(5)).to_rfc3339();
    remind_jana(&rig, &["--at", &soon]);
    rig.deliver([rig.meta.text(&somebody(), "STOP")]).await;
    rig.drain_until("select coalesce(bool_or(is_out), false) from opt_outs").await;

    rig.drain().await;

    assert_eq!(states(&rig).await, "withheld:1");
    let reason: String = rig.value("select reason from ops.reminders").await;
    assert_eq!(reason, "they have opted out");
    assert!(reminders(&rig).is_empty());

    rig.meta.advance(Duration::from_secs(1));
    rig.deliver([rig.meta.text(&somebody(), "START")]).await;
    rig.drain().await;
    remind_jana(&rig, &["--key", "again"]);
    rig.drain().await;
    assert_eq!(reminders(&rig).len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_meta_says_has_opted_out_is_not_asked_again() {
    let rig = rig().await;
    rig.meta.fault(MetaRoute::Messages, &Fault::Refuse { status: 400, code: "131050" }, 1);
    remind_jana(&rig, &["--key", "one"]);
    rig.drain_until("select exists (select from opt_outs where told_by = 'refusal' and is_out)")
        .await;

    remind_jana(&rig, &["--key", "two"]);
    rig.drain().await;

    assert!(reminders(&rig).is_empty());
    assert_eq!(rig.meta.count(MetaRoute::Messages), 1);
    assert_eq!(states(&rig).await, "withheld:2");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_people_are_reached_in_a_day_than_meta_allows_and_the_rest_waits() {
    let rig = rig().await;
    rig.meta.messaging_limit("TIER_3");
    let file = people(5);
    remind(&rig, &["--csv", file.path().to_str().unwrap()]);

    rig.drain_until(
        "select (select count(*) from reminders where state = 'sent') = 3
            and (select count(*) from reminders where reason like 'as many people as Meta allows%') = 2",
    )
    .await;
    assert_eq!(rig.meta.people_reached(), 3);
    assert_eq!(rig.meta.count(MetaRoute::Messages), 3, "nothing is sent to be refused");

    // Somebody who has just written takes no place.
    let waiting: String = rig
        .value(
            "select phone from reminders join senders on senders.id = sender_id
             where reason is not null order by reminders.id limit 1",
        )
        .await;
    rig.deliver([rig.meta.text(&Sender::with_phone(&waiting, "Eva"), "hello")]).await;
    let hurry = "update apalis_lease.jobs set run_at = now() where queue = 'reminders'";
    sqlx::query(hurry).execute(&rig.pool).await.unwrap();
    rig.drain_until("select (select count(*) from reminders where state = 'sent') = 4").await;
    assert_eq!(rig.meta.people_reached(), 3);

    // The limit has grown.
    rig.meta.messaging_limit("TIER_2K");
    let forget = "update messaging_limits set checked_at = checked_at - interval '2 hours'";
    sqlx::query(forget).execute(&rig.pool).await.unwrap();
    sqlx::query(hurry).execute(&rig.pool).await.unwrap();
    rig.drain().await;
    assert_eq!(reminders(&rig).len(), 5);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_waits_for_its_template_and_flows_on_when_it_is_approved() {
    let rig = Rig::start().await;
    let pending = Template::approved("payment_reminder", "en", BODY);
    rig.meta.add_template(pending.with_status(TemplateStatus::Pending));
    assert!(paragon(&rig, &["templates", "sync"]).status.success());
    let told = remind_jana(&rig, &[]);
    assert!(told.contains("the template is PENDING"), "{told}");

    rig.drain_until("select exists (select from ops.reminders where state = 'waiting')").await;
    assert_eq!(rig.count("send_attempts").await, 0);
    let reason: String = rig.value("select reason from ops.reminders").await;
    assert_eq!(reason, "the template payment_reminder (en) is PENDING");
    rig.meta.approve_template("payment_reminder", "en").await;
    rig.drain_until(
        "select exists (select from ops.reminders where state in ('sent', 'delivered'))",
    )
    .await;

    assert_eq!(reminders(&rig).len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_its_template_and_flows_on_when_it_is_approved() {
    let rig = Rig::start().await;
    let body =
        "This is a service message about {{1}}, {{2}}, {{3}} and {{4}}, thank you for all that.";
    let pending = Template::approved("receipt_result", "en", body);
    rig.meta.add_template(pending.with_status(TemplateStatus::Pending));
    assert!(paragon(&rig, &["templates", "sync"]).status.success());
    let photo = rig.photo(&somebody(), CAFE).at(rig.meta.now() - TimeDelta::hours(25));
    rig.deliver([photo.clone()]).await;

    rig.drain_until("select exists (select from ops.waiting_replies)").await;
    assert_eq!(rig.count("send_attempts").await, 0);
    let reason: String = rig.value("select reason from ops.waiting_replies").await;
    assert_eq!(reason, "the template receipt_result (en) is PENDING");
    rig.meta.approve_template("receipt_result", "en").await;
    rig.drain_until("select exists (select from replies where state = 'sent')").await;

    assert_eq!(rig.answers_to(&photo).len(), 1);
    assert_eq!(rig.count("ops.waiting_replies").await, 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_fit_its_template_is_withheld_and_says_why() {
    let rig = Rig::start().await;
    let body = "This is a service message about {{1}} and {{2}}, thank you for sending it.";
    rig.meta.add_template(Template::approved("receipt_result", "en", body));
    assert!(paragon(&rig, &["templates", "sync"]).status.success());
    let photo = rig.photo(&somebody(), CAFE).at(rig.meta.now() - TimeDelta::hours(25));

    rig.deliver([photo]).await;
    rig.drain().await;

    assert!(rig.meta.sent().is_empty());
    let reason: String = rig.value("select reason from replies where state = 'withheld'").await;
    assert_eq!(reason, "the template takes 2 parameters, 4 are given");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_with_names_is_filled_by_name() {
    let rig = Rig::start().await;
    let body = "This is a service message: on {{due}} the amount {{amount}} is due, thank you.";
    rig.meta.add_template(Template::approved("payment_reminder", "en", body));
    assert!(paragon(&rig, &["templates", "sync"]).status.success());
    let all = ["remind", "--template", "payment_reminder", "--to", PHONE];
    let wrong =
        paragon(&rig, &[&all[..], &["--param", "amount=5", "--param", "when=today"]].concat());
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("takes a parameter \"due\""), "{}", text(&wrong.stderr));

    remind(&rig, &["--to", PHONE, "--param", "amount=5", "--param", "due=today"]);
    rig.drain().await;

    let sent = reminders(&rig);
    assert_eq!(sent[0].template.as_ref().unwrap().parameters, ["today", "5"]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_was_sent_and_lost_on_the_way_back_is_not_sent_again() {
    let rig = rig().await;
    rig.meta.fault(MetaRoute::Messages, &Fault::DoneButAnswerLost, 1);
    remind_jana(&rig, &[]);

    rig.drain().await;

    assert_eq!(reminders(&rig).len(), 1);
    rig.hear_echoes().await;
    assert_eq!(states(&rig).await, "delivered:1");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_all_named_before_anything_is_scheduled() {
    let rig = rig().await;
    assert!(paragon(&rig, &["templates", "sync"]).status.success());
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let remind = ["remind", "--template", "payment_reminder", "--csv", path];
    std::fs::write(
        file.path(),
        "to,what,amount,due\n420777123456,VAT,1,today\nx,VAT,2,today\n12,,,\n",
    )
    .unwrap();
    let ended = paragon(&rig, &remind);
    assert_eq!(ended.status.code(), Some(1));
    let said = text(&ended.stderr);
    assert!(
        said.contains("line 3: want a phone") && said.contains("line 4: want a phone"),
        "{said}"
    );

    std::fs::write(file.path(), "to,what\n420777123456,VAT\n").unwrap();
    let ended = paragon(&rig, &remind);
    let said = text(&ended.stderr);
    assert!(said.contains("line 2: the template takes 3 parameters, 1 are given"), "{said}");
    assert_eq!(rig.count("reminders").await, 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_and_reckons_and_writes_nothing() {
    let rig = rig().await;
    assert!(paragon(&rig, &["templates", "sync"]).status.success());
    assert!(rig.meta.prefer(&Sender::with_phone("420777100002", "Ota"), "stop").await.accepted());
    let file = people(10);
    let dry = ["--csv", file.path().to_str().unwrap(), "--dry-run"];

    let priced = remind(&rig, &[&dry[..], &["--price", "0.0315 EUR"]].concat());
    let unpriced = remind(&rig, &dry);
    let json = remind(&rig, &[&dry[..], &["--json"]].concat());

    assert!(priced.contains("10 reminders would be scheduled"), "{priced}");
    assert!(priced.contains("payment_reminder (en), UTILITY"), "{priced}");
    assert!(priced.contains("1 of them go to nobody: opted out"), "{priced}");
    assert!(priced.contains("cost of 9 messages: 0.2835 EUR"), "{priced}");
    assert!(unpriced.contains("cost of 9 messages: unknown; give --price"), "{unpriced}");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["new"], &json["opted_out"]), (&Value::from(10), &Value::from(1)));
    assert_eq!(rig.count("reminders").await, 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_reminder_is_not_sent_and_the_past_is_refused() {
    let rig = rig().await;
    let soon = (rig.meta.now() + TimeDelta::seconds(3)).to_rfc3339();
    remind_jana(&rig, &["--at", &soon]);
    let id: i64 = rig.value("select id from ops.reminders").await;

    let cancelled = paragon(&rig, &["remind", "--cancel", &id.to_string(), "999"]);
    rig.drain().await;

    assert!(text(&cancelled.stdout).starts_with("1 of 2 cancelled"), "{}", text(&cancelled.stdout));
    assert!(reminders(&rig).is_empty());
    assert_eq!(states(&rig).await, "cancelled:1");
    for at in ["2020-01-01T00:00:00Z", "tomorrow", "2027-01-01 09:00"] {
        let all = ["remind", "--template", "x", "--to", PHONE, "--at", at];
        let ended = paragon(&rig, &all);
        assert_eq!(ended.status.code(), Some(1));
        assert!(text(&ended.stderr).contains("--at:"), "{}", text(&ended.stderr));
    }
    rig.end().await;
}

#[test]
fn remind_names_the_setting_that_it_lacks() {
    let remind = ["remind", "--template", "x", "--to", PHONE];
    let with = |settings: &[(&str, &str)]| {
        let settings: Vec<(String, String)> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let ended = output(PARAGON, &remind, &settings);
        (ended.status.code(), text(&ended.stderr))
    };
    let (code, said) = with(&[]);
    assert!(code == Some(78) && said.contains("DATABASE_URL: not set"), "{said}");
    let (code, said) = with(&[("DATABASE_URL", "postgres://localhost/x")]);
    assert!(code == Some(78) && said.contains("PHONE_NUMBER_ID: not set"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_for_each_number_and_month_is_what_meta_bills() {
    let rig = rig().await;
    rig.meta.free_service_messages(2);
    rig.meta.statuses(Statuses::UntilRead);
    // Last month: answers to old photos go by template.
    let now = rig.meta.now();
    rig.meta.set_now(now - TimeDelta::days(32));
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    rig.hear_echoes().await;
    rig.meta.set_now(now);
    // This month: five answers in words, of which two are free; reminders; and dearer ones.
    for _ in 0..5 {
        rig.deliver([rig.photo(&somebody(), CAT)]).await;
        rig.drain().await;
    }
    let file = people(3);
    remind(&rig, &["--csv", file.path().to_str().unwrap()]);
    rig.drain().await;
    rig.meta.move_template("payment_reminder", "en", "MARKETING").await;
    rig.meta.statuses(Statuses::DeliveredThenSent);
    remind_jana(&rig, &[]);
    rig.drain().await;
    // One that does not arrive costs nothing.
    rig.meta.statuses(Statuses::Failed(131_026));
    remind_jana(&rig, &["--key", "fails"]);
    rig.drain().await;
    rig.wait_for_row(
        "select not exists (select from send_attempts where delivery is distinct from 'failed'
                            and counted_at is null)",
    )
    .await;

    let counted: Vec<(String, String, String, String, i64, i64)> = sqlx::query_as(
        "select number, to_char(month, 'YYYY-MM'), category, pricing_type, billable_messages, free_messages
         from ops.costs
         order by 1, 2, 3, 4",
    )
    .fetch_all(&rig.pool)
    .await
    .unwrap();
    let billed: Vec<_> = rig
        .meta
        .bill()
        .into_iter()
        .map(|((number, month, category, kind), paid, free)| {
            (number, month, category, kind, paid, free)
        })
        .collect();
    assert_eq!(counted, billed);
    assert_eq!(billed.len(), 5, "two months, three categories, free and not: {billed:?}");
    rig.end().await;
}
